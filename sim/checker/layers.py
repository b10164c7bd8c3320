"""Rows of the states of one depth, with their keys and where each came from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sim.checker.columns import Array
from sim.checker.visited import Budget


MANY: Final = 1 << 20
GROWTH: Final = 1.25
"""From this many states on, room grows by less: it is written to as soon as it is there."""


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

    def __post_init__(self) -> None:
        self._allocate(64)

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return 1 + self.slots + self.mail

    def _allocate(self, capacity: int, both: bool = False) -> None:
        old = self.rows.nbytes + 16 * len(self.rows) if both else 0
        width = np.dtype(self.number).itemsize * self.width
        self.budget.resize("the states of one depth", old, capacity * (width + 16))
        self.rows = np.empty((capacity, self.width), self.number)
        self.keys = np.empty(capacity, np.uint64)
        self.parents = np.empty(capacity, np.uint32)
        self.outcomes = np.empty(capacity, np.uint32)

    def reserve(self, more: int) -> None:
        """Make room for more states. Raises OutOfBudget."""
        if self.n + more > len(self.rows):
            self._lengthen(max(len(self.rows) * (2 if len(self.rows) < MANY else GROWTH), self.n + more))

    def prepare(self, states: int) -> None:
        """Make room for so many states while there is nothing to copy, if memory is plentiful."""
        if not self.n and len(self.rows) < states and self.budget.used + states * self._bytes_each < self.budget.limit // 2:
            self._rebuild(states, self.slots, self.mail)

    @property
    def _bytes_each(self) -> int:
        return int(self.rows.itemsize) * self.rows.shape[1] + 16

    def _lengthen(self, capacity: float) -> None:
        """Make the arrays longer where they are: the system moves pages of large ones, so that nothing is copied or there twice.

        Nobody may hold a view of them.
        """
        old, new = len(self.rows), int(capacity)
        self.budget.resize("the states of one depth", old * self._bytes_each, new * self._bytes_each, both=False)
        self.rows.resize((new, self.width), refcheck=False)
        for column in (self.keys, self.parents, self.outcomes):
            column.resize(new, refcheck=False)

    def widen(self, slots: int, mail: int, number: type) -> None:
        """Make rows wider: for more slots (nobody is there), longer mail or larger numbers. Raises OutOfBudget."""
        if (slots, mail, number) != (self.slots, self.mail, self.number):
            self.number = number
            self._rebuild(len(self.rows), slots, mail)

    def _rebuild(self, capacity: int, slots: int, mail: int) -> None:
        old = self.rows, self.keys, self.parents, self.outcomes
        first = 1 + self.slots
        places, same = self.mail, (self.slots, self.mail) == (slots, mail)
        self.slots, self.mail = slots, mail
        self._allocate(capacity, both=True)
        n = self.n
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
