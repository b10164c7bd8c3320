"""Growing columns of numbers, and the tables made of them that the kernels read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Column:
    """An array that grows by rows. `data` is longer than `size`; what lies beyond is `fill`."""

    __slots__ = ("_data", "_fresh", "fill", "size", "width")

    def __init__(self, dtype: type, fill: int = 0, width: int = 0, capacity: int = 256) -> None:
        self.fill = fill
        self.size = 0
        self.width = width
        self._data: Array = np.full((capacity, width) if width else capacity, fill, dtype)
        self._fresh: list[int | tuple[int, ...]] = []
        """Rows that nobody has asked for yet: many are put into an array in hardly more time than one."""

    @property
    def data(self) -> Array:
        """The array as it is now."""
        if self._fresh:
            start = self.size - len(self._fresh)
            self._make_room(self.size)
            self._data[start : self.size] = np.array(self._fresh, self._data.dtype)
            self._fresh = []
        return self._data

    def append(self, value: int | tuple[int, ...]) -> None:
        """Add a number or a row of them; a number for a row stands for all that are in it."""
        self._fresh.append((value,) * self.width if self.width and isinstance(value, int) else value)
        self.size += 1

    def end(self, row: tuple[int, ...]) -> None:
        """Let this stand behind the last row, until one is added."""
        self._make_room(self.size + 1)
        self.data[self.size] = row

    def _make_room(self, rows: int) -> None:
        while rows > len(self._data):
            self._data = np.concatenate((self._data, np.full(self._data.shape, self.fill, self._data.dtype)))


class Tables(NamedTuple):
    """Everything that the kernels know of a system: arrays by id of station, parcel, outcome (see `compile.py`).

    An *entry* is the outcomes of one input in one station: `first outcome << 20 | count << 2 | SIMPLE | IDLE`, where SIMPLE
    means that all are PLAIN, and IDLE that none changes anything.
    """

    key_of_station: Array
    key_of_parcel: Array
    multiplier: np.uint64
    """An ordered network's mail counts as the polynomial of this base; 0: its parts are stirred in, one after the other."""
    base: np.uint64
    """The key of the empty state."""
    calls: Array
    """Per station: which of its slot's calls are open, a bit each."""
    own: Array
    """Per station: the entry of all that its node may do by itself, -1 while unknown."""
    parcels: Array
    """Per parcel: the slot that it goes to; the number of its (source, destination); the number of the (caller, tag) that
    it answers, 0 for other mail."""
    taken: Array
    """Rows (station << 32 | parcel, entry of that delivery), in open addressing; 0 is a free row."""
    delta: Array
    """Per outcome: by how much it changes the key, apart from what its way says."""
    about: Array
    """Per outcome: its way (PLAIN, ADDS, GENERAL), slot, station, the parcel that leaves the mail or 0, and its first rows
    of `added`, `purged` and `other`, which end where those of the next outcome begin."""
    added: Array
    """Rows (parcel, slot of the caller that must still wait or -1, bit of its call)."""
    purged: Array
    """Reply classes that leave the mail."""
    other: Array
    """Rows (slot, station, 1 if the slot must be empty): what happens to other nodes."""
    marks: Array
    """Per station: predicates of `Everywhere` that it breaks, classes of conflict that it is in, classes with which it must
    not be together; a bit each."""
    verdicts: Array
    """Per station: the number of its marks; those of two that have the same number are equal."""
    left: Array
    """Per swap of symmetry: its first member; see `symmetry.py`."""
    slot_images: Array
    station_images: Array
    parcel_images: Array
    station_marks: Array
    parcel_marks: Array
