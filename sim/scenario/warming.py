"""A cluster that has just got a new process is slow for a while: until then calls have laws of their own."""

from __future__ import annotations

from dataclasses import dataclass

from sim.protocol import observations as obs
from sim.simulator.simulation import Simulation


@dataclass(slots=True)
class Warming:
    """`period`: microseconds after the start of any worker in which the cluster is `cold`."""

    period: int = 0
    cold: bool = False
    _until: int = 0

    def attach(self, sim: Simulation) -> None:
        """Watch for starts from now on."""

        def started(time: int, node: str, observation: object) -> None:
            self.cold = True
            self._until = time + self.period
            sim.schedule(self._until, f"warm after {node}", warm)

        def warm() -> None:
            self.cold = sim.now < self._until

        sim.listen(obs.WorkerStarted, started)
