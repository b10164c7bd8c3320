"""ExecutionTimeout bounds the session's work."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import COARSE_TIMERS, TIMER_SLOP, Listener, Observer, Property, Setting
from sim.properties.things import Session, State
from sim.protocol import observations as obs
from sim.workflow import seen


def execution_epsilon(setting: Setting) -> int:
    """How long after ExecutionTimeout the session's work may still go on.

    The server's timer is late (4 ms, or 1.001 s when another deadline stood before it, P4.3.11), a workflow task with its
    sticky penalty cancels what runs, and the cancellation travels to the worker.
    """
    return TIMER_SLOP + COARSE_TIMERS + setting.sticky_workflow_task_us + 2 * setting.max_call_delay_us


class _Observer(Observer):
    """Work goes on as long as activities of the session run, on whatever worker."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            obs.AttemptBegan: self._works,
            obs.AttemptEnded: self._works,
            seen.SessionStateChanged: self._changed,
            obs.FaultHappened: self._fault,
        }

    def _works(self, time: int, node: str, o: obs.AttemptBegan | obs.AttemptEnded) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is not None and session.execution_ends:
            self._judge(time, session)

    def _judge(self, time: int, session: Session) -> None:
        if time > session.execution_ends + self.epsilon:
            late = (time - session.execution_ends) / 1e6
            self.violated(time, f"an activity of {session.name} runs {late:.3f} s after its ExecutionTimeout", session, session.worker)

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and o.after == State.FAILED.value and time >= session.execution_ends:
            self.exercised += 1

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        place = self.scene.places.get(fault.place)
        for worker in place.workers if place is not None and place.gone_at is not None else ():
            for _, session in worker.users.values():
                if session is not None:
                    self._judge(time, session)

    def finish(self, time: int) -> None:
        for session in self.scene.sessions.values():
            if session.running and session.execution_ends:
                self._judge(time, session)


PROPERTY = Property(
    name="execution_timeout_is_total",
    sentence="ExecutionTimeout bounds how long the session's work goes on.",
    source="documentation, SessionOptions: “Specifies the maximum amount of time the session can run”",
    needs=(seen.SessionCreated, obs.AttemptRecorded, obs.AttemptBegan, obs.AttemptEnded, seen.SessionStateChanged, obs.FaultHappened),
    history_convicts=True,
    observer=_Observer,
    times=("Session.started_at", "Session.execution_ends"),
    epsilon=execution_epsilon,
)
