"""Creation goes to the queue of the activity options, else of the start options."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.resources import creation_queue
from sim.workflow.sessions import CREATION_ACTIVITY


class _Observer(Observer):
    """Remembers which queue was in force until the creation activity is scheduled."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._expected: dict[str, str] = {}

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionAsked: self._asked, obs.ActivityScheduled: self._scheduled, obs.WorkflowClosed: self._closed}

    def _asked(self, time: int, node: str, o: seen.SessionAsked) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and not o.recreated:
            self._expected[o.session] = creation_queue(o.options_queue or session.run.task_queue, o.resources)

    def _scheduled(self, time: int, node: str, o: obs.ActivityScheduled) -> None:
        if o.activity_type != CREATION_ACTIVITY:
            return
        expected = self._expected.pop(o.session, None)
        if expected is None:
            return
        self.exercised += 1
        if o.task_queue != expected:
            session = self.scene.sessions.get(o.session)
            self.violated(time, f"{o.session} is to be created on {expected} and goes to {o.task_queue}", session)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for name in run.sessions if run is not None else ():
            self._expected.pop(name, None)


PROPERTY = Property(
    name="creation_queue",
    sentence="Creation goes to the queue of the activity options, else of the start options.",
    source="documentation, Basic Usage: “it will check the task queue name specified in the ActivityOptions (or in the "
    "StartWorkflowOptions if the task queue name is not specified in ActivityOptions)”",
    needs=(obs.WorkflowStarted, seen.SessionAsked, obs.ActivityScheduled, obs.WorkflowClosed),
    observer=_Observer,
    timeless=True,
)
