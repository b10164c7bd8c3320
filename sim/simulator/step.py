"""The step that a node of a simulated world is handed: effects happen at once, questions are answered by the clock."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, TypeVar

from sim.model.inputs import Call, Deliver, Message, Name, Reply, Tag
from sim.model.laws import Uniform
from sim.model.node import Node
from sim.model.spans import (
    Clamp,
    Drawn,
    DueBefore,
    Exactly,
    Excess,
    Half,
    Least,
    Left,
    LeftBelow,
    NotBefore,
    Older,
    Overdue,
    Plus,
    Span,
    TimeTest,
    Until,
    Within,
)
from sim.simulator.seats import Seat, Timer

if TYPE_CHECKING:
    from sim.simulator.simulation import Simulation

T = TypeVar("T")


class LiveStep:
    """The `Step` of a simulation; `seat` and `me` are set for each input."""

    __slots__ = ("_sim", "me", "seat")

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.me: Name = ""
        self.seat: Seat | None = None

    # -- messages ---------------------------------------------------------------------------------------------------

    def send(self, to: Name, message: Message) -> None:
        seat = self.seat
        assert seat is not None
        target = self._sim.seats.get(to)
        if target is not None:
            self._sim.post(seat, target.place, to, Deliver(message, seat.name), 0)

    def call(self, to: Name, request: Message, tag: Tag, budget: Span | None = None) -> None:
        seat, sim = self.seat, self._sim
        assert seat is not None
        serial = sim.next_serial()
        seat.calls[tag] = (serial, to)
        if budget is not None:
            self.arm(tag, budget)
        target = sim.seats.get(to)
        place = target.place if target is not None else sim.home(to)
        sim.post(seat, place, to, Deliver(request, seat.name, Call(seat.name, tag, serial)), serial)

    def reply(self, call: Call, message: Message) -> None:
        seat = self.seat
        assert seat is not None
        caller = self._sim.seats.get(call.caller)
        if caller is not None:
            open_call = caller.calls.get(call.tag)
            if open_call is not None and open_call[0] == call.serial:
                self._sim.post(seat, caller.place, call.caller, Reply(call.tag, message), call.serial)

    def abandon(self, tag: Tag) -> None:
        assert self.seat is not None
        self.disarm(tag)
        self._sim.give_up(self.seat, tag)

    # -- time -------------------------------------------------------------------------------------------------------

    def arm(self, tag: Tag, after: Span, beaten_by: tuple[Hashable, ...] = ()) -> None:
        seat, sim = self.seat, self._sim
        assert seat is not None
        old = seat.timers.get(tag)
        if old is not None:
            old.drop()
        agenda = sim.agenda
        if type(after) is Exactly:
            length = seat.place.clock.true(after.us)
            lane = agenda.lane(length)
            seat.timers[tag] = timer = Timer(sim, seat, tag, agenda.now + length, lane)
            lane.add(timer)
        else:
            due = agenda.now + seat.place.clock.true(self._length(after))
            seat.timers[tag] = timer = Timer(sim, seat, tag, due, None)
            agenda.at(due, timer)

    def deadline(self, tag: Tag, after: Span) -> None:
        seat, sim = self.seat, self._sim
        assert seat is not None
        old = seat.timers.get(tag)
        if old is not None:
            old.drop()
        seat.timers[tag] = Timer(sim, seat, tag, sim.agenda.now + seat.place.clock.true(self._length(after)), None)

    def disarm(self, tag: Tag) -> None:
        assert self.seat is not None
        timer = self.seat.timers.pop(tag, None)
        if timer is not None:
            timer.drop()

    def mark(self, tag: Tag) -> None:
        assert self.seat is not None
        self.seat.marks[tag] = self._sim.agenda.now

    def _length(self, span: Span) -> int:
        """The span in microseconds of this place's clock."""
        seat, sim = self.seat, self._sim
        assert seat is not None
        match span:
            case Exactly(us):
                return us
            case Left(tag):
                return max(0, seat.place.clock.local(seat.timers[tag].due - sim.agenda.now)) if tag in seat.timers else 0
            case Excess(tag, over):
                return max(0, self._length(Left(tag)) - over)
            case Drawn():
                return self._drawn(seat, span)
            case Within(label, lo, hi):
                return self._slowed(seat, sim.choices.sample("draw", seat.name, label, sim.stream(seat, label), Uniform(lo, hi)))
            case Half(inner):
                return self._length(inner) // 2
            case Clamp(inner, lo, hi):
                return min(max(self._length(inner), lo), hi)
            case Least(first, second):
                return min(self._length(first), self._length(second))
            case Plus(first, second):
                return self._length(first) + self._length(second)
            case Until(stamp):
                return max(0, stamp - seat.place.clock.wall(sim.agenda.now))
            case NotBefore(inner, node, tag, after):
                return max(self._length(inner), self._since_mark(node, tag, after))

    def _drawn(self, seat: Seat, span: Drawn) -> int:
        choices = self._sim.choices
        if span.entity:
            return self._slowed(seat, choices.sample_at(span.label, span.entity, span.ordinal, span.law))
        stream = self._sim.stream(seat, span.label)
        return self._slowed(seat, choices.sample("draw", seat.name, span.label, stream, span.law))

    def _slowed(self, seat: Seat, us: int) -> int:
        return us * seat.place.slow_down // 1000

    def _since_mark(self, node: Name, tag: Tag, after: int) -> int:
        other = self._sim.seats.get(node)
        if other is None or tag not in other.marks:
            return 0
        return max(0, other.marks[tag] + after - self._sim.agenda.now)

    def holds(self, test: TimeTest) -> bool:
        seat, now = self.seat, self._sim.agenda.now
        assert seat is not None
        timers = seat.timers
        match test:
            case LeftBelow(tag, span):
                return tag in timers and timers[tag].due - now < seat.place.clock.true(self._length(span))
            case Older(tag, span):
                return tag not in seat.marks or now - seat.marks[tag] >= seat.place.clock.true(self._length(span))
            case DueBefore(first, second):
                return first in timers and (second not in timers or timers[first].due < timers[second].due)
            case Overdue(tag):
                return tag in timers and timers[tag].due <= now

    def earliest(self, tags: Sequence[Tag]) -> Tag:
        assert self.seat is not None
        timers = self.seat.timers
        return min(tags, key=lambda tag: timers[tag].due)

    def stamp(self) -> int:
        assert self.seat is not None
        return self.seat.place.clock.wall(self._sim.agenda.now)

    # -- the rest ---------------------------------------------------------------------------------------------------

    def choose(self, label: str, options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        if len(options) == 1:
            return options[0]
        seat, sim = self.seat, self._sim
        assert seat is not None
        share = [1] * len(options) if weights is None else list(weights)
        return options[sim.choices.pick(seat.name, label, sim.stream(seat, label), share)]

    def spawn(self, name: Name, node: Node) -> None:
        assert self.seat is not None
        self._sim.add(name, node, self.seat.place.name)

    def retire(self, name: Name) -> None:
        self._sim.remove(name)

    def emit(self, observation: object) -> None:
        sim = self._sim
        for listener in sim.listeners.get(type(observation), ()):
            listener(sim.agenda.now, self.me, observation)

    def wants(self, kind: type) -> bool:
        return kind in self._sim.listeners
