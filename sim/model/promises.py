"""Predicates over global states that say what they look at, every node on its own, or every two nodes; and promises of what comes.

A plain function of a state is a predicate too, but only these need not be called for every state: a checker asks once
per distinct local state, or once per pair of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from sim.model.canon import Frozen
from sim.model.node import Node
from sim.model.world import State


class Exercised(Struct, frozen=True):
    """Emitted by a node that puts a promise to the test: a search notes which ones it has seen tested."""

    name: str


@dataclass(frozen=True, slots=True)
class LeadsTo:
    """After every state in which `trigger` is true comes one in which `goal` is (which may be the same), on every fair run."""

    trigger: Callable[[State], bool]
    goal: Callable[[State], bool]


@dataclass(frozen=True, slots=True)
class Eventually:
    """On every fair run comes a state in which `goal` is true."""

    goal: Callable[[State], bool]


@dataclass(frozen=True, slots=True)
class EventuallyAlways:
    """On every fair run `goal` is true from some state on for ever."""

    goal: Callable[[State], bool]


Temporal = LeadsTo | Eventually | EventuallyAlways
"""What has to come in the end."""


@dataclass(frozen=True, slots=True)
class Everywhere:
    """True when `holds(node)` is true for every node of class `kind`, each looked at on its own."""

    kind: type[Node]
    holds: Callable[[Any], bool]

    @property
    def kinds(self) -> tuple[type[Node], ...]:
        """The classes of nodes that are looked at."""
        return (self.kind,)

    def __call__(self, state: State) -> bool:
        return all(self.allows(kind, local) for _, kind, local in state.nodes)

    def allows(self, kind: type[Node], local: Frozen) -> bool:
        """Whether a node of this class may be in this local state."""
        return not self.concerns(kind) or bool(self.holds(kind.restored(local)))

    def concerns(self, kind: type[Node]) -> bool:
        """Whether nodes of this class are looked at."""
        return issubclass(kind, self.kind)


@dataclass(frozen=True, slots=True)
class Pairwise:
    """True when `holds(a, b)` is true for every two different nodes `a` of class `first` and `b` of class `second`."""

    first: type[Node]
    second: type[Node]
    holds: Callable[[Any, Any], bool]

    @property
    def kinds(self) -> tuple[type[Node], ...]:
        """The classes of nodes that are looked at."""
        return (self.first, self.second)

    def __call__(self, state: State) -> bool:
        nodes = state.nodes
        return all(self.allows(nodes[i][1:], nodes[j][1:]) for i in range(len(nodes)) for j in range(i))

    def concerns(self, kind: type[Node]) -> bool:
        """Whether nodes of this class are looked at."""
        return issubclass(kind, self.first) or issubclass(kind, self.second)

    def allows(self, one: tuple[type[Node], Frozen], other: tuple[type[Node], Frozen]) -> bool:
        """Whether two nodes may be in these local states at once, whichever is first."""
        return self._allows(one, other) and self._allows(other, one)

    def _allows(self, one: tuple[type[Node], Frozen], other: tuple[type[Node], Frozen]) -> bool:
        if not (issubclass(one[0], self.first) and issubclass(other[0], self.second)):
            return True
        return bool(self.holds(one[0].restored(one[1]), other[0].restored(other[1])))
