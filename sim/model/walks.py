"""Walks through a world without a clock: one way of many, chosen by whoever decides what happens next.

What nodes leave to chance, and which messages the environment takes on their way, is drawn by the seed, the step and a number;
so a walk is its seed and its choices, and can be walked again (`Followed`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from sim.model.canon import Frozen
from sim.model.chains import Event
from sim.model.draws import draw
from sim.model.explorer import Invariant
from sim.model.inputs import Input, Name
from sim.model.instant import InstantWorld
from sim.model.node import Node
from sim.model.outcomes import Outcome, drawn
from sim.model.promises import Everywhere
from sim.model.telling import told
from sim.model.world import Enabled, Parcel, State, World

LOSSES: Final = 64
"""One message in so many is lost on its way, while the environment may lose any."""


class Scheduler(Protocol):
    """Who decides what happens next."""

    def arrives(self, event: Event) -> None:
        """An event can happen from now on."""

    def choose(self, ready: Sequence[Event]) -> Event | None:
        """The event that happens next, of those that can, in the order of the world; None ends the walk."""


class Uniform:
    """Everything that can happen is as likely to happen next."""

    def __init__(self, seed: int) -> None:
        self._seed, self._step = seed, 0

    def arrives(self, event: Event) -> None:
        """Nothing follows from it."""

    def choose(self, ready: Sequence[Event]) -> Event:
        """One of them."""
        self._step += 1
        return ready[draw(self._seed, "uniform", "choice", self._step) * len(ready) >> 64]


class Followed:
    """What happened in another walk, by its choices."""

    def __init__(self, choices: Sequence[int]) -> None:
        self._choices = iter(choices)

    def arrives(self, event: Event) -> None:
        """Nothing follows from it."""

    def choose(self, ready: Sequence[Event]) -> Event:
        """As it was then. Raises ValueError when the walk goes on for longer, or this could not happen then."""
        choice = next(self._choices, -1)
        if not 0 <= choice < len(ready):
            raise ValueError(f"choice {choice} of {len(ready)}: this is not the walk that the choices are from")
        return ready[choice]


class Wanted:
    """What is wanted, one after the other; what cannot happen when its turn comes is left out."""

    def __init__(self, choices: Sequence[Enabled]) -> None:
        self._choices = iter(choices)

    def arrives(self, event: Event) -> None:
        """Nothing follows from it."""

    def choose(self, ready: Sequence[Event]) -> Event | None:
        """The next of them that can happen."""
        possible = {event.choice: event for event in ready}
        return next((possible[choice] for choice in self._choices if choice in possible), None)


@dataclass(frozen=True, slots=True)
class Stride:
    """A step of a walk: the event that happened, what came of it, and the states after and before it. An outcome as `World.apply` gives
    it."""

    event: Event
    outcome: Any
    state: State
    before: State

    @property
    def told(self) -> str:
        """The choice in words."""
        return told(self.event.choice, self.before)


@dataclass(frozen=True, slots=True)
class Walk:
    """`choices`: the number of each choice among those that there were. `broken`: promise -> after how many steps it was.

    `ended`: whether nothing could happen any more; otherwise the walk was cut off.
    """

    seed: int
    choices: tuple[int, ...]
    strides: tuple[Stride, ...]
    events: tuple[Event, ...]
    broken: Mapping[str, int]
    ended: bool


def walk(world: World, scheduler: Scheduler, seed: int, most: int, promises: Mapping[str, Invariant] | None = None) -> Walk:
    """Walk until nothing can happen any more, or for `most` steps; `promises` have to be true in every state."""
    draws = _Draws(seed)
    world = _by_chance(world, draws)
    kept = _Kept(promises or {})
    state = world.initial()
    known: dict[Enabled, Event] = {}
    events: list[Event] = []
    strides: list[Stride] = []
    choices: list[int] = []
    kept.look(state, 0)
    happened = 0
    while ready := _ready(world, state, known, events, happened, scheduler):
        if len(strides) == most:
            break
        event = scheduler.choose(ready)
        if event is None:
            break
        choices.append(ready.index(event))
        draws.next()
        before = state
        outcome, state = _one_of(world, before, event.choice, draws)
        strides.append(Stride(event, outcome, state, before))
        kept.look(state, len(strides))
        known.pop(event.choice)
        happened = event.number
    return Walk(seed, tuple(choices), tuple(strides), tuple(events), kept.broken, not ready)


def shorter(world: World, taken: Walk, name: str, promise: Invariant) -> Walk:
    """A walk that breaks a promise without the steps that it does not need for that: none of those left can be left out alone."""
    best, place = taken, len(taken.strides) - 1
    while place >= 0:
        wanted = [stride.event.choice for stride in best.strides]
        found = walk(world, Wanted(wanted[:place] + wanted[place + 1 :]), taken.seed, len(wanted), {name: promise})
        steps = found.broken.get(name)
        if steps is not None and steps < len(wanted):
            best = replace(found, choices=found.choices[:steps], strides=found.strides[:steps])
            place = len(best.strides)
        place -= 1
    return best


def _ready(world: World, state: State, known: dict[Enabled, Event], events: list[Event], cause: int, scheduler: Scheduler) -> list[Event]:
    """What can happen, in the order of the world. What can since now is a new event; what cannot any more is forgotten."""
    ready = []
    for choice in dict.fromkeys(world.enabled(state)):
        event = known.get(choice)
        if event is None:
            event = Event(len(events) + 1, cause, choice)
            events.append(event)
            scheduler.arrives(event)
        ready.append(event)
    known.clear()
    known.update((event.choice, event) for event in ready)
    return ready


class _Draws:
    """Numbers for what one step leaves to chance."""

    def __init__(self, seed: int) -> None:
        self._seed, self._step, self._ordinal = seed, 0, 0

    def next(self) -> None:
        """The next step begins."""
        self._step, self._ordinal = self._step + 1, 0

    def pick(self, options: int) -> int:
        """A number below `options`."""
        self._ordinal += 1
        return draw(self._seed, "walk", f"step {self._step}", self._ordinal) * options >> 64


def _by_chance(world: World, draws: _Draws) -> World:
    """The world with one outcome where there are several: its handlers' answers and its losses are drawn."""
    if not isinstance(world, InstantWorld):
        return world
    lossy = world.lossy

    def handler(kind: type[Node], name: Name, local: Frozen, event: Input) -> Iterator[Outcome]:
        yield drawn(kind, name, local, event, draws.pick)

    def lost(parcel: Parcel) -> bool:
        return lossy is not None and lossy(parcel) and draws.pick(LOSSES) == 0

    return replace(world, handler=handler, lossy=lost if lossy is not None else None)


def _one_of(world: World, state: State, choice: Enabled, draws: _Draws) -> tuple[Any, State]:
    if isinstance(world, InstantWorld):
        # Where a message can be lost and is, that comes first.
        return next(world.apply(state, choice))
    ways = list(world.apply(state, choice))
    return ways[draws.pick(len(ways))]


class _Kept:
    """Which promises were broken first when. What concerns nodes on their own is asked once for each of their states."""

    def __init__(self, promises: Mapping[str, Invariant]) -> None:
        self.broken: dict[str, int] = {}
        self._promises = dict(promises)
        self._fine: dict[str, dict[tuple[type[Node], Frozen], bool]] = {name: {} for name in promises}

    def look(self, state: State, steps: int) -> None:
        """A new state after so many steps."""
        for name, promise in list(self._promises.items()):
            if not self._holds(name, promise, state):
                self.broken[name] = steps
                del self._promises[name]

    def _holds(self, name: str, promise: Callable[[State], bool], state: State) -> bool:
        if not isinstance(promise, Everywhere):
            return promise(state)
        fine = self._fine[name]
        for _, kind, local in state.nodes:
            if (kind, local) not in fine:
                fine[kind, local] = promise.allows(kind, local)
            if not fine[kind, local]:
                return False
        return True
