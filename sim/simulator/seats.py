"""What the simulator keeps about each node: its timers, open calls, marks and streams of draws."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from sim.model.draws import Stream
from sim.model.inputs import Deliver, Fired, Input, Message, Name, Reply, Tag
from sim.model.node import Node
from sim.model.spans import Span
from sim.simulator.agenda import Entry, Lane, LaneEntry
from sim.simulator.places import Condition, Link, Place

if TYPE_CHECKING:
    from sim.simulator.simulation import Simulation

# Looked up for every message: an attribute of an enum costs more than a name.
_UP = Condition.UP


class Seat:
    """A node in its place."""

    __slots__ = ("calls", "index", "marks", "moving", "name", "node", "place", "restless", "sim", "streams", "timers")

    def __init__(self, sim: Simulation, name: Name, node: Node, place: Place, index: int) -> None:
        self.sim = sim
        self.name = name
        self.node = node
        self.place = place
        self.index = index
        self.restless: bool = node.restless
        self.timers: dict[Tag, Timer] = {}
        self.calls: dict[Tag, tuple[int, Name, Message]] = {}
        """Open calls: tag -> (serial, callee, request)."""
        self.marks: dict[Tag, int] = {}
        self.streams: dict[str, Stream] = {}
        self.moving: set[Hashable] = set()

    def has_open(self, tag: Tag, serial: int) -> bool:
        """Whether it still waits for the answer to a call."""
        open_call = self.calls.get(tag)
        return open_call is not None and open_call[0] == serial

    def ends_call(self, tag: Tag, serial: int) -> bool:
        """A reply closes the call that it belongs to, and stops its budget; False when it is too late."""
        open_call = self.calls.get(tag)
        if open_call is None or open_call[0] != serial:
            return False
        del self.calls[tag]
        if tag in self.timers:
            self.timers.pop(tag).drop()
        return True


class Timer(LaneEntry):
    """A timer, a deadline (it is on no agenda), or the budget of an open call. `late`: how late it fires."""

    __slots__ = ("late", "seat", "tag")

    def __init__(self, seat: Seat, tag: Tag, due: int, lane: Lane | None, late: Span | None) -> None:
        self.late = late
        self.due = due
        self.lane = lane
        self.live = True
        self.seat = seat
        self.tag = tag

    def key(self) -> tuple[str, str]:
        return (self.seat.name, f"timer {self.tag}")

    def run(self) -> None:
        if not self.live:
            return
        seat = self.seat
        sim = seat.sim
        if seat.place.condition is not _UP:
            sim.later(seat.place, self)
            return
        if self.late is not None:
            sim.postpone(self, self.late)
            return
        self.live = False
        seat.timers.pop(self.tag, None)
        if seat.calls:
            sim.give_up(seat, self.tag)
        sim.timers_fired += 1
        sim.handle(seat, Fired(self.tag))
        if sim.local:
            sim.settle()


class Deadline(Timer):
    """A timer that is only looked at: it is on no agenda."""

    __slots__ = ()


NOT_YET = 1 << 62


class Parcel(Entry):
    """A message on its way over a link (None: the driver's own word). `serial` is that of the call a reply belongs to."""

    __slots__ = ("arrived", "event", "link", "order", "own", "serial", "sim", "to", "unsent")

    def __init__(self, sim: Simulation, to: Name, event: Input, link: Link | None, serial: int) -> None:
        self.sim = sim
        self.to = to
        self.event = event
        self.link = link
        self.serial = serial
        self.own = 0
        """What it takes besides its way over the link, microseconds."""
        self.order = 0
        """Its place among what was sent over the link: what arrives together keeps the order of sending."""
        self.arrived = NOT_YET
        """When its way over the link ended, if it is dealt with only later."""
        self.unsent = False
        """A fault keeps it at its caller: if that gives up meanwhile, it is never sent."""

    def key(self) -> tuple[str, str]:
        return (self.to, f"parcel {self.link.source if self.link else ''} {str(self.order).zfill(12)}")

    def run(self) -> None:
        """It is where it was sent to."""
        sim, link, event = self.sim, self.link, self.event
        if self.unsent:
            self.unsent = False
            if not self._is_awaited():
                return
        if link is not None:
            if link.broken:
                return
            # What is dealt with late does not wait where it had arrived before the link was held, unless a tape says so.
            if link.held and (self.arrived >= link.held_at or sim.taped("caught", Link, self, link)):
                link.waiting.append(self)
                return
            if sim.choices.labelled and (sim.unsent(self, link) or sim.kept_back(self, link)):
                return
        seat = sim.seats.get(self.to)
        if seat is None or seat.place.condition is not _UP:
            sim.not_taken(seat, self)
        elif type(event) is not Reply or seat.ends_call(event.tag, self.serial):
            if link is None:
                sim.local_messages += 1
            else:
                sim.messages += 1
            sim.handle(seat, event)
        if sim.local:
            sim.settle()

    def _is_awaited(self) -> bool:
        """Whether the caller of a request still waits for its answer; True of all other messages."""
        if not isinstance(self.event, Deliver) or self.event.call is None:
            return True
        seat = self.sim.seats.get(self.event.call.caller)
        return seat is not None and seat.has_open(self.event.call.tag, self.event.call.serial)


class Initiative(Entry):
    """A node may do something by itself now."""

    __slots__ = ("label", "seat", "sim")

    def __init__(self, sim: Simulation, seat: Seat, label: Hashable) -> None:
        self.sim = sim
        self.seat = seat
        self.label = label

    def key(self) -> tuple[str, str]:
        return (self.seat.name, f"move {self.label}")

    def run(self) -> None:
        if self.seat.place.condition is not Condition.UP:
            self.sim.later(self.seat.place, self)
        else:
            self.sim.move(self.seat, self.label)


class Later(Entry):
    """Something else that is to be done at an instant: a fault, the end of one, an arrival."""

    __slots__ = ("_action", "_key")

    def __init__(self, key: tuple[str, str], action: Callable[[], None]) -> None:
        self._key = key
        self._action = action

    def key(self) -> tuple[str, str]:
        return self._key

    def run(self) -> None:
        self._action()
