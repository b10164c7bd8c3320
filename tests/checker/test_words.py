"""Searches whose states are words: the same states, successors, depths and verdicts as with rows, whatever the system."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import checking, word_kernels
from sim.checker.checking import Options, check
from sim.checker.keys import Fingerprints
from sim.checker.layout import layout
from sim.checker.predicates import Predicates
from sim.checker.result import Verdict
from sim.checker.search import Search
from sim.checker.words import WordSearch
from sim.model.explorer import Invariant, explore
from sim.model.inputs import Deliver, Fired
from sim.model.node import Node
from sim.model.promises import Everywhere, Pairwise
from sim.model.spans import SECOND, Exactly
from sim.model.system import System
from sim.model.world import Network, State, World
from tests.models import Order, Puppet, build, reachable

SECONDS = Exactly(SECOND)
PLAIN = Options(symmetry=False, jobs=1)


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> list[WordSearch]:
    """Words after a single state; gives the searches that took them."""
    searches: list[WordSearch] = []

    class Noted(WordSearch):
        def run(self) -> Any:
            searches.append(self)
            return super().run()

    monkeypatch.setattr(checking, "SCOUTED", 1)
    monkeypatch.setattr(checking, "WordSearch", Noted)
    return searches


class Mayfly(Puppet):
    """Takes nothing twice, and no more than three things, so that it comes to an end where messages stay for ever."""

    __slots__ = ()

    def handle(self, event: Any, step: Any) -> None:
        if isinstance(event, Deliver | Fired) and (event in self.heard or len(self.heard) > 2):
            return
        super().handle(event, step)


@pytest.mark.parametrize("options", [PLAIN, replace(PLAIN, jobs=2), replace(PLAIN, once=False), replace(PLAIN, exact=True)])
def test_two_phase_commit(options: Options, taken: list[WordSearch]) -> None:
    result = check(build("two_phase_commit", 5), options)
    assert taken
    assert (result.states, result.depth, result.deadlocks, result.complete) == (8_832, 16, 0, True)
    assert result.collision_probability == 0
    assert result.properties["consistent"].verdict is Verdict.HELD
    assert result.properties["all committed"].length == 16


def test_what_breaks_is_found_with_a_shortest_path(taken: list[WordSearch]) -> None:
    system = build("two_phase_commit", 4)
    kind = next(node for node in system.world.nodes.values() if "ResourceManager" in type(node).__name__)
    nobody = Everywhere(type(kind), lambda manager: manager.state.value != "committed")
    broken = System(system.world, {"nobody commits": nobody}, {})
    result, oracle = check(broken, PLAIN), broken.explore()
    assert taken
    assert result.properties["nobody commits"].verdict is Verdict.BROKEN
    assert result.properties["nobody commits"].length == len(oracle.broken["nobody commits"])


def test_a_promise_that_looks_at_whole_states(taken: list[WordSearch]) -> None:
    system = build("two_phase_commit", 3)

    def quiet(state: State) -> bool:
        return len(state.mail) < 3

    broken = System(system.world, {"quiet": quiet}, {})
    assert check(broken, PLAIN).properties["quiet"].length == len(broken.explore().broken["quiet"])
    assert taken


def test_steps_that_commute_are_met_fewer_times(monkeypatch: pytest.MonkeyPatch) -> None:
    met: dict[bool, int] = {}
    take_in = WordSearch._take_in

    def counted(search: WordSearch, counts: Any) -> None:
        met[search.once] = met.get(search.once, 0) + int(counts.sum())
        take_in(search, counts)

    monkeypatch.setattr(WordSearch, "_take_in", counted)
    for once in (True, False):
        assert check(build("two_phase_commit", 5), replace(PLAIN, once=once)).states == 8_832
    assert met[True] < met[False] / 2


def test_what_a_node_does_by_itself_is_not_offered_once_more_as_a_delivery(taken: list[WordSearch]) -> None:
    system = build("two_phase_commit", 3)
    result, oracle = check(system, PLAIN), system.explore()
    assert (result.states, result.generated) == (oracle.states, oracle.generated)
    search = taken[-1]
    fields, interner = search.fields, search.compiler.interner
    seen = set()
    for number, station in enumerate(interner.stations):
        if station is not None and interner.names[station.slot] != "tm":
            manager = station.kind.restored(station.local) if station.kind is not None else None
            (place,) = fields.places[fields.places[:, word_kernels.STATION] == number]
            offers = {
                (choice, slot) for choice, (slot, _) in enumerate(fields.choices.tolist()) if int(place[word_kernels.OFFERS]) >> choice & 1
            }
            seen.add((manager.state.value, len(offers)))
    # A working manager may abort by itself, whether it is told to or not; a prepared one only when it is told.
    assert seen == {("working", 1), ("prepared", 2), ("committed", 0), ("aborted", 0)}


@dataclass(slots=True)
class Follower(Node):
    """Counts the messages that come in order. It may look around and wait, which changes nothing."""

    restless = True
    count: int = 0

    def moves(self) -> Sequence[Hashable]:
        return ("look", "wait")

    def handle(self, event: Any, step: Any) -> None:
        if isinstance(event, Deliver) and event.message == self.count:
            self.count += 1


def test_what_does_nothing_is_no_double_of_anything(taken: list[WordSearch]) -> None:
    world = World({"a": Puppet(tuple(("send", "b", n) for n in range(6))), "b": Follower()}, Network.SET)
    result, oracle = check(System(world), PLAIN), explore(world)
    assert taken
    assert (result.states, result.generated, result.depth) == (oracle.states, oracle.generated, oracle.depth)
    assert result.states == 8


def test_more_choices_than_bits_have_rows(taken: list[WordSearch]) -> None:
    few = World({f"n{i}": Mayfly((("arm", "t", SECONDS),) if not i else ()) for i in range(70)}, Network.SET)
    result = check(System(few), PLAIN)
    assert not taken
    assert result.states == explore(few).states > 1


def test_outcomes_that_change_nothing_have_no_numbers() -> None:
    world = build("two_phase_commit", 3).world
    search = Search(world, Fingerprints(), Predicates({}, {}))
    found = search.run()
    handled = sum(len(one.outcomes) for one in search.compiler.handlers.handled())
    assert 0 < len(search.compiler.changes) < handled
    assert found.generated == explore(world).generated


def test_small_searches_and_other_networks_have_rows(taken: list[WordSearch], monkeypatch: pytest.MonkeyPatch) -> None:
    check(build("two_phase_commit", 5))  # with symmetry
    check(build("alternating_bit"), PLAIN)
    monkeypatch.setattr(checking, "SCOUTED", 100_000)
    check(build("two_phase_commit", 5), PLAIN)
    assert not taken


SENDS: st.SearchStrategy[Order] = st.one_of(
    st.tuples(st.just("send"), st.sampled_from("abc"), st.sampled_from([1, 2])),
    st.tuples(st.just("arm"), st.sampled_from(["t", "v"]), st.just(SECONDS)),
    st.tuples(st.just("disarm"), st.sampled_from(["t", "v"])),
    st.tuples(st.just("choose"), st.just("c"), st.just((1, 2))),
)
OTHERS: st.SearchStrategy[Order] = st.one_of(
    st.tuples(st.just("call"), st.sampled_from("abx"), st.just("?"), st.sampled_from(["t", "u"]), st.just(SECONDS)),
    st.tuples(st.just("retire"), st.sampled_from("abc")),
)
TRIGGERS = st.sampled_from([1, 2, "?", Fired("t"), Fired("v")])


PROMISES: dict[str, Invariant] = {
    "nobody hears twice": Everywhere(Mayfly, lambda node: len(node.heard) < 2),
    "two hear little": Pairwise(Mayfly, Mayfly, lambda a, b: len(a.heard) + len(b.heard) < 3),
    "somebody plans until anybody hears": Pairwise(Mayfly, Mayfly, lambda a, b: bool(a.plan) or not b.heard),
}
GOALS: dict[str, Invariant] = {
    "all heard": Everywhere(Mayfly, lambda node: bool(node.heard)),
    "all heard as much": Pairwise(Mayfly, Mayfly, lambda a, b: len(a.heard) == len(b.heard) > 0),
}


@st.composite
def any_set_world(draw: st.DrawFn) -> World:
    orders = draw(st.sampled_from([SENDS, SENDS, st.one_of(SENDS, OTHERS)]))
    nodes = {}
    for name in draw(st.sampled_from(["ab", "abc"])):
        plan = tuple(draw(st.lists(orders, max_size=3)))
        on = draw(st.dictionaries(TRIGGERS, st.lists(orders, max_size=2).map(tuple), max_size=3))
        nodes[name] = Mayfly(plan, on)
    return World(nodes, Network.SET, draw(st.sampled_from([None, None, lambda parcel: parcel.to == "a"])))


@given(world=any_set_world(), options=st.sampled_from([PLAIN, replace(PLAIN, jobs=2), replace(PLAIN, once=False)]))
@settings(max_examples=150, deadline=None)
def test_any_world_in_which_mail_stays(world: World, options: Options) -> None:
    oracle = explore(world, PROMISES, GOALS, limit=3000)
    assume(oracle.complete)
    result = check(System(world, PROMISES, GOALS), options)
    assert (result.states, result.generated, result.depth, result.deadlocks) == (
        oracle.states,
        oracle.generated,
        oracle.depth,
        oracle.deadlocks,
    )
    decided = {name: judgement.length for name, judgement in result.properties.items() if judgement.path is not None}
    assert decided == {name: len(path) for name, path in {**oracle.broken, **oracle.reached}.items()}


@pytest.mark.parametrize("once", [True, False])
def test_the_states_are_those_of_the_world(once: bool) -> None:
    world = build("two_phase_commit", 4).world
    scout = Search(world, Fingerprints(), Predicates({}, {}))
    scout.run()
    search = WordSearch(scout.compiler, layout(scout.compiler, 1, 0), once=once)
    states = list(search.states())
    assert len(states) == len(set(states))
    assert set(states) == reachable(world)
    assert {search.key(state) for state in states} == set(map(int, search.visited()))
