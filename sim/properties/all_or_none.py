"""A session holds all the resources that it asked for, or none."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.resources import Amounts, spelled


class _Observer(Observer):
    """What workflow code asked for, against what a worker takes for it, and whether a session opens that holds nothing."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._asked: dict[str, Amounts] = {}
        self._holds: dict[str, bool] = {}
        """Session -> whether some worker took resources for it."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            seen.SessionAsked: self._asks,
            obs.ResourcesTaken: self._taken,
            seen.SessionCreated: self._created,
            seen.SessionNotCreated: lambda time, node, o: self._forget(o.session),
            obs.WorkflowClosed: self._closed,
        }

    def _asks(self, time: int, node: str, o: seen.SessionAsked) -> None:
        if o.resources:
            self._asked[o.session] = o.resources
            self._holds.setdefault(o.session, False)

    def _taken(self, time: int, node: str, o: obs.ResourcesTaken) -> None:
        asked = self._asked.get(o.session)
        if asked is None:
            return
        self._holds[o.session] = True
        # One unit of one type is all or none anyway.
        self.exercised += sum(units for _, units in asked) > 1
        if o.taken != asked:
            message = f"{o.session} asks for {spelled(asked)}, and {o.identity} takes {spelled(o.taken) or 'nothing'} for it"
            self.violated(time, message, self.scene.sessions.get(o.session), self.scene.workers.get(node))

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        if o.session in self._asked and not self._holds[o.session]:
            message = f"{o.session} is open, and no worker took {spelled(self._asked[o.session])} for it"
            self.violated(time, message, self.scene.sessions.get(o.session))

    def _forget(self, session: str) -> None:
        self._asked.pop(session, None)
        self._holds.pop(session, None)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for name in run.sessions if run is not None else ():
            self._forget(name)


PROPERTY = Property(
    name="all_or_none",
    sentence="A session that asks for resources is given all of them at one worker object in one step, or none.",
    source="docs/design/typed-resources.md, What is promised; documentation, Future Work: “specify what type of resource your session will "
    "consume”",
    needs=(seen.SessionAsked, obs.ResourcesTaken, seen.SessionCreated, obs.WorkflowClosed),
    observer=_Observer,
    timeless=True,
)
