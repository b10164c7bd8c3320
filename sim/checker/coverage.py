"""Which transitions of state machines a search has taken: read from what its handlers were asked, when it is over.

A *machine* is something within a node that is in one of a few states at a time, or a field of it that is an enum. A handler's
entry takes a transition when one of its outcomes leaves the machine in another state; an entry counts once however often
the search came by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from itertools import pairwise
from typing import Any, Final

from sim.model import effects as fx
from sim.model.apart import Bundle, Part, Partly, joined
from sim.model.canon import Frozen
from sim.model.inputs import Deliver, Fault, Fired, Input, Reply
from sim.model.node import Node

NEW, GONE = "(new)", "(gone)"
"""Before there is such a thing, and when it is there no more."""
Transition = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Handled:
    """What a handler was asked, and all that came of it. `parts` are those that it looked at; `state` is the rest, or all."""

    kind: type[Node]
    state: Frozen
    parts: Mapping[Part, Bundle]
    event: Input
    outcomes: tuple[Partly, ...]

    def before(self) -> Node:
        """The node before."""
        return self.kind.restored(joined(self.kind, self.state, self.parts.values()))

    def after(self) -> Iterator[Node | None]:
        """The node after it, for each outcome; None when it is gone."""
        for partly in self.outcomes:
            gone = any(isinstance(effect, fx.Retire) for effect in partly.outcome.effects)
            parts = {**self.parts, **partly.parts}
            yield None if gone else self.kind.restored(joined(self.kind, partly.outcome.state, parts.values()))

    def seen(self) -> Iterator[object]:
        """What could be observed."""
        return (observation for partly in self.outcomes for observation in partly.outcome.seen)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine within nodes of a class. `transitions`: those that there are, as written down; none when nobody has.

    `states` gives, by whichever of several it is (an attempt, a poller), the state that it is in.
    """

    name: str
    kind: type[Node]
    states: Callable[[Any], Mapping[Hashable, str]] = field(default=lambda node: {})
    transitions: frozenset[Transition] = frozenset()
    told: Callable[[object], Transition | None] | None = None
    """What an observation tells of it, where the machine is in no node's state."""
    chain: tuple[str, ...] = ()
    """States that follow on each other, through several of which one step may go."""
    first: str = NEW
    """Where it begins."""


@dataclass(slots=True)
class Coverage:
    """What a search has seen of a machine: by transition, how many entries took it, by what the node was given."""

    machine: Machine
    taken: dict[Transition, Counter[str]] = field(default_factory=dict)

    def take(self, transition: Transition, word: str) -> None:
        """One more entry took this."""
        self.taken.setdefault(transition, Counter())[word] += 1

    def entries(self, transition: Transition) -> int:
        """How many entries took a transition."""
        return self.taken[transition].total() if transition in self.taken else 0

    @property
    def known(self) -> list[Transition]:
        """All transitions, those that are written down and those that were taken, in an order of their own."""
        return sorted(self.machine.transitions | self.taken.keys())

    @property
    def untaken(self) -> list[Transition]:
        """Those that are written down, and that the search never took."""
        return sorted(self.machine.transitions - self.taken.keys())

    @property
    def unwritten(self) -> list[Transition]:
        """Those that the search took, and that are not written down, where any are."""
        return sorted(self.taken.keys() - self.machine.transitions) if self.machine.transitions else []


def coverage(machines: Iterable[Machine], handled: Iterable[Handled]) -> list[Coverage]:
    """What the entries of a search say of these machines."""
    found = [Coverage(machine) for machine in machines]
    for entry in handled:
        mine = [one for one in found if issubclass(entry.kind, one.machine.kind)]
        if mine:
            before, after, word = entry.before(), list(entry.after()), word_of(entry.event)
            for one in mine:
                for transition in _taken(one.machine, before, after, entry):
                    one.take(transition, word)
    return found


def _taken(machine: Machine, before: Node, after: Iterable[Node | None], entry: Handled) -> set[Transition]:
    if machine.told is not None:
        return {transition for observation in entry.seen() if (transition := machine.told(observation)) is not None}
    was = machine.states(before)
    return {
        transition
        for node in after
        for transition in _between(machine, was, machine.states(node) if node is not None else {})
    }  # fmt: skip


def _between(machine: Machine, was: Mapping[Hashable, str], now: Mapping[Hashable, str]) -> Iterator[Transition]:
    for key in was.keys() | now.keys():
        one, other = was.get(key, NEW), now.get(key, GONE)
        if one == other:
            continue
        if one in machine.chain and other in machine.chain:
            way = machine.chain[machine.chain.index(one) : machine.chain.index(other) + 1]
            yield from pairwise(way)
        else:
            yield one, other


def word_of(event: Input) -> str:
    """What a node was given, in words: the class of a message, the first word of a timer's tag."""
    match event:
        case Deliver(message=message):
            return type(message).__name__
        case Reply(message=message):
            return f"answer {type(message).__name__}"
        case Fired(tag=tag):
            return f"timer {tag[0] if isinstance(tag, tuple) else tag}"
        case Fault(kind=kind):
            return str(kind)
        case _:
            return type(event).__name__.lower()


def of_fields(handled: Iterable[Handled]) -> list[Machine]:
    """A machine for each field of a class of nodes that is an enum: for systems of which nobody has written any down."""
    found: dict[tuple[type[Node], str], type[Enum]] = {}
    for entry in handled:
        node: Any = entry.before()
        if is_dataclass(node):
            found |= {(entry.kind, f.name): type(now) for f in fields(node) if isinstance(now := getattr(node, f.name), Enum)}
    return [
        Machine(f"{kind.__name__} {name}", kind, _Field(name), first=_said(next(iter(enum)))) for (kind, name), enum in found.items()
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    name: str

    def __call__(self, node: Any) -> Mapping[Hashable, str]:
        return {self.name: _said(getattr(node, self.name))}


def _said(state: Enum) -> str:
    return state.name.lower().replace("_", " ")


MOST_WORDS: Final = 4
"""Inputs that are named on one transition."""


def said(words: Counter[str]) -> str:
    """Inputs in words, the commonest first."""
    names = [word for word, _ in sorted(words.items(), key=lambda item: (-item[1], item[0]))]
    return ", ".join(names[:MOST_WORDS]) + (", ..." if len(names) > MOST_WORDS else "")
