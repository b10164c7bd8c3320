"""A simulation followed through a checked world: every instant of it has to be some choices of that world.

A simulation whose messages take no time comes to rest after each instant. What its nodes are then (`sim.scenario.projected`)
is held against the states that the world's choices lead to: the choices that the instant's timers and faults stand for, in
any order. So the simulation's state is found with its budgets, and whoever has searched the world can look it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from sim.model.canon import Frozen
from sim.model.environment import RETRY, SLOW, Environment
from sim.model.inputs import Fired, Input, Move, Name
from sim.model.instant import InstantWorld
from sim.model.world import Enabled, State
from sim.scenario.projected import DEADLINES, Station

Cause = tuple[Name, Input]
"""Who took what from a clock or from outside: a timer that fired, or a move of the environment."""
Look = frozenset[int]
"""What all nodes but the environment are, as numbers of stations."""
MOST: Final = 6
"""Choices that one instant may stand for."""
UNLIMITED: Final = ((SLOW.kind,), (RETRY.kind,), (SLOW.kind, RETRY.kind))
"""Budgets that a simulation may overdraw by itself."""


class Astray(Exception):
    """A simulation came to a state to which no choice of the checked world leads; the message says where they part."""


class Spent(Exception):
    """A simulation did something for which nothing is left of a budget: it is followed no further. `budget`, and `what` did it."""

    def __init__(self, budget: str, what: str) -> None:
        super().__init__(f"{budget}: {what}")
        self.budget = budget
        self.what = what


@dataclass(slots=True)
class Follower:
    """Steps through a world, each worked out once for all simulations."""

    world: InstantWorld
    states: list[State] = field(default_factory=list)
    """All that were met, by number."""
    looks: list[Look] = field(default_factory=list)
    """Of the states, by number."""
    _numbers: dict[State, int] = field(default_factory=dict)
    _stations: dict[Station, int] = field(default_factory=dict)
    _after: dict[tuple[int, Enabled], tuple[int, ...]] = field(default_factory=dict)
    _enabled: dict[int, tuple[Enabled, ...]] = field(default_factory=dict)
    _known: dict[tuple[int, Look, frozenset[Cause]], int] = field(default_factory=dict)

    def station(self, station: Station) -> int:
        """The number of a station."""
        return self._stations.setdefault(station, len(self._stations))

    def first(self, look: Look) -> int:
        """The number of the first state, at which a simulation has to begin. Raises Astray."""
        number = 0 if self.states else self.number(self.world.initial())
        if self.looks[number] != look:
            raise Astray(f"the simulation begins otherwise than the checked world: {self._difference(number, look)}")
        return number

    def step(self, number: int, look: Look, causes: Iterable[Cause]) -> int:
        """The state that the simulation is in after an instant, from the one before.

        Raises Spent when it took more than a budget had, Astray when no choices lead there.
        """
        key = number, look, frozenset(causes)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._find(number, look, key[2])
        return found

    def look_of(self, state: State) -> Look:
        """A state as a simulation shows it: without the environment, and without what beats timers."""
        return frozenset(
            self.station(
                Station(
                    name, kind, local,
                    frozenset(t.tag for t in state.timers if t.node == name and t.armed.fires),
                    frozenset((c.tag, c.to) for c in state.calls if c.node == name),
                )
            )
            for name, kind, local in state.nodes if name != self.world.environment
        )  # fmt: skip

    # -- the steps of the world ----------------------------------------------------------------------------------------

    def choices(self, number: int, causes: frozenset[Cause]) -> Iterator[Enabled]:
        """What may happen next in a state, of what the causes stand for."""
        if number not in self._enabled:
            self._enabled[number] = tuple(self.world.enabled(self.states[number]))
        return (choice for choice in self._enabled[number] if _is_caused(choice, causes))

    def successors(self, number: int, choice: Enabled) -> tuple[int, ...]:
        """The states that a choice leads to."""
        key = number, choice
        if key not in self._after:
            ways = self.world.apply(self.states[number], choice)
            self._after[key] = tuple(dict.fromkeys(self.number(state) for _, state in ways))
        return self._after[key]

    def number(self, state: State) -> int:
        """The number of a state, a new one when it was not met before."""
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self.states)
            self.states.append(state)
            self.looks.append(self.look_of(state))
        return number

    def relaxed(self, number: int, kinds: Sequence[str]) -> int:
        """The same state with these budgets without a limit."""
        return self.number(_relaxed(self.world, self.states[number], kinds))

    # -- the search for the instant's choices ----------------------------------------------------------------------------

    def _find(self, number: int, look: Look, causes: frozenset[Cause]) -> int:
        found = self._reach(number, look, causes)
        if found is not None:
            return found
        for kinds in UNLIMITED:
            relaxed = self.relaxed(number, kinds)
            if self._reach(relaxed, look, causes) is not None:
                raise Spent(" and ".join(kinds), self._overdrawn(relaxed, look, causes))
        raise Astray(self.parting(number, look, causes))

    def _reach(self, number: int, look: Look, causes: frozenset[Cause]) -> int | None:
        """The state of this look that as few as possible of the causes lead to, in any order."""
        frontier, seen = [number], {number}
        for _ in range(min(len(causes), MOST) + 1):
            for candidate in frontier:
                if self.looks[candidate] == look:
                    return candidate
            following = dict.fromkeys(a for n in frontier for choice in self.choices(n, causes) for a in self.successors(n, choice))
            frontier = [after for after in following if after not in seen]
            seen.update(frontier)
        return None

    def _overdrawn(self, relaxed: int, look: Look, causes: frozenset[Cause]) -> str:
        """The timers that nothing was left for, in words: class of node and kind of timer. One that alone leads there, if one does."""
        kinds = {name: kind for name, kind, _ in self.states[relaxed].nodes}
        slow = [choice for choice in self.choices(relaxed, causes) if choice.slow]
        slow = [c for c in slow if any(self.looks[after] == look for after in self.successors(relaxed, c))] or slow
        return ", ".join(sorted({f"{kinds[c.node].__name__} {_timer(c.event)}" for c in slow})) or "tried once more"

    # -- words -----------------------------------------------------------------------------------------------------------

    def parting(self, number: int, look: Look, causes: frozenset[Cause]) -> str:
        """Where a simulation and the world part: what its causes may be there, and what differs from the nearest state."""
        choices = list(self.choices(number, causes))
        ends = [after for choice in choices for after in self.successors(number, choice)] or [number]
        nearest = min(ends, key=lambda end: len(self.looks[end] ^ look))
        what = "; ".join(f"{node}: {event}" for node, event in sorted(causes, key=repr))
        taken = "; ".join(choice.label() for choice in choices) or "nothing that is enabled"
        return f"after {what}, which is {taken}, the nearest state differs: {self._difference(nearest, look)}"

    def _difference(self, number: int, look: Look) -> str:
        names = {n: station for station, n in self._stations.items()}
        simulated = {names[n].name: names[n] for n in look - self.looks[number]}
        checked = {names[n].name: names[n] for n in self.looks[number] - look}
        both = sorted(simulated.keys() | checked.keys())
        return "; ".join(f"{name}: {_apart(simulated.get(name), checked.get(name))}" for name in both)


def _timer(event: Input) -> str:
    """What a timer is called: the first word of its tag, or which deadline it is."""
    tag = event.tag if isinstance(event, Fired) else event
    if not isinstance(tag, tuple):
        return str(tag)
    return str(tag[-1]) if tag[0] == "written" else str(tag[0])


def _is_caused(choice: Enabled, causes: frozenset[Cause]) -> bool:
    """Whether a choice is one that the instant's causes stand for.

    The server's timer for deadlines ends whichever have passed: then any deadline of that run may be the one.
    """
    if (choice.node, choice.event) in causes:
        return True
    word = choice.event.tag[0] if isinstance(choice.event, Fired) and isinstance(choice.event.tag, tuple) else ""
    if word not in DEADLINES:
        return False
    return any(
        node == choice.node and isinstance(event, Fired) and isinstance(event.tag, tuple) and event.tag[0] in DEADLINES
        for node, event in causes
    )  # fmt: skip


def _relaxed(world: InstantWorld, state: State, kinds: Sequence[str]) -> State:
    """The state with these budgets without a limit."""
    nodes = []
    for name, kind, local in state.nodes:
        if name == world.environment:
            environment = kind.restored(local)
            assert isinstance(environment, Environment)
            environment.budgets |= dict.fromkeys(kinds, -1)
            local = environment.snapshot()
        nodes.append((name, kind, local))
    return State(tuple(nodes), state.mail, state.timers, state.calls)


def _apart(simulated: Station | None, checked: Station | None) -> str:
    """What tells two stations of one node apart."""
    if simulated is None or checked is None:
        return "is simulated and not checked" if checked is None else "is checked and not simulated"
    found = [f"{path} is {one} simulated and {other} checked" for path, one, other in differences(simulated.local, checked.local, "state")]
    for what, one, other in (("timers", simulated.timers, checked.timers), ("calls", simulated.calls, checked.calls)):
        if one != other:
            found.append(f"{what} {sorted(map(str, one - other))} only simulated, {sorted(map(str, other - one))} only checked")
    return ", ".join(found)


def differences(one: Frozen, other: Frozen, path: str) -> Iterator[tuple[str, Frozen, Frozen]]:
    """The places in which two canonical forms differ, as deep as they are of one shape."""
    if one == other:
        return
    if type(one) is type(other) and isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from differences(first, second, f"{path}.{number}")
    elif type(one) is type(other) and isinstance(one, Struct):
        for name in one.__struct_fields__:
            yield from differences(getattr(one, name), getattr(other, name), f"{path}.{name}")
    else:
        yield path, one, other


def moved(kind: str, target: str, environment: Name) -> Cause:
    """The environment's move that a fault of a simulation is."""
    return environment, Move((kind, target))
