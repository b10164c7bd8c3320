"""Every CreateSession returns in the end."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import SECOND, Listener, Observer, Property
from sim.properties.creation_bounded import creation_epsilon
from sim.properties.things import Session, State
from sim.protocol import observations as obs
from sim.workflow import seen

PATIENCE = 600 * SECOND
"""How long CreateSession may take when nothing is wrong any more and the run has no shorter timeout of its own."""


class _Observer(Observer):
    """Faults are healed when nothing is out of reach and a worker lives; the wait counts from the last fault."""

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionCreated: self._returned, seen.SessionNotCreated: self._returned}

    def _returned(self, time: int, node: str, o: seen.SessionCreated | seen.SessionNotCreated) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and not session.recreated:
            self.exercised += 1
            self._judge(time, session, "returns")

    def _judge(self, time: int, session: Session, what: str) -> None:
        if self.scene.outages or self.scene.server_down_since is not None or not self.scene.workers:
            return
        waited = time - max(session.asked_at, self.scene.last_fault_at)
        if waited > max(session.run.bound, PATIENCE) + self.epsilon:
            message = f"CreateSession of {session.name} {what} {waited / 1e6:.3f} s after all faults were healed"
            self.violated(time, message, session)

    def finish(self, time: int) -> None:
        for session in self.scene.sessions.values():
            if session.state is State.ASKED and not session.recreated and not session.run.closed:
                self._judge(time, session, "has not returned")


PROPERTY = Property(
    name="creation_returns",
    sentence="Every CreateSession returns: after all faults are healed, within max(run timeout, 10 min).",
    source="documentation, Concurrent Session Limitation: “CreateSession() will return an error if the session can't be created”",
    needs=(seen.SessionAsked, seen.SessionCreated, seen.SessionNotCreated, obs.FaultHappened, obs.WorkflowStarted),
    observer=_Observer,
    epsilon=creation_epsilon,
)
