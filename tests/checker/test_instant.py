"""The search of worlds without delays against the small explorer, on every effect, any world, and the session protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import get_ident
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import search as searching
from sim.checker.checking import Options, check
from sim.checker.instant import InstantSearch
from sim.checker.instant_compile import Extra, InstantCompiler
from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.model.environment import Environment
from sim.model.explorer import explore
from sim.model.inputs import Input
from sim.model.instant import InstantWorld, with_ticks
from sim.model.node import Node, Step
from sim.model.spans import Exactly
from sim.model.system import System
from sim.model.windows import Ticks
from sim.model.world import Network, Parcel, State, World
from tests.checker.test_search import Mayfly, any_world, build, same, worlds
from tests.models import reachable


def instant(world: World, budgets: dict[str, int] | None = None, **more: Any) -> InstantWorld:
    """The same nodes without delays, and an environment with these budgets."""
    nodes = dict(world.nodes) | {"nature": Environment(budgets or {})}
    return InstantWorld(nodes, world.network, lambda _: True, "nature", **more)


def found(world: InstantWorld, **options: Any) -> set[State]:
    """Every state that the search finds; none may come twice."""
    states = list(InstantSearch(world, Fingerprints(), Predicates({}, {}), **options).states())
    assert len(states) == len(set(states))
    return set(states)


EVERY_STATE = Options(jobs=1, subsumption=False)


def assert_subsumed(whole: set[State], kept: set[State]) -> None:
    """Each state is kept, or one beside which it differs in nothing but an environment that allows less."""
    assert kept <= whole
    environments: dict[State, list[Environment]] = {}
    for state in kept:
        rest, environment = apart(state)
        environments.setdefault(rest, []).append(environment)
    for state in whole - kept:
        rest, environment = apart(state)
        assert any(larger.allows_all_of(environment) for larger in environments.get(rest, ()))


def apart(state: State) -> tuple[State, Environment]:
    """A state without what its environment may do, and that."""
    ((name, kind, local),) = [node for node in state.nodes if issubclass(node[1], Environment)]
    environment = kind.restored(local)
    assert isinstance(environment, Environment)
    others = tuple(node for node in state.nodes if node[0] != name)
    return State((*others, (name, kind, ())), state.mail, state.timers, state.calls), environment


BUDGETS = [{}, {"lost request": 1, "lost response": 1, "slow": 1}]


def to_b(parcel: Parcel) -> bool:
    return parcel.to == "b"


@pytest.mark.parametrize("ticks", [None, Ticks(2)], ids=str)
@pytest.mark.parametrize("budgets", BUDGETS)
@pytest.mark.parametrize("travels", [None, to_b])
@pytest.mark.parametrize("mail_first", [False, True])
@pytest.mark.parametrize(("what", "world"), list(worlds()), ids=[name for name, _ in worlds()])
def test_every_effect(what: str, world: World, travels: Any, mail_first: bool, budgets: dict[str, int], ticks: Ticks | None) -> None:
    world = instant(world, budgets, travels=travels, mail_first=mail_first, ticks=ticks)
    whole = reachable(world)
    assert found(world) == whole
    same(System(world), check(System(world), EVERY_STATE))
    assert_subsumed(whole, found(world, subsumption=True))


@given(
    world=any_world(),
    lossy=st.booleans(),
    travels=st.sampled_from([None, to_b]),
    mail_first=st.booleans(),
    jobs=st.sampled_from([1, 2]),
    unit=st.sampled_from([0, 1, 3]),
)
@settings(max_examples=150, deadline=None)
def test_any_world(world: World, lossy: bool, travels: Any, mail_first: bool, jobs: int, unit: int) -> None:
    world = instant(world, BUDGETS[lossy], travels=travels, mail_first=mail_first, ticks=Ticks(unit) if unit else None)
    oracle = explore(world, limit=2000)
    assume(oracle.complete)
    whole = reachable(world)
    assert found(world, jobs=jobs) == whole
    assert_subsumed(whole, found(world, jobs=jobs, subsumption=True))
    result = check(System(world), replace(EVERY_STATE, jobs=jobs))
    assert (result.states, result.generated, result.depth, result.deadlocks) == (
        oracle.states, oracle.generated, oracle.depth, oracle.deadlocks,
    )  # fmt: skip


def test_tables_are_made_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for them writes down what is new: two at once would do it twice."""
    callers: set[int] = set()
    made = InstantCompiler.extras

    def extras(compiler: InstantCompiler) -> Extra:
        callers.add(get_ident())
        return made(compiler)

    monkeypatch.setattr(InstantCompiler, "extras", extras)
    ((_, world),) = [item for item in worlds() if item[0] == "a node that goes and comes again"]
    check(System(instant(world, BUDGETS[1])), Options(jobs=2))
    assert callers == {get_ident()}


@pytest.mark.parametrize("network", Network)
@pytest.mark.parametrize("travels", [None, to_b])
def test_what_is_sent_twice_in_one_step_arrives_twice_unless_it_is_mail_in_a_set(network: Network, travels: Any) -> None:
    """Of two messages that are the same, one may be lost."""
    world = World({"a": Mayfly((("send", "b", 1), ("send", "b", 1), ("arm", "t", Exactly(1)))), "b": Mayfly()}, network)
    world = instant(world, {"lost request": 1}, travels=travels)
    assert found(world) == reachable(world)
    same(System(world), check(System(world), EVERY_STATE))


def test_what_a_node_asks_for_after_it_retired_itself_stays() -> None:
    world = instant(World({"b": Mayfly(plan=(("retire", "b"), ("arm", "t", Exactly(1))))}))
    same(System(world), check(System(world), Options(jobs=1)))


def test_small_pieces_and_buckets_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, world),) = [item for item in worlds() if item[0] == "a node that goes and comes again"]
    system = System(instant(world, BUDGETS[1], travels=to_b))
    for name, value in (("PIECE", 3), ("BUCKET", 4), ("MISSES", 2)):
        monkeypatch.setattr(searching, name, value)
    same(system, check(system, EVERY_STATE))


def test_a_clock_changes_nothing_where_there_are_no_timers() -> None:
    """Messages of a set stay there."""
    free = build("two_phase_commit", 5)
    timed = replace(free, world=with_ticks(free.world, Ticks(1)))
    orbits, states = (check(timed, Options(jobs=1, symmetry=symmetry, sharing=symmetry)) for symmetry in (True, False))
    assert (orbits.states, states.states) == (314, 8_832)


def test_a_model_with_timers_and_losses_has_a_clock() -> None:
    """A message takes any time, so the sender's timer may fire before its answer comes, but not as soon as it was armed."""
    free = build("alternating_bit")
    timed = replace(free, world=with_ticks(free.world, Ticks(50_000)))
    same(timed, check(timed, Options(jobs=1)))


@pytest.mark.parametrize("network", [Network.BAG, Network.ORDERED])
def test_mail_that_travels_keeps_to_its_network(network: Network) -> None:
    ((_, world),) = [item for item in worlds() if item[0] == "a call that is given up"]
    world = instant(World(world.nodes, network), BUDGETS[1], travels=lambda _: True)
    assert found(world) == reachable(world)


@dataclass(slots=True)
class Countdown(Node):
    """Sends itself one number after the other."""

    restless = True
    left: int = 5_000

    def moves(self) -> tuple[str, ...]:
        return ("count",) if self.left == 5_000 else ()

    def handle(self, event: Input, step: Step) -> None:
        self.left -= 1
        if self.left:
            step.send(step.me, self.left)


def test_one_choice_may_set_off_thousands_of_deliveries() -> None:
    world = instant(World({"a": Countdown()}))
    state = world.initial()
    (choice,) = world.enabled(state)
    ((way, after),) = world.apply(state, choice)
    assert (len(way), after.nodes[0][2]) == (5_000, (0,))
    # The compiled search has less room, and says so.
    assert "one choice sets off more than the checker has room for" in check(System(world)).stopped
