"""The step that a node of a simulated world is handed: effects happen at once, questions are answered by the clock."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from sim.model.inputs import Call, Deliver, Message, Name, Reply, Tag
from sim.model.laws import Law, Uniform
from sim.model.node import Node
from sim.model.spans import (
    MILLISECOND,
    Clamp,
    Drawn,
    DueBefore,
    Exactly,
    Excess,
    Greatest,
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
    UnlessOver,
    Until,
    Within,
)
from sim.simulator.seats import Deadline, Seat, Timer

if TYPE_CHECKING:
    from sim.simulator.simulation import Simulation

T = TypeVar("T")

LANE_UNIT = 100 * MILLISECOND
"""Timers whose length is a multiple of this wait in lanes: there are few such lengths, and all options are such."""


class LiveStep:
    """The `Step` of a simulation; `seat` and `me` are set for each input."""

    __slots__ = ("_sim", "_tag", "me", "seat")

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.me: Name = ""
        self.seat: Seat | None = None
        self._tag: Tag = None
        """Of the timer whose length is being measured."""

    # -- messages ---------------------------------------------------------------------------------------------------

    def send(self, to: Name, message: Message) -> None:
        seat, sim = self.seat, self._sim
        assert seat is not None
        target = sim.seats.get(to)
        if target is None:
            return
        if target.place is seat.place and sim.at_once:
            sim.local.append((to, Deliver(message, seat.name), 0))
        else:
            sim.post(seat, target.place, to, Deliver(message, seat.name), 0)

    def call(self, to: Name, request: Message, tag: Tag, budget: Span | None = None) -> None:
        seat, sim = self.seat, self._sim
        assert seat is not None
        serial = sim.serial = sim.serial + 1
        seat.calls[tag] = (serial, to, request)
        if budget is not None:
            self.arm(tag, budget)
        target = sim.seats.get(to)
        place = target.place if target is not None else sim.home(to)
        name = seat.name
        event = Deliver(request, name, Call(name, tag, serial))
        if place is seat.place and sim.at_once:
            sim.local.append((to, event, serial))
        else:
            sim.post(seat, place, to, event, serial)

    def reply(self, call: Call, message: Message) -> None:
        seat = self.seat
        assert seat is not None
        name, tag, serial = call.caller, call.tag, call.serial
        sim = self._sim
        caller = sim.seats.get(name)
        if caller is None:
            return
        open_call = caller.calls.get(tag)
        if open_call is None or (serial and serial != open_call[0]):
            return
        if caller.place is seat.place and sim.at_once:
            sim.local.append((name, Reply(tag, message), open_call[0]))
        else:
            sim.post(seat, caller.place, name, Reply(tag, message), open_call[0])

    def abandon(self, tag: Tag) -> None:
        assert self.seat is not None
        self.disarm(tag)
        self._sim.give_up(self.seat, tag)

    # -- time -------------------------------------------------------------------------------------------------------

    def arm(self, tag: Tag, after: Span, beaten_by: tuple[Hashable, ...] = (), late: Span | None = None) -> None:
        seat, sim = self.seat, self._sim
        assert seat is not None
        timers, agenda = seat.timers, sim.agenda
        if tag in timers:
            timers[tag].drop()
        length = after.us if type(after) is Exactly else self._measured(tag, after)
        clock = seat.place.clock
        if clock.drift_ppm:
            length = clock.true(length)
        due = agenda.now + length
        if length and length % LANE_UNIT == 0:
            lane = agenda.lanes.get(length) or agenda.lane(length)
            timers[tag] = timer = Timer(seat, tag, due, lane, late)
            lane.add(timer)
        else:
            timers[tag] = timer = Timer(seat, tag, due, None, late)
            agenda.at(due, timer)

    def _measured(self, tag: Tag, span: Span) -> int:
        """The length of the timer `tag`."""
        self._tag = tag
        return self._length(span)

    def lateness(self, timer: Timer, late: Span) -> int:
        """How late a timer fires that is due now, microseconds of true time."""
        outer, self.seat = self.seat, timer.seat
        length = timer.seat.place.clock.true(self._measured(timer.tag, late))
        self.seat = outer
        return length

    def deadline(self, tag: Tag, after: Span) -> None:
        seat, sim = self.seat, self._sim
        assert seat is not None
        timers = seat.timers
        if tag in timers:
            timers[tag].drop()
        length = after.us if type(after) is Exactly else self._length(after)
        clock = seat.place.clock
        if clock.drift_ppm:
            length = clock.true(length)
        timers[tag] = Deadline(seat, tag, sim.agenda.now + length, None, None)

    def disarm(self, tag: Tag) -> None:
        assert self.seat is not None
        timers = self.seat.timers
        if tag in timers:
            timers.pop(tag).drop()

    def mark(self, tag: Tag) -> None:
        assert self.seat is not None
        self.seat.marks[tag] = self._sim.agenda.now

    def _length(self, span: Span) -> int:
        """The span in microseconds of this place's clock."""
        # By class instead of `match`, the common ones first: spans are measured several times for every message.
        if type(span) is Left:
            return self._left(span.tag)
        if type(span) is Within:
            return self._within(span)
        if type(span) is Drawn:
            return self._drawn(span)
        return _LENGTHS[type(span)](self, span)

    def _left(self, tag: Tag) -> int:
        seat = self.seat
        assert seat is not None
        timer = seat.timers.get(tag)
        if timer is None:
            return 0
        left = timer.due - self._sim.agenda.now
        if seat.place.clock.drift_ppm:
            left = seat.place.clock.local(left)
        return left if left > 0 else 0

    def _within(self, span: Within) -> int:
        seat, sim = self.seat, self._sim
        assert seat is not None
        given = sim.laws.get(span.label)
        if span.lo == span.hi and given is None and sim.at_once:
            return self._slowed(seat, span.lo)  # other lengths are only on tapes
        law = self._law(span.label, given or _uniform(span.lo, span.hi))
        us = sim.choices.sample("draw", seat.name, span.label, sim.stream(seat, span.label), law, self._tag)
        return self._slowed(seat, us)

    def _until(self, span: Until) -> int:
        assert self.seat is not None
        return max(0, span.stamp - self.seat.place.clock.wall(self._sim.agenda.now))

    def _drawn(self, span: Drawn) -> int:
        seat = self.seat
        assert seat is not None
        choices = self._sim.choices
        if span.entity:
            return self._slowed(seat, choices.sample_at(span.label, span.entity, span.ordinal, span.law))
        stream = self._sim.stream(seat, span.label)
        law = self._law(span.label, self._sim.laws.get(span.label, span.law))
        return self._slowed(seat, choices.sample("draw", seat.name, span.label, stream, law, self._tag))

    def _law(self, label: str, law: Law) -> Law:
        busy = self._sim.busy
        return law if busy is None or label not in busy.labels else busy.now(law, self._sim.agenda.now)

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
        first = tags[0]
        least = timers[first].due
        for tag in tags:
            due = timers[tag].due
            if due < least:
                first, least = tag, due
        return first

    def stamp(self) -> int:
        assert self.seat is not None
        clock, now = self.seat.place.clock, self._sim.agenda.now
        return clock.wall(now) if clock.drift_ppm else now + clock.skew_us

    # -- the rest ---------------------------------------------------------------------------------------------------

    def choose(self, label: str, options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        if len(options) == 1:
            return options[0]
        seat, sim = self.seat, self._sim
        assert seat is not None
        if weights is not None and weights[0] == sum(weights) and sim.at_once:
            return options[0]  # the others are only on tapes
        return options[sim.choices.pick(seat.name, label, sim.stream(seat, label), options, weights)]

    def spawn(self, name: Name, node: Node) -> None:
        assert self.seat is not None
        self._sim.add(name, node, self.seat.place.name)

    def retire(self, name: Name) -> None:
        self._sim.remove(name)

    def emit(self, observation: object) -> None:
        sim = self._sim
        listeners = sim.listeners.get(type(observation))
        if listeners is not None:
            now, me = sim.agenda.now, self.me
            for listener in listeners:
                listener(now, me, observation)

    def wants(self, kind: type) -> bool:
        return kind in self._sim.listeners


@lru_cache(maxsize=1024)
def _uniform(lo: int, hi: int) -> Uniform:
    """Laws check their arguments: once is enough."""
    return Uniform(lo, hi)


def _least(step: LiveStep, span: Least) -> int:
    first, second = span.first, span.second
    one, other = step._length(first), step._length(second)
    return one if one < other else other


def _clamp(step: LiveStep, span: Clamp) -> int:
    us = step._length(span.span)
    return span.lo if us < span.lo else span.hi if us > span.hi else us


def _not_before(step: LiveStep, span: NotBefore) -> int:
    us = step._length(span.span)
    if us >= span.after:
        return us  # the mark is not in the future
    least = step._since_mark(span.node, span.tag, span.after)
    return least if least > us else us


def _unless_over(step: LiveStep, span: UnlessOver) -> int:
    assert step.seat is not None
    timer = step.seat.timers.get(span.tag)
    if timer is not None and timer.due < step._sim.agenda.now:
        return 0
    return step._length(span.span)


_LENGTHS: dict[type, Callable[[LiveStep, Any], int]] = {
    Exactly: lambda step, span: span.us,
    Excess: lambda step, span: max(0, step._left(span.tag) - span.over),
    Half: lambda step, span: step._length(span.span) // 2,
    Clamp: _clamp,
    Least: _least,
    Greatest: lambda step, span: max(step._length(span.first), step._length(span.second)),
    Plus: lambda step, span: step._length(span.first) + step._length(span.second),
    Until: LiveStep._until,
    NotBefore: _not_before,
    UnlessOver: _unless_over,
}
