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
is what sleep sets do (Godefroid 1996), for one step back; three of four ways into a state of two-phase commit fall away. And a delivery
that does what its node may do by itself as well leads nowhere else: it is counted, and not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sim.checker import kernels, word_kernels
from sim.checker.columns import Array, Column, Tables
from sim.checker.compile import Compiler
from sim.checker.entry_kernels import COUNT, IDLE, entries_of
from sim.checker.keys import Keys, Packed, Unfit
from sim.checker.layers import Layer
from sim.checker.predicates import Predicates
from sim.checker.progress import Progress
from sim.checker.rows import NoRows, Rows
from sim.checker.search import BUFFERS, Search
from sim.checker.visited import Budget
from sim.model.inputs import Name
from sim.model.world import World

PLACES_AT_FIRST = 1 << 10
WORD_BITS = 64


class NotWords(Unfit):
    """Something happens that cannot be said as a sum of fields; the search has to begin again with rows."""


class Fields:
    """The tables that `word_kernels` reads, made of those that rows are searched with.

    A *choice* is what a node does by itself, or the delivery of a parcel: a bit for each slot, then one for each parcel.
    """

    def __init__(self, keys: Packed, budget: Budget) -> None:
        self.keys, self.budget = keys, budget
        sizes = [1 << bits for bits in keys.slot_bits]
        self.slots = len(sizes)
        self.fields: Array = np.zeros((self.slots, 3), np.uint64)
        self.fields[:, word_kernels.SHIFT], self.fields[:, word_kernels.MASK] = np.cumsum([0, *keys.slot_bits])[:-1], np.array(sizes) - 1
        self.fields[:, word_kernels.FIRST] = np.cumsum([0, *sizes])[:-1]
        self.lowest = np.uint64(keys.mail_shift)
        """The bit of the first parcel."""
        self.places: Array = np.zeros((sum(sizes), 8), np.uint64)
        self.marks: Array = np.zeros((sum(sizes), 3), np.uint64)
        budget.resize("what fields mean", 0, self.places.nbytes + self.marks.nbytes)
        self.entries: Array = np.zeros((0, 1 + keys.places), np.uint64)
        """By station: what it does by itself; what becomes of each parcel."""
        self.choices: Array = np.zeros((WORD_BITS, 2), np.uint64)
        self.choices[: self.slots, word_kernels.SLOT] = np.arange(min(self.slots, WORD_BITS))
        self.mail: Array = np.zeros(self.slots + 1, np.uint64)
        """By slot: the choices that are mail for it; of all slots at the end."""
        self.effects: Array = np.zeros((0, 4), np.uint64)
        self.most = 1
        """How many outcomes one choice has at most."""
        self._place_of = Column(np.int64)
        """By station, from the second on: its place."""
        self._of_marks: Array = np.zeros((0, 3), np.uint64)
        self._done = [1, 1, 0]

    def sync(self, compiler: Compiler, tables: Tables) -> None:
        """Take in what is new among stations, parcels and outcomes. Raises NotWords."""
        stations, parcels, outcomes = self._done
        interner = compiler.interner
        self._done = [len(interner.stations), len(interner.parcels), len(compiler.changes)]
        if self.slots + len(interner.parcels) - 1 >= WORD_BITS:
            raise NotWords(f"{self.slots} nodes and {len(interner.parcels) - 1} messages are more choices than a word has bits for")
        if (tables.about[outcomes : len(compiler.changes), kernels.WAY] == kernels.GENERAL).any():
            raise NotWords("a node comes or goes, or a call is answered")
        self._make_room(len(interner.stations), len(compiler.changes))
        for number in range(stations, len(interner.stations)):
            station = interner.stations[number]
            assert station is not None
            place = self._place(tables, station.slot, number)
            self._place_of.append(place)
            self.places[place, [word_kernels.STATION, word_kernels.OWN]] = number, word_kernels.UNKNOWN
        for number in range(parcels, len(interner.parcels)):
            slot, choice = tables.parcels[number, kernels.TO], self.slots + number - 1
            self.choices[choice] = slot, number
            self.mail[[slot, self.slots]] |= np.uint64(1 << choice)
        # What conflicts with what may be told anew when something new comes.
        marks = tables.marks[: len(interner.stations)]
        told_anew = not np.array_equal(marks[: len(self._of_marks)], self._of_marks)
        self._of_marks = marks.copy()
        self.marks[self._place_of.data[: self._place_of.size]] = marks[1:]
        everything = told_anew or parcels < len(interner.parcels)
        self._take_outcomes(compiler, tables, slice(0 if everything else outcomes, len(compiler.changes)))

    def _take_outcomes(self, compiler: Compiler, tables: Tables, which: slice) -> None:
        """What these outcomes do to a state."""
        about, effects = tables.about[which.start : which.stop + 1], self.effects[which]
        added = slice(about[0, kernels.ADDED], about[-1, kernels.ADDED])
        whose = np.repeat(np.arange(len(effects)), np.diff(about[:, kernels.ADDED]))
        effects[:, word_kernels.PUTS] = 0
        np.bitwise_or.at(effects[:, word_kernels.PUTS], whose, tables.key_of_parcel[tables.added[added, 0]])
        effects[:, word_kernels.ADDS] = tables.delta[which]
        own = (np.uint64(1) << np.arange(self.slots, dtype=np.uint64)) | self.mail[:-1]
        later = np.bitwise_or.accumulate(own[::-1])[::-1]
        puts = effects[:, word_kernels.PUTS] >> self.lowest << np.uint64(self.slots)
        effects[:, word_kernels.AWAKE] = later[about[:-1, kernels.SLOT]] | puts
        changed = tables.marks[compiler.before(which)] ^ tables.marks[about[:-1, kernels.STATION]]
        shows = changed[:, 0]
        for k, mask in enumerate(compiler.predicates.pair_masks):
            shows |= ((changed[:, 1:] & mask) != 0).any(1).astype(np.uint64) << np.uint64(k)
        effects[:, word_kernels.SHOWS] = shows

    def take(self, compiler: Compiler, tables: Tables, compiled: Sequence[tuple[int, int]]) -> None:
        """Take in what became of (station, parcel); parcel 0 for what the station does by itself."""
        pairs: Array = np.array(compiled, np.int64).reshape(-1, 2)
        stations, parcels = pairs.T
        found: Array = np.empty(len(pairs), np.int64)
        entries_of(tables.taken, pairs, found)
        entries = np.where(parcels == 0, tables.own[stations], found).astype(np.uint64)
        self.entries[stations, parcels] = entries
        outcomes = entries >> np.uint64(2) & np.uint64(COUNT)
        self.most = max(self.most, int(outcomes.max(initial=0)))
        places = self._places_of(tables, pairs)
        own, mail = parcels == 0, parcels > 0
        self.places[places[own], word_kernels.OWN] = outcomes[own]
        choices = np.uint64(1) << self._choices_of(compiler, pairs).astype(np.uint64)
        for column, which in (
            (word_kernels.KNOWN, mail),
            (word_kernels.SINGLE, mail & (outcomes == 1)),
            (word_kernels.SEVERAL, mail & (outcomes > 1)),
            (word_kernels.OFFERS, entries & np.uint64(IDLE) == 0),
        ):
            np.bitwise_or.at(self.places[:, column], places[which], choices[which])
        self._leave_out_doubles(tables, np.unique(stations[stations > 0]))

    def _leave_out_doubles(self, tables: Tables, stations: Array) -> None:
        """Offer no delivery that does what the station does by itself, too: that leads to the same state, whatever is asleep."""
        idle = np.uint64(IDLE)
        # What changes nothing is never taken, nor does it have outcomes to compare with.
        stations = stations[self.entries[stations, 0] & idle == 0]
        rows, parcels = np.nonzero((self.entries[stations, 1:] != 0) & (self.entries[stations, 1:] & idle == 0))
        pairs = np.stack([stations[rows], parcels + 1], axis=1)
        own, its = self.entries[pairs[:, 0], 0], self.entries[pairs[:, 0], pairs[:, 1]]
        number = own >> np.uint64(2) & np.uint64(COUNT)
        single = its >> np.uint64(2) & np.uint64(COUNT) == 1
        same = np.zeros(len(pairs), bool)
        for k in range(int(number.max(initial=0))):
            less = single & (k < number)
            one, other = (self.effects[(e[less] >> np.uint64(20)) + np.uint64(d), : word_kernels.AWAKE] for e, d in ((own, k), (its, 0)))
            same[less] |= (one == other).all(1)
        for place, choice in zip(self._places_of(tables, pairs[same]), pairs[same, 1] + self.slots - 1, strict=True):
            self.places[place, word_kernels.OFFERS] &= ~np.uint64(1 << int(choice))

    def _places_of(self, tables: Tables, pairs: Array) -> Array:
        """The places of stations, each with a parcel for it; of nobody that where the parcel would be taken."""
        first = self.fields[tables.parcels[pairs[:, 1], kernels.TO], word_kernels.FIRST].astype(np.int64)
        there = self._place_of.data[np.maximum(pairs[:, 0] - 1, 0)]
        found: Array = np.where(pairs[:, 0] > 0, there, first)
        return found

    def _choices_of(self, compiler: Compiler, pairs: Array) -> Array:
        """The choices that (station, parcel) are, by number."""
        slots = [station.slot if station is not None else 0 for station in map(compiler.interner.stations.__getitem__, pairs[:, 0])]
        found: Array = np.where(pairs[:, 1] > 0, self.slots + pairs[:, 1] - 1, slots)
        return found

    def _place(self, tables: Tables, slot: int, station: int) -> int:
        field = self.fields[slot]
        return int(field[word_kernels.FIRST]) + (int(tables.key_of_station[station]) >> int(field[word_kernels.SHIFT]))

    def _make_room(self, stations: int, outcomes: int) -> None:
        if stations > len(self.entries):
            self.entries = self._longer(self.entries, max(PLACES_AT_FIRST, 2 * stations))
        if outcomes > len(self.effects):
            self.effects = self._longer(self.effects, max(PLACES_AT_FIRST, 2 * outcomes))

    def _longer(self, old: Array, size: int) -> Array:
        self.budget.resize("what deliveries do", old.nbytes, size * old.shape[1] * old.itemsize)
        new: Array = np.zeros((size, old.shape[1]), old.dtype)
        new[: len(old)] = old
        return new


class WordSearch(Search):
    """One search of one world, of which `compiler` knows something already. Raises NotWords, TooNarrow."""

    keeps: type[Rows] = NoRows

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
        self.listed: Array = np.zeros((BUFFERS, word_kernels.BLOCK + 1, 2), np.uint64)
        """Per buffer: what a block's states have to be asked for."""
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
        slots = np.arange(fields.slots, dtype=np.uint64)
        stations = [int(fields.places[word_kernels.place_of(fields.fields, slot, np.uint64(key)), word_kernels.STATION]) for slot in slots]
        mail = key >> int(fields.lowest) & ((1 << fields.keys.places) - 1)
        return stations, [bit + 1 for bit in range(mail.bit_length()) if mail >> bit & 1]

    def _resolve(self, misses: Sequence[tuple[int, int]]) -> None:
        super()._resolve(misses)
        self.fields.take(self.compiler, self.tables, misses)

    def _expand(self, job: tuple[int, Array]) -> tuple[int, int, int]:
        number, piece = job
        b, f = self.buffers[number], self.fields
        done, pending, missed = word_kernels.expand(
            f.fields, f.places, f.entries, f.choices, f.mail, f.effects, f.lowest, f.most, self.layer.keys, self.layer.outcomes,
            self.once and self.begin > 0, piece, self.bucket_keys[number], self.bucket_origins[number], b.counts, self.listed[number],
            b.pending, b.misses, b.stats,
        )  # fmt: skip
        return int(done), int(pending), int(missed)

    def _write(self, q: int, fresh: Array, begin: int, number: int, hits: Array, done: list[int]) -> None:
        promises, goals = self._wanted()
        following, f = self.following, self.fields
        word_kernels.write(
            f.fields, f.marks, f.effects, self.bucket_keys, self.bucket_origins, q, fresh, number, following.keys, following.parents,
            following.outcomes, begin, self.begin, promises, goals, self.predicates.pair_masks, hits,
        )  # fmt: skip
        done[q] = number

    def _refresh(self) -> None:
        super()._refresh()
        if self._fields is None:
            assert isinstance(self.keys, Packed)
            self._fields = Fields(self.keys, self.budget)
            self._fields.sync(self.compiler, self.tables)
            self._fields.take(self.compiler, self.tables, list(self._compiled()))
        else:
            self._fields.sync(self.compiler, self.tables)

    def _compiled(self) -> Iterator[tuple[int, int]]:
        """All (station, parcel) that have been compiled, parcel 0 for what the station does by itself."""
        own = np.flatnonzero(self.tables.own[1 : len(self.compiler.interner.stations)] >= 0) + 1
        yield from ((station, 0) for station in own.tolist())
        for key in self.tables.taken[self.tables.taken[:, 0] != 0, 0].tolist():
            yield key >> 32, key & 0xFFFFFFFF
