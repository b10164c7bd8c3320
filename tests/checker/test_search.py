"""The table-driven search against the small explorer: same states, same successors, same depths, same shortest paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import search as searching
from sim.checker.checking import Options, check
from sim.checker.intern import ModelError
from sim.checker.keys import Fingerprints, collision_probability
from sim.checker.predicates import Predicates
from sim.checker.progress import Progress
from sim.checker.result import CheckResult, Verdict
from sim.checker.search import Search
from sim.model.explorer import explore
from sim.model.garbage import resident
from sim.model.inputs import Call, Deliver, Fired, Input, NoSuchNode, Reply
from sim.model.node import Node, Step
from sim.model.promises import Everywhere
from sim.model.spans import SECOND, Exactly
from sim.model.system import System
from sim.model.world import Network, State, World
from tests.models import Order, Puppet, build, follow, puppets, reachable

SECONDS = Exactly(SECOND)
PLAIN = Options(symmetry=False)


def same(system: System, result: CheckResult) -> None:
    """Whether a check found what the small explorer finds."""
    oracle = system.explore()
    assert (result.states, result.generated, result.depth, result.deadlocks) == (
        oracle.states,
        oracle.generated,
        oracle.depth,
        oracle.deadlocks,
    )
    assert result.complete
    for name, path in {**oracle.broken, **oracle.reached}.items():
        assert result.properties[name].length == len(path)
    decided = {name for name, judgement in result.properties.items() if judgement.path is not None}
    assert decided == {*oracle.broken, *oracle.reached}
    for name in decided:
        judgement = result.properties[name]
        predicate = {**system.invariants, **system.goals}[name]
        ends = follow(system.world, [leg.choice for leg in judgement.path or ()])
        assert any(predicate(end) == judgement.goal for end in ends)


def found(world: World, **options: Any) -> set[State]:
    """Every state that the search finds; none may come twice."""
    states = list(Search(world, Fingerprints(), Predicates({}, {}), **options).states())
    assert len(states) == len(set(states))
    return set(states)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("name", "arguments"), [("two_phase_commit", (4,)), ("alternating_bit", ()), ("alternating_bit", (3, 1)), ("lease_lock", (3,))]
)
def test_little_systems(name: str, arguments: tuple[int, ...], exact: bool, jobs: int) -> None:
    system = build(name, *arguments)
    same(system, check(system, Options(exact=exact, jobs=jobs, symmetry=False)))


@pytest.mark.parametrize("name", ["two_phase_commit", "alternating_bit", "lease_lock"])
def test_the_states_are_those_of_the_world(name: str) -> None:
    world = build(name).world
    assert found(world) == reachable(world)


@pytest.mark.parametrize(("managers", "states", "depth"), [(3, 288, 10), (5, 8_832, 16), (7, 296_448, 22)])
def test_two_phase_commit_has_the_published_number_of_states(managers: int, states: int, depth: int) -> None:
    result = check(build("two_phase_commit", managers), PLAIN)
    assert (result.states, result.depth, result.complete, result.deadlocks) == (states, depth, True, 0)
    assert result.properties["consistent"].verdict is Verdict.HELD
    assert result.properties["all committed"].length == 3 * managers + 1
    # A handler runs once per (class, local state, input), whatever the name of its node.
    assert result.handler_calls < states / 4


@pytest.mark.slow
@pytest.mark.parametrize("exact", [False, True])
def test_ten_million_states(exact: bool) -> None:
    result = check(build("two_phase_commit", 9), Options(exact=exact, symmetry=False))
    assert (result.states, result.depth, result.complete) == (10_340_352, 28, True)
    assert result.bytes_per_state < 150


# -- worlds of puppets: every effect there is ---------------------------------------------------------------------------


class Mayfly(Puppet):
    """Takes nothing twice, so that whatever it is told to do comes to an end, also where messages stay for ever."""

    __slots__ = ()

    def handle(self, event: Any, step: Any) -> None:
        if isinstance(event, Deliver | Fired | Reply) and (event in self.heard or len(self.heard) > 2):
            return
        super().handle(event, step)


def worlds() -> Iterator[tuple[str, World]]:
    """Small worlds, each of which needs one thing that a handler may ask for."""
    ask = ("call", "b", "?", "t", SECONDS)
    yield "answer or end of budget", puppets(a=Puppet((ask,)), b=Puppet(on={"?": (("answer", "!"),)}))
    yield "two answers", puppets(a=Puppet((ask,)), b=Puppet(on={"?": (("reply", Call("a", "t"), 1), ("reply", Call("a", "t"), 2))}))
    yield (
        "a call that is given up",
        puppets(
            a=Puppet((ask,), {"poke": (("abandon", "t"), ask)}), b=Puppet(on={"?": (("answer", "!"),)}), c=Puppet((("send", "a", "poke"),))
        ),
    )
    yield "a callee that is gone", puppets(a=Puppet((ask,)), b=Puppet((("retire", "b"),), {"?": (("answer", "!"),)}))
    yield "a callee that never was", puppets(a=Puppet((ask, ("call", "x", "?", "u", None), ("send", "x", 1))), b=Puppet())
    yield (
        "a caller that goes while it waits",
        puppets(a=Puppet((ask,), {"poke": (("retire", "a"),)}), b=Puppet(on={"?": (("answer", "!"),)}), c=Puppet((("send", "a", "poke"),))),
    )
    child = Mayfly((("send", "a", "born"), ("arm", "x", SECONDS)), {"?": (("answer", "here"),)})
    yield (
        "a node that is born later",
        puppets(a=Puppet((("send", "c", 0), ("spawn", "c", child), ("call", "c", "?", "t", SECONDS)), {"born": (("retire", "c"),)})),
    )
    yield (
        "a node that goes and comes again",
        puppets(
            a=Puppet((ask,), {Reply("t", "!"): (("retire", "b"), ("spawn", "b", Mayfly((("arm", "y", SECONDS),))))}),
            b=Puppet((("arm", "x", SECONDS),), {"?": (("answer", "!"),)}),
        ),
    )
    yield (
        "timers",
        puppets(a=Puppet((("arm", "s", SECONDS), ("arm", "t", SECONDS), ("deadline", "u", SECONDS)), {Fired("s"): (("disarm", "t"),)})),
    )
    yield "questions", puppets(a=Puppet((("choose", "x", (1, 2, 3)), ("earliest", ("s", "t")), ("send", "a", 1))))
    yield "a node that calls itself", puppets(a=Puppet((("call", "a", "?", "t", SECONDS),), {"?": (("answer", 1), ("abandon", "t"))}))


@pytest.mark.parametrize("network", Network)
@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize(("what", "world"), list(worlds()), ids=[name for name, _ in worlds()])
def test_every_effect_on_every_network(what: str, world: World, network: Network, lossy: bool) -> None:
    world = World(world.nodes, network, (lambda _: True) if lossy else None)
    if network is Network.SET:
        world = World({name: Mayfly(node.plan, node.on) for name, node in world.nodes.items()}, network, world.lossy)  # type: ignore[attr-defined]
    assert explore(world, limit=5000).complete
    same(System(world), check(System(world)))
    assert found(world) == reachable(world)


ORDERS: st.SearchStrategy[Order] = st.one_of(
    st.tuples(st.just("send"), st.sampled_from("abc"), st.sampled_from([1, 2])),
    st.tuples(st.just("call"), st.sampled_from("abcx"), st.sampled_from(["?", "!"]), st.sampled_from(["t", "u"]), st.just(SECONDS)),
    st.tuples(st.just("arm"), st.sampled_from(["t", "v"]), st.just(SECONDS)),
    st.tuples(st.just("deadline"), st.just("v"), st.just(SECONDS)),
    st.tuples(st.just("disarm"), st.sampled_from(["t", "v"])),
    st.tuples(st.just("abandon"), st.sampled_from(["t", "u"])),
    st.tuples(st.just("reply"), st.builds(Call, st.sampled_from("abc"), st.sampled_from(["t", "u"])), st.sampled_from([1, 2])),
    st.tuples(st.just("retire"), st.sampled_from("abc")),
    st.tuples(st.just("choose"), st.just("c"), st.just((1, 2))),
)
TRIGGERS = st.sampled_from([1, 2, "?", Fired("t"), Fired("u"), Fired("v"), Reply("t", 1), Reply("u", NoSuchNode())])


@st.composite
def any_world(draw: st.DrawFn) -> World:
    names = draw(st.sampled_from(["ab", "abc"]))
    nodes: dict[str, Node] = {}
    for name in names:
        plan = tuple(draw(st.lists(ORDERS, max_size=3)))
        on = draw(st.dictionaries(TRIGGERS, st.lists(ORDERS, max_size=2).map(tuple), max_size=3))
        nodes[name] = Mayfly(plan, on)
    return World(nodes, draw(st.sampled_from(Network)), draw(st.sampled_from([None, lambda parcel: parcel.to == "a"])))


@given(world=any_world(), jobs=st.sampled_from([1, 2]), exact=st.booleans())
@settings(max_examples=120, deadline=None)
def test_any_world(world: World, jobs: int, exact: bool) -> None:
    oracle = explore(world, limit=3000)
    assume(oracle.complete)
    assert found(world, jobs=jobs) == reachable(world)
    result = check(System(world), Options(jobs=jobs, exact=exact))
    assert (result.generated, result.depth, result.deadlocks) == (oracle.generated, oracle.depth, oracle.deadlocks)


# -- sizes and stops ----------------------------------------------------------------------------------------------------


def test_small_pieces_and_buckets_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever does not fit is done later: the same states, and other orders only within a depth."""
    system = build("two_phase_commit", 4)
    for name, value in (("PIECE", 3), ("BUCKET", 4), ("MISSES", 2)):
        monkeypatch.setattr(searching, name, value)
    same(system, check(system, PLAIN))


@pytest.mark.parametrize("narrow", [0, 30])
def test_numbers_of_four_bytes_change_nothing(monkeypatch: pytest.MonkeyPatch, narrow: int) -> None:
    """From the start, and in the middle of a search."""
    monkeypatch.setattr(searching, "NARROW", narrow)
    for system in (build("lease_lock", 3), build("two_phase_commit", 4)):
        same(system, check(system, PLAIN))
        assert check(system).states == system.explore(symmetric=True).states


def test_many_copies_of_a_message_fit_into_exact_keys() -> None:
    """Fields of packed keys turn out too small again and again, and the search begins anew."""
    world = puppets(a=Puppet(tuple(("send", "b", 1) for _ in range(9))), b=Puppet())
    result = check(System(world), Options(exact=True))
    oracle = explore(world)
    assert (result.states, result.generated, result.collision_probability) == (oracle.states, oracle.generated, 0)


@dataclass(slots=True)
class Writer(Node):
    """Sends a row of `a` and `b` after the sequence of Thue and Morse, or its complement."""

    restless = True
    length: int
    done: bool = False

    def moves(self) -> tuple[str, ...]:
        return () if self.done else ("write",)

    def handle(self, event: Input, step: Step) -> None:
        self.done = True
        flip = step.choose("which", (0, 1))
        for i in range(self.length):
            step.send("reader", "ab"[(i.bit_count() + flip) % 2])


@dataclass(slots=True)
class Reader(Node):
    first: str = ""

    def handle(self, event: Input, step: Step) -> None:
        assert isinstance(event, Deliver)
        self.first = self.first or str(event.message)


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_mail_that_no_polynomial_tells_apart(seed: int) -> None:
    """Of any odd base the polynomials of these two rows of 1,024 messages are equal, modulo 2^64."""
    world = World({"writer": Writer(1024), "reader": Reader()}, Network.ORDERED)
    result = check(System(world, {"a first": Everywhere(Reader, lambda reader: reader.first != "b")}), Options(seed=seed))
    assert (result.states, result.properties["a first"].length) == (2_051, 2)


def test_what_copies_of_a_message_cost_is_part_of_the_probability() -> None:
    assert collision_probability(1_000, 1) == 1_000 * 999 / 2**65
    assert collision_probability(1_000, 8) == 8 * collision_probability(1_000)
    assert collision_probability(1_000, 15) == 8 * collision_probability(1_000)


def test_a_long_mail_is_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "LONGEST_MAIL", 8)
    result = check(System(puppets(a=Puppet(tuple(("send", "b", n) for n in range(20))), b=Puppet())))
    assert not result.complete
    assert "messages are on their way at once" in result.stopped


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    system = build("lease_lock", 4)
    one, two = (check(system, Options(jobs=jobs, symmetry=False)) for jobs in (1, 2))
    assert one.states == two.states > 10_000
    assert one.properties == two.properties


def test_a_limit_is_said() -> None:
    result = check(build("two_phase_commit", 5), Options(limit=1000, symmetry=False))
    assert not result.complete
    assert result.states == 1000
    assert "1,000 states are reached, which is the limit" in result.stopped
    assert {judgement.verdict for judgement in result.properties.values()} == {Verdict.UNDECIDABLE}


def test_the_end_of_memory_is_a_stop_and_what_was_found_is_kept() -> None:
    system = build("lease_lock", 4)
    result = check(system, Options(memory=1_000_000, symmetry=False))
    assert not result.complete
    assert "bytes" in result.stopped
    assert 1000 < result.states < check(system, PLAIN).states
    assert result.properties["one holder"].verdict is Verdict.BROKEN
    assert result.properties["fenced"].verdict is Verdict.UNDECIDABLE
    assert result.bytes_per_state * result.states < 1_500_000


@dataclass(slots=True)
class Hoarder(Node):
    """Every state of it is as large as a megabyte."""

    restless = True
    kept: tuple[str, ...] = ()

    def moves(self) -> tuple[str, ...]:
        return ("more",)

    def handle(self, event: Input, step: Step) -> None:
        self.kept = (*self.kept, f"{len(self.kept):0>1000000}")


@pytest.mark.skipif(not resident(), reason="this system does not tell how much memory a process has")
def test_what_handlers_did_counts_as_memory() -> None:
    system = System(World({"h": Hoarder()}))
    # What this process has free already does not count.
    result = check(system, Options(memory=100_000_000, limit=2_000))
    assert not result.complete
    assert "what handlers did takes" in result.stopped
    assert result.states < 1_000
    assert 50_000_000 < result.compiled_bytes < 200_000_000
    assert check(system, Options(limit=20)).stopped == "20 states are reached, which is the limit"


def test_a_plain_function_is_a_promise_too() -> None:
    system = build("lease_lock", 3)
    fast = check(system).properties["one holder"]

    def one_holder(state: State) -> bool:
        return system.invariants["one holder"](state)

    plain = System(system.world, {"one holder": one_holder})
    assert check(plain).properties["one holder"].length == fast.length == 7


def test_a_goal_that_is_never_reached() -> None:
    world = puppets(a=Puppet((("send", "b", 1),)), b=Puppet())
    goals = {"two": Everywhere(Puppet, lambda node: len(node.heard) == 2), "start": lambda _: True}
    result = check(System(world, goals=goals))
    assert result.properties["two"].verdict is Verdict.NOT_EXERCISED
    assert (result.properties["start"].verdict, result.properties["start"].length) == (Verdict.HELD, 0)
    assert result.as_expected
    assert not result.decided


def test_a_node_that_is_born_twice_is_refused() -> None:
    world = puppets(a=Puppet((("spawn", "c", Puppet()),)), b=Puppet((("spawn", "c", Puppet()),)))
    with pytest.raises(ModelError, match="spawned while it exists"):
        check(System(world))


def test_a_handler_that_fails_is_named_with_its_state_and_input() -> None:
    world = puppets(a=Puppet((("send", "b", 1),)), b=Puppet(on={1: (("answer", "nobody asked"),)}))
    with pytest.raises(ModelError, match=r"b \(Puppet\) fails on Deliver\(message=1, source='a', call=None\) in state Puppet.*IndexError"):
        check(System(world))


def test_the_shortest_path_to_a_deadlock() -> None:
    result = check(build("lease_lock", 2), PLAIN)
    assert result.deadlock is not None
    assert not list(build("lease_lock", 2).world.enabled(result.deadlock[-1].state))


@pytest.mark.parametrize(("name", "size", "from_share", "factor"), [("lease_lock", 4, 0.2, 6), ("two_phase_commit", 7, 0.6, 1.5)])
def test_how_much_is_still_to_come_is_told_by_how_layers_grow(name: str, size: int, from_share: float, factor: float) -> None:
    told: list[Progress] = []
    # As it is told: lists of sizes grow.
    result = check(
        build(name, size), Options(jobs=1, symmetry=False), lambda progress: told.append(replace(progress, layers=[*progress.layers]))
    )
    assert told[0].states_to_come() is None
    assert 0 < told[-1].memory < told[-1].memory_limit
    late = [progress for progress in told if progress.states > from_share * result.states]
    guesses = [(progress.states, left) for progress in late if (left := progress.states_to_come()) is not None]
    assert len(guesses) > len(late) / 2
    for states, left in guesses:
        assert states + left < factor * result.states
        assert states + left > result.states / factor
    assert guesses[-1][0] + guesses[-1][1] < 1.05 * result.states


@pytest.mark.parametrize(
    ("layers", "known"),
    [
        ((1, 2, 4), False),  # few
        (tuple(3**k for k in range(12)), False),  # grows fast
        (tuple(round(1.1 ** (k * k / 4)) for k in range(12)), False),  # ever faster
        (tuple(round(1000 * 0.8**k) for k in range(12)), True),
        ((100, 150, 210, 270, 320, 350, 365, 370), True),
    ],
)
def test_what_comes_is_not_guessed_from_too_little(layers: tuple[int, ...], known: bool) -> None:
    progress = Progress(states=sum(layers), waiting=layers[-1], layers=layers)
    assert (progress.states_to_come() is not None) == known


def test_layers_that_shrink_evenly_are_added_up() -> None:
    layers = [round(100_000 * 0.5**k) for k in range(8)]
    to_come = Progress(states=sum(layers), waiting=layers[-1], layers=layers).states_to_come()
    assert to_come == pytest.approx(layers[-1] * 2, rel=0.01)
