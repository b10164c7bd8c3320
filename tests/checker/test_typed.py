"""Typed resources in small pools, every order of events: planted bugs are found, promises hold, and nobody waits for ever."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.checking import Options, check
from sim.checker.liveness import eventually
from sim.checker.result import Judgement, Verdict
from sim.model.world import State
from sim.protocol.mutants import Mutant
from sim.protocol.shard import Shard
from sim.scenario.checked import Bounds, system_of
from tests.checker.typed import Units, complete, create, pool, session

SMALL_SCOPES: list[tuple[int, dict[str, int]]] = [(1, {"cancels": 1}), (1, {"stops": 1}), (1, {"crashes": 1, "restarts": 1}), (2, {})]
"""Workers, and what may happen."""

ONE_OF_EACH = [{"gpu": 1}, {"gpu": 1, "disk": 1}]
Program = list[dict[str, Any]]

PLANTED: list[tuple[str, Mutant, Units, list[Units] | None, list[Program], dict[str, int]]] = [
    (
        "resource_limit", Mutant.RESOURCE_TYPE_FORGOTTEN, {"gpu": 1, "disk": 2}, [{"gpu": 1, "disk": 1}],
        [[create(gpu=1, disk=1)], [create(gpu=1, disk=1)]], {},
    ),
    ("resource_limit", Mutant.RESOURCES_KEPT_ON_FAILURE, {"gpu": 1}, None, [[create(gpu=1), complete()]], {"cancels": 1}),
    ("all_or_none", Mutant.PARTIAL_GRANT, {"gpu": 2}, None, [[create(gpu=1)], [create(gpu=2)]], {}),
    ("no_starvation_by_others", Mutant.LINE_NOT_KEPT, {"gpu": 2}, None, [[create(gpu=1)], [create(gpu=2)], [create(gpu=1)]], {}),
]  # fmt: skip
"""Promise, bug, what the worker has, what it is open to, what workflows do, and what may happen."""


def judged(name: str, bug: Mutant | None, case: tuple[Any, ...]) -> Judgement:
    units, shapes, programs, budgets = case
    result = check(system_of(pool(units, *programs, shapes=shapes, bug=bug), Bounds(**budgets), [name]), Options(jobs=1))
    assert result.complete
    return result.properties[name]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bug", "case"), [(name, bug, case) for name, bug, *case in PLANTED], ids=lambda value: str(value)[:40])
def test_a_planted_bug_is_found_and_nothing_without_it(name: str, bug: Mutant, case: tuple[Any, ...]) -> None:
    found = judged(name, bug, case)
    assert found.verdict is Verdict.BROKEN
    assert found.path is not None
    assert judged(name, None, case).verdict is Verdict.HELD


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "budgets"), SMALL_SCOPES, ids=str)
def test_promises_hold_in_small_pools(workers: int, budgets: dict[str, int]) -> None:
    """Two sessions that share a type, whatever becomes of a worker or of a workflow; interchangeable workers are told by nobody."""
    names = ["resource_limit", "all_or_none", "no_starvation_by_others", "token_conservation", "slot_limit", "one_binding", "same_worker"]
    programs = [[create(gpu=1, disk=1), complete()], [create(gpu=1), complete()]]
    scenario = pool({"gpu": 1, "disk": 1}, *programs, shapes=ONE_OF_EACH, workers=workers)
    result = check(system_of(scenario, Bounds(**budgets), names), Options(jobs=1))
    assert result.complete
    assert not [name for name, judgement in result.properties.items() if judgement.verdict is Verdict.BROKEN]
    assert result.properties["resource_limit"].verdict is Verdict.HELD


def all_closed(state: State) -> bool:
    """No workflow is open any more."""
    return not any(kind is Shard and Shard.restored(local).current for _, kind, local in state.nodes)


@pytest.mark.slow
def test_every_session_is_served_in_the_end() -> None:
    """Two demands that share a type, no timeouts: whoever may wait, nobody waits for another that waits for it."""
    system = system_of(pool({"gpu": 1, "disk": 1}, session(gpu=1, disk=1), session(gpu=1), shapes=ONE_OF_EACH), Bounds(), [])
    assert eventually(system, all_closed) is None
