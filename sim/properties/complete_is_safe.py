"""CompleteSession does no harm to what is over, and cancels the context of what is open."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import State
from sim.protocol import observations as obs
from sim.workflow import seen
from sim.workflow.sessions import COMPLETION_ACTIVITY


class _Observer(Observer):
    """Whether a call was made on an open session is remembered by the scene (`completing_at`)."""

    def listeners(self) -> Mapping[type, Listener]:
        return {
            seen.SessionCompleteCalled: self._called,
            seen.SessionCompleteFailed: self._failed,
            seen.SessionCompleteReturned: self._returned,
            seen.SessionStateChanged: self._changed,
            obs.ActivityScheduled: self._scheduled,
        }

    def _called(self, time: int, node: str, o: seen.SessionCompleteCalled) -> None:
        self.exercised += 1

    def _failed(self, time: int, node: str, o: seen.SessionCompleteFailed) -> None:
        self.violated(time, f"CompleteSession of {o.session} fails: {o.error}", self.scene.sessions.get(o.session), run=o.run)

    def _returned(self, time: int, node: str, o: seen.SessionCompleteReturned) -> None:
        session = self.scene.sessions.get(o.session)
        if session is not None and not session.context_done:
            self.violated(time, f"CompleteSession returns and the context of {o.session} is not cancelled", session)

    def _changed(self, time: int, node: str, o: seen.SessionStateChanged) -> None:
        session = self.scene.sessions.get(o.session)
        closes = o.after == State.CLOSED.value and o.before != State.OPEN.value
        if session is not None and closes and session.completing_at is None:
            self.violated(time, f"CompleteSession was called on {o.session} only when it was {o.before}, and makes it Closed", session)

    def _scheduled(self, time: int, node: str, o: obs.ActivityScheduled) -> None:
        if o.activity_type != COMPLETION_ACTIVITY:
            return
        session = self.scene.sessions.get(o.session)
        if session is not None and session.completing_at is None:
            self.violated(time, f"a completion of {o.session} is scheduled, on which CompleteSession was not called while open", session)


PROPERTY = Property(
    name="complete_is_safe",
    sentence="CompleteSession on a failed or closed session changes nothing and does not fail; on an open one it cancels the "
    "session's context.",
    source="documentation, Basic Usage: “It will cancel the session context […] it's safe to call CompleteSession() on a failed session”",
    needs=(
        seen.SessionCompleteCalled, seen.SessionCompleteReturned, seen.SessionCompleteFailed, seen.SessionStateChanged,
        seen.SessionContextDone, obs.ActivityScheduled,
    ),
    observer=_Observer,
    timeless=True,
)  # fmt: skip
