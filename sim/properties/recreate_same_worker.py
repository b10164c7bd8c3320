"""A recreated session runs where the token says."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.protocol import observations as obs
from sim.workflow import seen


class _Observer(Observer):
    """The token names a worker's own queue; whoever takes a slot for the session has to be that worker."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.TokenTaken: self._taken, seen.SessionCreated: self._created}

    def _taken(self, time: int, node: str, o: obs.TokenTaken) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None or not session.recreated:
            return
        self.exercised += 1
        worker = self.scene.workers[node]
        if not worker.serves(session.queue):
            self.violated(time, f"{worker.identity} takes {session.name}, whose token names {session.queue}", session, worker)

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None or not session.recreated or o.task_queue == session.queue:
            return
        if session.worker is None or not session.worker.serves(session.queue):
            self.violated(time, f"{session.name} is bound to {o.task_queue}, its token names {session.queue}", session)


PROPERTY = Property(
    name="recreate_same_worker",
    sentence="A recreated session runs where the token says.",
    source="documentation, Recreate Session: “a recreateToken, which is needed to create a new session on the same worker as the "
    "previous one”",
    needs=(obs.WorkerStarted, obs.TokenTaken, seen.SessionAsked, seen.SessionCreated),
    history_decides=True,
    observer=_Observer,
    timeless=True,
)
