"""Figures of a run that cost something, and are gathered only when somebody asks for them: by group, as columns of a row.

    measures = Measures(["queue", "detection"])
    result = run(scenario, seed, observers=[measures])
    measures.values()["detection_mean_s"]

A group's name may carry what it is about: `over:1m` counts sessions that waited longer than a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sim.model.durations import parse_duration
from sim.properties.judge import Judge
from sim.scenario.cluster import Cluster
from sim.scenario.measures.base import Measure
from sim.scenario.measures.detection import Detection
from sim.scenario.measures.fairness import Fairness
from sim.scenario.measures.over import Over, spelled
from sim.scenario.measures.queue import Queue
from sim.scenario.measures.resources import Resources
from sim.scenario.measures.sessions import SessionTimes
from sim.scenario.measures.work import Work
from sim.scenario.problems import did_you_mean
from sim.simulator.simulation import Simulation

GROUPS: Final[dict[str, type[Measure]]] = {
    "queue": Queue,
    "detection": Detection,
    "work": Work,
    "fairness": Fairness,
    "sessions": SessionTimes,
    "resources": Resources,
}


def columns_of(group: str) -> tuple[str, ...]:
    """The columns of a group.

    Raises:
        ValueError: there is no such group.
    """
    if group.startswith("over:"):
        return Over.columns_for(parse_duration(group.removeprefix("over:")))
    if group not in GROUPS:
        raise ValueError(f"there are no measures {group!r}; {did_you_mean(group, [*GROUPS, 'over:1m'])}")
    return GROUPS[group].columns


class Measures:
    """Watches one run for these groups. Whether it does changes nothing of the run.

    Raises:
        ValueError: there is no such group.
    """

    def __init__(self, groups: Sequence[str]) -> None:
        for group in groups:
            columns_of(group)
        self._judge = Judge()
        self._measures: dict[str, Measure] = {group: self._measure(group) for group in groups}
        self._judge.observers.update(self._measures)
        self._simulation: Simulation | None = None

    def _measure(self, group: str) -> Measure:
        setting, scene = self._judge.setting, self._judge.scene
        if group.startswith("over:"):
            return Over(setting, scene, parse_duration(group.removeprefix("over:")))
        return GROUPS[group](setting, scene, 0)

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen from now on."""
        self._simulation = simulation
        if self._measures:
            self._judge.attach(simulation)

    def values(self) -> dict[str, Any]:
        """Column -> value, of all groups in their order; to be asked once, when the run is over."""
        end = self._simulation.now if self._simulation is not None else 0
        self._judge.finish(end)
        return {column: value for measure in self._measures.values() for column, value in measure.values(end).items()}


__all__ = ["GROUPS", "Measure", "Measures", "columns_of", "spelled"]
