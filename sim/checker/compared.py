"""Exact searches of states that no 63 bits tell apart: each candidate is compared with the state that has its fingerprint.

A fingerprint says where to look, and nothing more: if ever two states share one, the search stops, and is made again with other
fingerprints. What is found is exact. It takes the memory for all states, whole, and the time to look each candidate up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from sim.checker import compared_kernels as kernels
from sim.checker.columns import Array
from sim.checker.keys import Unfit
from sim.checker.visited import Budget

WHAT: Final = "all states, to be compared"


class Collision(Unfit):
    """Two states share a fingerprint."""


@dataclass(slots=True)
class Compared:
    """States by fingerprint. Each is as long as it has to be: slots are no part of it beyond the last that somebody is in."""

    budget: Budget
    keys: Array = field(init=False)
    places: Array = field(init=False)
    arena: Array = field(init=False)
    state: Array = field(init=False)

    def __post_init__(self) -> None:
        self.keys = np.zeros(1 << 12, np.uint64)
        self.places = np.zeros(1 << 12, np.int64)
        self.arena = np.zeros(1 << 16, np.uint32)
        self.state = np.zeros(3, np.int64)
        self.budget.resize(WHAT, 0, self.nbytes)

    @property
    def nbytes(self) -> int:
        """Bytes that all of it takes."""
        return self.keys.nbytes + self.places.nbytes + self.arena.nbytes

    def begin(self, key: Any, slots: int, row: Array) -> None:
        """Keep the first state, whose mixed key this is."""
        kernels.meet(self.keys, self.places, self.arena, self.state, key, slots, row, 0)

    def meet(self, kernel: Callable[..., Any], *of: Any) -> None:
        """Have one of the kernels meet a bucket's candidates. Raises Collision, and OutOfBudget."""
        while (done := kernel(self.keys, self.places, self.arena, self.state, *of)) == kernels.FULL:
            self._grow()
        if done == kernels.COLLISION:
            raise Collision("two states share a fingerprint")

    def _grow(self) -> None:
        before = self.nbytes
        if 4 * (int(self.state[kernels.COUNT]) + 1) > 3 * len(self.keys):
            self.budget.resize(WHAT, before, before + self.keys.nbytes + self.places.nbytes)
            old_keys, old_places = self.keys, self.places
            self.keys, self.places = np.zeros(2 * len(old_keys), np.uint64), np.zeros(2 * len(old_keys), np.int64)
            kernels.spread(old_keys, old_places, self.keys, self.places)
        else:
            self.budget.resize(WHAT, before, before + self.arena.nbytes)
            self.arena = np.concatenate((self.arena, np.zeros_like(self.arena)))
