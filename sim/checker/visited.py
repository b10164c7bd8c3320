"""The set of keys that were seen, in partitions, each an open-addressing table; and the account of memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.checker import kernels
from sim.checker.columns import Array

FULLEST = 0.72
"""The share of a table's cells in use beyond which it grows."""


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


@dataclass(slots=True)
class Partition:
    """One table of mixed keys, whose high bits say in which cell they are; 0 is a free cell."""

    budget: Budget
    bits: int = 10
    count: int = 0
    table: Array = field(init=False)

    def __post_init__(self) -> None:
        self.budget.resize("the set of visited states", 0, 8 << self.bits)
        self.table = np.zeros(1 << self.bits, np.uint64)

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
        bits = self.bits + (3 if self.bits < 20 else 1)
        self.budget.resize("the set of visited states", 8 << self.bits, 8 << bits)
        larger = np.zeros(1 << bits, np.uint64)
        kernels.rehash(self.table, larger, np.uint64(64 - bits))
        self.bits, self.table = bits, larger

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
