"""Sessions that wait for a slot, and slots that are taken, over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sim.properties.base import Listener, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs
from sim.scenario.measures.base import Curve, Measure
from sim.scenario.operations import GONE
from sim.workflow import seen


class Queue(Measure):
    """A session waits from CreateSession until that returns or its run is closed."""

    columns: ClassVar = ("queue_mean", "queue_max", "slots_max_used", "queue_curve", "slots_curve")

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._waiting: dict[str, str] = {}
        self._queue = Curve()
        self._slots = Curve()
        self._held: dict[str, int] = {}

    def listeners(self) -> Mapping[type, Listener]:
        """What is seen."""
        return {
            seen.SessionAsked: self._asked,
            seen.SessionCreated: self._answered,
            seen.SessionNotCreated: self._answered,
            obs.WorkflowClosed: self._closed,
            obs.TokenTaken: lambda time, node, o: self._hold(time, node, 1),
            obs.TokenReturned: lambda time, node, o: self._hold(time, node, -1),
            obs.FaultHappened: self._fault,
        }

    def _asked(self, time: int, node: str, o: seen.SessionAsked) -> None:
        if o.session not in self._waiting:
            self._waiting[o.session] = o.run
            self._queue.change(time, 1)

    def _answered(self, time: int, node: str, o: seen.SessionCreated | seen.SessionNotCreated) -> None:
        if self._waiting.pop(o.session, None) is not None:
            self._queue.change(time, -1)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for session in run.sessions if run is not None else ():
            if self._waiting.pop(session, None) is not None:
                self._queue.change(time, -1)

    def _hold(self, time: int, node: str, by: int) -> None:
        self._held[node] = self._held.get(node, 0) + by
        self._slots.change(time, by)

    def _fault(self, time: int, node: str, o: obs.FaultHappened) -> None:
        if o.kind in GONE:
            for worker in [w for w in self._held if w.partition("/")[0] == o.place]:
                self._slots.change(time, -self._held.pop(worker))

    def values(self, end: int) -> dict[str, Any]:
        """The figures."""
        return {
            "queue_mean": self._queue.mean(end),
            "queue_max": self._queue.highest,
            "slots_max_used": self._slots.highest,
            "queue_curve": self._queue.to_plain(end),
            "slots_curve": self._slots.to_plain(end),
        }
