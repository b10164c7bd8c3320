"""The worker that holds the session's slot is the one its activities run on."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import State
from sim.protocol import observations as obs
from sim.workflow import seen


class _Observer(Observer):
    """The creation activity's holder of a token heartbeats; the binding says where activities go. Both have to be one.

    A host session that has lost its process is bound to nobody until it is taken up, by whoever took a slot for it last.
    """

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.TokenTaken: self._taken, seen.SessionCreated: self._created, seen.SessionReattached: self._reattached}

    def _taken(self, time: int, node: str, o: obs.TokenTaken) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and session.state is State.OPEN and not session.detached:
            worker = self.scene.workers[node]
            if worker.resource_queue != session.bound_queue:
                message = f"{worker.identity} takes the slot of {session.name}, whose activities go to {session.bound_queue}"
                self.violated(time, message, session, worker)

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None:
            return
        self.exercised += 1
        for holder in session.holders:
            worker = self.scene.workers.get(holder)
            if worker is not None and worker.resource_queue != session.bound_queue:
                message = f"{session.name} is bound to {session.bound_queue}, but {worker.identity} holds its slot"
                self.violated(time, message, session, worker)

    def _reattached(self, time: int, node: str, o: seen.SessionReattached) -> None:
        session = self.scene.sessions.get(o.session)
        worker = self.scene.workers.get(session.taker) if session is not None else None
        self.exercised += session is not None
        if session is not None and worker is not None and worker.resource_queue != o.task_queue:
            self.violated(time, f"{session.name} is bound to {o.task_queue}, but {worker.identity} holds its slot", session, worker)


PROPERTY = Property(
    name="one_binding",
    sentence="The worker that holds the session's slot and heartbeats is the one its activities run on.",
    source="documentation, Basic Usage: “create the session on one of the workers”; “if the worker executing this session dies”",
    needs=(obs.WorkerStarted, obs.TokenTaken, seen.SessionCreated, seen.SessionDetached, seen.SessionReattached),
    history_decides=True,
    observer=_Observer,
    timeless=True,
)
