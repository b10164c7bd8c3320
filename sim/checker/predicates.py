"""Promises and goals as bits of stations, so that a global state is judged by a few operations on words.

`Everywhere` is asked once per distinct local state, `Pairwise` once per pair of them. Local states that conflict with
the same others form a class; a class is a bit. Plain functions of a state have no bits: they are called for each state.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.checker.columns import Array, Column
from sim.checker.intern import Interner, Overflow
from sim.model.canon import Frozen
from sim.model.explorer import Invariant
from sim.model.node import Node
from sim.model.promises import Everywhere, Pairwise

BITS = 64
Local = tuple[type[Node], Frozen]


class Predicates:
    """Named predicates over states, with numbers: first the promises, then the goals."""

    def __init__(self, invariants: Mapping[str, Invariant], goals: Mapping[str, Invariant]) -> None:
        self.names = [*invariants, *goals]
        self.of = [*invariants.values(), *goals.values()]
        self.invariants = len(invariants)
        if len(self.of) > BITS:
            raise Overflow(f"{len(self.of)} promises and goals; at most {BITS} can be checked at once, so check them in parts")
        self.pair_masks: Array = np.zeros(len(self.of), np.uint64)
        """Per predicate: its classes of conflict."""
        self._locals: dict[Local, int] = {}
        self._broken: list[int] = []
        self._rows: dict[int, list[set[int]]] = {k: [] for k in self._numbers(Pairwise)}
        self._every: list[Local] = []
        """All local states, in the order of their numbers."""
        self._per_local: list[tuple[int, int, int]] = [(0, 0, 0)]
        """Marks by local state; at the end those of stations where nobody is."""
        self._marks = Column(np.uint64, width=3)
        """The same by station."""
        self._verdicts = Column(np.int32)
        self._known: dict[tuple[int, int, int], int] = {}
        """Different marks, by number."""
        self._anew = False
        """Whether conflicts were found since, which may change the marks of any."""
        self._done = 0
        self._of_stations: list[int] = []
        """The number of its local state, -1 where nobody is."""

    def _numbers(self, kind: type) -> list[int]:
        return [number for number, predicate in enumerate(self.of) if isinstance(predicate, kind)]

    @property
    def slow(self) -> list[int]:
        """Numbers of those that have to be called for each state."""
        return [k for k, predicate in enumerate(self.of) if not isinstance(predicate, Everywhere | Pairwise)]

    def mask(self, numbers: list[int]) -> int:
        """These predicates as bits."""
        return sum(1 << number for number in numbers)

    def tables(self, interner: Interner) -> dict[str, Array]:
        """The columns of `Tables` that belong to predicates, up to date with all stations."""
        self._sync(interner)
        return {"marks": self._marks.data, "verdicts": self._verdicts.data}

    def _sync(self, interner: Interner) -> None:
        if self._done == len(interner.stations):
            return
        numbers = self._of_stations
        for station in interner.stations[len(numbers) :]:
            numbers.append(self._number((station.kind, station.local)) if station is not None and station.kind is not None else -1)
        if self._anew:
            classes, conflicts = self._classes(len(self._every))
            # The last row is for stations where nobody is, which have the number -1.
            self._per_local = [*zip(self._broken, classes, conflicts, strict=True), (0, 0, 0)]
            self._marks, self._verdicts, self._done, self._anew = Column(np.uint64, width=3), Column(np.int32), 0, False
        for number in numbers[self._done :]:
            marks = self._per_local[number]
            self._marks.append(marks)
            self._verdicts.append(self._known.setdefault(marks, len(self._known)))
        self._done = len(interner.stations)

    def _number(self, local: Local) -> int:
        """The number of a local state, which is judged when it is met first."""
        number = self._locals.setdefault(local, len(self._every))
        if number == len(self._every):
            self._judge(local, self._every)
            self._every.append(local)
            # What conflicts with nobody leaves everybody's marks as they are.
            self._per_local.insert(number, (self._broken[number], 0, 0))
        return number

    def _judge(self, local: Local, earlier: list[Local]) -> None:
        """One more local state: which predicates it breaks on its own, and which together with earlier ones or itself."""
        me = len(self._broken)
        kind, state = local
        asked = [(k, p) for k, p in enumerate(self.of) if isinstance(p, Everywhere) and p.concerns(kind)]
        node = kind.restored(state) if asked else None
        self._broken.append(self.mask([k for k, predicate in asked if not predicate.holds(node)]))
        for k, rows in self._rows.items():
            predicate = self.of[k]
            assert isinstance(predicate, Pairwise)
            rows.append(set())
            if not predicate.concerns(local[0]):
                continue
            for other, its in enumerate([*earlier, local]):
                if predicate.concerns(its[0]) and not predicate.allows(local, its):
                    rows[me].add(other)
                    rows[other].add(me)
                    self._anew = True

    def _classes(self, n: int) -> tuple[list[int], list[int]]:
        """Per local state: the bit of its class, and the bits of the classes that it conflicts with; of all predicates."""
        classes, conflicts = [0] * n, [0] * n
        bit = 0
        for k, rows in self._rows.items():
            groups: dict[frozenset[int], int] = {}
            for row in rows:
                if row:
                    groups.setdefault(frozenset(row), bit + len(groups))
            if bit + len(groups) > BITS:
                raise Overflow(f"{self.names[k]!r}: more than {BITS} classes of conflict; make the promise look at less of a node")
            mine = {number: groups[frozenset(row)] for number, row in enumerate(rows) if row}
            for number, row in enumerate(rows):
                if row:
                    classes[number] |= 1 << mine[number]
                    conflicts[number] |= sum({1 << mine[other] for other in row})
            self.pair_masks[k] = sum(1 << b for b in groups.values())
            bit += len(groups)
        return classes, conflicts
