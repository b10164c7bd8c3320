"""Liveness: lassos on cycles and at ends, fairness that excludes some, and what searches along paths miss."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.model.inputs import Input, Move
from sim.model.node import Node, Step
from sim.model.promises import Everywhere
from sim.model.system import System
from sim.model.world import Enabled, Network, State, World
from tests.models import build

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.intern import Overflow
from sim.checker.liveness import Lasso, eventually, eventually_always, leads_to


@dataclass(slots=True)
class Walker(Node):
    """Goes along a table: from a place, by a move, to another place."""

    restless = True
    table: tuple[tuple[str, str, str], ...]
    at: str = "start"

    def moves(self) -> tuple[str, ...]:
        return tuple(move for here, move, _ in self.table if here == self.at)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move(label):
                self.at = next(there for here, move, there in self.table if (here, move) == (self.at, label))


def walk(*table: str) -> System:
    """A walker with moves written as `start a: there`."""
    rows = [(*row.partition(":")[0].split(), row.partition(":")[2].strip()) for row in table]
    return System(World({"w": Walker(tuple(rows))}))  # type: ignore[arg-type]


def at(place: str) -> Everywhere:
    return Everywhere(Walker, lambda walker: walker.at == place)


def labels(steps: tuple[Enabled, ...]) -> list[str]:
    return [str(choice.event.label) for choice in steps]  # type: ignore[union-attr]


def holds_on(system: System, lasso: Lasso, goal: Everywhere) -> None:
    """On the lasso the goal is never reached after the stem."""
    assert not any(goal(state) for state in cycle_of(system, lasso))


def cycle_of(system: System, lasso: Lasso) -> list[State]:
    """The states of a lasso's cycle. It is a run, and its cycle comes back to where it began; without one nothing can happen there."""

    def go(state: State, steps: tuple[Enabled, ...]) -> list[State]:
        states = [state]
        for choice in steps:
            assert choice in set(system.world.enabled(states[-1]))
            ((_, after),) = system.world.apply(states[-1], choice)
            states.append(after)
        return states

    end = go(system.world.initial(), lasso.stem)[-1]
    cycle = go(end, lasso.cycle)
    assert cycle[-1] == end
    if not lasso.cycle:
        assert not list(system.world.enabled(end))
    return cycle


def test_a_cycle_that_avoids_the_goal_is_a_lasso_unless_fairness_forbids_it() -> None:
    system = walk("start a: loop", "loop b: start", "start end: goal")
    # `end` is not possible all the time (not in `loop`): weak fairness does not help.
    lasso = eventually(system, at("goal"))
    assert lasso is not None
    holds_on(system, lasso, at("goal"))
    assert sorted(labels(lasso.cycle)) == ["a", "b"]
    everywhere = walk("start a: loop", "loop a: start", "start end: goal", "loop end: goal")
    assert eventually(everywhere, at("goal")) is None
    unfair = eventually(everywhere, at("goal"), fair=lambda _: False)
    assert unfair is not None
    holds_on(everywhere, unfair, at("goal"))


def test_an_end_without_the_goal() -> None:
    system = walk("start a: end", "start b: goal")
    lasso = eventually(system, at("goal"))
    assert lasso is not None
    assert (labels(lasso.stem), lasso.cycle) == (["a"], ())
    holds_on(system, lasso, at("goal"))


def test_a_cycle_behind_a_state_that_another_path_saw_first() -> None:
    """Two ways lead to `x`: only the second has not met the goal. A search that marks states as seen misses it."""
    system = walk("start a: goal", "goal b: x", "start c: y", "y d: x", "x e: x")
    lasso = eventually(system, at("goal"))
    assert lasso is not None
    holds_on(system, lasso, at("goal"))
    assert (labels(lasso.stem), labels(lasso.cycle)) == (["c", "d"], ["e"])


def test_leads_to_is_asked_only_where_it_is_triggered() -> None:
    system = walk("start a: asked", "asked b: goal", "goal c: asked", "goal d: rest", "rest e: rest")
    assert leads_to(system, at("asked"), at("goal")) is None
    assert leads_to(system, at("goal"), at("start")) is not None
    assert leads_to(system, at("nowhere"), at("goal")) is None


def test_what_has_to_be_taken_is_taken_on_the_cycle() -> None:
    """`turn` is possible everywhere and stays within the cycle, so a fair lasso has it."""
    system = walk("start a: two", "two a: start", "start turn: start", "two turn: two", "start end: goal", "two b: start")
    lasso = eventually(system, at("goal"))
    assert lasso is not None
    holds_on(system, lasso, at("goal"))
    assert {"a", "turn"} <= set(labels(lasso.cycle))


def test_what_comes_again_and_again_is_not_always_so_in_the_end() -> None:
    """`goal` is met for ever, and left for ever: eventually, but not eventually always."""
    system = walk("start a: goal", "goal b: away", "away c: goal")
    assert eventually(system, at("goal")) is None
    lasso = eventually_always(system, at("goal"))
    assert lasso is not None
    assert (labels(lasso.stem), labels(lasso.cycle)) == (["a", "b"], ["c", "b"])
    goes_on_without(system, lasso, at("goal"))


def test_always_in_the_end_after_a_cycle_that_fairness_ends() -> None:
    system = walk("start a: loop", "loop a: start", "start end: goal", "loop end: goal", "goal stay: goal")
    assert eventually_always(system, at("goal")) is None
    unfair = eventually_always(system, at("goal"), fair=lambda _: False)
    assert unfair is not None
    goes_on_without(system, unfair, at("goal"))


def test_an_end_that_is_not_so() -> None:
    system = walk("start a: goal", "goal b: end")
    lasso = eventually_always(system, at("goal"))
    assert lasso is not None
    assert (labels(lasso.stem), lasso.cycle) == (["a", "b"], ())
    assert eventually_always(walk("start a: goal"), at("goal")) is None
    assert eventually_always(system, at("goal"), beyond=at("end")) is None


def goes_on_without(system: System, lasso: Lasso, goal: Everywhere) -> None:
    """The lasso has a cycle, and the goal is not so in the state where that begins."""
    assert lasso.cycle
    assert not goal(cycle_of(system, lasso)[0])


@given(st.lists(st.tuples(st.sampled_from("sxyz"), st.sampled_from("abc"), st.sampled_from("sxyz")), max_size=9), st.sampled_from("sxyz"))
@settings(deadline=None)
def test_eventually_always_is_what_every_set_of_states_says(rows: list[tuple[str, str, str]], goal: str) -> None:
    """Held against all sets of states through which a run may go for ever: strongly connected, and fair."""
    table = {(here, move): there for here, move, there in rows}
    system = System(World({"w": Walker(tuple((here, move, there) for (here, move), there in table.items()), "s")}))
    reached = {"s"}
    for _ in range(4):
        reached |= {there for (here, _), there in table.items() if here in reached}
    ends = {place for place in reached if not any(here == place for here, _ in table)}
    bad = bool(ends - {goal})
    for size in range(1, len(reached) + 1):
        for part in map(set, combinations(sorted(reached), size)):
            inside = nx.DiGraph([(h, t) for (h, _), t in table.items() if h in part and t in part])
            if set(inside) != part or not nx.is_strongly_connected(inside):
                continue
            everywhere = set.intersection(*({m for h, m in table if h == place} for place in part))
            taken = {m for (h, m), t in table.items() if h in part and t in part}
            bad |= everywhere <= taken and part != {goal}
    lasso = eventually_always(system, at(goal))
    assert (lasso is not None) == bad
    if lasso is not None and lasso.cycle:
        goes_on_without(system, lasso, at(goal))


def test_two_phase_commit_ends_if_all_are_fair_and_not_if_anyone_may_wait() -> None:
    system = build("two_phase_commit", 2)
    module_state = {"committed", "aborted"}

    def decided(state: State) -> bool:
        return all(local[0].value in module_state for name, _, local in state.nodes if name != "tm")  # type: ignore[index]

    assert eventually(system, decided) is None
    assert eventually(system, decided, fair=lambda choice: choice.node != "tm") is not None


def test_the_alternating_bit_gives_up_when_messages_are_lost() -> None:
    system = build("alternating_bit")
    lasso = eventually(system, system.goals["all received"])
    assert lasso is not None
    assert any(choice.lost for choice in lasso.stem)
    lossless = System(World(system.world.nodes, Network.ORDERED), goals=system.goals)
    assert eventually(lossless, system.goals["all received"]) is None


def test_too_many_states_are_a_stop() -> None:
    with pytest.raises(Overflow, match="more than 10 states"):
        eventually(build("two_phase_commit", 3), lambda _: False, limit=10)
