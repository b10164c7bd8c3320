"""The loss of a worker reaches the workflow in time."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import COARSE_TIMERS, TIMER_SLOP, Listener, Observer, Property, Setting
from sim.properties.scene import Scene
from sim.properties.things import Outage, Place, Session, State, Worker
from sim.protocol import observations as obs
from sim.workflow import seen


def detection_epsilon(setting: Setting) -> int:
    """How much later than the heartbeat timeout workflow code may act on a loss.

    The server's timer is late (4 ms), and comes up to 1.001 s late when it was written less than a second ahead (P4.3.11).
    Then a workflow task, with the sticky penalty of 5 s where the run's sticky worker was the one that is lost (P2.4d). The
    heartbeat that counts was up to one call under way when the worker was lost.
    """
    return TIMER_SLOP + COARSE_TIMERS + setting.sticky_workflow_task_us + setting.max_call_delay_us


class _Observer(Observer):
    """Keeps the open sessions of every worker, and of those whose worker is lost since when.

    The loss of a host session's process is known when the session is detached; then it waits for the next one.
    """

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._open: dict[str, dict[str, Session]] = {}
        """Worker node -> its open sessions by name."""
        self._lost: dict[str, int] = {}
        """Session -> when its worker was lost, or went out of reach."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            seen.SessionCreated: self._created,
            seen.SessionDetached: self._detached,
            seen.SessionReattached: self._created,
            seen.SessionStateChanged: self._changed,
            seen.SessionCompleteCalled: self._completing,
            seen.SessionActivityAsked: self._asked,
            obs.WorkerStopped: self._stopped,
            obs.FaultHappened: self._fault,
            obs.WorkflowClosed: self._closed,
        }

    # -- sessions come and go ----------------------------------------------------------------------------------------

    def _created(self, time: int, node: str, o: seen.SessionCreated | seen.SessionReattached) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None or session.worker is None:
            return
        worker = session.worker
        self._open.setdefault(worker.node, {})[session.name] = session
        if worker.dead_at is not None:
            self._lost[session.name] = worker.dead_at
        elif worker.place.outage is not None:
            self._out_of_reach(worker.place, worker.place.outage, time)

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None:
            return
        if o.after == State.FAILED.value and session.name in self._lost:
            self._detected(time, session, o.why)
        self._drop(session)

    def _detached(self, time: int, node: str, o: seen.SessionDetached) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None:
            if session.name in self._lost:
                self._detected(time, session, o.why)
            self._drop(session)

    def _detected(self, time: int, session: Session, why: str) -> None:
        lost = self._lost[session.name]
        outage = session.worker.place.outage if session.worker is not None else None
        if outage is not None:
            outage.when_over.append(lambda over: self._judge(over, time, lost, session, why))
        else:
            self._judge(None, time, lost, session, why)

    def _judge(self, outage: Outage | None, time: int, lost: int, session: Session, why: str) -> None:
        """The session failed at `time`; whether an outage was a loss is known when it is over."""
        heartbeat = session.effective_heartbeat
        if outage is not None and outage.until is not None and not outage.longer_than(heartbeat, outage.until):
            return
        self.exercised += 1
        after = time - lost
        if after > heartbeat + self.epsilon:
            self._late(time, session, after)
        elif "Heartbeat" in why and after < heartbeat - session.interval - self.epsilon:
            self.violated(time, f"{session.name} fails {after / 1e6:.3f} s after the loss, too early for a heartbeat timeout", session)

    def _late(self, time: int, session: Session, after: int) -> None:
        promised = (session.effective_heartbeat + self.epsilon) / 1e6
        message = f"{session.name} is {session.state.value} {after / 1e6:.3f} s after the loss of its worker, promised: {promised:.3f} s"
        self.violated(time, message, session, session.worker)

    def _drop(self, session: Session) -> None:
        self._lost.pop(session.name, None)
        if session.worker is not None:
            bound = self._open.get(session.worker.node, {})
            bound.pop(session.name, None)
            if not bound:
                self._open.pop(session.worker.node, None)

    def _completing(self, time: int, node: str, o: seen.SessionCompleteCalled) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None:
            self._overdue(time, session)
            self._drop(session)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for session in run.sessions.values() if run is not None else ():
            self._overdue(time, session)
            self._drop(session)

    def _asked(self, time: int, node: str, o: seen.SessionActivityAsked) -> None:
        session = self.scene.sessions.get(o.session)
        if session is None:
            return
        self._overdue(time, session)
        if o.state == State.FAILED.value and not o.refused:
            self.violated(time, f"{o.activity_type} is asked for in the failed session {session.name} and not refused", session)
        if o.state == State.FAILED.value and not session.context_done:
            self.violated(time, f"{session.name} has failed and its context is not cancelled", session)

    def _overdue(self, time: int, session: Session) -> None:
        """Take down that the loss should be known by now (once)."""
        lost = self._lost.get(session.name)
        if lost is not None and time - lost > session.effective_heartbeat + self.epsilon:
            self._late(time, session, time - lost)
            del self._lost[session.name]

    # -- workers are lost ----------------------------------------------------------------------------------------------

    def _stopped(self, time: int, node: str, o: obs.WorkerStopped) -> None:
        self._gone(time, self.scene.workers[node])

    def _gone(self, time: int, worker: Worker) -> None:
        for name in self._open.get(worker.node, ()):
            self._lost.setdefault(name, time)

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        if fault.kind in ("kill", "lose_machine", "exit"):
            place = self.scene.places.get(fault.place)
            for worker in place.workers if place is not None else ():
                self._gone(time, worker)
        elif fault.kind in ("freeze", "hold"):
            for place in self.scene.places.values():
                if place.outage is not None and place.outage.since == time:
                    self._out_of_reach(place, place.outage, time)

    def _out_of_reach(self, place: Place, outage: Outage, time: int) -> None:
        outage.when_over.append(self._reachable)
        for worker in place.workers:
            self._gone(time, worker)

    def _reachable(self, outage: Outage) -> None:
        """An outage is over. Those that it did not last long enough for were not lost."""
        if outage.until is None or outage.until >= 1 << 62:
            return
        for bound in self._open.values():
            for session in bound.values():
                worker = session.worker
                mine = worker is not None and outage in worker.place.past
                if mine and not outage.longer_than(session.effective_heartbeat, outage.until):
                    self._lost.pop(session.name, None)

    def finish(self, time: int) -> None:
        for bound in list(self._open.values()):
            for session in list(bound.values()):
                outage = session.worker.place.outage if session.worker is not None else None
                if outage is None or outage.longer_than(session.effective_heartbeat, time):
                    self._overdue(time, session)


PROPERTY = Property(
    name="failure_propagation",
    sentence="Once a session's worker is lost, its context is cancelled and later activities get ErrSessionFailed, within "
    "[H - I, H] + e of the loss, I = min(H / 3, 10 s).",
    source="documentation, Basic Usage: “The context will be cancelled if the worker executing this session dies […] a "
    "workflow.ErrSessionFailed error may be returned”; numbers: P2.4d",
    needs=(
        seen.SessionCreated,
        seen.SessionDetached,
        seen.SessionReattached,
        seen.SessionStateChanged,
        seen.SessionActivityAsked,
        seen.SessionContextDone,
        obs.FaultHappened,
        obs.WorkerStopped,
        seen.SessionCompleteCalled,
        obs.WorkflowClosed,
    ),
    observer=_Observer,
    awaits_outages=True,
    times=("Place.gone_at", "Worker.stopped_at", "_lost"),
    epsilon=detection_epsilon,
)
