"""Which poll meets which task and when, as far as matching leaves that open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sim.evidence.expected import Expected
from sim.evidence.recording import Start
from sim.model.inputs import Deliver, Fired, Tag
from sim.protocol import messages as msg
from sim.protocol.queue import OpenPoll, TaskQueue
from sim.simulator.seats import Parcel
from sim.simulator.simulation import Simulation

HAND_OVER_LIMIT: Final = 1_000_000
"""A task that was read reaches matching after at most this long, microseconds."""

READ_LIMIT: Final = 5_000
"""The transfer queue is read at most this long after something was written to it, microseconds, unless reads are limited."""

MEETING_LIMIT: Final = 1_000_000
"""A new poll and a task that waits in another partition meet after at most this long."""

NEVER: Final = 1 << 62


class MatchingSteering:
    """Choices of task queues and of the transfer queue."""

    def __init__(self, sim: Simulation, expected: Expected) -> None:
        self._sim = sim
        self._expected = expected

    def _queue(self, name: str) -> TaskQueue:
        node = self._sim.seats[name].node
        assert isinstance(node, TaskQueue)
        return node

    # -- the transfer queue -------------------------------------------------------------------------------------------

    def hand_over(self, parcel: Parcel) -> int:
        """How long it takes until matching has a task: until it is started, if a poll waits for it.

        Handing over is a call from one service to another; here both are one place, where messages take no time.
        """
        event = parcel.event
        if not isinstance(event, Deliver) or not isinstance(event.message, msg.AddTask) or not self._awaited(parcel.to):
            return 0
        item, now = event.message.item, self._sim.now
        start = self._expected.start(item, now)
        if start is not None and start.time <= now + HAND_OVER_LIMIT:
            return max(0, start.time - now)
        if self._expected.is_never_started(item):
            # It came when the polls that wait now had gone.
            return HAND_OVER_LIMIT
        # Others take the polls that wait now: this one comes after them.
        others = self._expected.others_start(item, self._queue(parcel.to).sticky, now, now + HAND_OVER_LIMIT)
        return others + 1 - now if others is not None else 0

    def read(self, shard: str, tag: Tag, value: int) -> int:
        """The transfer queue is read as late as its first task allows, for the number of reads a second is limited."""
        event = self._sim.handling
        start = self._expected.start(event.message.item) if isinstance(event, Deliver) and isinstance(event.message, msg.Transfer) else None
        return READ_LIMIT if start is None else min(max(start.time - self._sim.now, 0), READ_LIMIT)

    def _awaited(self, queue: str) -> bool:
        seat = self._sim.seats.get(queue)
        return seat is not None and isinstance(seat.node, TaskQueue) and bool(seat.node.open)

    def next_transfer(self, shard: str, transfers: Sequence[msg.Transfer], value: int) -> int:
        """Of the tasks of one read the one that is started first is handed over first."""
        times = [start.time if (start := self._expected.start(t.item)) is not None else NEVER for t in transfers]
        return times.index(min(times)) if min(times) < NEVER else value

    # -- polls and tasks ----------------------------------------------------------------------------------------------

    def partition_of_task(self, queue: str, partitions: Sequence[int], value: int) -> int:
        """A task lands where the poll of the worker that starts it takes it; one that has to wait, behind what starts before it."""
        event = self._sim.handling
        if not isinstance(event, Deliver) or not isinstance(event.message, msg.AddTask):
            return value
        start, node = self._expected.start(event.message.item), self._queue(queue)
        if node.open:
            fitting = [p for p in partitions if (poll := _taker(node, p)) is not None and start and poll.identity == start.identity]
            return value if not fitting or value in fitting else fitting[0]
        mine = start.time if start is not None else NEVER
        # The latest of those: what starts still earlier may be what another one can only wait behind.
        last = {p: self._last_start(node, p) for p in partitions}
        return min(partitions, key=lambda p: (last[p] > mine, last[p] if last[p] > mine else -last[p], p != value))

    def _last_start(self, node: TaskQueue, partition: int) -> int:
        """When the last task that waits in a partition is started; 0 when none waits."""
        starts = [self._expected.start(item) for item in node.backlog.get(partition, ())]
        return max((start.time if start is not None else NEVER for start in starts), default=0)

    def partition_of_poll(self, queue: str, partitions: Sequence[int], value: int) -> int:
        """A poll arrives where the task waits that its worker starts now, and where no task of another's waits."""
        event, node = self._sim.handling, self._queue(queue)
        if not node.backlog or not isinstance(event, Deliver) or not isinstance(event.message, msg.Poll):
            return value
        identity = event.message.identity
        ranked = sorted(range(len(partitions)), key=lambda i: (self._rank(node, partitions[i], identity), i != value))
        return ranked[0]

    def _rank(self, node: TaskQueue, partition: int, identity: str) -> int:
        """0: the head is started by this worker now; 1: nothing waits here; 2: what waits here is another's, or a later one."""
        if partition not in node.backlog:
            return 1
        start = self._expected.start(node.backlog[partition][0])
        return 0 if self._is_now(start, identity) else 2

    def _is_now(self, start: Start | None, identity: str) -> bool:
        return start is not None and start.identity == identity and abs(start.time - self._sim.now) <= 2_000

    def meeting(self, queue: str, tag: Tag, value: int) -> int:
        """A new poll meets the task that its worker starts next, when that is started; others' tasks it does not meet yet."""
        node = self._queue(queue)
        assert isinstance(tag, tuple)
        poll = node.open.get(tag[1])
        if poll is None:
            return value
        now = self._sim.now
        starts = [start for items in node.backlog.values() for item in items if (start := self._expected.start(item)) is not None]
        mine = [max(start.time, now) for start in starts if start.identity == poll.identity]
        if mine and min(mine) - now <= MEETING_LIMIT:
            return min(mine) - now
        # What waits here is not for this poll: it waits for a task that comes.
        coming = [self._expected.next_start(item, now) for items in node.backlog.values() for item in items]
        latest = max([*(start.time for start in starts), *(time for time in coming if time is not None)], default=0)
        return min(latest + 1 - now, MEETING_LIMIT) if latest >= now else value

    def waiting_task(self, queue: str, partitions: Sequence[int], value: int) -> int:
        """Of the heads that wait in other partitions the one that this poll's worker starts."""
        event, node = self._sim.handling, self._queue(queue)
        poll = node.open.get(event.tag[1]) if isinstance(event, Fired) and isinstance(event.tag, tuple) else None
        best: list[tuple[int, int]] = []
        for index, partition in enumerate(partitions):
            start = self._expected.start(node.backlog[partition][0])
            if poll is not None and start is not None and start.identity == poll.identity:
                best.append((abs(start.time - self._sim.now), index))
        return min(best)[1] if best else value


def _taker(node: TaskQueue, partition: int) -> OpenPoll | None:
    """The poll that a task landing here meets: one that waits only here, else the oldest at the root."""
    waiting: Any = node.local.get(partition) or node.root
    return waiting[0] if waiting else None
