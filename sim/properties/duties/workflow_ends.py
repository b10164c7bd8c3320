"""Workflows come to an end."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import SECOND, Listener, Observer, Property
from sim.protocol import observations as obs


class _Observer(Observer):
    """At the end of the run no workflow is open. How long that is, the scenario says (`until`): long enough after its last fault."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.WorkflowStarted: self._started}

    def _started(self, time: int, node: str, o: obs.WorkflowStarted) -> None:
        self.exercised += 1

    def finish(self, time: int) -> None:
        for run in self.scene.runs.values():
            if run.closed:
                continue
            since, quiet = (time - run.began_at) / SECOND, (time - self.scene.last_fault_at) / SECOND
            message = f"{run.workflow_id} has not ended after {since:.0f} s, {quiet:.0f} s after the last fault"
            self.violated(time, message, run=run.name)


PROPERTY = Property(
    name="workflow_ends",
    sentence="Every workflow ends before the time of the run (`until`) is over.",
    source="whoever starts a workflow waits for its result; nothing is left undecided once the faults are over and workers live (P4.3)",
    needs=(obs.WorkflowStarted, obs.WorkflowClosed),
    history_decides=True,
    observer=_Observer,
)
