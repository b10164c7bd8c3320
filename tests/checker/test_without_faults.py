"""What breaks although nothing fails: found by the checker, and confirmed by a run."""

from __future__ import annotations

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim import replay
from sim.checker.checking import Options, check
from sim.model.windows import Ticks
from sim.scenario.checked import system_of
from sim.scenario.findings import findings
from tests.checker.test_sessions import SECOND, broken
from tools.finding_scopes import Scope

CASES = [
    (Scope("work outlives its session", (1, 1, 1), ()), {"activity_needs_slot": 12, "execution_timeout_is_total": 18}),
    (Scope("completed while work goes on", (1, 1, 1), ()), {"activity_needs_slot": 11}),
    (Scope("completed while work goes on", (2, 1, 1), ()), {"activity_needs_slot": 11, "exclusive_work": 17}),
    (Scope("recreated beside itself", (1, 1, 1), ()), {"creation_bounded": 12}),
]


@pytest.mark.parametrize(("scope", "lengths"), CASES, ids=str)
def test_no_fault_is_needed(scope: Scope, lengths: dict[str, int]) -> None:
    scenario = scope.scenario()
    system = system_of(scenario, scope.bounds(), ticks=Ticks(5 * SECOND))
    result = check(system, Options(jobs=1))
    assert result.complete
    assert broken(result) == lengths
    for name, finding in findings(scenario, system.world, result).items():  # type: ignore[arg-type]
        assert finding.tape is not None, finding.why
        assert finding.tape.scenario.get("faults", []) == []
        assert replay(finding.tape).result.properties[name] == "broken"
