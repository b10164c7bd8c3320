"""Search of worlds without delays (`sim.model.instant`): rounds over settled states."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from threading import get_ident
from typing import Any, Final

import numpy as np

from sim.checker import compared_kernels, settled_kernels
from sim.checker import instant_kernels as kernels
from sim.checker.benches import LEVEL, URGENT, WHOLE, Bench, Buckets, Site, stack
from sim.checker.columns import Array
from sim.checker.compared import Compared
from sim.checker.instant_compile import WORDS, Extra, InstantCompiler
from sim.checker.intern import Overflow
from sim.checker.kernels import ERROR, PARTITIONS, ROOM, key_of
from sim.checker.keys import Keys
from sim.checker.outcome_kernels import TOO_DEEP
from sim.checker.predicates import Predicates
from sim.checker.search import BUFFERS, Buffer, Desk, Search
from sim.checker.ways import Ways
from sim.model.inputs import Name

WITNESSES: Final = 256
"""States in which a promise is newly broken that are kept: the shortest way to it may be one that no clock allows."""

EVERY: Final = -1
"""In place of the ordinal of a successor that alone is wanted."""
SPARE: Final = 5
"""So many fourths of what buckets need."""


class InstantSearch(Search):
    """One search of one world without delays. States are settled ones; `outcomes` of its trace number a state's successors."""

    compiler: InstantCompiler

    benches: Sequence[Bench] = ()
    bucket_rows: Array = np.zeros((0, 0, 0, 0), np.uint16)
    _memory: Array = np.zeros(0, np.uint8)
    """What they are written in."""

    def __init__(self, *args: Any, merges: bool = True, parts: bool = True, subsumption: bool = False, **more: Any) -> None:
        """As `Search`; `merges`: whether states are orbits, or names of the groups only share what handlers did; `parts`: whether nodes of
        classes that say so are kept in parts; `subsumption`: whether states are left out that differ from one that was met in budgets
        only, none of which is larger.
        """
        self.merges = merges
        self._parts = parts
        self._mail_grows = False
        self._kept: dict[int, Ways] = {}
        super().__init__(*args, **more)
        self._witnesses: Array = np.full((PARTITIONS, len(self.predicates.of), WITNESSES), -1, np.int64)
        # What is left out is found by keys that belong to no state.
        self.subsumption = subsumption and self.compiler.environment_is_unseen and self.compared is None

    def make_compiler(self, world: Any, keys: Keys, predicates: Predicates, symmetry: Sequence[Sequence[Name]]) -> InstantCompiler:
        return InstantCompiler(world, keys, predicates, symmetry, self._parts)

    def _expand(self, job: tuple[int, Array]) -> tuple[int, int, int]:
        number, piece = job
        b = self.buffers[number]
        out = Buckets(self.bucket_keys[number], self.bucket_origins[number], self.bucket_rows[number], b.counts)
        done, pending, missed = kernels.expand(
            self.tables, self._extra, self._site, self.benches[number], out, self._ways().arrays, self.rows.data, self.layer.chunks,
            self.layer.keys, piece, b.pending, np.zeros(PARTITIONS, np.int64), EVERY,
        )  # fmt: skip
        return int(done), int(pending), int(missed)

    @property
    def _shifts(self) -> Array:
        return np.array([partition.shift for partition in self.partitions], np.uint64)

    @property
    def _site(self) -> Site:
        return Site(self.network, self.symmetric, self.rows.slots)

    def _bench(self, width: int, desk: Desk, buffer: Buffer) -> Bench:
        bench = Bench(*stack(width, self.rows.number, WORDS), buffer.misses, desk.sums, desk.work, buffer.stats)
        bench.notes[WHOLE] = self.compared is not None
        return bench

    def _round(self, pieces: list[Array]) -> None:
        for thread, ways in list(self._kept.items()):
            if ways.slots == self.rows.slots:
                ways.make_room(self.budget)
            else:
                # Slots that are new may belong to what is kept.
                ways.account(self.budget)
                del self._kept[thread]
        super()._round(pieces)

    def _ways(self) -> Ways:
        """Those of this thread."""
        thread = get_ident()
        if thread not in self._kept:
            self._kept[thread] = Ways(self.rows.slots, len(self.compiler.symmetry.views))
        return self._kept[thread]

    def _count(self, buffer: Any) -> None:
        if buffer.stats[ERROR] in (TOO_DEEP, ROOM):
            raise Overflow("one choice sets off more than the checker has room for; a system without delays has to come to rest")
        if buffer.stats[ERROR] == kernels.LONG_MAIL:
            self._mail_grows, buffer.stats[ERROR] = True, 0
        super()._count(buffer)

    def _take_in(self, counts: Array) -> None:
        start = self.following.n
        self._witnesses.fill(-1)
        super()._take_in(counts)
        first = self.begin + self.layer.n
        for k in range(self.predicates.invariants):
            rows = self._witnesses[:, k]
            found = sorted(int(row) for row in rows[rows >= start])
            if found:
                known = self.found.witnesses.setdefault(k, [])
                known += [first + row for row in found[: WITNESSES - len(known)]]
                self.found.hits.setdefault(k, first + found[0])
        if self._mail_grows:
            # Now that the buckets are empty.
            self._mail_grows = False
            self._lengthen()

    def _compare(self, compared: Compared, counts: Array) -> None:
        for at, count in np.ndenumerate(counts):
            compared.meet(compared_kernels.meet_rows, self.bucket_keys[at], count, self.bucket_rows[at], self.rows.slots)

    def _sift(self, found: tuple[int, int]) -> int:
        q, number = found
        if not self.subsumption:
            return number
        tables = tuple(partition.table for partition in self.partitions)
        return int(settled_kernels.sift(
            self._extra, self.tables.key_of_station, tables, self._shifts, self.bucket_keys[:, q], self.bucket_rows[:, q], self.fresh[q],
            number,
        ))  # fmt: skip

    def _write(self, q: int, fresh: Array, begin: int, number: int, hits: Array, done: list[int]) -> None:
        _, goals = self._wanted()
        more = [k for k in range(self.predicates.invariants) if len(self.found.witnesses.get(k, ())) < WITNESSES]
        promises = np.uint64(self.predicates.mask([k for k in more if k not in self.predicates.slow]))
        layer, following = self.layer, self.following
        done[q] = int(settled_kernels.write(
            self.rows.slots, self.bucket_keys, self.bucket_origins, self.bucket_rows, q, fresh, done[q], number, self.rows.data,
            following.chunks, following.keys, following.parents, following.outcomes, begin + done[q], self.begin, self.tables.marks,
            promises, goals, self.predicates.pair_masks, hits, layer.chunks, self._witnesses[q],
        ))  # fmt: skip

    def keys_along(self, outcomes: Sequence[int]) -> list[int]:
        bench = self._bench(self.benches[0].rows.shape[1], self.desks[0], Buffer())
        row: Array = np.zeros((1, bench.rows.shape[1]), self.rows.number)
        self._put_first(row)
        t, slots, found = self.tables, self.rows.slots, []
        ways, first = Ways(slots, len(self.compiler.symmetry.views)).arrays, np.zeros(1, np.int64)
        none: Array = np.zeros((PARTITIONS, 0), np.uint64)
        out = Buckets(none, none, np.zeros((PARTITIONS, 0, 1), self.rows.number), np.zeros(PARTITIONS, np.int64))
        for ordinal in outcomes:
            kernels.expand(
                t, self._extra, self._site, bench, out, ways, row, first, np.zeros(1, np.uint64), first, first.copy(), out.counts.copy(),
                ordinal,
            )  # fmt: skip
            row[0] = bench.rows[int(bench.notes[LEVEL])]
            found.append(int(key_of(t.key_of_station, t.key_of_parcel, t.base, t.multiplier, self.network, slots, row, 0)))
        return found

    def _make_buckets(self) -> None:
        super()._make_buckets()
        self._make_rows()

    def _make_rows(self) -> None:
        width = 1 + self.rows.slots + self.rows.mail
        shape = (BUFFERS, PARTITIONS, self.bucket, width)
        if self.bucket_rows.shape != shape or self.bucket_rows.dtype != self.rows.number:
            numbers = prod(shape)
            if numbers * np.dtype(self.rows.number).itemsize > self._memory.nbytes:
                # With room for slots to come: a system takes its time for memory that is new.
                self._memory = np.empty(numbers * SPARE // 4, self.rows.number).view(np.uint8)
            self.bucket_rows = self._memory.view(self.rows.number)[:numbers].reshape(shape)

    def _refresh(self) -> None:
        super()._refresh()
        # Once, and not by each thread: columns write down what is new when they are asked.
        self._extra: Extra = self.compiler.extras()
        self._make_rows()
        width = 1 + self.rows.slots + self.rows.mail + self.compiler.most_adds + URGENT
        # Desks are made anew when numbers become wider.
        fits = self.benches and self.benches[0].work is self.desks[0].work and self.benches[0].rows.shape[1] >= width
        if not fits:
            self.benches = [self._bench(width, desk, buffer) for desk, buffer in zip(self.desks, self.buffers, strict=False)]
