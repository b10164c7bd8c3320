"""An activity's own error does not fail its session."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import State
from sim.protocol import observations as obs
from sim.workflow import seen


class _Observer(Observer):
    """Put to the test when an activity of an open session fails or times out. Only the end of the creation activity may
    fail the session.
    """

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.ActivityClosed: self._activity, seen.SessionStateChanged: self._changed}

    def _activity(self, time: int, node: str, o: obs.ActivityClosed) -> None:
        session = self.scene.session_of_user(o.session, o.activity_type)
        if session is not None and o.how != "completed" and not o.how.startswith("canceled"):
            self.exercised += session.state is State.OPEN

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and o.after == State.FAILED.value and not session.creation_ended:
            self.violated(time, f"{session.name} fails although its creation activity has not ended: {o.why}", session)


PROPERTY = Property(
    name="activity_failure_keeps_session",
    sentence="An activity's own error does not fail its session.",
    source="documentation, Basic Usage: “The failure of your Activities won't affect the state of the session”",
    needs=(obs.ActivityClosed, seen.SessionStateChanged),
    observer=_Observer,
    timeless=True,
)
