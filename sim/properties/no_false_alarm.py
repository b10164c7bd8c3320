"""A session fails only for a reason."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import Outage, Session, State
from sim.workflow import seen


class _Observer(Observer):
    """A worker that is out of reach when the session fails is lost if that goes on longer than the heartbeat timeout:
    then the verdict waits for the end of the outage.
    """

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionStateChanged: self._changed}

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None or session.worker is None:
            return
        self.exercised += 1
        if o.after != State.FAILED.value:
            return
        worker, heartbeat = session.worker, session.effective_heartbeat
        if time >= session.execution_ends or worker.lost(time, heartbeat, session.created_at):
            return
        outage = worker.place.outage
        if outage is None:
            self._alarm(time, session, o.why)
        else:
            outage.when_over.append(lambda over: self._judge(over, time, session, o.why))

    def _judge(self, outage: Outage, time: int, session: Session, why: str) -> None:
        if outage.until is not None and not outage.longer_than(session.effective_heartbeat, outage.until):
            self._alarm(time, session, why)

    def _alarm(self, time: int, session: Session, why: str) -> None:
        worker = session.worker
        assert worker is not None
        self.violated(time, f"{session.name} fails, its worker {worker.identity} was not lost: {why}", session, worker)


PROPERTY = Property(
    name="no_false_alarm",
    sentence="A session fails only if its worker was lost or its ExecutionTimeout passed.",
    source="documentation, Basic Usage: “ErrSessionFailed error may be returned if the session framework detects that the worker "
    "executing this session has died”; comment in the SDK's sessionCreationActivity: transient errors should not fail the session",
    needs=(seen.SessionCreated, seen.SessionStateChanged),
    observer=_Observer,
    awaits_outages=True,
    times=("Session.started_at", "Session.execution_ends"),
)
