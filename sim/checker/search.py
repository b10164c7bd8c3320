"""Breadth-first search over tables: layer by layer, in rounds, each of which is the same on any number of threads.

A round takes up to `BUFFERS` pieces of the layer; each piece is expanded into a buffer of its own, then each partition
of the visited set takes in its buckets of all buffers, then the new states are written. What a piece cannot do (an input
that no handler has been asked about yet, a full bucket) is put in front of the queue for the next round, after the
unknown inputs have been compiled. Nothing depends on which thread does what.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from sim.checker import compared_kernels, kernels
from sim.checker.columns import Array, Tables
from sim.checker.compared import Compared
from sim.checker.compile import Compiler
from sim.checker.impartial import Impartial
from sim.checker.intern import ModelError, Overflow
from sim.checker.kernels import PARTITIONS
from sim.checker.keys import Keys, Packed, TooNarrow, Unfit
from sim.checker.layers import Layer, Trace
from sim.checker.mixing import mix, unmix
from sim.checker.orbits import MOST_IMAGES, canonicalise
from sim.checker.predicates import Predicates
from sim.checker.progress import Progress
from sim.checker.rows import Rows
from sim.checker.verdict_kernels import judge
from sim.checker.visited import Budget, OutOfBudget, Partition
from sim.model.garbage import resident
from sim.model.inputs import Name
from sim.model.world import Network, State, World

T = TypeVar("T")

BUFFERS = 8
PIECE = 8192
"""Rows of one piece."""
BUCKET = 16384
"""Candidates that a bucket holds at first."""
MISSES = 4096
LONGEST_MAIL = 4096
NARROW = 1 << 16
"""Up to so many stations and parcels a row takes two bytes for each."""
NETWORKS = {Network.SET: kernels.SET, Network.BAG: kernels.BAG, Network.ORDERED: kernels.ORDERED, Network.QUEUE: kernels.QUEUE}


class Buffer:
    """What one piece of a round works with."""

    def __init__(self) -> None:
        self.counts: Array = np.zeros(PARTITIONS, np.int64)
        self.pending: Array = np.empty(PIECE, np.int64)
        self.misses: Array = np.empty((MISSES, 2), np.int64)
        self.stats: Array = np.zeros(4, np.int64)
        self.fit(2, 1, np.uint16)

    def fit(self, width: int, parcels: int, number: type) -> None:
        """Make what depends on the sizes of states and tables large enough."""
        self.scratch: Array = np.empty((1, width), number)
        self.entries: Array = np.empty(width, np.int64)
        self.stamps: Array = np.zeros(parcels + 1, np.int64)


class Desk:
    """Where images of a state are compared: one per buffer and one per partition."""

    def __init__(self, members: int, width: int, images: int, number: type) -> None:
        self.sums: Array = np.zeros(members, np.uint64)
        self.work: Array = np.zeros((images, width), number)


@dataclass(slots=True)
class Found:
    """What a search found, in numbers: predicates by number, states by number (the first is 0)."""

    states: int = 0
    generated: int = 0
    depth: int = 0
    stuck: int = 0
    first_stuck: int = -1
    hits: dict[int, int] = field(default_factory=dict)
    witnesses: dict[int, list[int]] = field(default_factory=dict)
    """Promises: more states that break them, none of which comes after another; only some searches look for them."""
    stopped: str = ""
    """Why the search ended early, empty if it did not."""


class Search:
    """One search of one world."""

    keeps: type[Rows] = Rows
    """What states are written in."""
    merges: bool = True
    """Whether states that are the same under other names of interchangeable nodes are one."""

    def __init__(
        self,
        world: World,
        keys: Keys,
        predicates: Predicates,
        jobs: int = 1,
        memory: int = 1 << 32,
        limit: int = 1 << 32,
        watch: Callable[[Progress], None] | None = None,
        symmetry: Sequence[Sequence[Name]] = (),
        whole: bool = False,
    ) -> None:
        """`whole`: whether states are compared whole, and not by their keys alone. Then `run` may raise `compared.Collision`."""
        self.keys = keys
        self.predicates = predicates
        self.limit = min(limit, (1 << 32) - 1)
        self.watch = watch
        self.network = NETWORKS[world.network]
        self.compiler = self.make_compiler(world, keys, predicates, symmetry)
        self.symmetric = self.merges and bool(self.compiler.symmetry.swaps)
        self.budget = Budget(memory)
        self.compared = Compared(self.budget) if whole else None
        self.partitions = [Partition(self.budget) for _ in range(PARTITIONS)]
        self.trace = Trace(self.budget)
        self.found = Found()
        self.compiled = 0
        """Bytes that what handlers were asked, and what came of it, takes, in tables and as Python's objects."""
        self.begin = 0
        """The number of the first state of the layer."""
        self.sizes: list[int] = []
        """How many states each layer had, up to the one that is looked at."""
        self.threads = ThreadPoolExecutor(jobs) if jobs > 1 else None
        self.bucket = BUCKET
        self.impartial = Impartial(self.compiler.symmetry, predicates, world.network) if self.symmetric else None
        self._first_layer()

    def make_compiler(self, world: Any, keys: Keys, predicates: Predicates, symmetry: Sequence[Sequence[Name]]) -> Compiler:
        """The tables to search with."""
        return Compiler(world, keys, predicates, symmetry)

    def run(self) -> Found:
        """Search until everything was seen or something stops it. Raises Unfit when keys turn out not to do."""
        try:
            while self.layer.n:
                self._explore_layer()
        except OutOfBudget as stop:
            self.found.stopped = f"memory: {stop}"
        except Unfit:
            raise
        except Overflow as stop:
            self.found.stopped = str(stop)
        finally:
            if self.found.stopped:
                self._keep_origins()
            self.found.states = min(self.begin + self.layer.n + self.following.n, self.limit)
            if self.threads is not None:
                self.threads.shutdown()
        return self.found

    def _keep_origins(self) -> None:
        """A search that ends within a layer: what it decided there has a path too, or else is not decided."""
        first = self.begin + self.layer.n
        try:
            self.trace.append(first, self.following)
        except OutOfBudget:
            self.found.hits = {k: state for k, state in self.found.hits.items() if state < first}
            self.found.witnesses = {k: [state for state in states if state < first] for k, states in self.found.witnesses.items()}

    def state(self, row: Sequence[int], mail: Sequence[int]) -> State:
        """A state of the world from its numbers, equal to the one that the world itself gives."""
        state = self.compiler.interner.decode(list(row), list(mail))
        return State(state.nodes, self.compiler.world.network.in_order(state.mail), state.timers, state.calls)

    def row(self, layer: Layer, number: int) -> tuple[list[int], list[int]]:
        """A state of a layer in numbers: stations by slot, parcels."""
        return layer.row(number)

    def states(self) -> Iterator[State]:
        """Search, and give every state in the order in which it is found. Raises what stops the search."""
        while self.layer.n:
            for number in range(self.layer.n):
                yield self.state(*self.row(self.layer, number))
            self._explore_layer()

    # -- layers ---------------------------------------------------------------------------------------------------------

    def _first_layer(self) -> None:
        _, mail = self.compiler.initial()
        slots, places = len(self.compiler.interner.names), max(8, len(mail))
        self.rows = self.keeps(self.budget, slots, places)
        self.layer, self.following = Layer(self.rows), Layer(self.rows)
        self.layer.reserve(1)
        self.desks: list[Desk] = []
        self.buffers = [Buffer() for _ in range(BUFFERS)]
        self._make_buckets()
        self._refresh()
        t, slots = self.tables, self.rows.slots
        row: Array = np.zeros((1, 1 + slots + self.rows.mail), self.rows.number)
        self._put_first(row)
        key = np.uint64(kernels.key_of(t.key_of_station, t.key_of_parcel, t.base, t.multiplier, self.network, slots, row, 0))
        self.rows.write(self.layer.place(0), row[0])
        self.layer.keys[0], self.layer.n = key, 1
        self.layer.parents[0] = self.layer.outcomes[0] = 0
        self.trace.append(0, self.layer)
        counts = np.zeros((1, PARTITIONS), np.int64)
        mixed = np.uint64(mix(key))
        q = int(mixed) & (PARTITIONS - 1)
        counts[0, q] = 1
        self.partitions[q].insert(np.full((1, PARTITIONS, 1), mixed, np.uint64), counts, q, np.zeros(1, np.uint64))
        if self.compared is not None:
            self.compared.begin(mixed, slots, row)
        self.found.states = 1
        false = int(judge(t.marks, self.predicates.pair_masks, slots, row, 0))
        for number in self._watched(lambda k: bool(false >> k & 1) == (k < self.predicates.invariants)):
            self.found.hits[number] = 0
        self._judge_slowly(self.layer, 0, 1, 0)

    def _put_first(self, rows: Array) -> None:
        """Write the first state into row 0."""
        stations, mail = self.compiler.initial()
        slots = self.rows.slots
        rows[0, 0] = len(mail)
        rows[0, 1 : 1 + len(stations)] = stations
        rows[0, 1 + slots : 1 + slots + len(mail)] = mail
        if self.symmetric:
            self._canonicalise(rows, 0)

    def _watched(self, wanted: Callable[[int], bool] = lambda _: True) -> list[int]:
        """Predicates of which nothing is decided yet, other than those that are called for each state."""
        slow = self.predicates.slow
        return [k for k in range(len(self.predicates.of)) if k not in self.found.hits and k not in slow and wanted(k)]

    def _explore_layer(self) -> None:
        self.queue: deque[Array] = deque()
        self.ahead = 0
        self.sizes.append(self.layer.n)
        while self.queue or self.ahead < self.layer.n:
            self._round(self._next_pieces())
            if self.begin + self.layer.n + self.following.n >= self.limit:
                raise Overflow(f"{self.limit:,} states are reached, which is the limit")
        self.begin += self.layer.n
        if self.following.n:
            self.found.depth += 1
            self.trace.append(self.begin, self.following)
        self.layer, self.following = self.following, self.layer
        self.following.clear()

    def _next_pieces(self) -> list[Array]:
        """What the next round works on: what could not be done before, then rows that follow."""
        pieces: list[Array] = []
        while len(pieces) < BUFFERS and (self.queue or self.ahead < self.layer.n):
            if self.queue:
                pieces.append(self.queue.popleft())
            else:
                begin, self.ahead = self.ahead, min(self.ahead + PIECE, self.layer.n)
                pieces.append(np.arange(begin, self.ahead, dtype=np.int64))
        return pieces

    @staticmethod
    def _pieces(rows: Array) -> list[Array]:
        return [rows[i : i + PIECE] for i in range(0, len(rows), PIECE)]

    # -- a round --------------------------------------------------------------------------------------------------------

    def _round(self, pieces: list[Array]) -> None:
        results = self._each(self._expand, list(enumerate(pieces)))
        rest: list[Array] = []
        pending: list[Array] = []
        misses: set[tuple[int, int]] = set()
        for buffer, piece, (done, n_pending, missed) in zip(self.buffers, pieces, results, strict=False):
            rest.append(piece[done:])
            pending.append(buffer.pending[:n_pending].copy())
            misses.update(map(tuple, buffer.misses[:missed].tolist()))
            self._count(buffer)
        counts = np.stack([buffer.counts for buffer in self.buffers])
        if not counts.any() and not misses and all(done == 0 for done, _, _ in results):
            self.bucket *= 2
            self._make_buckets()
        self._take_in(counts)
        if misses:
            self._resolve(sorted(misses))
        again = np.concatenate([*rest, *pending])
        self.queue.extendleft(reversed(self._pieces(again)))
        self.layer.give_back(min([self.ahead, *(int(piece.min()) for piece in self.queue)]))
        if self.watch is not None:
            waiting = sum(map(len, self.queue)) + self.layer.n - self.ahead + self.following.n
            states = self.begin + self.layer.n + self.following.n
            memory = self.budget.used + self.compiled, self.budget.limit
            self.watch(Progress(states, self.found.generated, self.found.depth, waiting, self.sizes, *memory))

    def _resolve(self, misses: Sequence[tuple[int, int]]) -> None:
        """Have inputs compiled that were met for the first time."""
        before = resident()
        self.compiler.resolve(misses)
        self._refresh()
        self.compiled += max(0, resident() - before)
        if self.budget.used + self.compiled > self.budget.limit:
            what = f"what handlers did takes {self.compiled:,} bytes, and all else {self.budget.used:,}"
            raise OutOfBudget(f"{what}; {self.budget.limit:,} are allowed")

    def _each(self, work: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
        return list(map(work, items) if self.threads is None else self.threads.map(work, items))

    def _expand(self, job: tuple[int, Array]) -> tuple[int, int, int]:
        number, piece = job
        b, desk = self.buffers[number], self.desks[number]
        done, pending, missed = kernels.expand(
            self.tables, self.network, self._most, self.symmetric, self.rows.slots, self.rows.data, self.layer.chunks, self.layer.keys,
            piece, self.bucket_keys[number], self.bucket_origins[number], b.counts, b.entries, b.scratch, b.stamps, b.pending, b.misses,
            b.stats, desk.sums, desk.work,
        )  # fmt: skip
        return int(done), int(pending), int(missed)

    @property
    def _most(self) -> int:
        return self.keys.most if isinstance(self.keys, Packed) else -1 if self.compared is not None else 0

    def _count(self, buffer: Buffer) -> None:
        stats = buffer.stats
        self.found.generated += int(stats[kernels.GENERATED])
        if stats[kernels.STUCK] and self.found.first_stuck < 0:
            self.found.first_stuck = self.begin + int(stats[kernels.FIRST_STUCK])
        self.found.stuck += int(stats[kernels.STUCK])
        if stats[kernels.ERROR] == kernels.TOO_MANY:
            raise TooNarrow("mail is longer than a packed key can tell")
        if stats[kernels.ERROR] == kernels.TOO_MANY_IMAGES:
            raise Overflow(f"a state has more than {MOST_IMAGES:,} images that look alike; check without symmetry, or smaller groups")
        if stats[kernels.ERROR]:
            name = self.compiler.interner.names[int(stats[kernels.ERROR]) - 1]
            raise ModelError(f"{name} is spawned while it exists; a name belongs to one node at a time")
        stats[:] = 0

    def _take_in(self, counts: Array) -> None:
        """Insert what the buffers hold, and write down what is new."""
        fresh = self.fresh
        if self.compared is not None:
            self._compare(self.compared, counts)

        def insert(q: int) -> int:
            return self.partitions[q].insert(self.bucket_keys, counts, q, fresh[q])

        numbers = self._each(self._sift, enumerate(self._each(insert, range(PARTITIONS))))
        start = self.following.n
        self.following.reserve(sum(numbers))
        # At once, so that those already written are kept when rows have to become longer.
        self.following.n += sum(numbers)
        begins = [start + sum(numbers[:q]) for q in range(PARTITIONS)]
        hits = np.full((PARTITIONS, len(self.predicates.of)), -1, np.int64)
        done = [0] * PARTITIONS
        while True:
            self._each(lambda q: self._write(q, fresh[q], begins[q], numbers[q], hits[q], done), range(PARTITIONS))
            if done == numbers:
                break
            self._lengthen()
        for buffer in self.buffers:
            buffer.counts[:] = 0
        first = self.begin + self.layer.n
        for k in range(len(self.predicates.of)):
            found = [int(row[k]) for row in hits if row[k] >= 0]
            if found:
                self.found.hits[k] = first + min(found)
        self._judge_slowly(self.following, start, self.following.n, first)

    def _compare(self, compared: Compared, counts: Array) -> None:
        """Compare what the buffers hold with the states that have the same keys."""
        desk, scratch = self.desks[0], self.buffers[0].scratch
        for at, count in np.ndenumerate(counts):
            compared.meet(
                compared_kernels.meet_outcomes, self.bucket_keys[at], count, self.bucket_origins[at], self.tables, self.network,
                self.symmetric, self.rows.slots, self.rows.data, self.layer.chunks, scratch, desk.sums, desk.work,
            )  # fmt: skip

    def _sift(self, found: tuple[int, int]) -> int:
        """Leave out of what is new in a partition (its number, how much that is) what need not be looked at; how much is left."""
        return found[1]

    def _write(self, q: int, fresh: Array, begin: int, number: int, hits: Array, done: list[int]) -> None:
        promises, goals = self._wanted()
        layer, following, desk = self.layer, self.following, self.desks[q]
        done[q] = int(kernels.materialise(
            self.tables, self.network, self.symmetric, self.rows.slots, self.rows.data, layer.chunks, self.bucket_keys, self.bucket_origins,
            q, fresh, done[q], number, following.chunks, following.keys, following.parents, following.outcomes, begin + done[q], self.begin,
            promises, goals, self.predicates.pair_masks, hits, desk.sums, desk.work,
        ))  # fmt: skip

    def _wanted(self) -> tuple[np.uint64, np.uint64]:
        """The promises that are not broken yet and the goals that are not reached, as bits."""
        watched, invariants = self._watched(), self.predicates.invariants
        promises = self.predicates.mask([k for k in watched if k < invariants])
        return np.uint64(promises), np.uint64(self.predicates.mask([k for k in watched if k >= invariants]))

    def _judge_slowly(self, layer: Layer, start: int, end: int, first: int) -> None:
        """Call the predicates that are plain functions for the states in these rows, whose numbers begin at `first` in row 0."""
        for k in self.predicates.slow:
            if k in self.found.hits:
                continue
            wanted = k >= self.predicates.invariants
            for number in range(start, end):
                state = self.state(*self.row(layer, number))
                says = bool(self.predicates.of[k](state))
                if self.impartial is not None:
                    self.impartial.expect_of_state(k, state, says)
                if says == wanted:
                    self.found.hits[k] = first + number
                    break

    # -- symmetry and traces --------------------------------------------------------------------------------------------

    def _canonicalise(self, rows: Array, number: int) -> None:
        t, desk = self.tables, self.desks[0]
        canonicalise(
            t.left, t.slot_images, t.station_images, t.parcel_images, t.station_marks, t.parcel_marks, t.parcels, self.network,
            self.rows.slots, rows, number, desk.sums, desk.work,
        )  # fmt: skip

    def key(self, state: State) -> int:
        """The key of a state of the world; with symmetry, of its orbit. Raises KeyError when the search has not met its parts."""
        known = self.compiler.interner.known(state)
        if known is None:
            raise KeyError(state)
        stations, mail = known
        t, slots = self.tables, self.rows.slots
        row: Array = np.zeros((1, self.desks[0].work.shape[1]), self.rows.number)
        row[0, 0] = len(mail)
        row[0, 1 : 1 + slots] = stations
        row[0, 1 + slots : 1 + slots + len(mail)] = self.compiler.interner.in_order(mail, self.compiler.world.network)
        if self.symmetric:
            self._canonicalise(row, 0)
        return int(kernels.key_of(t.key_of_station, t.key_of_parcel, t.base, t.multiplier, self.network, slots, row, 0))

    def visited(self) -> Array:
        """The keys of all states that were found, in no order."""
        mixed = np.concatenate([partition.table[partition.table != 0] for partition in self.partitions])
        keys: Array = unmix.py_func(mixed)
        return keys

    def keys_along(self, outcomes: Sequence[int]) -> list[int]:
        """The keys of the states along a path of outcomes, the first left out."""
        t, slots = self.tables, self.rows.slots
        row: Array = np.zeros((2, self.desks[0].work.shape[1]), self.rows.number)
        self._put_first(row)
        found = []
        for outcome in outcomes:
            kernels.apply(t.about, t.added, t.purged, t.other, t.parcels, t.calls, self.network, slots, row, 0, outcome, row, 1)
            row[0] = row[1]
            if self.symmetric:
                self._canonicalise(row, 0)
            found.append(int(kernels.key_of(t.key_of_station, t.key_of_parcel, t.base, t.multiplier, self.network, slots, row, 0)))
        return found

    # -- sizes ----------------------------------------------------------------------------------------------------------

    def _make_buckets(self) -> None:
        shape = (BUFFERS, PARTITIONS, self.bucket)
        self.bucket_keys: Array = np.zeros(shape, np.uint64)
        self.bucket_origins: Array = np.zeros(shape, np.uint64)
        self.fresh = [np.zeros(BUFFERS * self.bucket, np.uint64) for _ in range(PARTITIONS)]

    def _refresh(self) -> None:
        """After something was compiled: new tables, and room for what they speak of."""
        self.tables: Tables = self.compiler.tables()
        if self.impartial is not None:
            self.impartial.expect_of_stations(self.tables)
        interner = self.compiler.interner
        slots = len(interner.names)
        number = np.uint16 if max(len(interner.stations), len(interner.parcels)) < NARROW else np.uint32
        self.rows.widen(slots, self.rows.mail, number)
        width = 1 + slots + self.rows.mail + self.compiler.most_adds
        for buffer in self.buffers:
            if buffer.scratch.shape[1] < width or len(buffer.stamps) <= len(interner.parcels) or buffer.scratch.dtype != number:
                buffer.fit(width, 2 * len(interner.parcels), number)
        if not self.desks or self.desks[0].work.shape[1] < width or self.desks[0].work.dtype != number:
            members, images = (len(self.compiler.symmetry.views), MOST_IMAGES) if self.symmetric else (0, 1)
            self.desks = [Desk(members, width, images, number) for _ in range(max(BUFFERS, PARTITIONS))]

    def _lengthen(self) -> None:
        mail = self.rows.mail + max(8, self.rows.mail // 2)
        if mail > LONGEST_MAIL:
            raise Overflow(f"more than {LONGEST_MAIL:,} messages are on their way at once; bound what the system sends")
        self.rows.widen(self.rows.slots, mail, self.rows.number)
        self._refresh()
