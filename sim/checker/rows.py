"""The memory that rows of states are written in.

Two layers are there at a time: the one whose states are looked at, and the one after it, which is written. They have their rows in
chunks of one memory. A chunk whose states have all been looked at is given back, and the next states are written in it, so that
both together take not much more than the larger of them: a fifth to a quarter fewer bytes for each state of a search.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sim.checker.columns import Array
from sim.checker.row_kernels import CHUNK
from sim.checker.visited import Budget, at_best

MANY: Final = 1 << 16
"""Rows of a large search."""
WHAT: Final = "the states of one depth"
SHARE: Final = 2
"""In a large search rows have addresses for one half of all memory that may be used."""


@dataclass(slots=True)
class Rows:
    """Rows of states, in chunks. A row is [length of mail, stations by slot ..., parcels ...]; see `kernels`."""

    budget: Budget
    slots: int
    mail: int
    """Places for parcels."""
    number: type = np.uint16
    """What rows are made of: two bytes until there are more stations or parcels than that."""
    data: Array = field(init=False)
    """All rows, of all chunks."""
    _memory: Array = field(init=False)
    """What they are written in, as bytes: wider rows stay in the same, as long as they fit."""
    _free: list[int] = field(init=False, default_factory=list)
    """Chunks that were given back."""
    _chunks: int = field(init=False, default=0)
    """Chunks that were ever taken, and `_touched` bytes of `_memory`: memory is accounted for when that happens."""
    _touched: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._allocate(CHUNK, CHUNK)

    @property
    def bytes_each(self) -> int:
        """Bytes of a row."""
        return _bytes_of(self.slots, self.mail, self.number)

    def take(self) -> int:
        """A chunk that nobody has. Raises OutOfBudget."""
        if self._free:
            return self._free.pop()
        needed = (self._chunks + 1) * CHUNK
        if needed > len(self.data):
            capacity = room_for(needed, len(self.data), self.budget.limit // SHARE // self.bytes_each)
            self._move(capacity, needed + needed // 2, self.slots, self.mail, self.number)
        self._touch(needed * self.bytes_each)
        self._chunks += 1
        return self._chunks - 1

    def give_back(self, chunk: int) -> None:
        """What is in this chunk is not needed any more."""
        self._free.append(chunk)

    def write(self, place: int, row: Array) -> None:
        """Write one state."""
        self.data[place] = row

    def row(self, place: int) -> tuple[list[int], list[int]]:
        """One state: stations by slot, parcels."""
        row = self.data[place].tolist()
        first = 1 + self.slots
        return row[1:first], row[first : first + row[0]]

    def widen(self, slots: int, mail: int, number: type) -> None:
        """Make rows wider: for more slots (nobody is there), longer mail or larger numbers. Raises OutOfBudget."""
        if (slots, mail, number) == (self.slots, self.mail, self.number):
            return
        needed = self._chunks * CHUNK * _bytes_of(slots, mail, number)
        if number == self.number and needed <= len(self._memory):
            self._touch(needed)
            self._spread(slots, mail)
        else:
            self._move(len(self.data), self._chunks * CHUNK, slots, mail, number)

    def _touch(self, touched: int) -> None:
        self.budget.resize(WHAT, self._touched, max(self._touched, touched), both=False)
        self._touched = max(self._touched, touched)

    def _allocate(self, capacity: int, least: int) -> None:
        """Make room for so many rows, or for the `least` number where a system does not give as many addresses."""
        self._memory = at_best(lambda rows: np.empty(rows * self.bytes_each, np.uint8), capacity, least)
        self._see()

    def _see(self) -> None:
        """Let `data` be as many rows as fit."""
        fit = len(self._memory) // self.bytes_each
        self.data = self._memory[: fit * self.bytes_each].view(self.number).reshape(fit, 1 + self.slots + self.mail)

    def _spread(self, slots: int, mail: int) -> None:
        """Make rows wider where they are: from the last chunk to the first, for they come to lie where later ones were."""
        old, before, free = self.data, (self.slots, self.mail), set(self._free)
        self.slots, self.mail = slots, mail
        self._see()
        for chunk in range(self._chunks - 1, -1, -1):
            if chunk not in free:
                begin = chunk * CHUNK
                _fill(self.data[begin : begin + CHUNK], slots, old[begin : begin + CHUNK].copy(), *before)

    def _move(self, capacity: int, least: int, slots: int, mail: int, number: type) -> None:
        """Move all to a larger memory: for so many rows, or at least for so many."""
        old, before, rows = self.data, (self.slots, self.mail), self._chunks * CHUNK
        touched = rows * _bytes_of(slots, mail, number)
        # First, because it may raise, and rows stay as they are then.
        self.budget.resize(WHAT, self._touched, touched)
        self._touched = touched
        self.slots, self.mail, self.number = slots, mail, number
        self._allocate(capacity, least)
        _fill(self.data[:rows], slots, old[:rows], *before)


def room_for(needed: int, before: int, most: int) -> int:
    """Room for so many and more to come, where there was room `before`: in large searches for the `most` that may ever be, so that they are
    not copied again.

    That takes no memory, but addresses: a system gives pages when they are written to.
    """
    return max(2 * before, needed if needed < MANY else max(2 * needed, most))


def _bytes_of(slots: int, mail: int, number: type) -> int:
    """Bytes of a row."""
    return int(np.dtype(number).itemsize) * (1 + slots + mail)


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
class NoRows(Rows):
    """For states whose keys say everything: no rows are kept."""

    @property
    def bytes_each(self) -> int:
        """None."""
        return 0

    def take(self) -> int:
        """There are none to take."""
        return 0

    def give_back(self, chunk: int) -> None:
        """Nor to give back."""

    def write(self, place: int, row: Array) -> None:
        """The key says it all."""

    def widen(self, slots: int, mail: int, number: type) -> None:
        """Nothing has to become wider."""
        self.slots, self.mail, self.number = slots, mail, number

    def _see(self) -> None:
        self.data = self._memory.view(self.number).reshape(0, 0)
