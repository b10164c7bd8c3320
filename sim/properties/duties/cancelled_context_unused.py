"""Clean-up has a context on which something can still run."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.duties.cancel_is_obeyed import at
from sim.workflow import seen


class _Observer(Observer):
    """Workflow code that knows that a context is cancelled asks for no activity on it.

    It knows from the first error on by which it was told, or when it has completed the session itself. An activity that
    it asks for in the very task that brings the cancellation, before any error, is nobody's mistake.
    """

    def listeners(self) -> Mapping[type, Listener]:
        return {seen.SessionContextDone: self._done, seen.AskedInVain: self._in_vain}

    def _done(self, time: int, node: str, o: seen.SessionContextDone) -> None:
        self.exercised += 1

    def _in_vain(self, time: int, node: str, o: seen.AskedInVain) -> None:
        if not o.activity_type:
            return
        whose = "its workflow was cancelled" if o.workflow_canceled else "its session is over"
        advice = (
            "`apart, _ = new_disconnected_context(ctx)` gives another" if o.workflow_canceled else "that from before the session is another"
        )
        message = f"`{o.activity_type}` never runs: {whose}, and it is asked for on the cancelled context; {advice}{at(o.place)}"
        self.violated(time, message, self.scene.sessions.get(o.session), run=o.run)


PROPERTY = Property(
    name="cancelled_context_unused",
    sentence="Workflow code asks for no activity, clean-up for instance, on a context that it knows to be cancelled: it would never run.",
    source="an activity on a cancelled context is scheduled and cancelled in one workflow task (P1.4.5); a session's context is "
    "cancelled for good (P1.3.4); a disconnected one is not (P1.3.5)",
    needs=(seen.SessionContextDone, seen.AskedInVain),
    observer=_Observer,
    timeless=True,
)
