"""An epoch of a host session belongs to one process."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs


class _Observer(Observer):
    """Remembers which worker object began activities of a session at which epoch."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._began: dict[str, dict[int, str]] = {}
        """Session -> epoch -> worker node."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.AttemptBegan: self._begins, obs.WorkflowClosed: self._closed}

    def _begins(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is None or not o.epoch:
            return
        epochs = self._began.setdefault(session.name, {})
        first = epochs.setdefault(o.epoch, node)
        # Put to the test once the session has been taken up, or another process works for it.
        self.exercised += len(epochs) > 1 or first != node
        if first != node:
            worker = self.scene.workers[node]
            label = o.label or o.activity_type
            message = f"{label} of {session.name} begins on {worker.identity} at epoch {o.epoch}, at which {first} has worked before"
            self.violated(time, message, session, worker)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for name in run.sessions if run is not None else ():
            self._began.pop(name, None)


PROPERTY = Property(
    name="no_two_incarnations",
    sentence="Activities of a host session at one epoch begin on one worker object, never on two.",
    source="docs/design/host-sessions.md, Epochs; documentation, Future Work: “the session should be automatically re-established if the "
    "worker process is restarted”",
    needs=(obs.WorkerStarted, obs.AttemptBegan, obs.WorkflowClosed),
    observer=_Observer,
    timeless=True,
)
