"""Simulations stay within the states that the checker finds; where one of the two has an outcome less, it is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.rules import Rules
from sim.model.canon import Frozen
from sim.model.inputs import Fired, Input, Name
from sim.model.node import Node
from sim.model.outcomes import Outcome, Remembered
from sim.model.world import State
from sim.protocol.worker.node import Worker
from tools.agreement.compare import Agreement, Checked, agreement, delayed
from tools.agreement.scopes import SCOPES, Scope

SMALL = [Scope((1, 1, 1)), Scope((1, 1, 1), {"crashes": 1})]


@cache
def checked(size: tuple[int, int, int], *budgets: tuple[str, int]) -> Checked:
    return Checked(Scope(size, dict(budgets)).system())


def compared(scope: Scope, seeds: Iterable[int]) -> Agreement:
    return agreement(scope, seeds, checked(scope.size, *scope.budgets.items()))


@pytest.mark.parametrize("scope", SMALL, ids=str)
def test_every_state_of_a_run_is_the_checkers(scope: Scope) -> None:
    result = compared(scope, range(24))
    assert (result.missing, result.astray) == ([], [])
    assert result.ended >= 8
    assert result.ended + result.left.total() == result.runs
    assert len(result.seen) > 15


@pytest.mark.slow
@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_every_state_of_many_runs_is_the_checkers(scope: Scope) -> None:
    result = compared(scope, range(1000, 1150))
    assert (result.missing, result.astray) == ([], [])
    assert 0 < result.share <= 1


def test_faults_happen_in_runs() -> None:
    """A run with a crash is in states that one without does not know."""
    scope = SMALL[1]
    both = checked(scope.size, *scope.budgets.items())
    calm = agreement(Scope(scope.size), range(24), checked(scope.size))
    assert len(agreement(scope, range(24), both).seen) > 1.5 * len(calm.seen)


# -- planted disagreements -------------------------------------------------------------------------------------------------


def test_a_checker_without_an_outcome_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not know that the activity's end may come: runs are in states that it does not have."""
    changes = Rules._changes

    def fewer(self: Rules, station: Any, event: Input, given: Any) -> Iterator[Any]:
        found = list(changes(self, station, event, given))
        ends = station.kind is Worker and isinstance(event, Fired) and isinstance(event.tag, tuple) and event.tag[0] == "end"
        return iter([] if ends else found)

    monkeypatch.setattr(Rules, "_changes", fewer)
    result = agreement(SMALL[0], range(6), Checked(SMALL[0].system()))
    assert result.missing
    assert not result.agrees
    assert result.missing[0].startswith("seed ")


def test_a_checker_that_forgets_one_of_several_outcomes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = Rules._changes

    def fewer(self: Rules, station: Any, event: Input, given: Any) -> Iterator[Any]:
        found = list(changes(self, station, event, given))
        return iter(found[:1])

    monkeypatch.setattr(Rules, "_changes", fewer)
    scope = Scope((2, 1, 1))
    assert agreement(scope, range(12), Checked(scope.system())).missing


class Forgetful(Remembered):
    """Handlers, of which workers lack the outcome of an activity's end."""

    def __call__(self, kind: type[Node], me: Name, state: Frozen, event: Input) -> tuple[Outcome, ...]:
        found = Remembered.__call__(self, kind, me, state, event)
        return () if kind is Worker and isinstance(event, Fired) and isinstance(event.tag, tuple) and event.tag[0] == "end" else found


def test_a_world_without_an_outcome_is_noticed_where_the_runs_leave_it() -> None:
    whole = checked(SMALL[0].size)
    result = agreement(SMALL[0], range(6), whole, replace(whole.world, handler=Forgetful()))
    assert result.astray
    assert "('end', 'server/run/job/1', 2, 1)" in result.astray[0]
    assert "the nearest state differs" in result.astray[0]


def test_an_unknown_state_stays_unknown() -> None:
    """Asking for a state gives no numbers away: the second time it is as unknown as the first."""
    known = checked(SMALL[0].size)
    state = known.world.initial()
    other = Checked(Scope((1, 1, 1), {"stops": 1}).system()).world.initial()
    assert known.orbit(state) in known.keys
    before = len(known.search.compiler.interner.stations), len(known.search.compiler.interner.names)
    assert [known.orbit(other), known.orbit(other)] == [None, None]
    assert known.orbit(State(state.nodes[1:], state.mail, state.timers, state.calls)) is None
    assert (len(known.search.compiler.interner.stations), len(known.search.compiler.interner.names)) == before


# -- messages that take their time -----------------------------------------------------------------------------------------


def test_local_states_of_runs_with_delays_are_counted() -> None:
    result = delayed(SMALL[0], range(4), checked(SMALL[0].size))
    assert set(result.seen) == {"Run", "Shard", "TaskQueue", "Worker"}
    assert all(0 < result.known[kind] <= result.seen[kind] for kind in result.seen)
