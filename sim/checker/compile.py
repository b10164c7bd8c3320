"""From rules to tables: each (station, input) is compiled when the search first meets it, with all its outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from sim.checker import kernels
from sim.checker.columns import Array, Column, Tables
from sim.checker.coverage import Handled
from sim.checker.entry_kernels import COUNT, IDLE, SIMPLE, fill_taken, put_all_taken
from sim.checker.intern import Interner, ModelError, Overflow, Station
from sim.checker.keys import WORD, Keys, Packed, TooNarrow
from sim.checker.predicates import Predicates
from sim.checker.rules import Change, Rules, Whole
from sim.checker.symmetry import Symmetry
from sim.model.apart import Bundle, Given, Needed, Part, Partly, outcomes_apart
from sim.model.canon import Frozen
from sim.model.inputs import Input, Name
from sim.model.instant import InstantWorld
from sim.model.node import Node
from sim.model.outcomes import Outcome, outcomes_and_name
from sim.model.promises import Exercised
from sim.model.world import Network, World

T = TypeVar("T")
PLAIN, ADDS, GENERAL = 0, kernels.ADDS, kernels.GENERAL
"""How an outcome's key follows from its parent's: by `delta`; by `delta` and the parcels that are not there yet; from the whole state."""
MOST_OUTCOMES = COUNT


class Handlers:
    """Runs handlers, once per (class, local state, input), or per name too where the handler asked for its name.

    Of a node that is kept in parts: once per (class, name, rest, input, and the parts that were looked at). Stations are those of an
    interner, which keeps one of all local states that are equal.
    """

    def __init__(self) -> None:
        self.calls: dict[type[Node], int] = {}
        self.exercised: set[str] = set()
        """Promises that were put to the test somewhere."""
        self._known: dict[tuple[type[Node], int], dict[tuple[Input, Name | None], tuple[Outcome, ...]]] = {}
        """By the identity of the local state, which is large, and then by input."""
        self._asked: list[tuple[type[Node], Frozen, Input, tuple[Outcome, ...]]] = []
        """The same in the order in which it was asked."""
        self._looks: dict[tuple[type[Node], int, Input, Name], _Look] = {}

    def __call__(self, station: Station, name: Name, event: Input) -> tuple[Outcome, ...]:
        assert station.kind is not None
        kind = station.kind
        known = self._known.setdefault((kind, id(station.local)), {})
        found = known.get((event, None)) or known.get((event, name))
        if found is None:
            found, named = self._run(station, name, event, lambda: outcomes_and_name(kind, name, station.local, event))
            self._note(found)
            known[event, name if named else None] = found
            self._asked.append((kind, station.local, event, found))
        return found

    def apart(self, station: Station, name: Name, event: Input, bundles: Mapping[Part, Bundle], every: Iterable[Part]) -> Whole:
        """As `rules.Handler` says."""
        assert station.kind is not None
        kind = station.kind
        key = (kind, id(station.local), event, name)
        look = self._looks.get(key)
        if look is None:
            look = self._looks[key] = _Look(station.local)
        # What was looked at so far, and no more: what a handler does with further parts is not what it did with these.
        seen: dict[Part, Bundle] = {}
        while True:
            if look.needs is not None:
                if look.needs not in bundles:
                    raise Needed(look.needs)
                seen[look.needs] = bundles[look.needs]
                look = look.on.setdefault(bundles[look.needs], _Look(look.local))
            elif look.found is not None and (not look.through or look.among == tuple(every)):
                return look.found, look.through
            else:
                given = Given(seen, every)
                try:
                    look.found = self._run(station, name, event, lambda: outcomes_apart(kind, name, station.local, given, event))  # noqa: B023
                except Needed as needed:
                    look.needs, look.found = needed.part, None
                    continue
                look.through, look.among = given.through, tuple(every)
                self._note([partly.outcome for partly in look.found])

    def _run(self, station: Station, name: Name, event: Input, run: Callable[[], T]) -> T:
        kind = station.kind
        assert kind is not None
        self.calls[kind] = self.calls.get(kind, 0) + 1
        try:
            return run()
        except Needed:
            raise
        except Exception as error:
            state = station.local if kind.apart() else kind.restored(station.local)
            where = f"{name} ({kind.__name__}) fails on {event} in state {state}"
            raise ModelError(f"{where}: {type(error).__name__}: {error}") from error

    def handled(self) -> Iterator[Handled]:
        """Everything that a handler was asked, with what came of it."""
        for kind, local, event, outcomes in self._asked:
            yield Handled(kind, local, {}, event, tuple(Partly(outcome, {}) for outcome in outcomes))
        for (kind, _, event, _), look in self._looks.items():
            for parts, found in look.leaves({}):
                yield Handled(kind, look.local, parts, event, found)

    def _note(self, found: Iterable[Outcome]) -> None:
        self.exercised |= {o.name for result in found for o in result.seen if isinstance(o, Exercised)}


@dataclass(slots=True)
class _Look:
    """What a handler did with what it looked at so far: it came out, or `needs` one part more."""

    local: Frozen
    needs: Part = None
    on: dict[Bundle, _Look] = field(default_factory=dict)
    found: tuple[Partly, ...] | None = None
    through: bool = False
    """Whether it went through all parts, which were `among`."""
    among: tuple[Part, ...] = ()

    def leaves(self, parts: Mapping[Part, Bundle]) -> Iterator[tuple[Mapping[Part, Bundle], tuple[Partly, ...]]]:
        """What was found in the end, with the parts that were looked at for it."""
        if self.needs is not None:
            for bundle, look in self.on.items():
                yield from look.leaves({**parts, self.needs: bundle})
        elif self.found is not None:
            yield parts, self.found


class Compiler:
    """The tables of one world, which grow while a search goes on."""

    def __init__(self, world: World, keys: Keys, predicates: Predicates, groups: Sequence[Sequence[Name]] = ()) -> None:
        self.world = world
        self.keys = keys
        self.interner = Interner(self._is_apart)
        self.symmetry = Symmetry(self.interner, groups, isinstance(world, InstantWorld) and world.words)
        self.handlers = Handlers()
        self.rules = Rules(world, self.interner, self.handlers)
        self.predicates = predicates
        self.changes: list[Change] = []
        """By number of outcome: what it was, for traces."""
        self.slots: list[int] = []
        """By number of outcome: whose it was."""
        self._before: list[int] = []
        """By number of outcome: the station that it changes."""
        self.most_adds = 0
        self.vacated: set[int] = set()
        """Slots in which nobody is at first, or at times."""
        self._columns = {
            "key_of_station": Column(np.uint64),
            "key_of_parcel": Column(np.uint64),
            "calls": Column(np.uint64),
            "own": Column(np.int64, -1),
            "parcels": Column(np.int32, width=3),
            "delta": Column(np.uint64),
            "about": Column(np.int32, width=7),
            "added": Column(np.int32, width=3),
            "purged": Column(np.int32),
            "other": Column(np.int32, width=3),
        }
        self._taken: Array = np.zeros((1 << 10, 2), np.uint64)
        self._n_taken = 0
        self._untaken: list[tuple[int, int]] = []
        """Entries that nobody has asked for yet: many are put into a table in hardly more time than one."""
        self._slots_seen = 0
        self._sync()

    def _is_apart(self, kind: type[Node]) -> bool:
        """Whether nodes of this class are kept in parts."""
        return False

    # -- what the search asks for ---------------------------------------------------------------------------------------

    def initial(self) -> tuple[list[int], list[int]]:
        """The first state, in numbers."""
        found = self.interner.encode(self.world.initial())
        for slot, station in enumerate(found[0]):
            if not station:
                self._vacate(slot)
        self._slots_seen = len(found[0])
        self._sync()
        self._vacate_new_slots()
        return found

    def resolve(self, misses: Iterable[tuple[int, int]]) -> None:
        """Compile these (station, parcel), parcel 0 for what the station does by itself."""
        taken: list[tuple[int, int]] = []
        try:
            for station, parcel in misses:
                if parcel:
                    taken.append((station << 32 | parcel, self._compiled(station, parcel, self.rules.delivery(station, parcel, {}))))
                elif self._columns["own"].data[station] < 0:
                    self._columns["own"].data[station] = self._compiled(station, 0, self.rules.by_itself(station))
        finally:
            # What makes the search begin again goes on with all that was compiled before.
            self._take_all(taken)

    def tables(self) -> Tables:
        """The tables as they are now; valid until the next `resolve`."""
        self._end_outcomes()
        self._take_all(self._untaken)
        self._untaken.clear()
        columns = {name: column.data for name, column in self._columns.items()}
        return Tables(
            multiplier=np.uint64(self.keys.multiplier & WORD), base=np.uint64(self.keys.base),
            taken=self._taken, **columns, **self.predicates.tables(self.interner), **self.symmetry.tables(),
        )  # fmt: skip

    def rekey(self, keys: Keys) -> None:
        """Keep all that was compiled, and give states other keys. Raises TooNarrow.

        Only where the network is a set: elsewhere how an outcome's key is found depends on the kind of keys.
        """
        assert self.world.network is Network.SET
        self.keys = keys
        for name, key_of in (("key_of_station", keys.station), ("key_of_parcel", keys.parcel)):
            column = Column(np.uint64)
            for number in range(self._columns[name].size):
                column.append(key_of(self.interner, number))
            self._columns[name] = column
        self._columns["delta"] = Column(np.uint64)
        for station, change in zip(self._before, self.changes, strict=True):
            self._columns["delta"].append(self._delta(station, change, ()))

    def before(self, which: slice) -> list[int]:
        """The stations that these outcomes change."""
        return self._before[which]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(column.data.nbytes for column in self._columns.values()) + self._taken.nbytes

    # -- building -------------------------------------------------------------------------------------------------------

    def _end_outcomes(self) -> None:
        """Let the row beyond the last outcome say where its parts end."""
        about = self._columns["about"]
        about.end((0, 0, 0, 0, *(self._columns[name].size for name in ("added", "purged", "other"))))

    def _sync(self) -> None:
        """Fill the columns of stations and parcels that are new."""
        self.symmetry.sync()
        columns, interner = self._columns, self.interner
        for number in range(columns["key_of_station"].size, len(interner.stations)):
            station = interner.stations[number]
            columns["key_of_station"].append(self.keys.station(interner, number))
            columns["calls"].append(interner.call_mask(station) if station is not None else 0)
            columns["own"].append(-1 if number else IDLE)
        for number in range(columns["key_of_parcel"].size, len(interner.parcels)):
            parcel = interner.parcels[number]
            columns["key_of_parcel"].append(self.keys.parcel(interner, number))
            if parcel is None:
                columns["parcels"].append((0, -1, 0))
            else:
                columns["parcels"].append((interner.slot(parcel.to), interner.pair(parcel), interner.of_class(parcel)))

    def _compiled(self, station: int, parcel: int, changes: Sequence[Change]) -> int:
        """The entry of an input. Outcomes that change nothing are counted and never taken, so they need no numbers."""
        if len(changes) < MOST_OUTCOMES and all(change.is_idle(station) for change in changes):
            return len(changes) << 2 | SIMPLE | IDLE
        return self._entry(station, parcel, changes)

    def _entry(self, station: int, parcel: int, changes: Sequence[Change]) -> int:
        self._sync()
        self._vacate_new_slots()
        if len(changes) >= MOST_OUTCOMES:
            raise Overflow(f"{self.interner.stations[station]}: {len(changes):,} outcomes of one input; ask fewer questions in one step")
        start = len(self.changes)
        idle = simple = True
        for change in changes:
            simple &= self._add(station, parcel, change) == PLAIN
            idle &= change.is_idle(station)
        return start << 20 | len(changes) << 2 | (SIMPLE if simple else 0) | (IDLE if idle else 0)

    def _add(self, station: int, parcel: int, change: Change) -> int:
        columns, mine = self._columns, self._slot(station, parcel)
        # First, because it may raise what makes the search begin again, which goes on with these tables.
        for slot, number in [(mine, change.station), *((slot, number) for slot, (number, _) in change.sets.items())]:
            if not number:
                self._vacate(slot)
        # What is delivered at once is delivered as often as it was sent; in the mail of a set it is there once.
        merges = self.world.network is Network.SET and not isinstance(self.world, InstantWorld)
        adds = list(dict.fromkeys(change.adds)) if merges else change.adds
        way = self._way(change, adds)
        self.changes.append(change)
        self.slots.append(mine)
        self._before.append(station)
        columns["delta"].append(self._delta(station, change, adds if self.world.network is Network.BAG and way == PLAIN else ()))
        begins = tuple(columns[name].size for name in ("added", "purged", "other"))
        columns["about"].append((way, mine, change.station, change.consumed, *begins))
        for number, waits in adds:
            columns["added"].append((number, -1, 0) if waits is None else (number, waits[0], self.interner.call_bit(*waits)))
        for number in change.purges:
            columns["purged"].append(number)
        for slot, (number, empty) in change.sets.items():
            columns["other"].append((slot, number, empty))
        self.most_adds = max(self.most_adds, len(adds))
        return way

    def _delta(self, station: int, change: Change, adds: Iterable[tuple[int, object]]) -> int:
        """By how much a change and what it adds alter a key."""
        stations, parcels = self._columns["key_of_station"].data, self._columns["key_of_parcel"].data
        delta = int(stations[change.station]) - int(stations[station]) - int(parcels[change.consumed])
        return (delta + sum(int(parcels[number]) for number, _ in adds)) & WORD

    def _vacate_new_slots(self) -> None:
        """A slot that is not of the first state has nobody in it at first."""
        for slot in range(self._slots_seen, len(self.interner.names)):
            self._vacate(slot)
        self._slots_seen = len(self.interner.names)

    def _vacate(self, slot: int) -> None:
        self.vacated.add(slot)
        if isinstance(self.keys, Packed) and slot not in self.keys.vacant:
            raise TooNarrow(f"{self.interner.names[slot]} is gone at times, and its field has no number for that")

    def _slot(self, station: int, parcel: int) -> int:
        there = self.interner.stations[station]
        return there.slot if there is not None else int(self._columns["parcels"].data[parcel, 0])

    def _way(self, change: Change, adds: Sequence[tuple[int, tuple[int, object] | None]]) -> int:
        network = self.world.network
        if change.purges or change.sets or any(waits is not None for _, waits in adds):
            return GENERAL
        if network.keeps_order:
            return GENERAL if adds or change.consumed else PLAIN
        if network is Network.SET:
            return ADDS if adds else PLAIN
        # Two copies more than a field of a packed key holds would only be noticed in the state itself.
        return GENERAL if adds and self.keys.exact else PLAIN

    def _take(self, station: int, parcel: int, entry: int) -> None:
        self._untaken.append((station << 32 | parcel, entry))

    def _take_all(self, entries: Sequence[tuple[int, int]]) -> None:
        """Keep the entries of deliveries (station << 32 | parcel)."""
        while 4 * (self._n_taken + len(entries)) > len(self._taken):
            old, self._taken = self._taken, np.zeros((2 * len(self._taken), 2), np.uint64)
            fill_taken(old, self._taken)
        self._n_taken += int(put_all_taken(self._taken, np.array(entries, np.uint64).reshape(-1, 2)))
