"""How little a planted bug needs to show: the shortest way that the checker finds and a run with a clock confirms.

Only promises that are not about time can be checked; of the others the least that is known are the faults of the scenario in which the bug
is noticed (`tests/properties/scenarios_planted.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sim import Scenario
from sim.checker.checking import Options, check
from sim.properties.automaton import timeless
from sim.scenario.checked import Bounds, NotCheckable, system_of
from sim.scenario.findings import findings
from tests.shrink.planted import CASES, Planted
from tools.planted.bugs import Bug

STATES: Final = 20_000
"""A check stops after so many."""
SEARCHED: Final[dict[str, dict[str, int]]] = {
    "kill": {"crashes": 1}, "stop": {"stops": 1}, "partition": {"lost_requests": 1, "slow": 1},
}  # fmt: skip
"""What a fault of a scenario is for a check."""


@dataclass(frozen=True, slots=True)
class Least:
    """`faults`: of the shortest way; `steps`: how long that is, None where the checker cannot decide."""

    faults: int
    steps: int | None = None

    def __str__(self) -> str:
        return f"{self.faults}" if self.steps is None else f"{self.faults} ({self.steps} steps)"


def least(bug: Bug) -> Least | None:
    """Of a planted bug; None where nothing is known."""
    cases = [(name, planted) for name, mutant, planted in CASES if mutant.name.lower() == bug.name and name in bug.properties]
    checked = [found for name, planted in cases if name in timeless() for found in [_checked(name, bug, planted)] if found is not None]
    if checked:
        return min(checked, key=lambda found: (found.faults, found.steps))
    return Least(min(len(planted.faults) for _, planted in cases)) if cases else None


def _checked(name: str, bug: Bug, planted: Planted) -> Least | None:
    """Without a fault, else with those of the scenario."""
    mutant = next(mutant for _, mutant, _ in CASES if mutant.name.lower() == bug.name)
    tables: dict[str, Any] = {**planted.tables(mutant), "faults": []}
    scenario = Scenario.from_dict(tables)
    wanted: dict[str, int] = {}
    for fault in planted.faults:
        wanted |= SEARCHED.get(fault["kind"], {})
    for budgets in ({}, wanted) if wanted else ({},):
        try:
            system = system_of(scenario, Bounds(**budgets), (name,))
        except NotCheckable:
            return None
        result = check(system, Options(limit=STATES))
        finding = findings(scenario, system.world, result).get(name)  # type: ignore[arg-type]
        if finding is not None and finding.tape is not None:
            return Least(len(finding.tape.scenario.get("faults", ())), len(finding.path))
    return None
