"""Processes start when the scenario says so, and again after a crash if it says that."""

from __future__ import annotations

from collections.abc import Sequence

from sim.protocol import observations as obs
from sim.scenario.cluster import Cluster
from sim.scenario.workers import WorkerPlan

CRASHES = ("kill", "lose_machine")


class Processes:
    """Starts of processes, and what a supervisor does after a crash. A graceful stop is meant, so nobody undoes it."""

    def __init__(self, cluster: Cluster, plans: Sequence[WorkerPlan]) -> None:
        self.cluster = cluster
        self._plans = {plan.spec.home: plan for plan in plans}

    def begin(self) -> None:
        """Put the starts on the agenda. Processes that start at the very beginning start before anything else."""
        for process, plan in self._plans.items():
            if plan.start_at is not None:
                self._start_at(plan.start_at, process)
        self.cluster.sim.listen(obs.FaultHappened, self._happened)

    def _start_at(self, time: int, process: str) -> None:
        self.cluster.sim.schedule(time, f"begin {process}", lambda: self.cluster.start_process(process))

    def _happened(self, time: int, node: str, fault: object) -> None:
        assert isinstance(fault, obs.FaultHappened)
        plan = self._plans.get(fault.target)
        if fault.kind in CRASHES and plan is not None and plan.restart_after is not None:
            self._start_at(time + plan.restart_after, fault.target)
