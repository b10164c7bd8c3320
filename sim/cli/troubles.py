"""Workflow code that fails: Temporal tries it again for ever, so without a word a run would only seem to stand still."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sim.history.events import WorkflowTaskFailed, Wrote

if TYPE_CHECKING:
    from sim.scenario.cluster import Cluster
    from sim.simulator.simulation import Simulation

MOST = 5
"""Different messages that are told."""


class Troubles:
    """An observer that counts failed workflow tasks by their message. Those without one belong to the protocol."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        simulation.listen(Wrote, self._wrote)

    def _wrote(self, time: int, node: str, wrote: Any) -> None:
        for written in wrote.events:
            if type(written.event) is WorkflowTaskFailed and written.event.message:
                self.messages[written.event.message] += 1

    def warnings(self) -> list[str]:
        """What to tell the user, most frequent first."""
        told = [f"warning: workflow code fails: {message}" for message, _ in self.messages.most_common(MOST)]
        more = len(self.messages) - MOST
        return [*told, f"warning: and in {more} other ways"] if more > 0 else told
