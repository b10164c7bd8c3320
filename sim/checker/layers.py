"""States of one depth: where their rows are, their keys and where each came from."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sim.checker.columns import Array
from sim.checker.row_kernels import CHUNK, place_of_row
from sim.checker.rows import WHAT, Rows, room_for
from sim.checker.visited import Budget, at_best

ORIGIN: Final = 16
"""Bytes of a key, a parent and an outcome."""
SHARE: Final = 4
"""A large layer has keys and origins for as many states as a quarter of all memory that may be used has room for, since there are two."""


@dataclass(slots=True)
class Layer:
    """States of one depth, of which the chunks of `rows` that it has are shared with nobody."""

    rows: Rows
    n: int = 0
    chunks: Array = field(init=False)
    """By number of state, `row_kernels.CHUNK` in each: where their rows are."""
    keys: Array = field(init=False)
    parents: Array = field(init=False)
    outcomes: Array = field(init=False)
    _taken: int = field(init=False, default=0)
    """Chunks that were taken, of which the first `_returned` are given back already."""
    _returned: int = field(init=False, default=0)
    _used: int = field(init=False, default=0)
    """Keys and origins that were ever written: memory is taken, and accounted for, when that happens."""

    def __post_init__(self) -> None:
        self.chunks = np.zeros(1, np.int64)
        self._allocate(64, 64)

    @property
    def bytes_each(self) -> int:
        """Bytes of a row with its key and origin."""
        return self.rows.bytes_each + ORIGIN

    def place(self, number: int) -> int:
        """Where in `rows.data` the row of a state is."""
        return int(place_of_row.py_func(self.chunks, number))

    def row(self, number: int) -> tuple[list[int], list[int]]:
        """One state: stations by slot, parcels."""
        return self.rows.row(self.place(number))

    def reserve(self, more: int) -> None:
        """Make room for more states. Raises OutOfBudget."""
        needed = self.n + more
        if needed > len(self.keys):
            self._lengthen(needed)
        used = max(self._used, needed)
        self.rows.budget.resize(WHAT, ORIGIN * self._used, ORIGIN * used, both=False)
        self._used = used
        while self._taken * CHUNK < needed:
            chunk = self.rows.take()
            if self._taken == len(self.chunks):
                self.chunks = np.concatenate((self.chunks, np.zeros_like(self.chunks)))
            self.chunks[self._taken] = chunk
            self._taken += 1

    def give_back(self, before: int) -> None:
        """The rows of states before this number are not needed any more."""
        while (self._returned + 1) * CHUNK <= before:
            self.rows.give_back(int(self.chunks[self._returned]))
            self._returned += 1

    def clear(self) -> None:
        """None of its states is needed any more."""
        self.give_back(self._taken * CHUNK)
        self.n = self._taken = self._returned = 0

    def _lengthen(self, needed: int) -> None:
        """Let there be room for so many keys and more to come."""
        capacity = room_for(needed, len(self.keys), self.rows.budget.limit // SHARE // self.bytes_each)
        old, used = (self.keys, self.parents, self.outcomes), self._used
        self.rows.budget.resize(WHAT, ORIGIN * used, ORIGIN * self.n)
        self._used = self.n
        self._allocate(capacity, needed + needed // 2)
        self.keys[: self.n], self.parents[: self.n], self.outcomes[: self.n] = (array[: self.n] for array in old)

    def _allocate(self, capacity: int, least: int) -> None:
        """Make arrays for so many states, or for the `least` number where a system does not give as many addresses."""

        def make(states: int) -> tuple[Array, Array, Array]:
            return np.empty(states, np.uint64), np.empty(states, np.uint32), np.empty(states, np.uint32)

        self.keys, self.parents, self.outcomes = at_best(make, capacity, least)


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
