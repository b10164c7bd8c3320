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


def all_closed(state: State) -> bool:
    """No workflow is open any more."""
    return not any(kind is Shard and Shard.restored(local).current for _, kind, local in state.nodes)


@pytest.mark.slow
def test_every_session_is_served_in_the_end() -> None:
    """Two demands that share a type, no timeouts: whoever may wait, nobody waits for another that waits for it."""
    system = system_of(pool({"gpu": 1, "disk": 1}, session(gpu=1, disk=1), session(gpu=1), shapes=ONE_OF_EACH), Bounds(), [])
    assert eventually(system, all_closed) is None


@pytest.mark.slow
def test_a_workflow_that_holds_one_and_asks_for_another_may_wait_for_ever() -> None:
    """Two of them, the other way round: as with two locks. Asking for both in one session is the remedy."""
    both: list[Program] = []
    for first, second in (("gpu", "disk"), ("disk", "gpu")):
        both.append([create("a", **{first: 1}), create("b", **{second: 1}), complete("b"), complete("a")])
    system = system_of(pool({"gpu": 1, "disk": 1}, *both, shapes=[{"gpu": 1}, {"disk": 1}]), Bounds(), [])
    assert eventually(system, all_closed) is not None
