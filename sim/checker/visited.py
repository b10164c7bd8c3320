"""The set of keys that were seen, in partitions, each an open-addressing table; and the account of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np

from sim.checker import visited_kernels as kernels
from sim.checker.columns import Array
from sim.checker.kernels import PARTITIONS

T = TypeVar("T")

FULLEST: Final = 0.72
"""The share of a table's cells in use beyond which it grows."""
LARGE: Final = 20
"""Bits of a table that gets addresses for as much as it may ever need, and grows where it is."""
ASIDE: Final = 1 << 12
"""Keys that are put aside at first while a table grows where it is."""


WHAT: Final = "the set of visited states"


class OutOfBudget(Exception):
    """The search needs more memory than it may use; the message says for what."""


@dataclass(slots=True)
class Budget:
    """Bytes that may be used, and bytes that are."""

    limit: int
    used: int = 0
    highest: int = 0

    def resize(self, what: str, old: int, new: int, both: bool = True) -> None:
        """Account for a block that changes its size; `both` while the old one is still needed.

        Raises OutOfBudget when there is no room.
        """
        at_once = self.used + new - (0 if both else old)
        if at_once > self.limit:
            raise OutOfBudget(f"{what} would need {at_once:,} bytes in all; {self.limit:,} are allowed")
        self.highest = max(self.highest, at_once)
        self.used += new - old


def at_best(make: Callable[[int], T], most: int, least: int) -> T:
    """What is made for the `most`, of which what is not written to are but addresses; for the `least` where a system gives no so many."""
    try:
        return make(most)
    except MemoryError:
        if least >= most:
            raise
        return make(least)


def zeros(least: int, most: int) -> Array:
    """So many free cells: at best the `most`."""
    cells: Array = at_best(lambda n: np.zeros(n, np.uint64), max(least, most), least)
    return cells


@dataclass(slots=True)
class Partition:
    """One table of mixed keys, whose high bits say in which cell they are; 0 is a free cell."""

    budget: Budget
    bits: int = 10
    count: int = 0
    table: Array = field(init=False)
    memory: Array = field(init=False)
    """What the table is the beginning of. Memory is only taken where it is written to."""

    def __post_init__(self) -> None:
        self.budget.resize(WHAT, 0, 8 << self.bits)
        self.table = self.memory = np.zeros(1 << self.bits, np.uint64)

    @property
    def shift(self) -> np.uint64:
        """How far a mixed key is shifted to give its cell."""
        return np.uint64(64 - self.bits)

    @property
    def room(self) -> int:
        """New keys until the table has to grow."""
        return int(len(self.table) * FULLEST) - self.count

    def grow(self) -> None:
        """Make the table larger: eight times while it is small, twice later. Raises OutOfBudget."""
        before, bits = self.bits, self.bits + (3 if self.bits < LARGE else 1)
        if 1 << bits <= len(self.memory):
            self.budget.resize(WHAT, 8 << before, 8 << bits, both=False)
            self.bits, self.table = bits, self.memory[: 1 << bits]
            self._spread(1 << before)
        else:
            self.budget.resize(WHAT, 8 << before, 8 << bits)
            old, self.memory = self.table, zeros(1 << bits, self._most if bits >= LARGE else 0)
            self.bits, self.table = bits, self.memory[: 1 << bits]
            kernels.rehash(old, self.table, self.shift)

    @property
    def _most(self) -> int:
        """Cells that the table may have in the end: a partition takes its share of the memory at most."""
        return 1 << max(self.bits, (self.budget.limit // (8 * PARTITIONS)).bit_length() - 1)

    def _spread(self, before: int) -> None:
        """Move the keys in the first cells to where they belong in the larger table."""
        aside: Array = np.zeros(ASIDE, np.uint64)
        end, number = kernels.spread(self.table, before, self.shift, aside, 0)
        while end:
            aside = np.concatenate((aside, np.zeros_like(aside)))
            end, number = kernels.spread(self.table, end, self.shift, aside, number)
        kernels.rehash(aside[:number], self.table, self.shift)

    def insert(self, keys: Array, counts: Array, number: int, fresh: Array) -> int:
        """Insert the bucket `number` of every buffer; writes the new ones to `fresh`, returns how many. Raises OutOfBudget."""
        where = np.zeros(3, np.int64)
        before = 0
        while not kernels.insert(self.table, self.shift, keys, counts, number, where, self.room, fresh):
            self.count += int(where[2]) - before
            before = int(where[2])
            self.grow()
        self.count += int(where[2]) - before
        return int(where[2])
