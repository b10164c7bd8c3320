"""No user activity of a session runs where the session holds no slot."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.protocol import observations as obs


class _Observer(Observer):
    """Looks when an activity begins, and when a slot is given back."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.AttemptBegan: self._began, obs.TokenReturned: self._returned}

    def _began(self, time: int, node: str, o: obs.AttemptBegan) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is None:
            return
        self.exercised += 1
        if node not in session.holders:
            worker = self.scene.workers[node]
            message = f"{o.label or o.activity_type} begins on {worker.identity}, where {session.name} holds no slot"
            self.violated(time, message, session, worker)

    def _returned(self, time: int, node: str, o: obs.TokenReturned) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and node in session.running and node not in session.holders:
            worker = self.scene.workers[node]
            message = f"{worker.identity} frees the slot of {session.name} while {session.running[node]} of its activities run there"
            self.violated(time, message, session, worker)


PROPERTY = Property(
    name="activity_needs_slot",
    sentence="No user activity of a session runs on a worker while the session does not hold a slot there.",
    source="documentation, Use Cases: “the number of models processed on a host needs to be limited”; Concurrent Session Limitation",
    needs=(obs.TokenTaken, obs.TokenReturned, obs.AttemptBegan, obs.AttemptEnded),
    history_convicts=True,
    observer=_Observer,
    timeless=True,
)
