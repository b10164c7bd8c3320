"""What is to happen when: simpy keeps the clock and the heap, this file the order of what is simultaneous.

simpy's heap holds one entry per distinct instant. What is due at the same microsecond is ordered by (node, label), never by
insertion. Timers of equal length are kept in lanes: their ends come in the order of their starts, so a lane is a
first-in-first-out list, starting and stopping a timer costs no heap operation, and only a lane's head is on the agenda.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import simpy
from simpy.events import EventPriority

_NORMAL = EventPriority(1)
_NEVER = float("inf")

Callbacks = list[Callable[[simpy.Event], None]]


class Entry:
    """One thing to carry out at one instant."""

    __slots__ = ()

    def key(self) -> tuple[str, str]:
        """(node, label): the order among simultaneous entries."""
        raise NotImplementedError

    def run(self) -> None:
        """Carry it out."""
        raise NotImplementedError

    def ready(self, now: int) -> Iterable[Entry]:
        """The entries to carry out now, which may be none."""
        return (self,)


class Tick(simpy.Event):
    """What simpy's heap holds for every distinct time: one event without a value, which nobody can wait for.

    It happens again and again: about a hundred times in a session.
    """

    _ok = True


class Agenda:
    """The clock (integer microseconds) and everything that is due later."""

    __slots__ = ("_buckets", "_callbacks", "_tick", "env", "lanes", "now")

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=0)
        self.now = 0
        # An instant nearly always has one thing that is due: then that alone, not a list.
        self._buckets: dict[int, Entry | Lane | list[Entry | Lane]] = {}
        # simpy takes an event's list of callbacks away from it before it calls them: it gets it back each time.
        self._callbacks: Callbacks = [self._wake]
        self._tick = Tick(self.env)
        self._tick.callbacks = self._callbacks
        self.lanes: dict[int, Lane] = {}
        """Timers by length in microseconds."""

    def at(self, time: int, what: Entry | Lane) -> None:
        """Put `what` on the agenda for `time` (not before now)."""
        buckets = self._buckets
        if time not in buckets:
            buckets[time] = what
            self.env.schedule(self._tick, _NORMAL, time - self.now)
            return
        bucket = buckets[time]
        if isinstance(bucket, list):
            bucket.append(what)
        else:
            buckets[time] = [bucket, what]

    def lane(self, length: int) -> Lane:
        """The lane of timers of `length` microseconds."""
        lane = self.lanes.get(length)
        if lane is None:
            lane = self.lanes[length] = Lane(self, length)
        return lane

    def _wake(self, event: simpy.Event) -> None:
        event.callbacks = self._callbacks
        now = self.now
        due = self._buckets.pop(now)
        if isinstance(due, Entry):
            due.run()
            return
        entries = due.ready(now) if isinstance(due, Lane) else [entry for what in due for entry in what.ready(now)]
        if len(entries) > 1:
            entries.sort(key=_key)
        for entry in entries:
            entry.run()

    def run(self, until: int | None, stop: Callable[[], bool]) -> None:
        """Carry out everything up to and including `until`, or until `stop` says so, or until nothing is due."""
        env = self.env
        peek, carry_out = env.peek, env.step
        end = _NEVER if until is None else until + 1
        while not stop():
            coming: Any = peek()  # of simpy's times, which are floats, ours are the whole ones
            if coming >= end:
                if until is not None and coming != _NEVER and until > self.now:
                    # simpy's clock has to follow: delays are counted from it.
                    env.run(until=until)
                    self.now = until
                return
            self.now = coming
            carry_out()

    def release(self) -> None:
        """Let go of everything: nothing will happen any more. What it holds refers to it, and would wait for the collector of cycles."""
        self._buckets.clear()
        self._callbacks.clear()
        for lane in self.lanes.values():
            lane.release()
        self.lanes.clear()

    def pending(self) -> int:
        """How many live entries wait; lanes count their live timers."""
        buckets = [bucket if isinstance(bucket, list) else [bucket] for bucket in self._buckets.values()]
        direct = sum(_counts(what) for bucket in buckets for what in bucket)
        return direct + sum(lane.live() for lane in self.lanes.values())


def _counts(what: Entry | Lane) -> bool:
    """Whether it is one live entry (a lane counts its own)."""
    return what.live if isinstance(what, LaneEntry) else not isinstance(what, Lane)


def _key(entry: Entry) -> tuple[str, str]:
    return entry.key()


SWEEP_AT = 64
"""With fewer dropped timers in a lane a sweep is not worth its while."""


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
            lane = self.lane
            if lane is not None:
                lane.dead += 1
                if lane.dead > SWEEP_AT:
                    lane.sweep()

    def ready(self, now: int) -> Iterable[Entry]:
        return (self,) if self.live else ()


class Lane:
    """Timers of one length, in the order of their ends."""

    __slots__ = ("_agenda", "_queue", "_waiting", "dead", "length")

    def __init__(self, agenda: Agenda, length: int) -> None:
        self._agenda = agenda
        self._queue: deque[LaneEntry] = deque()
        self._waiting = False
        self.dead = 0
        """How many of its timers were dropped and are still in it."""
        self.length = length

    def add(self, entry: LaneEntry) -> None:
        """Append a timer that started now."""
        self._queue.append(entry)
        if not self._waiting:
            self._waiting = True
            self._agenda.at(entry.due, self)

    def ready(self, now: int) -> list[Entry]:
        """The timers that are due now; the next one is on the agenda then."""
        queue = self._queue
        due: list[Entry] = []
        while queue and (queue[0].due <= now or not queue[0].live):
            entry = queue.popleft()
            if entry.live:
                entry.lane = None
                due.append(entry)
            else:
                self.dead -= 1
        if queue:
            self._agenda.at(queue[0].due, self)
        else:
            self._waiting = False
        return due

    def sweep(self) -> None:
        """Take dropped timers out when most are, so that what is over leaves nothing behind."""
        queue = self._queue
        if 2 * self.dead > len(queue):
            head = queue[0]  # stays: the agenda waits for it
            self._queue = deque([e for e in queue if e.live or e is head])
            self.dead = 0 if head.live else 1

    def release(self) -> None:
        """Let go of all timers."""
        self._queue.clear()

    def live(self) -> int:
        return len(self._queue) - self.dead
