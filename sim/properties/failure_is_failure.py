"""A workflow that returns the error of a lost worker does not end as CANCELED."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.protocol import observations as obs


def _of_a_loss(how: str) -> bool:
    """Whether the creation activity ended like that of a lost worker."""
    return "Heartbeat" in how or "SessionWorkerShutdown" in how


class _Observer(Observer):
    """A run whose session failed ended as CANCELED although nobody had asked for its cancellation.

    What counts is the error of the loss, whether the worker was lost or only taken for lost: a heartbeat timeout of the
    creation activity, or the worker's own word that it stops.
    """

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.WorkflowClosed: self._closed}

    def _closed(self, time: int, node: str, o: obs.WorkflowClosed) -> None:
        run = self.scene.runs.get(o.run)
        if run is None or o.status not in ("CANCELED", "FAILED") or run.cancel_requested:
            return
        failed = next((s for s in run.sessions.values() if s.failed_at is not None and _of_a_loss(s.creation_ended)), None)
        if failed is None:
            return
        self.exercised += 1
        if o.status == "CANCELED":
            self.violated(time, f"{o.workflow_id} ends CANCELED; nobody cancelled it, {failed.name} had failed", failed)


PROPERTY = Property(
    name="failure_is_failure",
    sentence="A workflow that returns the error of a lost worker does not end as CANCELED.",
    source="documentation, sample: the workflow returns the activity's error as its own; Temporal keeps CANCELED for workflows whose "
    "cancellation was requested",
    needs=(obs.WorkflowStarted, obs.ActivityClosed, obs.WorkflowClosed, obs.WorkflowCancelRequested),
    history_decides=True,
    observer=_Observer,
    timeless=True,
)
