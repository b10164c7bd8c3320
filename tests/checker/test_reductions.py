"""What is left out of a world changes no verdict: each reduction alone, and all of them, beside a search without."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.checking import Options, check
from sim.checker.instant import InstantSearch
from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.checker.result import CheckResult
from sim.model.environment import Environment
from sim.model.instant import InstantWorld
from sim.model.promises import Everywhere
from sim.model.spans import Exactly
from sim.model.system import System
from sim.model.world import Network, State, World
from sim.scenario.checked import NO_REDUCTIONS, Bounds, Reductions, system_of
from sim.scenario.toml import to_toml
from tests.checker.test_instant import BUDGETS, EVERY_STATE, instant
from tests.checker.test_search import Mayfly, same, worlds
from tests.checker.test_sessions import PROGRAM, scenario_of
from tests.cli.test_run import sim
from tests.models import reachable

ALL = Reductions()
EACH = {name: replace(ALL, **{name: False}) for name in ALL.names}


def searched(
    size: tuple[int, int, int], budgets: dict[str, int], reductions: Reductions, program: Any = PROGRAM, **options: Any
) -> CheckResult:
    result = check(system_of(scenario_of(*size, program), Bounds(**budgets), None, reductions), Options(jobs=1, **options))
    assert result.complete
    return result


def verdicts(result: CheckResult) -> dict[str, str]:
    """What was found of each property: broken, held, or never put to the test."""
    return {name: judgement.verdict.value for name, judgement in result.properties.items()}


def lengths(result: CheckResult) -> dict[str, int | None]:
    return {name: judgement.length for name, judgement in result.properties.items()}


SMALL: list[tuple[tuple[int, int, int], dict[str, int]]] = [((1, 1, 1), {})]
LARGER: list[tuple[tuple[int, int, int], dict[str, int]]] = [
    ((1, 1, 1), {"stops": 1}), ((1, 1, 1), {"crashes": 1}), ((2, 1, 1), {}),
    ((1, 1, 1), {"lost_requests": 1}), ((1, 1, 1), {"lost_responses": 1}), ((1, 1, 1), {"cancels": 1}), ((1, 1, 1), {"slow": 1}),
    ((2, 1, 1), {"stops": 1}), ((2, 1, 1), {"crashes": 1}), ((1, 1, 2), {}),
]  # fmt: skip
SEVERAL: list[Any] = [
    ((1, 1, 1), {"stops": 1, "slow": 1}),
    pytest.param((1, 1, 1), {"crashes": 1, "lost_responses": 1}, marks=pytest.mark.slow),
]
AT = [*SMALL, *(pytest.param(*at, marks=pytest.mark.slow) for at in LARGER)]


@pytest.mark.parametrize(("size", "budgets"), AT, ids=str)
def test_each_reduction_leaves_verdicts_as_they_are(size: tuple[int, int, int], budgets: dict[str, int]) -> None:
    """Those that leave steps whole leave the lengths of ways, too."""
    reduced = searched(size, budgets, ALL)
    for name, without in EACH.items():
        found = searched(size, budgets, without)
        assert verdicts(found) == verdicts(reduced), name
        # A queue that knows the order of its polls gives a task to one of them, a plain one to any.
        assert name == "queues" or found.states >= reduced.states, name
        if name == "queues":
            # So some ways are longer there, none is shorter.
            assert all((length or 0) <= (lengths(found)[which] or 0) for which, length in lengths(reduced).items())
        elif name != "chains":
            assert lengths(found) == lengths(reduced), name


@pytest.mark.parametrize(("size", "budgets"), AT, ids=str)
def test_without_any_reduction_verdicts_are_the_same(size: tuple[int, int, int], budgets: dict[str, int]) -> None:
    symmetric = size != (2, 1, 1) or bool(budgets)
    reduced, whole = (
        searched(size, budgets, ALL),
        searched(size, budgets, NO_REDUCTIONS, parts=False, subsumption=False, symmetry=symmetric, sharing=symmetric),
    )
    assert verdicts(whole) == verdicts(reduced)
    assert whole.states > 4 * reduced.states
    assert whole.bounds["reductions"] == []


@pytest.mark.parametrize(("size", "budgets"), [*AT, *SEVERAL], ids=str)
def test_states_that_allow_less_are_left_out(size: tuple[int, int, int], budgets: dict[str, int]) -> None:
    fewer, whole = (searched(size, budgets, ALL, subsumption=subsumption) for subsumption in (True, False))
    assert (verdicts(fewer), lengths(fewer)) == (verdicts(whole), lengths(whole))
    assert fewer.states <= whole.states
    assert len(budgets) < 2 or fewer.states < whole.states


SHARED: list[Any] = [
    ((2, 1, 1), {"crashes": 1}, ALL),
    pytest.param((2, 1, 2), {"stops": 1}, ALL, marks=pytest.mark.slow),
    pytest.param((1, 1, 2), {"lost_requests": 1}, ALL, marks=pytest.mark.slow),
    pytest.param((1, 1, 2), {}, NO_REDUCTIONS, marks=pytest.mark.slow),
    pytest.param((2, 1, 1), {"crashes": 1}, NO_REDUCTIONS, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("size", "budgets", "reductions"), SHARED, ids=str)
def test_a_handler_is_run_under_one_of_several_names(size: tuple[int, int, int], budgets: dict[str, int], reductions: Reductions) -> None:
    """Where states are told apart by names: they are the same as when each name has its own."""
    shared, alone = (searched(size, budgets, reductions, symmetry=False, sharing=sharing) for sharing in (True, False))
    assert (shared.states, shared.generated, shared.depth) == (alone.states, alone.generated, alone.depth)
    assert (verdicts(shared), lengths(shared)) == (verdicts(alone), lengths(alone))
    assert shared.handler_calls < 0.8 * alone.handler_calls


def test_a_promise_that_looks_at_budgets_sees_every_state() -> None:
    nodes = {"nature": Environment({"slow": 1}), "b": Mayfly(plan=(("arm", "t", Exactly(1)),))}
    world = InstantWorld(nodes, Network.BAG, lambda _: True, "nature")
    for kind, is_made in ((Environment, False), (Mayfly, True)):
        predicates = Predicates({"it": Everywhere(kind, lambda _: True)}, {})
        assert InstantSearch(world, Fingerprints(), predicates, subsumption=True).subsumption is is_made
    assert not InstantSearch(world, Fingerprints(), Predicates({"it": lambda _: True}, {}), subsumption=True).subsumption


@pytest.mark.parametrize(("size", "budgets"), AT, ids=str)
def test_parts_change_nothing_but_what_is_kept(size: tuple[int, int, int], budgets: dict[str, int]) -> None:
    # Which of two states that differ in budgets is met first within a round depends on what has to be compiled.
    parts, whole = (searched(size, budgets, ALL, parts=parts, subsumption=False) for parts in (True, False))
    for key in ("states", "generated", "depth", "deadlocks"):
        assert getattr(parts, key) == getattr(whole, key)
    assert (verdicts(parts), lengths(parts)) == (verdicts(whole), lengths(whole))
    assert parts.local_states["Worker"] <= whole.local_states["Worker"]


@pytest.mark.parametrize(
    "budgets", [{}, *(pytest.param(b, marks=pytest.mark.slow) for b in ({"crashes": 1}, {"lost_responses": 1}))], ids=str
)
def test_settled_states_are_those_of_single_steps_in_which_nothing_is_on_its_way(budgets: dict[str, int]) -> None:
    """The same states, also of every watcher: chains leave out what is between them, and nothing else."""
    chains, steps = (states_of(system_of(scenario_of(1, 1, 1, PROGRAM), Bounds(**budgets), None, r)) for r in (ALL, EACH["chains"]))
    assert {state for state in steps if not state.mail} == chains


def states_of(system: System) -> set[State]:
    return set(InstantSearch(system.world, Fingerprints(), Predicates({}, {})).states())


@pytest.mark.parametrize(
    "budgets", [{}, *(pytest.param(b, marks=pytest.mark.slow) for b in ({"crashes": 1}, {"lost_requests": 1}))], ids=str
)
def test_single_steps_are_those_of_the_small_explorer(budgets: dict[str, int]) -> None:
    steps = system_of(scenario_of(1, 1, 1, PROGRAM), Bounds(**budgets), None, EACH["chains"])
    same(steps, check(steps, EVERY_STATE))


@pytest.mark.parametrize("budgets", BUDGETS, ids=str)
@pytest.mark.parametrize(("what", "world"), list(worlds()), ids=[name for name, _ in worlds()])
def test_every_effect_step_by_step(what: str, world: World, budgets: dict[str, int]) -> None:
    steps = instant(World(world.nodes, Network.QUEUE), budgets, stepwise=True)
    assert set(InstantSearch(steps, Fingerprints(), Predicates({}, {})).states()) == reachable(steps)
    whole = instant(World(world.nodes, Network.QUEUE), budgets)
    assert isinstance(whole, InstantWorld)
    assert {state for state in reachable(steps) if not state.mail} == reachable(whole)


def test_the_command_turns_them_off(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(to_toml(scenario_of(1, 1, 1, PROGRAM).to_dict()))
    found = {}
    for words in ((), ("--no-reduction",)):
        done = sim("check", str(path), "--time", "untimed", "--stops", "1", "--property", "same_worker", "--json", *words)
        assert done.exit_code == 0, done.output
        found[words] = json.loads(done.stdout)
    assert found[()]["bounds"]["reductions"] == ["chains", "parts", "pollers", "queues", "subsumption"]
    assert found["--no-reduction",]["bounds"]["reductions"] == []
    assert found["--no-reduction",]["states"] > 4 * found[()]["states"]
    assert found["--no-reduction",]["properties"]["same_worker"]["verdict"] == "held"
