"""What choices came to, kept by one thread of a search: the arrays of `way_kernels`, which grow as they fill."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from sim.checker import way_kernels as kernels
from sim.checker.columns import Array
from sim.checker.visited import Budget

LEAST: Final = 1 << 10
SHARE: Final = 8
"""So many parts of the memory of a search are not exceeded by the ways of one thread: beyond that no more are kept."""


class Kept(NamedTuple):
    """As `way_kernels` says."""

    state: Array
    marks: Array
    touched: Array
    drafted: Array
    offsets: Array
    """Places in `arena`, in open addressing by hash."""
    arena: Array
    """Per way: its shape, the stations of its slots, the number of its outcomes, and these: length, then (place in the row, station)."""
    roots: Array
    """Inputs, in open addressing: the parcel, and what the environment is after it was paid."""
    firsts: Array
    """By place in `roots`: the first shape."""
    shapes: Array
    shape_slots: Array
    base_sums: Array


class Ways:
    """Nothing is kept at first; `arrays` are those of the present, until `make_room`."""

    def __init__(self, slots: int, members: int) -> None:
        self.slots = slots
        self._accounted = 0
        state: Array = np.zeros(12, np.int64)
        self.arrays = Kept(
            state, np.zeros(slots, np.int64), np.zeros(slots + 1, np.int64), np.zeros(64 * LEAST, np.int64),
            np.full(2 * LEAST, kernels.NONE, np.int64), np.zeros(64 * LEAST, np.int32), np.zeros(LEAST, np.uint64),
            np.zeros(LEAST, np.int64), np.zeros((LEAST, 3), np.int64), np.zeros(16 * LEAST, np.int64), np.zeros(members, np.uint64),
        )  # fmt: skip

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays)

    def make_room(self, budget: Budget) -> None:
        """Let grow what has become tight, unless memory is short."""
        a = self.arrays
        if a.state[kernels.TIGHT] and SHARE * 2 * self.nbytes <= budget.limit and budget.used + 2 * self.nbytes <= budget.limit // 2:
            self.arrays = a._replace(
                arena=_longer(a.arena), shapes=_longer(a.shapes), shape_slots=_longer(a.shape_slots), **_more_roots(a)
            )  # fmt: skip
            offsets: Array = np.full(2 * len(a.offsets), kernels.NONE, np.int64)
            kernels.rehash(self.arrays, offsets)
            self.arrays = self.arrays._replace(offsets=offsets)
        a.state[kernels.TIGHT] = 0
        self.account(budget, self.nbytes)

    def account(self, budget: Budget, now: int = 0) -> None:
        """Let the budget know how much memory is used; 0 when it is not needed any more."""
        budget.resize("what choices came to", self._accounted, now, both=False)
        self._accounted = now


def _more_roots(a: Kept) -> dict[str, Array]:
    roots: Array = np.zeros(2 * len(a.roots), np.uint64)
    firsts: Array = np.zeros(2 * len(a.roots), np.int64)
    for place in np.flatnonzero(a.roots):
        new = kernels.place_of(roots, a.roots[place])
        roots[new], firsts[new] = a.roots[place], a.firsts[place]
    return {"roots": roots, "firsts": firsts}


def _longer(array: Array) -> Array:
    return np.concatenate((array, np.zeros_like(array)))
