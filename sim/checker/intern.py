"""Numbers for everything that a global state is made of.

A *slot* is a node's name. A *station* is all that is known of one node: slot, class, local state, armed timers, open
calls; station 0 is "nobody there", in every slot. A *parcel* is a piece of mail; parcel 0 is none. A global state is
then one station per slot and a list of parcels, which is what `sim.model.world.State` holds, grouped by node.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from sim.model.canon import Frozen
from sim.model.inputs import Name, Reply, Tag
from sim.model.node import Node
from sim.model.world import OpenCall, Parcel, State, Timer, in_order_of_tags

CALL_BITS = 64
"""Different tags of calls that one node may use: one bit each, of a word per station."""


class Overflow(Exception):
    """Something does not fit into the search's fixed sizes; the message says what, and how to make room."""


class ModelError(ValueError):
    """The system that is checked does what no system may, or fails; the message says which node, and on what."""


@dataclass(frozen=True, slots=True)
class Station:
    """One node, whole. `kind` is None where nobody is (any more)."""

    slot: int
    kind: type[Node] | None
    local: Frozen
    timers: tuple[tuple[Tag, tuple[Hashable, ...]], ...] = ()
    """Tags with what beats them."""
    calls: tuple[tuple[Tag, Name], ...] = ()
    """Tags with who was called."""


@dataclass(slots=True)
class Interner:
    """Numbers given in the order of first sight, so that the same search gives the same numbers."""

    slots: dict[Name, int] = field(default_factory=dict)
    names: list[Name] = field(default_factory=list)
    stations: list[Station | None] = field(default_factory=lambda: [None])
    parcels: list[Parcel | None] = field(default_factory=lambda: [None])
    _stations: dict[Station, int] = field(default_factory=dict)
    _parcels: dict[Parcel, int] = field(default_factory=dict)
    _pairs: dict[tuple[Name, Name], int] = field(default_factory=dict)
    _classes: dict[tuple[int, Tag], int] = field(default_factory=dict)
    _bits: dict[int, dict[Tag, int]] = field(default_factory=dict)

    def slot(self, name: Name) -> int:
        """The number of a node's name."""
        if name not in self.slots:
            self.slots[name] = len(self.names)
            self.names.append(name)
        return self.slots[name]

    def station(self, station: Station) -> int:
        """The number of a station."""
        if station.kind is None and not station.timers and not station.calls:
            return 0
        number = self._stations.get(station)
        if number is None:
            number = self._stations[station] = len(self.stations)
            self.stations.append(station)
        return number

    def parcel(self, parcel: Parcel) -> int:
        """The number of a parcel."""
        number = self._parcels.get(parcel)
        if number is None:
            number = self._parcels[parcel] = len(self.parcels)
            self.parcels.append(parcel)
        return number

    def pair(self, parcel: Parcel) -> int:
        """The number of the link that a parcel goes over."""
        return self._pairs.setdefault((parcel.source, parcel.to), len(self._pairs))

    def reply_class(self, slot: int, tag: Tag) -> int:
        """The number, from 1, of what answers the call `tag` of this slot."""
        return self._classes.setdefault((slot, tag), len(self._classes) + 1)

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
        row = [0] * len(self.names)
        for name, kind, local in state.nodes:
            timers = tuple((t.tag, t.beaten_by) for t in state.timers if t.node == name)
            calls = tuple((c.tag, c.to) for c in state.calls if c.node == name)
            row[self.slots[name]] = self.station(Station(self.slots[name], kind, local, timers, calls))
        return row, [self.parcel(parcel) for parcel in state.mail]

    def decode(self, row: list[int], mail: list[int]) -> State:
        """The state of the world that these numbers mean; mail in the order given."""
        there = [(self.names[slot], self.stations[number]) for slot, number in enumerate(row) if number]
        nodes = sorted(((n, s.kind, s.local) for n, s in there if s is not None and s.kind is not None), key=lambda node: node[0])
        timers = [Timer(name, tag, beaten_by) for name, s in there if s is not None for tag, beaten_by in s.timers]
        calls = [OpenCall(name, tag, to) for name, s in there if s is not None for tag, to in s.calls]
        parcels = [p for p in (self.parcels[number] for number in mail) if p is not None]
        return State(tuple(nodes), tuple(parcels), in_order_of_tags(timers), in_order_of_tags(calls))
