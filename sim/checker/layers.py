"""Rows of the states of one depth, with their keys and where each came from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sim.checker.columns import Array
from sim.checker.visited import Budget

MANY: Final = 1 << 16
"""States of a large layer."""
ORIGIN: Final = 16
"""Bytes of a key, a parent and an outcome."""
WHAT: Final = "the states of one depth"
TOGETHER: Final = 4096
"""So many rows are made wider at a time."""
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
    _memory: Array = field(init=False)
    """What rows are written in, as bytes: wider rows stay in the same, as long as they fit."""
    _used: int = field(init=False, default=0)
    """Rows whose key and origin were ever written, and `_touched` bytes of `_memory`: memory is taken, and accounted for, when that
    happens."""
    _touched: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._allocate(64, 64)

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return 1 + self.slots + self.mail

    @property
    def bytes_each(self) -> int:
        """Bytes of a row with its key and origin."""
        return self._row_bytes + ORIGIN

    @property
    def _row_bytes(self) -> int:
        return int(np.dtype(self.number).itemsize) * self.width

    @property
    def _taken(self) -> int:
        """Bytes that are accounted for."""
        return self._touched + ORIGIN * self._used

    def _allocate(self, capacity: int, least: int) -> None:
        """Make arrays for so many rows, or for the `least` number where a system does not give as many addresses."""
        try:
            self._memory = np.empty(capacity * self._row_bytes, np.uint8)
            self.keys = np.empty(capacity, np.uint64)
            self.parents, self.outcomes = np.empty(capacity, np.uint32), np.empty(capacity, np.uint32)
        except MemoryError:
            if least >= capacity:
                raise
            self._allocate(least, least)
        self._see_rows()

    def _see_rows(self) -> None:
        """Let `rows` be as many as fit."""
        fit = min(len(self.keys), len(self._memory) // self._row_bytes) if self.width else len(self.keys)
        self.rows = self._memory[: fit * self._row_bytes].view(self.number).reshape(fit, self.width)

    def reserve(self, more: int) -> None:
        """Make room for more states. Raises OutOfBudget."""
        needed = self.n + more
        if needed > len(self.rows):
            self._move(self._capacity(needed), needed + needed // 2, self.slots, self.mail, self.number)
        used, touched = max(self._used, needed), max(self._touched, needed * self._row_bytes)
        self.budget.resize(WHAT, self._taken, touched + ORIGIN * used, both=False)
        self._used, self._touched = used, touched

    def _capacity(self, needed: int) -> int:
        """Room for so many states and more to come: of large layers for as many as may ever be, so that they are not copied again.

        That takes no memory, but addresses: a system gives pages when they are written to.
        """
        return max(2 * len(self.rows), needed if needed < MANY else max(2 * needed, int(self.budget.limit // SHARE // self.bytes_each)))

    def widen(self, slots: int, mail: int, number: type) -> None:
        """Make rows wider: for more slots (nobody is there), longer mail or larger numbers. Raises OutOfBudget."""
        if (slots, mail, number) == (self.slots, self.mail, self.number):
            return
        touched = self.n * np.dtype(number).itemsize * (1 + slots + mail)
        if number == self.number and touched <= len(self._memory):
            self.budget.resize(WHAT, self._taken, max(self._touched, touched) + ORIGIN * self._used, both=False)
            self._touched = max(self._touched, touched)
            self._spread(slots, mail)
        else:
            self._move(len(self.keys), self.n, slots, mail, number)

    def _spread(self, slots: int, mail: int) -> None:
        """Make rows wider where they are: from the last to the first, some at a time, for they come to lie where later ones were."""
        old, before = self.rows, (self.slots, self.mail)
        self.slots, self.mail = slots, mail
        self._see_rows()
        for begin in range((self.n - 1) // TOGETHER * TOGETHER, -1, -TOGETHER):
            end = min(begin + TOGETHER, self.n)
            _fill(self.rows[begin:end], slots, old[begin:end].copy(), *before)

    def _move(self, capacity: int, least: int, slots: int, mail: int, number: type) -> None:
        """Move all to larger arrays: for so many rows, or at least for so many."""
        rows, before, origins, taken, n = self.rows, (self.slots, self.mail), (self.keys, self.parents, self.outcomes), self._taken, self.n
        self.slots, self.mail, self.number = slots, mail, number
        self.budget.resize(WHAT, taken, n * self.bytes_each)
        self._used, self._touched = n, n * self._row_bytes
        self._allocate(capacity, least)
        _fill(self.rows[:n], slots, rows[:n], *before)
        self.keys[:n], self.parents[:n], self.outcomes[:n] = (array[:n] for array in origins)

    def row(self, number: int) -> tuple[list[int], list[int]]:
        """One state: stations by slot, parcels."""
        row = self.rows[number].tolist()
        first = 1 + self.slots
        return row[1:first], row[first : first + row[0]]


def _fill(rows: Array, slots: int, old: Array, old_slots: int, mail: int) -> None:
    """Write rows from narrower ones: nobody is in slots that are new."""
    if rows.shape == old.shape:
        rows[:] = old
        return
    first = 1 + old_slots
    rows[:, :first] = old[:, :first]
    rows[:, first : 1 + slots] = 0
    rows[:, 1 + slots : 1 + slots + mail] = old[:, first:]


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
