"""Whether promises say the same of all that are said to be interchangeable: of an orbit one state is judged, so they have to."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.checker.columns import Tables
from sim.checker.intern import ModelError
from sim.checker.predicates import Predicates
from sim.checker.symmetry import Symmetry
from sim.model.world import Network, State, rename_state

COMPARED: Final = 1000
"""For so many states it is seen whether a promise that is called for each says the same of their images."""


class Impartial:
    """Looks at what a search with symmetry meets. Raises ModelError for a promise that tells members of a group apart."""

    def __init__(self, symmetry: Symmetry, predicates: Predicates, network: Network) -> None:
        self.symmetry = symmetry
        self.predicates = predicates
        self.network = network
        self._stations = self._states = 0
        """How many were looked at."""

    def expect_of_stations(self, tables: Tables) -> None:
        """Of promises that are asked about each node on its own: for all stations that are new."""
        begin, self._stations = self._stations, len(self.symmetry.interner.stations)
        images, marks = tables.station_images[begin : self._stations], tables.marks[:, 0]
        differ = marks[begin : self._stations, None] ^ marks[images]
        if differ.any():
            number, swap = (int(i[0]) for i in np.nonzero(differ))
            self._tells_apart(int(differ[number, swap]).bit_length() - 1, swap)

    def expect_of_state(self, predicate: int, state: State, says: bool) -> None:
        """Of one that is called for each state, as far as some states can show it."""
        if self._states < COMPARED:
            self._states += 1
            for swap, names in enumerate(self.symmetry.swaps):
                if bool(self.predicates.of[predicate](rename_state(state, names, self.network))) != says:
                    self._tells_apart(predicate, swap)

    def _tells_apart(self, predicate: int, swap: int) -> None:
        left = self.symmetry.left[swap]
        one, other = self.symmetry.members[left : left + 2]
        raise ModelError(
            f"{self.predicates.names[predicate]!r} tells {one} and {other} apart, which are in one group of `symmetry`: let it say the "
            "same of all members of a group, or leave these out of the groups"
        )
