"""What is to happen when: simpy keeps the clock and the heap, this file the order of what is simultaneous.

One simpy timeout per distinct instant. What is due at the same microsecond is ordered by (node, label), never by
insertion. Timers of equal length are kept in lanes: their ends come in the order of their starts, so a lane is a
first-in-first-out list, starting and stopping a timer costs no heap operation, and only a lane's head is on the agenda.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import simpy
from simpy.events import EventPriority

_NORMAL = EventPriority(1)
_NEVER = float("inf")


class Due(Protocol):
    """Something on the agenda. `compound`: it stands for several entries, or none."""

    compound: bool

    def ready(self, now: int) -> Iterable[Entry]:
        """The entries to carry out now."""

    def run(self) -> None:
        """Carry out the one that it is, if it is not compound."""


class Entry:
    """One thing to carry out at one instant."""

    __slots__ = ()
    compound = False

    def key(self) -> tuple[str, str]:
        """(node, label): the order among simultaneous entries."""
        raise NotImplementedError

    def run(self) -> None:
        """Carry it out."""
        raise NotImplementedError

    def ready(self, now: int) -> Iterable[Entry]:
        return (self,)


class Instant(simpy.Event):
    """What simpy's heap holds for one distinct time: an event without a value, which nobody can wait for."""

    _ok = True

    def __init__(self, time: int, callbacks: list[Callable[[simpy.Event], None]]) -> None:
        # Not simpy's own initialiser: it prepares for waiters, and there are about a hundred instants in a session.
        self.time = time
        self.callbacks = callbacks


class Agenda:
    """The clock (integer microseconds) and everything that is due later."""

    __slots__ = ("_buckets", "_callbacks", "env", "lanes", "now")

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=0)
        self.now = 0
        self._buckets: dict[int, list[Due]] = {}
        # simpy takes an event's list of callbacks away from it before it calls them; it changes no list, so one serves all.
        self._callbacks: list[Callable[[simpy.Event], None]] = [self._wake]  # type: ignore[list-item]
        self.lanes: dict[int, Lane] = {}
        """Timers by length in microseconds."""

    def at(self, time: int, what: Due) -> None:
        """Put `what` on the agenda for `time` (not before now)."""
        bucket = self._buckets.get(time)
        if bucket is None:
            self._buckets[time] = [what]
            self.env.schedule(Instant(time, self._callbacks), _NORMAL, time - self.now)
        else:
            bucket.append(what)

    def lane(self, length: int) -> Lane:
        """The lane of timers of `length` microseconds."""
        lane = self.lanes.get(length)
        if lane is None:
            lane = self.lanes[length] = Lane(self, length)
        return lane

    def _wake(self, event: Instant) -> None:
        self.now = now = event.time
        due = self._buckets.pop(now)
        first = due[0]
        if len(due) == 1 and not first.compound:
            first.run()
            return
        for entry in sorted((entry for what in due for entry in what.ready(now)), key=_key):
            entry.run()

    def run(self, until: int | None, stop: Callable[[], bool]) -> None:
        """Carry out everything up to and including `until`, or until `stop` says so, or until nothing is due."""
        env = self.env
        peek, carry_out = env.peek, env.step
        limit = _NEVER if until is None else until
        while not stop():
            coming = peek()
            if coming > limit or coming == _NEVER:
                if until is not None and coming != _NEVER and until > self.now:
                    # simpy's clock has to follow: delays are counted from it.
                    env.run(until=until)
                    self.now = until
                return
            carry_out()

    def pending(self) -> int:
        """How many live entries wait; lanes count their live timers."""
        direct = sum(_counts(what) for bucket in self._buckets.values() for what in bucket)
        return direct + sum(lane.live() for lane in self.lanes.values())


def _counts(what: Due) -> bool:
    """Whether it is one live entry (a lane counts its own)."""
    return what.live if isinstance(what, LaneEntry) else not isinstance(what, Lane)


def _key(entry: Entry) -> tuple[str, str]:
    return entry.key()


class LaneEntry(Entry):
    """An entry that a lane can hold: it may be dropped before it is due."""

    __slots__ = ("due", "lane", "live")

    def __init__(self, due: int, lane: Lane | None) -> None:
        self.due = due
        self.lane = lane
        self.live = True

    def drop(self) -> None:
        """It will not be carried out."""
        if self.live:
            self.live = False
            if self.lane is not None:
                self.lane.dropped()

    def ready(self, now: int) -> Iterable[Entry]:
        return (self,) if self.live else ()


class Lane:
    """Timers of one length, in the order of their ends."""

    __slots__ = ("_agenda", "_dead", "_queue", "_waiting", "length")
    compound = True

    # Below this many dropped timers a sweep is not worth its while.
    _SWEEP_AT = 64

    def __init__(self, agenda: Agenda, length: int) -> None:
        self._agenda = agenda
        self._queue: deque[LaneEntry] = deque()
        self._dead = 0
        self._waiting = False
        self.length = length

    def add(self, entry: LaneEntry) -> None:
        """Append a timer that started now."""
        self._queue.append(entry)
        if not self._waiting:
            self._waiting = True
            self._agenda.at(entry.due, self)

    def ready(self, now: int) -> Iterable[Entry]:
        queue = self._queue
        due: list[Entry] = []
        while queue and (queue[0].due <= now or not queue[0].live):
            entry = queue.popleft()
            if entry.live:
                entry.lane = None
                due.append(entry)
            else:
                self._dead -= 1
        if queue:
            self._agenda.at(queue[0].due, self)
        else:
            self._waiting = False
        return due

    def run(self) -> None:
        raise AssertionError("a lane is not one entry")

    def dropped(self) -> None:
        """A timer of this lane was dropped; sweep when most are, so that what is over leaves nothing behind."""
        self._dead += 1
        if self._dead > self._SWEEP_AT and 2 * self._dead > len(self._queue):
            head = self._queue[0]  # stays: the agenda waits for it
            self._queue = deque(e for e in self._queue if e.live or e is head)
            self._dead = 0 if head.live else 1

    def live(self) -> int:
        return len(self._queue) - self._dead
