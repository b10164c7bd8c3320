"""A worker's sessions never hold more of a resource than it has, and what none of them holds is free."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting, Subject
from sim.properties.scene import Scene
from sim.protocol import observations as obs
from sim.workflow.sessions import CREATION_ACTIVITY

Holder = tuple[str, str, int]
"""(worker node, session, attempt of its creation activity)."""


class _Observer(Observer):
    """Counts what sessions asked for, whatever the worker says it took, and compares with what it has and says is free."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._has: dict[str, dict[str, int]] = {}
        self._holds: dict[Holder, dict[str, int]] = {}

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.WorkerHasResources: self._started,
            obs.ResourcesTaken: self._taken,
            obs.ResourcesReturned: self._returned,
            obs.AttemptEnded: self._ended,
            obs.FaultHappened: self._fault,
        }

    def _started(self, time: int, node: str, o: obs.WorkerHasResources) -> None:
        self._has[node] = dict(o.resources)

    def _taken(self, time: int, node: str, o: obs.ResourcesTaken) -> None:
        self._holds[node, o.session, o.attempt] = dict(o.demand)
        held = self._held(node)
        # Put to the test when a type is used up: the next unit would be one too many.
        self.exercised += any(held.get(kind, 0) >= has for kind, has in self._has[node].items())
        for kind, units in held.items():
            has = self._has[node].get(kind, 0)
            if units > has:
                self._violated(time, node, o.session, f"{o.identity}: its sessions hold {units} {kind}, it has {has}")

    def _returned(self, time: int, node: str, o: obs.ResourcesReturned) -> None:
        self._holds.pop((node, o.session, o.attempt), None)
        held, free = self._held(node), dict(o.free)
        for kind, has in self._has[node].items():
            if held.get(kind, 0) + free.get(kind, 0) != has:
                message = f"{o.identity} has {has} {kind}: its sessions hold {held.get(kind, 0)}, and {free.get(kind, 0)} are free"
                self._violated(time, node, o.session, message)

    def _ended(self, time: int, node: str, o: obs.AttemptEnded) -> None:
        if o.activity_type == CREATION_ACTIVITY and self._holds.pop((node, o.session, o.attempt), None) is not None:
            self._violated(time, node, o.session, f"{o.identity}: the creation activity of {o.session} ends and keeps its resources")

    def _held(self, node: str) -> dict[str, int]:
        held: dict[str, int] = {}
        for (holder, _, _), demand in self._holds.items():
            for kind, units in demand.items() if holder == node else ():
                held[kind] = held.get(kind, 0) + units
        return held

    def _violated(self, time: int, node: str, session: str, message: str) -> None:
        self.violated(time, message, self.scene.sessions.get(session), self.scene.workers.get(node))

    def _fault(self, time: int, node: str, o: obs.FaultHappened) -> None:
        if o.kind in ("kill", "lose_machine", "exit"):
            for gone in [known for known in self._has if known.partition("/")[0] == o.place]:
                del self._has[gone]
                for key in [key for key in self._holds if key[0] == gone]:
                    del self._holds[key]


PROPERTY = Property(
    name="resource_limit",
    sentence="The sessions of a worker object never hold more of a resource than it has, and what none of them holds is free.",
    source="docs/design/typed-resources.md, What is promised; documentation, Future Work: “enforce different limitations on different "
    "types of resources”",
    needs=(obs.WorkerStarted, obs.WorkerHasResources, obs.ResourcesTaken, obs.ResourcesReturned, obs.AttemptEnded),
    observer=_Observer,
    timeless=True,
    subject=Subject.WORKER,
)
