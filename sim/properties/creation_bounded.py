"""CreateSession and RecreateSession return within CreationTimeout."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import COARSE_TIMERS, TIMER_SLOP, Listener, Observer, Property, Setting
from sim.properties.things import Session, State
from sim.protocol import observations as obs
from sim.workflow import seen


def creation_epsilon(setting: Setting) -> int:
    """How much later than CreationTimeout the call may return.

    The command travels to the server; its timer is late (4 ms), or comes 1.001 s late when another deadline of the run stood
    before it (P4.3.11); then a workflow task, with the sticky penalty where the run's worker died meanwhile.
    """
    return setting.max_call_delay_us + TIMER_SLOP + COARSE_TIMERS + setting.sticky_workflow_task_us


class _Observer(Observer):
    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionCreated: self._returned, seen.SessionNotCreated: self._returned, obs.WorkflowClosed: self._closed}

    def _returned(self, time: int, node: str, o: seen.SessionCreated | seen.SessionNotCreated) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and session.creation_timeout:
            self.exercised += 1
            self._judge(time, session, "returns")

    def _judge(self, time: int, session: Session, what: str) -> None:
        waited = time - session.asked_at
        if session.creation_timeout and waited > session.creation_timeout + self.epsilon:
            call = "RecreateSession" if session.recreated else "CreateSession"
            promised = (session.creation_timeout + self.epsilon) / 1e6
            self.violated(time, f"{call} of {session.name} {what} after {waited / 1e6:.3f} s, promised: {promised:.3f} s", session)

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        for session in run.sessions.values() if run is not None else ():
            if session.state is State.ASKED:
                self._judge(time, session, "has not returned when the run ends," if o.status else "has not returned")

    def finish(self, time: int) -> None:
        for session in self.scene.sessions.values():
            if session.state is State.ASKED and not session.run.closed:
                self._judge(time, session, "has not returned")


PROPERTY = Property(
    name="creation_bounded",
    sentence="CreateSession and RecreateSession return within CreationTimeout + e.",
    source="documentation, Basic Usage: “the framework will keep retrying until the CreationTimeout […] has passed before returning an "
    "error”; “Specifies how long session creation can take before returning an error”",
    needs=(seen.SessionAsked, seen.SessionCreated, seen.SessionNotCreated, obs.WorkflowClosed),
    history_decides=True,
    observer=_Observer,
    times=("Session.asked_at",),
    epsilon=creation_epsilon,
)
