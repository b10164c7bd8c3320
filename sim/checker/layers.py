"""Rows of the states of one depth, with their keys and where each came from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sim.checker.columns import Array
from sim.checker.visited import Budget

MANY: Final = 1 << 20
"""States of a large layer."""
SHARE: Final = 4
"""A large layer has room for a quarter of all memory that may be used, since there are two of them, and what was visited."""


@dataclass(slots=True)
class Layer:
    """States of one depth. A row is [length of mail, stations by slot ..., parcels ...]; see `kernels`."""

    budget: Budget
    slots: int
    mail: int
    """Places for parcels."""
    number: type = np.uint16
    """What rows are made of: two bytes until there are more stations or parcels than that."""
    n: int = 0
    rows: Array = field(init=False)
    keys: Array = field(init=False)
    parents: Array = field(init=False)
    outcomes: Array = field(init=False)
    used: int = field(init=False, default=0)
    """Rows that were ever written to: memory is taken, and accounted for, when that happens."""

    def __post_init__(self) -> None:
        self._allocate(64)

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return 1 + self.slots + self.mail

    @property
    def bytes_each(self) -> int:
        """Bytes of a row with its key and origin."""
        return int(np.dtype(self.number).itemsize) * self.width + 16

    def _allocate(self, capacity: int) -> None:
        self.rows = np.empty((capacity, self.width), self.number)
        self.keys = np.empty(capacity, np.uint64)
        self.parents = np.empty(capacity, np.uint32)
        self.outcomes = np.empty(capacity, np.uint32)

    def reserve(self, more: int) -> None:
        """Make room for more states. Raises OutOfBudget."""
        needed = self.n + more
        if needed > len(self.rows):
            self._rebuild(self._capacity(needed), self.slots, self.mail, self.used * self.bytes_each)
        if needed > self.used:
            self.budget.resize("the states of one depth", self.used * self.bytes_each, needed * self.bytes_each, both=False)
            self.used = needed

    def _capacity(self, needed: int) -> int:
        """Room for so many states and more to come: of large layers for as many as may ever be, so that they are not copied again.

        That takes no memory, but addresses: a system gives pages when they are written to.
        """
        return max(2 * len(self.rows), needed if needed < MANY else max(2 * needed, int(self.budget.limit // SHARE // self.bytes_each)))

    def widen(self, slots: int, mail: int, number: type) -> None:
        """Make rows wider: for more slots (nobody is there), longer mail or larger numbers. Raises OutOfBudget."""
        if (slots, mail, number) != (self.slots, self.mail, self.number):
            before = self.used * self.bytes_each
            self.number = number
            self._rebuild(len(self.rows), slots, mail, before)

    def _rebuild(self, capacity: int, slots: int, mail: int, before: int) -> None:
        """Move all to larger arrays; those that are there have taken so many bytes."""
        old = self.rows, self.keys, self.parents, self.outcomes
        first, n = 1 + self.slots, self.n
        places, same = self.mail, (self.slots, self.mail) == (slots, mail)
        self.slots, self.mail = slots, mail
        self.budget.resize("the states of one depth", before, n * self.bytes_each)
        self.used = n
        self._allocate(capacity)
        if same:
            self.rows[:n] = old[0][:n]
        else:
            self.rows[:n, :first] = old[0][:n, :first]
            self.rows[:n, first : 1 + slots] = 0
            self.rows[:n, 1 + slots : 1 + slots + places] = old[0][:n, first:]
        self.keys[:n], self.parents[:n], self.outcomes[:n] = old[1][:n], old[2][:n], old[3][:n]

    def row(self, number: int) -> tuple[list[int], list[int]]:
        """One state: stations by slot, parcels."""
        row = self.rows[number].tolist()
        first = 1 + self.slots
        return row[1:first], row[first : first + row[0]]


@dataclass(slots=True)
class Words(Layer):
    """States of one depth whose keys say everything: no rows are kept."""

    @property
    def width(self) -> int:
        """Numbers of a row: none."""
        return 0

    def widen(self, slots: int, mail: int, number: type) -> None:
        """Nothing has to become wider."""
        self.slots, self.mail, self.number = slots, mail, number


@dataclass(slots=True)
class Trace:
    """Where every state came from: (number of its parent, outcome), 6 or 8 bytes a state. State 0 is the first."""

    budget: Budget
    begins: list[int] = field(default_factory=list)
    parents: list[Array] = field(default_factory=list)
    outcomes: list[Array] = field(default_factory=list)

    def append(self, begin: int, layer: Layer) -> None:
        """Keep the origins of a layer whose first state has the number `begin`. Raises OutOfBudget."""
        outcomes = layer.outcomes[: layer.n]
        number = np.uint16 if outcomes.max(initial=0) < 1 << 16 else np.uint32
        self.budget.resize("the origins of states", 0, (4 + np.dtype(number).itemsize) * layer.n)
        self.begins.append(begin)
        self.parents.append(layer.parents[: layer.n].copy())
        self.outcomes.append(outcomes.astype(number))

    def path(self, number: int) -> list[int]:
        """The outcomes that lead from the first state to this one."""
        found: list[int] = []
        while number:
            chunk = bisect_right(self.begins, number) - 1
            offset = number - self.begins[chunk]
            found.append(int(self.outcomes[chunk][offset]))
            number = int(self.parents[chunk][offset])
        return found[::-1]
