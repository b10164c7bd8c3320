"""The small explorer against published and independently counted numbers of states, and planted bugs that it has to find."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations

import pytest

from sim.model.canon import sort_key
from sim.model.explorer import canonical, explore
from sim.model.inputs import Deliver, Fired, Input, Move
from sim.model.node import Node, Step
from sim.model.system import System, local_states
from sim.model.world import Network, State, World, rename_state
from tests.models import build, follow, load, reachable

# -- two-phase commit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("managers", "symmetric", "states", "depth"), [(3, False, 288, 10), (5, False, 8832, 16), (3, True, 80, 10), (5, True, 314, 16)]
)
def test_two_phase_commit_has_the_published_number_of_states(managers: int, symmetric: bool, states: int, depth: int) -> None:
    system = build("two_phase_commit", managers)
    found = system.explore(symmetric)
    assert (found.states, found.depth, found.complete, found.deadlocks, found.broken) == (states, depth, True, 0, {})
    assert len(found.reached["all committed"]) == 3 * managers + 1
    assert all(system.goals["all committed"](state) for state in follow(system.world, found.reached["all committed"]))


@dataclass(slots=True)
class Hasty(load("two_phase_commit").TransactionManager):  # type: ignore[misc]
    """Commits when all but one are prepared."""

    restless = True

    def moves(self) -> tuple[str, ...]:
        working = self.state is load("two_phase_commit").Tm.INIT
        return ("commit", "abort") if working and len(self.prepared) >= len(self.managers) - 1 else ("abort",) if working else ()


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_hasty_transaction_manager_is_found_out(symmetric: bool) -> None:
    system = build("two_phase_commit", 2)
    nodes = {**system.world.nodes, "tm": Hasty(frozenset({"rm1", "rm2"}))}
    world = World(nodes, Network.SET)
    found = explore(world, system.invariants, symmetry=system.symmetry if symmetric else ())
    path = found.broken["consistent"]
    # One prepares, says so, the manager commits, that one commits, the other aborts; or in another order.
    assert len(path) == 5
    assert not any(system.invariants["consistent"](state) for state in follow(world, path))


# -- alternating bit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("items", "repeats", "states"), [(2, 2, 153), (2, 3, 314), (3, 1, 100)])
def test_alternating_bit(items: int, repeats: int, states: int) -> None:
    found = build("alternating_bit", items, repeats).explore()
    assert (found.states, found.complete, found.broken) == (states, True, {})
    assert len(found.reached["all received"]) == 2 * items
    assert len(set(by_hand(items, repeats))) == states


Links = tuple[int, int, int, tuple[int, ...], tuple[tuple[int, int], ...], tuple[int, ...], bool]


def by_hand(items: int, repeats: int) -> list[Links]:
    """The reachable states of the protocol, written once more: sender, receiver, two channels, the timer."""

    def after(state: Links) -> list[Links]:
        current, tries, expected, received, there, back, armed = state
        found: list[Links] = []
        if current < 0:
            found.append((0, 0, expected, received, (*there, (0, 0)), back, True))
        if armed:
            again = tries < repeats
            more = ((current % 2, current),) if again else ()
            found.append((current, tries + again, expected, received, (*there, *more), back, again))
        if there:
            (bit, value), rest = there[0], there[1:]
            new = bit == expected % 2
            found.append((current, tries, expected, received, rest, back, armed))
            found.append((current, tries, expected + new, received + (value,) * new, rest, (*back, bit), armed))
        if back:
            bit, left = back[0], back[1:]
            found.append((current, tries, expected, received, there, left, armed))
            if bit == current % 2 and current < items:
                last = current + 1 == items
                more = () if last else (((current + 1) % 2, current + 1),)
                found.append((current + 1, 0, expected, received, (*there, *more), left, not last))
            else:
                found.append((current, tries, expected, received, there, left, armed))
        return found

    states: list[Links] = [(-1, 0, 0, (), (), (), False)]
    met = set(states)
    for state in states:
        for one in after(state):
            if one not in met:
                met.add(one)
                states.append(one)
    return states


def test_alternating_bit_stops_only_at_its_end() -> None:
    world = build("alternating_bit").world
    stuck = [state for state in reachable(world) if not list(world.enabled(state))]
    assert len(stuck) == 5
    for state in stuck:
        sender = local_states(state)["sender"]
        assert state.mail == state.timers == ()
        assert sender.current == sender.items or sender.tries == sender.repeats  # type: ignore[attr-defined]


@dataclass(slots=True)
class Careless(load("alternating_bit").Receiver):  # type: ignore[misc]
    """Takes every item for a new one."""

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver(item):
                self.received += (item.value,)
                step.send("sender", load("alternating_bit").Ack(item.bit))


def test_a_receiver_that_ignores_the_bit_is_found_out_by_the_shortest_path() -> None:
    system = build("alternating_bit")
    world = World({**system.world.nodes, "receiver": Careless()}, Network.ORDERED, system.world.lossy)
    path = explore(world, system.invariants).broken["in order"]
    assert sorted(choice.label() for choice in path) == [
        "receiver: Deliver Item(bit=0, value=0) from sender",
        "receiver: Deliver Item(bit=0, value=0) from sender",
        "sender: Fired again",
        "sender: Move start",
    ]
    assert [load("alternating_bit").received(state) for state in follow(world, path)] == [(0, 0)]
    # No shorter one exists: one choice less, and every state keeps the promise.
    near = {world.initial()}
    for _ in range(len(path) - 1):
        near |= {after for state in near for choice in world.enabled(state) for _, after in world.apply(state, choice)}
    assert all(system.invariants["in order"](state) for state in near)


# -- lease lock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("clients", "symmetric", "states"), [(2, False, 166), (3, False, 3058), (3, True, 564)])
def test_a_lease_without_a_clock_keeps_tokens_in_order_but_not_the_lock(clients: int, symmetric: bool, states: int) -> None:
    system = build("lease_lock", clients)
    found = system.explore(symmetric)
    assert (found.states, found.complete, set(found.broken)) == (states, True, {"one holder"})
    path = found.broken["one holder"]
    assert len(path) == 7
    assert sum(isinstance(choice.event, Fired) for choice in path) == 1
    assert not any(system.invariants["one holder"](state) for state in follow(system.world, path))


# -- the explorer itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 100, 287])
def test_a_limit_is_kept_and_said(limit: int) -> None:
    found = build("two_phase_commit", 3).explore(limit=limit)
    assert (found.states, found.complete) == (limit, False)


def test_a_limit_that_is_just_enough_is_none() -> None:
    found = build("two_phase_commit", 3).explore(limit=288)
    assert (found.states, found.complete) == (288, True)


@pytest.mark.parametrize("name", ["two_phase_commit", "alternating_bit", "lease_lock"])
def test_states_are_those_of_the_simplest_search(name: str) -> None:
    system = build(name)
    assert system.explore().states == len(reachable(system.world))


@dataclass(slots=True)
class Poll(Node):
    """Counts votes by voter: names are keys of a dict here."""

    votes: dict[str, int] = field(default_factory=dict)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver(vote, source=source):
                assert isinstance(vote, int)
                self.votes[source] = vote


@dataclass(slots=True)
class Voter(Node):
    restless = True
    done: bool = False

    def moves(self) -> tuple[int, ...]:
        return () if self.done else (1, 2)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move(int() as vote):
                self.done = True
                step.send("poll", vote)
                step.send("poll", vote + step.choose("change of mind", [0, 1]))


def poll(network: Network) -> System:
    names = ("v1", "v2", "v3")
    world = World({"poll": Poll(), **{name: Voter() for name in names}}, network)
    return System(world, goals={"all voted": lambda s: len(votes(s)) == 3}, symmetry=[names])


def votes(state: State) -> dict[str, int]:
    node = local_states(state)["poll"]
    assert isinstance(node, Poll)
    return node.votes


def orbits(system: System) -> int:
    """The number of orbits, by trying every permutation of the one group."""
    (group,) = system.symmetry
    renamings = [dict(zip(group, order, strict=True)) for order in permutations(group)]
    network = system.world.network
    return len({min((rename_state(s, names, network) for names in renamings), key=sort_key) for s in reachable(system.world)})


def ordered_commit(managers: int = 3) -> System:
    """Two-phase commit over links that keep their order: what is sent to all is on as many links."""
    system = build("two_phase_commit", managers)
    return System(World(system.world.nodes, Network.ORDERED), system.invariants, system.goals, system.symmetry)


def test_what_is_sent_to_all_is_in_no_order_between_links() -> None:
    system = ordered_commit()
    found = system.explore(symmetric=True)
    assert (system.explore().states, found.states, found.broken) == (584, 144, {})
    assert found.states == orbits(system)


@pytest.mark.parametrize("network", [Network.SET, Network.ORDERED, Network.QUEUE])
def test_orbits_are_counted_exactly_also_with_names_as_keys(network: Network) -> None:
    system = poll(network)
    if network.keeps_order:
        # Enough for the order of mail to matter, and not more.
        system.world.nodes["v3"].done = True  # type: ignore[attr-defined]
        system = System(system.world, symmetry=[("v1", "v2")])
    found = system.explore(symmetric=True)
    assert found.states == orbits(system)


def test_a_path_found_by_symmetry_is_a_path() -> None:
    system = poll(Network.SET)
    path = system.explore(symmetric=True).reached["all voted"]
    assert len(path) == 6
    assert any(len(votes(state)) == 3 for state in follow(system.world, path))


@dataclass(slots=True)
class Vain(Node):
    """Breaks the rule: what it does depends on its name."""

    restless = True
    count: int = 0

    def moves(self) -> tuple[str, ...]:
        return () if self.count else ("count",)

    def handle(self, event: Input, step: Step) -> None:
        self.count = 1 if step.me == "a" else 2


def test_nodes_that_are_not_interchangeable_are_noticed() -> None:
    goal = {"both two": lambda state: [node.count for node in local_states(state).values()] == [2, 2]}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"not interchangeable: after \['b: Move count'\]"):
        explore(World({"a": Vain(), "b": Vain()}), goals=goal, symmetry=[("a", "b")])


def test_representatives_of_one_orbit_are_equal() -> None:
    system = build("lease_lock", 3)
    (group,) = system.symmetry
    for state in sorted(reachable(system.world), key=sort_key)[::97]:
        images = [rename_state(state, dict(zip(group, order, strict=True))) for order in permutations(group)]
        assert len({canonical(image, system.symmetry) for image in images}) == 1
