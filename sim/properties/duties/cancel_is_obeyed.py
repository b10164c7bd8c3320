"""Workflow code takes its cancellation for one, and not for the loss of a worker."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.protocol import observations as obs
from sim.workflow import seen


def at(place: str) -> str:
    """Where in the code, for a message."""
    return f" ({place})" if place else ""


class _Observer(Observer):
    """A lost worker and a cancelled workflow both end activities with CanceledError (P1.4.7): a retry loop has to tell them apart.

    It has not when, knowing of the workflow's cancellation, it asks for a session on the cancelled context, or begins anew,
    on a context that was disconnected, what the cancellation has ended. Other activities may be clean-up.
    """

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.WorkflowCancelRequested: self._requested, seen.AskedInVain: self._in_vain, seen.AskedAgain: self._again}

    def _requested(self, time: int, node: str, o: obs.WorkflowCancelRequested) -> None:
        self.exercised += 1

    def _in_vain(self, time: int, node: str, o: seen.AskedInVain) -> None:
        if o.workflow_canceled and not o.activity_type:
            run = self.scene.runs.get(o.run)
            who = run.workflow_id if run is not None else o.run
            message = f"{who} was cancelled, knows it, and asks for {o.session} as if a worker had been lost{at(o.place)}; it cannot begin"
            self.violated(time, message, self.scene.sessions.get(o.session), run=o.run)

    def _again(self, time: int, node: str, o: seen.AskedAgain) -> None:
        run = self.scene.runs.get(o.run)
        who = run.workflow_id if run is not None else o.run
        message = f"{who} was cancelled, which ended `{o.activity_type}`, and begins it again as if a worker had been lost{at(o.place)}"
        self.violated(time, message, self.scene.sessions.get(o.session), run=o.run)


PROPERTY = Property(
    name="cancel_is_obeyed",
    sentence="Workflow code that was told of its workflow's cancellation does not begin again what that has ended.",
    source="an activity in flight ends with CanceledError when its session's worker is lost as well as when its workflow is cancelled "
    "(P1.4.6, P1.4.7); documentation, Q & A: “If your Activity has already been scheduled, it will be cancelled”",
    needs=(obs.WorkflowCancelRequested, seen.AskedInVain, seen.AskedAgain),
    observer=_Observer,
    timeless=True,
)
