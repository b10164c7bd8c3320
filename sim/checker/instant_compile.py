"""Tables of worlds without delays (`sim.model.instant`), with what they need besides those of others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from sim.checker import instant_kernels as kernels
from sim.checker.columns import Array, Column
from sim.checker.compile import Compiler
from sim.checker.entry_kernels import COUNT
from sim.checker.intern import ModelError, Overflow, Station
from sim.checker.keys import Keys
from sim.checker.predicates import Predicates
from sim.checker.rules import Change
from sim.model.apart import Needed, Part, shields
from sim.model.environment import LOST_REQUEST, LOST_RESPONSE, RETRY, SLOW, Environment
from sim.model.inputs import Call, Fault, Fired, Move, Name, Withdrawn
from sim.model.instant import PROMPT, InstantWorld, is_of_call, is_prompt, loss_of
from sim.model.node import Node
from sim.model.promises import Everywhere, Pairwise
from sim.model.world import Parcel

WORDS: Final = 8
"""Of 64 shields each."""
DEEDS: Final = (Fault(""), LOST_REQUEST, LOST_RESPONSE, SLOW, RETRY)
"""What the environment is asked leave for, by the columns of `leaves`."""


class Extra(NamedTuple):
    """What the kernels know besides `Tables`; arrays by number of station, parcel, trigger, reading or slot."""

    shields: Array
    """Per station: what its node will do in time, as bits."""
    leaves: Array
    """Per station, by deed: the environment's station after it, 0 where it gives no leave."""
    wills: Array
    """Per station: its first row of `willed`, and the row behind its last."""
    willed: Array
    """Parcels that tell callees of their caller's crash."""
    fates: Array
    """Per parcel: the deed by which it may be lost, 0 for none."""
    travels: Array
    """Per parcel: whether it is mail between settled states."""
    fires: Array
    """Per trigger: the parcel that is taken."""
    guards: Array
    """Per trigger: what beats it."""
    held: Array
    """Per trigger: of these, the shields that hold even when all is slow."""
    retries: Array
    """Per trigger: whether something is tried again after it."""
    ahead: Array
    """Per station: whether it may do something by itself before mail is delivered, or that is not known yet."""
    reads: Array
    """Per reading: the slot that is looked at."""
    later: Array
    """Per station: what it is after a tick, UNKNOWN at first, STANDS where no tick may pass; none of these where there are no ticks."""
    above: Array
    """Per station: its first row of `larger`, and the row behind its last."""
    larger: Array
    """Stations of the environment that allow all that another one allows."""
    following: Array
    """Per slot: the next part of the same node, 0 behind the last."""
    environment: int
    """Its slot, -1 without one."""
    words: int
    """How many of the words of shields are in use."""
    mail_first: bool
    """Whether mail beats what is not prompt."""
    stepwise: bool
    """Whether only the first piece of mail is delivered, and nothing else happens before."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """An input that is not decided before one more part is looked at."""

    station: int
    parcel: int
    given: Mapping[Part, int]
    part: Part


_Asked = tuple[int, int, tuple[tuple[int, int], ...]]
"""(station, parcel, parts by slot)."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """What becomes of an input: changes, or a part has to be looked at first."""

    changes: Sequence[Change] = ()
    needs: Part = None
    went_through: bool = False


@dataclass(slots=True)
class _Through:
    """A decided input whose node went through all its parts: when there are more, it has to look at these too."""

    station: int
    parcel: int
    given: dict[Part, int]
    key: tuple[int, int]
    entry: int


class InstantCompiler(Compiler):
    """Tables with triggers, readings, shields, fates and leaves beside the others.

    What becomes of an input may depend on parts of its node (`sim.model.apart`). Then the entry of (station, parcel) is a
    *reading*: it names a slot, and the entry of (reading, what is in that slot) is what comes next: a further reading, or
    the outcomes.
    """

    def __init__(
        self, world: InstantWorld, keys: Keys, predicates: Predicates, groups: Sequence[Sequence[Name]] = (), parts: bool = True
    ) -> None:
        self._parts = parts
        self._shields: dict[Hashable, int] = {PROMPT: 0}
        self.extra = {
            "shields": Column(np.uint64, width=WORDS),
            "leaves": Column(np.int64, width=len(DEEDS)),
            "wills": Column(np.int64, width=2),
            "willed": Column(np.int64),
            "fates": Column(np.int64),
            "travels": Column(np.bool_),
            "fires": Column(np.int64),
            "guards": Column(np.uint64, width=WORDS),
            "held": Column(np.uint64, width=WORDS),
            "retries": Column(np.bool_),
            "ahead": Column(np.bool_),
            "reads": Column(np.int64),
            "later": Column(np.int64, kernels.UNKNOWN),
            "above": Column(np.int64, width=2),
            "larger": Column(np.int64),
        }
        self._known: dict[_Asked, _Decided] = {}
        """By (station, parcel, parts by slot), of one of those that are the same under other names."""
        self._to_least: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        """By station and parcel: the renamings that make of the two what comes first."""
        self._environments: list[tuple[int, Station, Environment]] = []
        """The environment's stations: number, station, what it is there."""
        self._readings: list[_Reading] = []
        self._through: dict[int, list[_Through]] = {}
        """By slot of the node."""
        self._looked: dict[int, tuple[int, int]] = {}
        """By slot of the node: how many parts, and how many of `_through`, have been seen to."""
        self._following: Array = np.zeros(0, np.int64)
        self._synced = (0, 0, 0)
        """How many stations, parcels and slots there were when all columns had rows for all of them."""
        self._judged = [kind for p in predicates.of if isinstance(p, Everywhere | Pairwise) for kind in p.kinds]
        self._apart: dict[type[Node], bool] = {}
        self.instant = world
        super().__init__(world, keys, predicates, groups)

    def _is_apart(self, kind: type[Node]) -> bool:
        known = self._apart.get(kind)
        if known is None:
            # A promise about nodes of a class looks at them whole.
            known = self._apart[kind] = self._parts and bool(kind.apart()) and not any(issubclass(kind, judged) for judged in self._judged)
        return known

    # -- inputs ----------------------------------------------------------------------------------------------------------

    def resolve(self, misses: Iterable[tuple[int, int]]) -> None:
        for key in misses:
            first, second = key
            if first >= kernels.READING:
                reading = self._readings[first - kernels.READING]
                self._decide(reading.station, reading.parcel, {**reading.given, reading.part: second}, key)
            elif second == kernels.TICK:
                self._pass_time(first)
            elif second:
                self._decide(first, second, {}, key)
            elif self._columns["own"].data[first] < 0:
                self._columns["own"].data[first] = self._triggers(first)

    def _decide(self, station: int, parcel: int, given: dict[Part, int], key: tuple[int, int]) -> None:
        decided = self._decided(station, parcel, given)
        if decided.needs is not None:
            self._take(*key, self._read(station, parcel, given, decided.needs))
            return
        entry = self._entry(station, parcel, decided.changes)
        self._take(*key, entry)
        if decided.went_through:
            self._through.setdefault(self._slot(station, parcel), []).append(_Through(station, parcel, given, key, entry))
            self._look_at_more()

    def _decided(self, station: int, parcel: int, given: Mapping[Part, int]) -> _Decided:
        """What becomes of an input, worked out for one of all those that are the same under other names."""
        slot = self._slot(station, parcel)
        parts = [(self.interner.slot(self.interner.names[slot], part), number) for part, number in given.items()]
        first, element = self._least(station, parcel, parts)
        known = self._known.get(first)
        if known is None:
            known = self._known[first] = self._work_out(*first)
        return self._renamed(known, element[::-1]) if element else known

    def _least(self, station: int, parcel: int, parts: Sequence[tuple[int, int]]) -> tuple[_Asked, tuple[int, ...]]:
        """The first of all those inputs that are the same under other names, and the renaming that makes it of this one."""
        symmetry = self.symmetry

        def image(element: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
            return tuple(sorted([(symmetry.slot_image(s, element), symmetry.station_image(n, element)) for s, n in parts]))

        elements = self._to_least.get((station, parcel))
        if elements is None:
            # Most often the station alone tells which comes first.
            images = [(symmetry.parcel_image(parcel, element), element) for element in symmetry.to_least(station)]
            least = min(images)[0]
            elements = self._to_least[station, parcel] = sorted([element for number, element in images if number == least])
        moved, element = min([(image(element), element) for element in elements]) if parts else ((), elements[0])
        return (symmetry.station_image(station, element), symmetry.parcel_image(parcel, element), moved), element

    def _work_out(self, station: int, parcel: int, given: tuple[tuple[int, int], ...]) -> _Decided:
        try:
            changes = self.rules.delivery(station, parcel, {self.interner.parts[slot]: number for slot, number in given})
        except Needed as needed:
            self.interner.slot(self.interner.names[self._slot(station, parcel)], needed.part)
            self._sync()
            return _Decided(needs=needed.part)
        self._sync()
        return _Decided(changes, went_through=self.rules.went_through)

    def _renamed(self, decided: _Decided, element: Sequence[int]) -> _Decided:
        symmetry, interner = self.symmetry, self.interner
        if decided.needs is not None:
            return _Decided(needs=symmetry.tag_image(decided.needs, element))
        changes = []
        for change in decided.changes:
            adds = [
                (
                    symmetry.parcel_image(number, element),
                    (symmetry.slot_image(waits[0], element), symmetry.tag_image(waits[1], element)) if waits is not None else None,
                )
                for number, waits in change.adds
            ]
            ended = (interner.class_of(number) for number in change.purges)
            changes.append(
                Change(
                    symmetry.station_image(change.station, element),
                    change.answers,
                    parcel=symmetry.parcel_image(change.parcel, element),
                    adds=adds,
                    purges=sorted(interner.reply_class(symmetry.slot_image(s, element), symmetry.tag_image(t, element)) for s, t in ended),
                    sets={
                        symmetry.slot_image(slot, element): (symmetry.station_image(number, element), how)
                        for slot, (number, how) in change.sets.items()
                    },
                )
            )
        return _Decided(changes, went_through=decided.went_through)

    def _read(self, station: int, parcel: int, given: Mapping[Part, int], part: Part) -> int:
        """The entry of a new reading."""
        slot = self.interner.slot(self.interner.names[self._slot(station, parcel)], part)
        number = len(self._readings)
        self._readings.append(_Reading(station, parcel, given, part))
        self.extra["reads"].append(slot)
        # Which may make further readings.
        self._sync()
        return number << 20 | COUNT << 2

    def _look_at_more(self) -> None:
        """Parts that are new were empty so far: whoever goes through all looks at them too, and all stays as it was where
        there is nothing in them."""
        for slot, entries in self._through.items():
            parts = self.interner.parts_of(slot)
            known, done = self._looked.get(slot, (0, 0))
            for part, _ in parts:
                for through in entries[done:] if known == len(parts) else entries:
                    if part not in through.given:
                        key, before = through.key, dict(through.given)
                        through.given[part] = 0
                        through.key = kernels.READING + len(self._readings), 0
                        self._take(*key, self._read(through.station, through.parcel, before, part))
                        self._take(*through.key, through.entry)
            self._looked[slot] = len(parts), len(entries)

    def _pass_time(self, station: int) -> None:
        later = self.rules.later(station)
        self._sync()
        self.extra["later"].data[station] = kernels.STANDS if later is None else later

    def _triggers(self, station: int) -> int:
        """The entry of what a station does by itself."""
        triggers = self.rules.triggers(station)
        self._sync()
        start = self.extra["fires"].size
        self.extra["ahead"].data[station] = any(PROMPT not in trigger.guard for trigger in triggers)
        for trigger in triggers:
            self.extra["fires"].append(trigger.parcel)
            self.extra["guards"].append(self._words(trigger.guard))
            self.extra["retries"].append(trigger.retry and bool(self.instant.environment))
            self.extra["held"].append(self._words(frozenset(filter(is_of_call, trigger.guard))))
        return start << 20 | len(triggers) << 2

    def _delta(self, station: int, change: Change, adds: Iterable[tuple[int, object]]) -> int:
        """Not asked for: what a choice does to a key is summed up where all has settled."""
        return 0

    # -- columns ---------------------------------------------------------------------------------------------------------

    @property
    def environment(self) -> int:
        """The slot of the environment, -1 without one."""
        return self.interner.slots.get(self.instant.environment, -1) if self.instant.environment else -1

    def _sync(self) -> None:
        interner, extra, world = self.interner, self.extra, self.instant
        if self._synced == (len(interner.stations), len(interner.parcels), len(interner.names)):
            return
        super()._sync()
        # Wills are parcels, and images of parcels may be stations that are new: until nothing new comes of it.
        while extra["wills"].size < len(interner.stations):
            for number in range(extra["wills"].size, len(interner.stations)):
                extra["wills"].append(self._will(interner.stations[number]))
            super()._sync()
        for number in range(extra["shields"].size, len(interner.stations)):
            extra["shields"].append(self._words(self._shields_of(interner.stations[number])))
            extra["ahead"].append(number > 0)
        if world.ticks is not None:
            for number in range(extra["later"].size, len(interner.stations)):
                extra["later"].append(kernels.UNKNOWN if number else 0)
        for number in range(extra["fates"].size, len(interner.parcels)):
            parcel = interner.parcels[number]
            sent = parcel is not None and not isinstance(parcel.event, Fired | Move)
            lossy = parcel is not None and sent and world.lossy is not None and world.lossy(parcel)
            extra["fates"].append(DEEDS.index(loss_of(parcel)) if parcel is not None and lossy else 0)
            extra["travels"].append(parcel is not None and world.goes_by_mail(parcel))
        # Last, since it may intern stations.
        for number in range(extra["leaves"].size, len(interner.stations)):
            if extra["leaves"].size == number:
                extra["leaves"].append(self._leaves(interner.stations[number]))
        if extra["leaves"].size < len(interner.stations):
            self._sync()
        self._compare_budgets()
        if len(self._following) < len(interner.names):
            self._following = np.zeros(len(interner.names), np.int64)
            for slot in interner.slots.values():
                for before, (_, part) in pairwise([(None, slot), *interner.parts_of(slot)]):
                    self._following[before[1]] = part
            self._look_at_more()
        self._synced = len(interner.stations), len(interner.parcels), len(interner.names)

    @property
    def environment_is_unseen(self) -> bool:
        """Whether there is an environment, and no promise or goal looks at it."""
        kinds = (type(node) for name, node in self.instant.nodes.items() if name == self.instant.environment)
        return not self.predicates.slow and any(not any(issubclass(kind, judged) for judged in self._judged) for kind in kinds)

    def _compare_budgets(self) -> None:
        """Find out which stations of the environment allow all that another one allows."""
        extra, stations = self.extra, self.interner.stations
        before = len(self._environments)
        for number in range(extra["above"].size, len(stations)):
            station = stations[number]
            extra["above"].append(0)
            if station is not None and station.kind is not None and issubclass(station.kind, Environment):
                self._environments.append((number, station, station.kind.restored(station.local)))
        if len(self._environments) == before:
            return
        for number, station, node in self._environments:
            start = extra["larger"].size
            for other, there, larger in self._environments:
                same = (there.slot, there.timers, there.calls) == (station.slot, station.timers, station.calls)
                if other != number and same and larger.allows_all_of(node):
                    extra["larger"].append(other)
            extra["above"].data[number] = start, extra["larger"].size

    def _will(self, station: Station | None) -> tuple[int, int]:
        """Rows of `willed`: what a part leaves to those whom it had called."""
        start = self.extra["willed"].size
        if station is not None and self.interner.parts[station.slot] is not None:
            name = self.interner.names[station.slot]
            for tag, to in station.calls:
                self.extra["willed"].append(self.interner.parcel(Parcel(name, to, Withdrawn(Call(name, tag)))))
        return start, self.extra["willed"].size

    def _shields_of(self, station: Station | None) -> set[Hashable]:
        if station is None or station.kind is None:
            return set()
        found = set(shields(station.kind, self.interner.parts[station.slot], station.local))
        if any(armed.fires and is_prompt(station.kind, tag) for tag, armed in station.timers):
            found.add(PROMPT)
        return found

    def _words(self, shields: set[Hashable] | frozenset[Hashable]) -> tuple[int, ...]:
        words = [0] * WORDS
        for shield in sorted(shields, key=repr):
            number = self._shields.setdefault(shield, len(self._shields))
            if number >= 64 * WORDS:
                raise Overflow(f"more than {64 * WORDS} different shields; bound how often activities are tried")
            words[number // 64] |= 1 << number % 64
        return tuple(words)

    def _leaves(self, station: Station | None) -> tuple[int, ...]:
        """By deed: the environment's station after it, 0 where it gives no leave."""
        if station is None or station.kind is None or not issubclass(station.kind, Environment):
            return (0,) * len(DEEDS)
        grants = station.kind.restored(station.local).grants()
        return tuple(self._after(station, deed) if deed.kind in grants else 0 for deed in DEEDS)

    def _after(self, station: Station, deed: Fault) -> int:
        results = self.handlers(station, self.interner.names[station.slot], deed)
        if len(results) != 1 or results[0].effects:
            raise ModelError(f"the environment may only count what it grants; on {deed} it asked for effects or made a choice")
        return self.interner.station(Station(station.slot, station.kind, results[0].state, station.timers, station.calls))

    def extras(self) -> Extra:
        """The further tables as they are now."""
        columns = {name: column.data for name, column in self.extra.items()}
        if self.instant.ticks is None:
            columns["later"] = np.zeros(0, np.int64)
        words = (len(self._shields) + 63) // 64
        for name in ("shields", "guards", "held"):
            # One next to the other, as many as are in use: they are looked at for each slot of each row.
            columns[name] = np.ascontiguousarray(columns[name][:, :words])
        return Extra(
            **columns, following=self._following, environment=self.environment, words=words, mail_first=self.instant.mail_first,
            stepwise=self.instant.stepwise,
        )  # fmt: skip

    @property
    def nbytes(self) -> int:
        return super().nbytes + sum(column.data.nbytes for column in self.extra.values())
