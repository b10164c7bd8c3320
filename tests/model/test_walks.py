"""Walks without a clock: events and their causes, chains, PCTCP's bound, and walks walked again."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import networkx as nx
import pytest

from sim.fuzz.walks import again, walks
from sim.model.chains import Chains, Event, width
from sim.model.inputs import Deliver, Fired, Input, Move
from sim.model.node import Node, Step
from sim.model.pctcp import Pctcp, bound, bound_of_any_order
from sim.model.promises import Everywhere
from sim.model.spans import Exactly
from sim.model.system import System
from sim.model.walks import Followed, Uniform, Walk, walk
from sim.model.world import World
from tests.models import build


@dataclass(slots=True)
class Source(Node):
    """Sends `left` messages, one after the other, each of them followed by a branch of its own if it is bushy."""

    restless = True
    left: int
    bushy: bool = False

    def moves(self) -> Sequence[Hashable]:
        return ("go",) if self.left else ()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move("go"):
                step.send("sink", (step.me, self.left))
                self.left -= 1
                if self.bushy:
                    step.arm(("later", self.left), Exactly(1))
            case Fired(("later", number)):
                step.send("sink", ("late", step.me, number))
            case _:
                raise TypeError(f"a source cannot take {event}")


@dataclass(slots=True)
class Sink(Node):
    """Keeps what arrived, in its order."""

    got: tuple[Hashable, ...] = ()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver(message):
                self.got += (tuple(message),)  # type: ignore[arg-type]
            case _:
                raise TypeError(f"the sink cannot take {event}")


SOURCES, MESSAGES = ("a", "b", "c"), 3
EVENTS = 2 * len(SOURCES) * MESSAGES


def system(broken: tuple[str, ...] = (), bushy: bool = False) -> System:
    """Three sources and a sink. `broken`: messages, each of which has to come before the next for the promise to break."""
    rows = tuple((word[0], int(word[1])) for word in broken)

    def fine(sink: Sink) -> bool:
        if not rows or any(row not in sink.got for row in rows):
            return True
        places = [sink.got.index(row) for row in rows]
        return places != sorted(places)

    nodes: dict[str, Node] = {name: Source(MESSAGES, bushy) for name in SOURCES}
    return System(World(nodes | {"sink": Sink()}), {"order": Everywhere(Sink, fine)})


def a_walk(seed: int, bushy: bool = True, depth: int = 3) -> tuple[Walk, Pctcp]:
    scheduler = Pctcp(seed, depth, 60)
    return walk(system(bushy=bushy).world, scheduler, seed, 200), scheduler


def descendants(events: Sequence[Event]) -> nx.DiGraph[int]:
    """Everything that came about through an event, by numbers."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(event.number for event in events)
    graph.add_edges_from((event.cause, event.number) for event in events if event.cause)
    return nx.transitive_closure_dag(graph)


@pytest.mark.parametrize("seed", range(10))
def test_each_chain_is_in_order_and_there_are_as_many_as_the_width(seed: int) -> None:
    """The width is worked out by Dilworth's theorem: events less the largest matching of their order."""
    taken, scheduler = a_walk(seed)
    order = descendants(taken.events)
    rows: dict[int, list[int]] = {}
    for event in taken.events:
        rows.setdefault(scheduler.chains.of(event), []).append(event.number)
    assert all(order.has_edge(one, other) for row in rows.values() for one, other in itertools.pairwise(row))
    halves = nx.Graph([(("from", one), ("to", other)) for one, other in order.edges])
    matching = nx.bipartite.maximum_matching(halves, [node for node in halves if node[0] == "from"])
    widest = len(taken.events) - len(matching) // 2
    assert len(scheduler.chains) == len(rows) == width(taken.events) == widest
    assert len(scheduler.chains) <= widest * (widest + 1) // 2


@pytest.mark.parametrize("seed", range(5))
def test_causes_are_what_made_events_possible(seed: int) -> None:
    """A message's cause is the step that sent it, a timer's the step that armed it; nothing happens before its cause."""
    taken, _ = a_walk(seed)
    happened: dict[int, int] = {}
    for place, stride in enumerate(taken.strides):
        event = stride.event
        assert not event.cause or happened[event.cause] < place
        match event.choice.event:
            case Deliver(message=message, source=source):
                cause = next(each.event for each in taken.strides if each.event.number == event.cause)
                assert cause.choice.node == source, message
            case _:
                pass
        happened[event.number] = place
    assert len(happened) == len(taken.strides)


def test_chains_do_not_depend_on_the_order_of_events() -> None:
    """What the bound stands on: the same events are together whatever the schedule."""

    def together(taken: Walk) -> frozenset[tuple[str, ...]]:
        chains, rows = Chains(), dict[int, list[str]]()
        for event in taken.events:
            rows.setdefault(chains.add(event), []).append(event.choice.label())
        return frozenset(map(tuple, rows.values()))

    assert len({together(walk(system(bushy=True).world, Uniform(seed), seed, 200)) for seed in range(20)}) == 1


@pytest.mark.parametrize("broken", [("c1",), ("c1", "a3"), ("b1", "a3"), ("c1", "b2", "a3")], ids="-".join)
def test_a_bug_of_depth_d_is_found_at_least_as_often_as_the_bound_says(broken: tuple[str, ...]) -> None:
    """The messages in `broken` arrive in an order that only their being held back brings about: each after all that it need not precede."""
    held_back = system(broken)
    depth, number = len(broken), 200
    found = walks(held_back, number, depth=depth, events=EVENTS)
    (row,) = found.promises
    assert (found.events, found.width, found.longer, found.cut) == (EVENTS, MESSAGES * len(SOURCES), 0, 0)
    assert found.bound == bound(found.width, EVENTS, depth) == 1 / (9 * EVENTS ** (depth - 1))
    assert found.bound >= found.bound_of_any_order == bound_of_any_order(9, EVENTS, depth)
    assert row.broken / number >= found.bound


@pytest.mark.parametrize("last", ["a1", "c3"])
def test_whatever_comes_last_of_all_is_found_with_the_bound(last: str) -> None:
    """Depth 1: one event after all that does not come of it. Its chain is the lowest in one of nine walks, evenly."""
    plain = system()

    def not_last(sink: Sink) -> bool:
        return len(sink.got) < MESSAGES * len(SOURCES) or sink.got[-1] != (last[0], int(last[1]))

    number = 450
    (row,) = walks(System(plain.world, {"last": Everywhere(Sink, not_last)}), number, depth=1, events=EVENTS).promises
    share = row.broken / number
    assert share >= 0.75 * bound(9, EVENTS, 1)
    assert row.at_most >= bound(9, EVENTS, 1)


@pytest.mark.parametrize("order", ["pctcp", "uniform"])
def test_a_walk_is_the_same_again_from_its_seed_and_from_its_choices(order: str) -> None:
    locks = build("lease_lock", 3)
    for seed in range(10):
        first, second = (
            walk(locks.world, Pctcp(seed, 2, 30) if order == "pctcp" else Uniform(seed), seed, 100, locks.invariants) for _ in "12"
        )
        assert first == second
        assert walk(locks.world, Followed(first.choices), seed, len(first.choices), locks.invariants) == first


def test_walks_find_what_the_lease_lock_breaks_and_show_it_again() -> None:
    found = walks(build("lease_lock"), 60, depth=2)
    rows = {row.name: row for row in found.promises}
    assert rows["one holder"].verdict == "broken"
    assert rows["fenced"].verdict == "held"
    shortest = again(build("lease_lock"), rows["one holder"])
    assert shortest.broken == {"one holder": len(shortest.strides)}
    assert len(shortest.strides) == 7, "as many as the shortest way of all"


def test_other_choices_are_refused() -> None:
    world = system().world
    with pytest.raises(ValueError, match="not the walk"):
        walk(world, Followed([99]), 1, 10)
    with pytest.raises(ValueError, match="not the walk"):
        walk(world, Followed([0]), 1, 10)
    with pytest.raises(ValueError, match="at least 1"):
        Pctcp(1, 0, 10)


def test_a_walk_that_does_not_end_is_cut_off_and_counted() -> None:
    @dataclass(slots=True)
    class Clock(Node):
        def handle(self, event: Input, step: Step) -> None:
            step.arm("tick", Exactly(1))
            step.send("clock", "tock")

    @dataclass(slots=True)
    class Starter(Node):
        restless = True

        def moves(self) -> Sequence[Hashable]:
            return ("start",)

        def handle(self, event: Input, step: Step) -> None:
            step.send("clock", "go")

    endless = System(World({"clock": Clock(), "starter": Starter()}))
    found = walks(endless, 5, depth=2, events=10, most=50)
    assert (found.cut, found.longer) == (5, 5)
