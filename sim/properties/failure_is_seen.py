"""A session whose worker was lost does not end as if nothing had happened."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import Outage, Session, State
from sim.protocol import observations as obs
from sim.workflow import seen


class _Observer(Observer):
    """The worker was lost while the session was open and before CompleteSession was called.

    Of a host session the loss is seen when the session is detached.
    """

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionStateChanged: self._changed, seen.SessionDetached: self._detached}

    def _detached(self, time: int, node: str, o: seen.SessionDetached) -> None:
        self.exercised += 1

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None or session.worker is None:
            return
        worker, heartbeat = session.worker, session.effective_heartbeat
        if o.after == State.FAILED.value:
            self.exercised += worker.lost(time, heartbeat, session.created_at)
            return
        if session.failed_at is not None or session.completing_at is None or session.detached:
            return
        if worker.dead_at is not None and worker.dead_at < session.completing_at:
            self._unseen(time, session)
            return
        for outage in worker.outages(session.created_at):
            if outage.since >= session.completing_at:
                continue
            if outage.until is None:
                outage.when_over.append(lambda over: self._judge(over, time, session))
            elif outage.longer_than(heartbeat, time):
                self._unseen(time, session)
                return

    def _judge(self, outage: Outage, time: int, session: Session) -> None:
        now = outage.until if outage.until is not None else time
        if outage.longer_than(session.effective_heartbeat, now):
            self._unseen(time, session)

    def _unseen(self, time: int, session: Session) -> None:
        worker = session.worker
        assert worker is not None
        self.violated(time, f"{session.name} is Closed and was never Failed; {worker.identity} was lost before", session, worker)


PROPERTY = Property(
    name="failure_is_seen",
    sentence="A session whose worker was lost is never reported Closed without having been Failed.",
    source="documentation, overview: “worker failure detection”; Future Work: “a session is considered failed if the worker process dies”",
    needs=(
        seen.SessionCreated,
        seen.SessionCompleteCalled,
        seen.SessionStateChanged,
        seen.SessionDetached,
        obs.FaultHappened,
        obs.WorkerStopped,
    ),
    observer=_Observer,
    awaits_outages=True,
)
