"""A search whose states are words of 64 bits: quicker, exact, and with less memory, where a system's states fit.

Where messages stay for ever (the network is a set), a packed key has a bit for each message and a field for each node, and an
outcome adds to some fields and sets some bits. Then the key is the state: what follows from it is found by looking into its
fields, and no row has to be written, kept or read. What needs more than that, such as nodes that come and go or replies to
calls, is searched by `search.Search`.

Steps of two nodes commute: each changes its own field and sets bits. (A loss clears one, and a step of another node may set it
again; then the step alone leads where both together do.) Of two orders that lead to the same
state one is enough, so a state that was found by a step of one node is not asked again for steps of earlier nodes (in the order of
slots) that were possible before it, too. Those come after the other node's step instead: the state which that earlier step alone
leads to is as deep, and the step that is left to it is of a later node, so this ends, and every state is found at its depth. It
is what sleep sets do (Godefroid 1996), for one step back; three of four ways into a state of two-phase commit fall away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from sim.checker import kernels, word_kernels
from sim.checker.columns import Array, Column, Tables
from sim.checker.compile import Compiler
from sim.checker.keys import Keys, Packed, Unfit
from sim.checker.layers import Layer, Words
from sim.checker.predicates import Predicates
from sim.checker.search import Progress, Search
from sim.checker.visited import Budget
from sim.model.inputs import Name
from sim.model.world import World

PLACES_AT_FIRST = 1 << 10
WORD_BITS = 64


class NotWords(Unfit):
    """Something happens that cannot be said as a sum of fields; the search has to begin again with rows."""


class Fields:
    """The tables that `word_kernels` reads, made of those that rows are searched with."""

    def __init__(self, keys: Packed, budget: Budget) -> None:
        self.keys, self.budget = keys, budget
        sizes = [1 << bits for bits in keys.slot_bits]
        shifts = np.cumsum([0, *keys.slot_bits])[:-1]
        first = np.cumsum([0, *sizes])[:-1]
        self.fields: Array = np.zeros((len(sizes), 4), np.uint64)
        self.fields[:, word_kernels.SHIFT], self.fields[:, word_kernels.MASK] = shifts, np.array(sizes) - 1
        self.fields[:, word_kernels.FIRST] = first
        self.lowest = keys.mail_shift
        """The bit of the first parcel."""
        self.places: Array = np.zeros((sum(sizes), 8), np.uint64)
        self.places[:, word_kernels.OWN] = kernels.IDLE
        budget.resize("what fields mean", 0, self.places.nbytes)
        self.deliveries: Array = np.zeros((0, keys.places), np.int64)
        """By station and parcel: the entry of a delivery that changes something."""
        self.effects: Array = np.zeros((0, 3), np.uint64)
        self._place_of = Column(np.int64)
        """By station, from the second on: its place."""
        self._done = [1, 1, 0]

    def sync(self, compiler: Compiler, tables: Tables) -> None:
        """Take in what is new among stations, parcels and outcomes. Raises NotWords."""
        stations, parcels, outcomes = self._done
        interner = compiler.interner
        for number in range(stations, len(interner.stations)):
            station = interner.stations[number]
            assert station is not None
            place = self._place(tables, station.slot, number)
            self._place_of.append(place)
            self.places[place, [word_kernels.STATION, word_kernels.OWN]] = number, word_kernels.UNKNOWN
        # What conflicts with what may be told anew when something new comes.
        places = self._place_of.data[: self._place_of.size]
        self.places[places, word_kernels.ALONE :] = tables.marks[1 : 1 + len(places)]
        for number in range(parcels, len(interner.parcels)):
            self.fields[tables.parcels[number, kernels.TO], word_kernels.MAIL] |= tables.key_of_parcel[number]
        self._make_room(len(interner.stations), len(compiler.changes))
        if (tables.about[outcomes : len(compiler.changes), kernels.WAY] == kernels.GENERAL).any():
            raise NotWords("a node comes or goes, or a call is answered")
        for number in range(outcomes, len(compiler.changes)):
            added = tables.added[tables.about[number, kernels.ADDED] : tables.about[number + 1, kernels.ADDED], 0]
            mail = np.bitwise_or.reduce(tables.key_of_parcel[added], initial=0)
            self.effects[number] = tables.delta[number], mail, tables.about[number, kernels.SLOT]
        self._done = [len(interner.stations), len(interner.parcels), len(compiler.changes)]

    def take(self, compiler: Compiler, tables: Tables, compiled: Iterable[tuple[int, int]]) -> None:
        """Take in what became of (station, parcel); parcel 0 for what the station does by itself."""
        for number, parcel in compiled:
            station = compiler.interner.stations[number]
            place = self.places[self._place(tables, station.slot if station is not None else tables.parcels[parcel, kernels.TO], number)]
            if not parcel:
                place[word_kernels.OWN] = tables.own[number]
                continue
            entry = int(kernels.entry_of(tables.taken, np.uint64(number), np.uint64(parcel)))
            bit, outcomes = tables.key_of_parcel[parcel], entry >> 2 & kernels.COUNT
            place[word_kernels.KNOWN] |= bit
            if outcomes == 1:
                place[word_kernels.SINGLE] |= bit
            if outcomes > 1 or not entry & kernels.IDLE:
                place[word_kernels.USEFUL] |= bit
                self.deliveries[number, parcel - 1] = entry

    def _place(self, tables: Tables, slot: int, station: int) -> int:
        field = self.fields[slot]
        return int(field[word_kernels.FIRST]) + (int(tables.key_of_station[station]) >> int(field[word_kernels.SHIFT]))

    def _make_room(self, stations: int, outcomes: int) -> None:
        if stations > len(self.deliveries):
            self.deliveries = self._longer(self.deliveries, max(PLACES_AT_FIRST, 2 * stations))
        if outcomes > len(self.effects):
            self.effects = self._longer(self.effects, max(PLACES_AT_FIRST, 2 * outcomes))

    def _longer(self, old: Array, size: int) -> Array:
        self.budget.resize("what deliveries do", old.nbytes, size * old.shape[1] * old.itemsize)
        new: Array = np.zeros((size, old.shape[1]), old.dtype)
        new[: len(old)] = old
        return new


class WordSearch(Search):
    """One search of one world, of which `compiler` knows something already. Raises NotWords, TooNarrow."""

    layers: type[Layer] = Words

    def __init__(
        self,
        compiler: Compiler,
        keys: Packed,
        jobs: int = 1,
        memory: int = 1 << 32,
        limit: int = 1 << 32,
        watch: Callable[[Progress], None] | None = None,
        once: bool = True,
    ) -> None:
        compiler.rekey(keys)
        self._given = compiler
        self.once = once
        self._fields: Fields | None = None
        super().__init__(compiler.world, keys, compiler.predicates, jobs, memory, limit, watch)

    def make_compiler(self, world: World, keys: Keys, predicates: Predicates, symmetry: Sequence[Sequence[Name]]) -> Compiler:
        """The one that was given."""
        return self._given

    @property
    def fields(self) -> Fields:
        """The tables for words."""
        assert self._fields is not None
        return self._fields

    def row(self, layer: Layer, number: int) -> tuple[list[int], list[int]]:
        """A state of a layer in numbers: stations by slot, parcels."""
        key, fields = int(layer.keys[number]), self.fields
        slots = range(len(fields.fields))
        stations = [int(fields.places[word_kernels.place_of(fields.fields, slot, np.uint64(key)), word_kernels.STATION]) for slot in slots]
        mail = key >> fields.lowest & ((1 << fields.keys.places) - 1)
        return stations, [bit + 1 for bit in range(mail.bit_length()) if mail >> bit & 1]

    def _resolve(self, misses: Sequence[tuple[int, int]]) -> None:
        super()._resolve(misses)
        self.fields.take(self.compiler, self.tables, misses)

    def _expand(self, job: tuple[int, Array]) -> tuple[int, int, int]:
        number, piece = job
        b, f = self.buffers[number], self.fields
        done, pending, missed = word_kernels.expand(
            f.fields, f.places, f.deliveries, f.effects, f.lowest, self.layer.keys, self.layer.outcomes, self.once and self.begin > 0,
            piece, self.bucket_keys[number], self.bucket_origins[number], b.counts, b.entries, b.pending, b.misses, b.stats,
        )  # fmt: skip
        return int(done), int(pending), int(missed)

    def _write(self, q: int, fresh: Array, begin: int, number: int, hits: Array, done: list[int]) -> None:
        promises, goals = self._wanted()
        following, f = self.following, self.fields
        word_kernels.write(
            f.fields, f.places, self.bucket_keys, self.bucket_origins, q, fresh, number, following.keys,
            following.parents, following.outcomes, begin, self.begin, promises, goals, self.predicates.pair_masks, hits,
        )  # fmt: skip
        done[q] = number

    def _refresh(self) -> None:
        super()._refresh()
        if self._fields is None:
            assert isinstance(self.keys, Packed)
            self._fields = Fields(self.keys, self.budget)
            self._fields.sync(self.compiler, self.tables)
            self._fields.take(self.compiler, self.tables, self._compiled())
        self._fields.sync(self.compiler, self.tables)
        for buffer in self.buffers:
            # An entry for what each node does by itself, and for each parcel.
            if len(buffer.entries) < self.layer.slots + WORD_BITS:
                buffer.entries = np.empty(self.layer.slots + WORD_BITS, np.int64)

    def _compiled(self) -> Iterator[tuple[int, int]]:
        """All (station, parcel) that have been compiled, parcel 0 for what the station does by itself."""
        own = np.flatnonzero(self.tables.own[1 : len(self.compiler.interner.stations)] >= 0) + 1
        yield from ((station, 0) for station in own.tolist())
        for key in self.tables.taken[self.tables.taken[:, 0] != 0, 0].tolist():
            yield key >> 32, key & 0xFFFFFFFF
