"""Numbers for everything that a global state is made of.

A *slot* is a node's name. A *station* is all that is known of one node: slot, class, local state, armed timers, open
calls; station 0 is "nobody there", in every slot. A *parcel* is a piece of mail; parcel 0 is none. A global state is
then one station per slot and a list of parcels, which is what `sim.model.world.State` holds, grouped by node.

A node whose state lies apart (`sim.model.apart`) has a slot for the rest of it and one for each part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from sim.model.apart import Bundle, Part, joined, split
from sim.model.canon import Frozen, by_key, sort_key
from sim.model.inputs import Name, Reply, Tag
from sim.model.node import Node
from sim.model.windows import Armed
from sim.model.world import Network, OpenCall, Parcel, State, Timer, in_order_of_tags

CALL_BITS = 64
"""Different tags of calls that one node may use: one bit each, of a word per station."""


Timers = tuple[tuple[Tag, Armed], ...]
Calls = tuple[tuple[Tag, Name], ...]
Apart = Callable[[type[Node]], bool]


class Overflow(Exception):
    """Something does not fit into the search's fixed sizes; the message says what, and how to make room."""


class ModelError(ValueError):
    """The system that is checked does what no system may, or fails; the message says which node, and on what."""


@dataclass(frozen=True, slots=True)
class Station:
    """One node, or a part of it. `kind` is None where nobody is (any more); `local` of a part is its `Bundle`."""

    slot: int
    kind: type[Node] | None
    local: Frozen
    timers: Timers = ()
    """Tags with how they are armed."""
    calls: Calls = ()
    """Tags with who was called."""


@dataclass(slots=True)
class Interner:
    """Numbers given in the order of first sight, so that the same search gives the same numbers."""

    apart: Apart = lambda kind: False
    """Which classes of nodes are kept in parts."""
    slots: dict[Name, int] = field(default_factory=dict)
    """By name: that of the node, or of its rest."""
    names: list[Name] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    """By slot: which part of that node; None for the node, or its rest."""
    stations: list[Station | None] = field(default_factory=lambda: [None])
    parcels: list[Parcel | None] = field(default_factory=lambda: [None])
    kinds: dict[int, type[Node]] = field(default_factory=dict)
    """By slot: the class of the node that was last seen there for the first time in a state."""
    _slots_of_parts: dict[int, dict[Part, int]] = field(default_factory=dict)
    _in_order: dict[int, tuple[tuple[Part, int], ...]] = field(default_factory=dict)
    _stations: dict[Station, int] = field(default_factory=dict)
    _locals: dict[Frozen, Frozen] = field(default_factory=dict)
    _parcels: dict[Parcel, int] = field(default_factory=dict)
    _pairs: dict[tuple[Name, Name], int] = field(default_factory=dict)
    _classes: dict[tuple[int, Tag], int] = field(default_factory=dict)
    _of_classes: list[tuple[int, Tag]] = field(default_factory=list)
    _bits: dict[int, dict[Tag, int]] = field(default_factory=dict)

    def slot(self, name: Name, part: Part = None) -> int:
        """The number of a node's name, or of a part of that node."""
        if part is not None:
            slot = self._slots_of_parts.setdefault(self.slot(name), {}).get(part)
            if slot is None:
                slot = self._slots_of_parts[self.slot(name)][part] = self._new_slot(name, part)
                self._in_order.pop(self.slot(name), None)
            return slot
        if name not in self.slots:
            self.slots[name] = self._new_slot(name, None)
        return self.slots[name]

    def _new_slot(self, name: Name, part: Part) -> int:
        self.names.append(name)
        self.parts.append(part)
        return len(self.names) - 1

    def parts_of(self, slot: int) -> tuple[tuple[Part, int], ...]:
        """All parts that the node of this slot ever had, in order, with their slots."""
        found = self._in_order.get(slot)
        if found is None:
            found = self._in_order[slot] = tuple(by_key(self._slots_of_parts.get(slot, {}).items()))
        return found

    def station(self, station: Station) -> int:
        """The number of a station."""
        if self._is_nothing(station):
            return 0
        # One look-up: what stations are made of is large.
        number = self._stations.setdefault(station, len(self.stations))
        if number == len(self.stations):
            self.stations.append(self._with_the_same_local(station))
            if station.kind is not None:
                self.kinds[station.slot] = station.kind
        return number

    def _with_the_same_local(self, station: Station) -> Station:
        """The station, with the local state that others have which are equal to it: so its identity says which it is."""
        local = self._locals.setdefault(station.local, station.local)
        return station if local is station.local else replace(station, local=local)

    def _is_nothing(self, station: Station) -> bool:
        empty = station.kind is None or (station.local == () and self.parts[station.slot] is not None)
        return empty and not station.timers and not station.calls

    def bundle(self, number: int) -> Bundle:
        """What is in a part, by the number of its station."""
        station = self.stations[number]
        return self.bundle_of(station) if station is not None else ()

    @staticmethod
    def bundle_of(station: Station) -> Bundle:
        """What is in a part."""
        return cast(Bundle, station.local)

    def slot_of_call(self, name: Name, tag: Tag) -> int:
        """The slot of the node, or of the part of it, that a call belongs to."""
        slot = self.slot(name)
        kind = self.kinds.get(slot)
        return self.slot(name, kind.part_of(tag)) if kind is not None and self.apart(kind) else slot

    def parcel(self, parcel: Parcel) -> int:
        """The number of a parcel."""
        number = self._parcels.setdefault(parcel, len(self.parcels))
        if number == len(self.parcels):
            self.parcels.append(parcel)
        return number

    def pair(self, parcel: Parcel) -> int:
        """The number of the link that a parcel goes over: in an ordered network rows have mail in the order of these."""
        return self._pairs.setdefault((parcel.source, parcel.to), len(self._pairs))

    def in_order(self, mail: Sequence[int], network: Network) -> list[int]:
        """Parcels, given in the order that states have them in, in the order that rows have them in."""
        match network:
            case Network.SET | Network.BAG:
                return sorted(mail)
            case Network.ORDERED:
                return sorted(mail, key=self._link)
            case Network.QUEUE:
                return list(mail)

    def _link(self, number: int) -> int:
        parcel = self.parcels[number]
        assert parcel is not None
        return self.pair(parcel)

    def reply_class(self, slot: int, tag: Tag) -> int:
        """The number, from 1, of what answers the call `tag` of this slot."""
        number = self._classes.get((slot, tag))
        if number is None:
            self._of_classes.append((slot, tag))
            number = self._classes[slot, tag] = len(self._of_classes)
        return number

    def class_of(self, number: int) -> tuple[int, Tag]:
        """The slot and tag that a reply class answers."""
        return self._of_classes[number - 1]

    def call_bit(self, slot: int, tag: Tag) -> int:
        """The bit of a call among those that the slot ever makes."""
        bits = self._bits.setdefault(slot, {})
        bit = bits.setdefault(tag, len(bits))
        if bit >= CALL_BITS:
            raise Overflow(f"{self.names[slot]} uses more than {CALL_BITS} different tags for calls; use a tag again when its call is over")
        return bit

    def call_mask(self, station: Station) -> int:
        """The open calls of a station as bits."""
        return sum(1 << self.call_bit(station.slot, tag) for tag, _ in station.calls)

    def of_class(self, parcel: Parcel) -> int:
        """The reply class of a parcel, 0 unless it is a reply."""
        return self.reply_class(self.slot(parcel.to), parcel.event.tag) if isinstance(parcel.event, Reply) else 0

    def encode(self, state: State) -> tuple[list[int], list[int]]:
        """A state of the world as stations by slot, and parcels in the order of its mail."""
        for name, _, _ in state.nodes:
            self.slot(name)
        found = {station.slot: self.station(station) for station in self._stations_of(state)}
        return [found.get(slot, 0) for slot in range(len(self.names))], [self.parcel(parcel) for parcel in state.mail]

    def known(self, state: State) -> tuple[list[int], list[int]] | None:
        """The same without giving new numbers: None when any part of the state has none."""
        kinds = {name: kind for name, kind, _ in state.nodes}
        tags = [(t.node, t.tag) for t in state.timers] + [(c.node, c.tag) for c in state.calls]
        if any(name not in self.slots for name in (*kinds, *(name for name, _ in tags))):
            return None
        parts = [(name, part) for name, kind, local in state.nodes if self.apart(kind) for part in split(kind, local)[1]]
        parts += [(name, kinds[name].part_of(tag)) for name, tag in tags if name in kinds and self.apart(kinds[name])]
        if any(part is not None and part not in self._slots_of_parts.get(self.slots[name], {}) for name, part in parts):
            return None
        if any(station not in self._stations for station in self._stations_of(state) if not self._is_nothing(station)):
            return None
        return self.encode(state) if all(parcel in self._parcels for parcel in state.mail) else None

    def _stations_of(self, state: State) -> list[Station]:
        stations = [s for name, kind, local in state.nodes for s in self.stations_of(name, kind, local, *_owned(state, name))]
        there = {name for name, _, _ in state.nodes}
        # A node that retired itself, and asked for more in the same step, leaves timers and calls behind.
        left = dict.fromkeys(name for name in (*(t.node for t in state.timers), *(c.node for c in state.calls)) if name not in there)
        return stations + [Station(self.slot(name), None, None, *_owned(state, name)) for name in left]

    def stations_of(self, name: Name, kind: type[Node], local: Frozen, timers: Timers = (), calls: Calls = ()) -> list[Station]:
        """A node as stations: one, or one for the rest of it and one for each part."""
        if not self.apart(kind):
            return [Station(self.slot(name), kind, local, timers, calls)]
        rest, bundles = split(kind, local)
        parts = {None, *bundles, *(kind.part_of(tag) for tag, _ in (*timers, *calls))}
        return [
            Station(
                self.slot(name, part), kind, rest if part is None else bundles.get(part, ()),
                tuple(item for item in timers if kind.part_of(item[0]) == part),
                tuple(item for item in calls if kind.part_of(item[0]) == part),
            )
            for part in sorted(parts, key=sort_key)
        ]  # fmt: skip

    def decode(self, row: list[int], mail: list[int]) -> State:
        """The state of the world that these numbers mean; mail in the order given."""
        there = [(self.names[slot], s) for slot, number in enumerate(row) if number and (s := self.stations[number]) is not None]
        parts: dict[Name, list[Bundle]] = {}
        for name, station in there:
            if self.parts[station.slot] is not None:
                parts.setdefault(name, []).append(cast(Bundle, station.local))
        nodes = sorted(
            ((n, s.kind, joined(s.kind, s.local, parts.get(n, ()))) for n, s in there if s.kind and self.parts[s.slot] is None),
            key=lambda node: node[0],
        )
        timers = [Timer(name, tag, armed) for name, s in there for tag, armed in s.timers]
        calls = [OpenCall(name, tag, to) for name, s in there for tag, to in s.calls]
        parcels = [p for p in (self.parcels[number] for number in mail) if p is not None]
        return State(tuple(nodes), tuple(parcels), in_order_of_tags(timers), in_order_of_tags(calls))


def _owned(state: State, name: Name) -> tuple[Timers, Calls]:
    """The timers and calls of a node."""
    return tuple((t.tag, t.armed) for t in state.timers if t.node == name), tuple((c.tag, c.to) for c in state.calls if c.node == name)
