"""Host sessions in the checker: what holds in a small scope, and each planted bug found there."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import CheckResult, Verdict
from sim.protocol.mutants import Mutant
from sim.scenario.checked import Bounds, system_of

PROGRAM: list[dict[str, Any]] = [
    {"op": "create", "as": "s", "creation": "60s", "execution": "600s", "survive_restart": True},
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s", "work": {"ms": 2000}},
]
RESTART, SLOW = {"crashes": 1, "restarts": 1}, {"slow": 1}


def checked(names: list[str], workers: int, slots: int, budgets: dict[str, int], *mutants: Mutant) -> CheckResult:
    """One workflow; the workers are processes of one host."""
    worker = {"resource_id": "h", "max_concurrent_session_execution_size": slots, "mutants": [m.name.lower() for m in mutants]}
    tables = {
        "protocol": "host",
        "workers": [{"name": f"w{n}", **worker} for n in range(workers)],
        "workflows": [{"id": "job", "program": PROGRAM}],
    }
    return check(system_of(Scenario.from_dict(tables), Bounds(**budgets), names), Options(jobs=1))


PLANTED = {
    Mutant.FENCE_NOT_CHECKED: ("fenced_writes", 2, 1, SLOW),
    Mutant.EPOCH_COMPARED_WRONGLY: ("fenced_writes", 2, 1, SLOW),
    Mutant.EPOCH_NOT_RENEWED: ("no_two_incarnations", 1, 1, RESTART),
    Mutant.TOKEN_KEPT_ON_REATTACH: ("token_conservation", 1, 2, SLOW),
}
"""Bug -> the promise that it breaks, processes, slots, and what may happen."""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", PLANTED)
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    name, workers, slots, budgets = PLANTED[mutant]
    result = checked([name], workers, slots, budgets, mutant)
    assert result.complete
    assert result.properties[name].verdict is Verdict.BROKEN
    assert result.properties[name].path is not None


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "slots", "budgets"), [(2, 1, SLOW), (1, 1, RESTART), (1, 2, SLOW)], ids=str)
def test_nothing_of_it_is_broken_without(workers: int, slots: int, budgets: dict[str, int]) -> None:
    names = ["no_two_incarnations", "fenced_writes", "token_conservation", "slot_limit", "one_binding", "same_worker", "closed_is_final"]
    result = checked(names, workers, slots, budgets)
    assert result.complete
    assert not [name for name, judged in result.properties.items() if judged.verdict is Verdict.BROKEN]


def test_processes_of_a_host_are_interchangeable() -> None:
    """Swapping their names gives the same world, as of the original."""
    tables = {
        "protocol": "host",
        "workers": [{"name": "w", "count": 2, "resource_id": "h"}],
        "workflows": [{"id": "job", "program": PROGRAM}],
    }
    assert system_of(Scenario.from_dict(tables), Bounds(crashes=1)).symmetry == [["w1", "w2"]]
    del tables["workers"][0]["resource_id"]  # type: ignore[index, attr-defined]
    assert system_of(Scenario.from_dict(tables), Bounds(crashes=1)).symmetry == [["w1", "w2"]]
