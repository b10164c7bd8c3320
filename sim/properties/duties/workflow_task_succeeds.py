"""Workflow code does not panic, and does the same again when it is replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.history.events import WorkflowTaskFailed, Wrote
from sim.properties.base import Listener, Observer, Property
from sim.protocol import observations as obs

OF_CODE: Final = ("WORKFLOW_WORKER_UNHANDLED_FAILURE", "NON_DETERMINISTIC_ERROR", "BAD_SCHEDULE_ACTIVITY_ATTRIBUTES")
"""Causes that are the code's: a panic, another course on replay, an activity without timeouts."""


class _Observer(Observer):
    """No workflow task failed for a reason that lies in workflow code."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.WorkflowTaskTaken: self._taken, Wrote: self._wrote}

    def _taken(self, time: int, node: str, o: obs.WorkflowTaskTaken) -> None:
        self.exercised += bool(o.identity)

    def _wrote(self, time: int, node: str, wrote: Wrote) -> None:
        for written in wrote.events:
            event = written.event
            if isinstance(event, WorkflowTaskFailed) and event.cause in OF_CODE:
                run = self.scene.runs.get(wrote.run)
                who = run.workflow_id if run is not None else wrote.run
                detail = event.message or event.refused
                message = f"a workflow task of {who} fails ({event.cause}{': ' if detail else ''}{detail}); it is tried again for ever"
                self.violated(time, message, run=wrote.run)


PROPERTY = Property(
    name="workflow_task_succeeds",
    sentence="Workflow code neither panics nor does something else when it is replayed: no workflow task fails because of it.",
    source="a workflow task that fails is tried again until the workflow times out (P4.5.7); an activity needs a timeout (P1.1.3)",
    needs=(obs.WorkflowTaskTaken, Wrote),
    history_decides=True,
    observer=_Observer,
    timeless=True,
)
