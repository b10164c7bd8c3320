"""Symmetry: orbits are counted exactly, verdicts and shortest lengths stay, and paths are in the nodes' real names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import search as searching
from sim.checker.checking import Options, check
from sim.checker.instant import InstantSearch
from sim.checker.intern import ModelError
from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.checker.result import Verdict
from sim.checker.traces import NoSuchPath
from sim.model.explorer import Invariant
from sim.model.inputs import Deliver, Input, Move
from sim.model.instant import InstantWorld
from sim.model.node import Node, Step
from sim.model.promises import Everywhere
from sim.model.system import System
from sim.model.world import Network, State, World
from sim.scenario.checked import Bounds, system_of
from tests.checker.test_sessions import PROGRAM, scenario_of
from tests.model.test_explorer import Hasty, Vain, ordered_commit, poll
from tests.models import build, follow


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("managers", "orbits"), [(3, 80), (5, 314), (7, 920), (9, 2_232)])
def test_two_phase_commit_has_the_true_number_of_orbits(managers: int, orbits: int, exact: bool) -> None:
    system = build("two_phase_commit", managers)
    result = check(system, Options(exact=exact))
    assert (result.states, result.depth, result.complete) == (orbits, 3 * managers + 1, True)
    path = [leg.choice for leg in result.properties["all committed"].path or ()]
    assert len(path) == 3 * managers + 1
    assert any(system.goals["all committed"](state) for state in follow(system.world, path))


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("clients", [2, 3])
def test_orbits_are_those_of_the_small_explorer(clients: int, jobs: int) -> None:
    system = build("lease_lock", clients)
    oracle = system.explore(symmetric=True)
    result = check(system, Options(jobs=jobs))
    assert (result.states, result.generated, result.depth) == (oracle.states, oracle.generated, oracle.depth)
    whole = check(system, Options(symmetry=False))
    assert whole.states > result.states
    for name, judgement in whole.properties.items():
        assert (judgement.verdict, judgement.length) == (result.properties[name].verdict, result.properties[name].length)


@pytest.mark.parametrize(("managers", "states", "orbits"), [(3, 584, 144), (4, 4_368, 370)])
def test_what_is_sent_to_all_over_ordered_links(managers: int, states: int, orbits: int) -> None:
    """Rows have links in the order in which they were met, their images in another."""
    system = ordered_commit(managers)
    result = check(system)
    assert (result.states, check(system, Options(symmetry=False)).states) == (orbits, states)
    oracle = system.explore(symmetric=True)
    assert (result.states, result.generated, result.depth) == (oracle.states, oracle.generated, oracle.depth)
    assert {judgement.verdict for judgement in result.properties.values()} == {Verdict.HELD}


@pytest.mark.parametrize("network", Network)
def test_names_as_keys(network: Network) -> None:
    """Voters whose names are keys of a dict, and whose mail has an order."""
    system = poll(network)
    if network is not Network.SET:
        system.world.nodes["v3"].done = True  # type: ignore[attr-defined]
        system = replace(system, symmetry=[("v1", "v2")])
    oracle = system.explore(symmetric=True)
    result = check(system)
    assert (result.states, result.generated, result.depth) == (oracle.states, oracle.generated, oracle.depth)


def test_a_hasty_manager_is_found_by_the_same_length() -> None:
    system = build("two_phase_commit", 4)
    world = World({**system.world.nodes, "tm": Hasty(frozenset({"rm1", "rm2", "rm3", "rm4"}))}, Network.SET)
    hasty = replace(system, world=world)
    with_it, without = (check(hasty, Options(symmetry=s)).properties["consistent"] for s in (True, False))
    assert with_it.length == without.length
    path = [leg.choice for leg in with_it.path or ()]
    assert not any(system.invariants["consistent"](state) for state in follow(world, path))


def test_nodes_that_are_not_interchangeable_are_noticed() -> None:
    goal = {"both two": lambda state: [local[0] for _, _, local in state.nodes] == [2, 2]}
    with pytest.raises(NoSuchPath, match=r"not interchangeable: after \['[ab]: Move count'\]"):
        check(System(World({"a": Vain(), "b": Vain()}), goals=goal, symmetry=[("a", "b")]))


def goes_first(name: str) -> Callable[[State], bool]:
    """A promise that speaks of one of two by name."""

    def keeps(state: State) -> bool:
        counts = {node: local[0] for node, _, local in state.nodes}
        return not counts.pop(name) or any(counts.values())

    return keeps


@dataclass(slots=True)
class Named(Node):
    """Knows its own name."""

    restless = True
    name: str
    went: bool = False

    def moves(self) -> tuple[str, ...]:
        return () if self.went else ("go",)

    def handle(self, event: Input, step: Step) -> None:
        self.went = True


@pytest.mark.parametrize(
    ("nodes", "promise"),
    [
        ({"a": Vain(), "b": Vain()}, goes_first("b")),
        ({"a": Named("a"), "b": Named("b")}, Everywhere(Named, lambda node: not node.went or node.name != "b")),
    ],
)
def test_a_promise_that_tells_members_of_a_group_apart_is_refused(nodes: dict[str, Node], promise: Invariant) -> None:
    alone = check(System(World(nodes), {"b waits": promise}))
    assert alone.properties["b waits"].verdict is Verdict.BROKEN
    with pytest.raises(ModelError, match="'b waits' tells a and b apart"):
        check(System(World(nodes), {"b waits": promise}, symmetry=[("a", "b")]))


def test_groups_are_groups() -> None:
    with pytest.raises(ModelError, match="expected groups of names"):
        check(System(World({"a": Vain(), "b": Vain()}), symmetry=["a", "b"]))


def test_groups_must_not_overlap() -> None:
    system = build("lease_lock", 3)
    with pytest.raises(ValueError, match="must not overlap"):
        check(replace(system, symmetry=[("c1", "c2"), ("c2", "c3")]))


def test_more_images_than_there_is_room_for_are_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_IMAGES", 2)
    result = check(circles(3))
    assert not result.complete
    assert "images that look alike" in result.stopped


@dataclass(slots=True)
class Pointer(Node):
    """Points at whoever asked it first, after asking somebody that the book names; knows nobody's name beforehand."""

    restless = True
    at: str = ""

    def moves(self) -> tuple[str, ...]:
        return () if self.at else ("ask",)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move("ask"):
                step.send("book", "who")
                self.at = "?"
            case Deliver(str() as name):
                self.at = name


@dataclass(slots=True)
class Book(Node):
    """Hands out the names of a set, each once, in any order."""

    left: frozenset[str] = frozenset()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver("who", source=source):
                name = step.choose("who", sorted(self.left))
                self.left -= {name}
                step.send(source, name)


def circles(n: int) -> System:
    """Every node ends up pointing at one: all permutations, of which the orbits are the partitions of n."""
    names = tuple(f"p{i}" for i in range(n))
    return System(World({"book": Book(frozenset(names)), **{name: Pointer() for name in names}}), symmetry=[names])


@pytest.mark.parametrize(("n", "partitions"), [(2, 2), (3, 3), (4, 5), (5, 7)])
def test_permutations_have_as_many_orbits_as_there_are_partitions(n: int, partitions: int) -> None:
    """Nodes in circles have equal marks, whatever the circles' lengths: only trying all orders tells the orbits apart."""
    system = circles(n)
    result = check(system)
    assert (result.complete, result.deadlocks) == (True, partitions)
    if n <= 4:
        oracle = system.explore(symmetric=True)
        assert (result.states, result.generated, result.depth) == (oracle.states, oracle.generated, oracle.depth)


def test_images_found_by_other_ways_are_what_renaming_gives() -> None:
    """Two workers and three workflows: swaps that have no member in common, and swaps that have one."""
    system = system_of(scenario_of(2, 1, 3, PROGRAM), Bounds(crashes=1))
    assert isinstance(system.world, InstantWorld)
    search = InstantSearch(system.world, Fingerprints(), Predicates({}, {}), symmetry=system.symmetry, limit=3_000)
    search.run()
    symmetry, stations = search.compiler.symmetry, search.compiler.interner.stations
    assert len(symmetry.swaps) == 3
    several = 0
    for number, station in enumerate(stations):
        if station is not None:
            for swap, names in enumerate(symmetry.swaps):
                image = symmetry.station_image(number, (swap,))
                assert stations[image] == symmetry._renamed(station, names)
                assert symmetry.station_image(image, (swap,)) == number
                several += image != number
    assert several > len(stations)
