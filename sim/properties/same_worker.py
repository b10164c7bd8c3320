"""All activities of a session run on one worker object."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.protocol import observations as obs


class _Observer(Observer):
    """The worker object is the one whose queue the session was given."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.AttemptBegan: self._began}

    def _began(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is None:
            return
        self.exercised += 1
        worker = self.scene.workers[node]
        if worker.resource_queue != session.bound_queue:
            self.violated(time, f"{o.label or o.activity_type} of {session.name} runs on {worker.identity}, the session is bound to "
                          f"{session.bound_queue}", session, worker)  # fmt: skip


PROPERTY = Property(
    name="same_worker",
    sentence="All activities of a session run on one worker object.",
    source="documentation, Basic Usage: “all the Activities executed within a session will be processed by the same worker”",
    needs=(obs.WorkerStarted, obs.AttemptBegan),
    history_decides=True,
    observer=_Observer,
    timeless=True,
)
