"""What choices came to, kept by what they looked at: the same search with it as without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import instant
from sim.checker import way_kernels as kernels
from sim.checker.checking import Options, check
from sim.checker.columns import Array
from sim.checker.instant import InstantSearch
from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.checker.result import CheckResult
from sim.checker.visited import Budget
from sim.checker.ways import Ways
from sim.model.instant import InstantWorld
from sim.model.system import System
from sim.model.windows import Ticks
from sim.scenario.checked import Bounds, system_of
from tests.checker.test_sessions import PROGRAM, scenario_of

SYSTEMS = {
    "a crash": system_of(scenario_of(2, 1, 2, PROGRAM), Bounds(crashes=1)),
    "a lost response": system_of(scenario_of(1, 1, 1, PROGRAM), Bounds(lost_responses=1)),
    "a crash, in ticks": system_of(scenario_of(1, 1, 1, PROGRAM), Bounds(crashes=1), ticks=Ticks(5_000_000)),
}


class NoRoom(Ways):
    """Nothing is ever kept."""

    def __init__(self, slots: int, members: int) -> None:
        super().__init__(slots, members)
        self.arrays = self.arrays._replace(arena=np.zeros(1, np.int32))

    def make_room(self, budget: Budget) -> None:
        """There is none."""


def without(monkeypatch: pytest.MonkeyPatch, system: System, options: Options) -> CheckResult:
    with monkeypatch.context() as patch:
        patch.setattr(instant, "Ways", NoRoom)
        return check(system, options)


def same(one: CheckResult, other: CheckResult) -> None:
    """Whatever a search says, but for how long it took and how much memory."""
    steady = {"compile_s": 0.0, "search_s": 0.0, "bytes_per_state": 0.0, "compiled_bytes": 0, "handled": one.handled}
    for name, judgement in one.properties.items():
        there = other.properties[name]
        assert (judgement.verdict, judgement.path) == (there.verdict, there.path), name
    assert replace(one, **steady, properties={}) == replace(other, **steady, properties={})


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "a crash")) for name in SYSTEMS])
def test_the_same_with_and_without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for options in (Options(jobs=1), Options(jobs=2, symmetry=False)):
        same(check(SYSTEMS[name], options), without(monkeypatch, SYSTEMS[name], options))


def test_most_choices_are_found_again() -> None:
    system = SYSTEMS["a crash"]
    assert isinstance(system.world, InstantWorld)
    search = InstantSearch(system.world, Fingerprints(), Predicates({}, {}), symmetry=system.symmetry)
    found = search.run()
    (ways,) = search._kept.values()
    state: Array = ways.arrays.state
    assert 0 < state[kernels.KEPT] <= state[kernels.STAMP] < found.generated
    assert ways.nbytes <= search.budget.used


def test_it_grows_and_gives_its_memory_back() -> None:
    ways, budget = Ways(slots=3, members=0), Budget(1 << 40)
    rows = np.arange(4 * 5_000, dtype=np.uint16).reshape(5_000, 4)
    roots = [np.uint64(1 + f % 7) for f in range(len(rows))]
    for f, root in enumerate(roots):
        while kernels.find(ways.arrays, rows, f, root) == kernels.NONE:
            kernels.begin_draft(ways.arrays.state, True)
            for slot in (2, 0) if f % 2 else (1,):
                kernels.touch(ways.arrays.marks, ways.arrays.touched, ways.arrays.state, slot)
            kernels.keep(ways.arrays, rows, f, root)
            ways.make_room(budget)
    assert all(kernels.find(ways.arrays, rows, f, root) != kernels.NONE for f, root in enumerate(roots))
    assert kernels.find(ways.arrays, rows, 0, np.uint64(99)) == kernels.NONE
    assert budget.used == ways.nbytes > Ways(3, 0).nbytes
    ways.account(budget)
    assert budget.used == 0


def test_it_does_not_grow_where_memory_is_short() -> None:
    ways, budget = Ways(slots=3, members=0), Budget(1 << 22)
    before = ways.nbytes
    ways.arrays.state[kernels.TIGHT] = 1
    ways.make_room(budget)
    assert ways.nbytes == before
    assert not ways.arrays.state[kernels.TIGHT]
