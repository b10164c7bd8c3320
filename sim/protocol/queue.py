"""A task queue in matching: partitions, open polls, waiting tasks (P4.6).

What the partitions amount to (P4.6.10): polls of the root partition, and the oldest poll of each child, wait at the root
in one first-in-first-out list; a further poll of a child takes only what lands in its partition. A task lands in a random
partition; it goes to a poll that waits only there, else to the oldest at the root, else it waits in its partition. A new
poll takes the head of its own partition, else one of the other partitions' heads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from msgspec import Struct, structs

from sim.model.inputs import Call, Deliver, Fault, Fired, Input, NoSuchNode, Reply, Withdrawn
from sim.model.laws import Law, LogNormal
from sim.model.node import Node, Step
from sim.model.spans import SECOND, Drawn, Exactly, Older, Overdue, Within
from sim.protocol import messages as msg

LONG_POLL = 60 * SECOND
LEAST_POLL = LONG_POLL - LONG_POLL // 6
POLL_JITTER = Within("long poll jitter", 0, LONG_POLL // 6)
"""A poll is answered empty after 60 s less up to a sixth (P4.6.6)."""

MEETING = Drawn("meeting of a poll and a waiting task", LogNormal.from_p95(2_000, 45_000))
"""How long a new poll and a task that waits in another partition take to meet. Recorded: a creation poll opened while
tasks wait is answered after 3 to 48 ms, median 6.4 ms, of which two legs of a call are a part (P4.6.10, P8.6)."""

NEGLIGIBLE_AGE = 5 * SECOND
"""Behind a waiting task older than this, a new one in its partition is not handed over at once (P4.6.2)."""

STICKY_WINDOW = 10 * SECOND
ROOT = 0


class OpenPoll(Struct, frozen=True):
    """A poll that waits."""

    call: Call
    identity: str
    partition: int
    tag: tuple[Hashable, ...]
    """Of the timer that ends it: what `poll_tag` gives for its call, and a number if there is one of this tag already."""


def poll_tag(call: Call) -> tuple[Hashable, ...]:
    """How a queue knows an open poll, whichever of its lives the call's serial stands for."""
    return ("poll", call.caller, call.tag)


@dataclass(slots=True)
class Starting:
    """A task that was given to a poll; history has not confirmed its start yet."""

    poll: OpenPoll
    item: msg.Item
    withdrawn: bool = False
    expired: bool = False
    """The poll's time is over: if the start is refused it ends empty."""


@dataclass(slots=True)
class TaskQueue(Node):
    """One task queue. A sticky queue has one partition and refuses tasks when its worker is gone."""

    partitions: int = 4
    sticky: bool = False
    root: deque[OpenPoll] = field(default_factory=deque)
    """Polls that wait at the root, in the order in which they came there."""
    local: dict[int, deque[OpenPoll]] = field(default_factory=dict)
    """Further polls of child partitions, which already forward one."""
    open: dict[Hashable, OpenPoll] = field(default_factory=dict)
    """All of them, by tag."""
    backlog: dict[int, deque[msg.Item]] = field(default_factory=dict)
    starting: dict[tuple[Hashable, ...], Starting] = field(default_factory=dict)
    doubles: int = 0
    """How often a poll came whose like was open already: its request came twice, or nobody said that the other was given up."""
    loaded: bool = False
    deliveries: int = 0
    counts: list[int] = field(default_factory=list)
    """Open polls by partition."""
    forwarding: Law | None = None
    """What a task takes to the partition where a poll may meet it; None: nothing, and then it is no step."""
    coming: dict[Hashable, msg.Item] = field(default_factory=dict)
    """Tasks under way to their partition."""
    plain: bool = False
    """For drivers without a clock: deliveries are not numbered, and a task goes to any of the polls that wait, in whatever
    order they came (they come anew each minute)."""
    answers_empty: bool = False
    """Of a plain one: whether it ends polls that have waited long. They come anew at once, so something comes of it only where
    the answer, or the call that comes anew, may be lost."""

    @staticmethod
    def prompt() -> frozenset[str]:
        return frozenset({"meet", "forwarded"})

    @staticmethod
    def anytime() -> frozenset[str]:
        # A poll that ends empty is followed by another.
        return frozenset({"poll"})

    def shields(self) -> Iterable[Hashable]:
        return [("call", poll.call.caller, poll.call.tag) for poll in self.open.values()]

    def handle(self, event: Input, step: Step) -> None:
        # The common ones by their classes, which have no subclasses: a pattern costs several times as much.
        if type(event) is Deliver:
            message, call = event.message, event.call
            if type(message) is msg.AddTask:
                if self.forwarding is None or call is not None:
                    self._add(message.item, call, step)
                else:
                    self.coming[("forwarded", message.item)] = message.item
                    step.arm(("forwarded", message.item), Drawn("forwarding", self.forwarding))
            elif type(message) is msg.Poll and call is not None:
                self._poll(call, message.identity, step)
            elif type(message) is msg.GetSystemInfo and call is not None:
                # Any service answers that; creation activities ask this one.
                step.reply(call, msg.Ok())
            elif type(message) is msg.ShutdownWorker:
                self._shutdown(call, step)
            else:
                raise TypeError(f"a task queue cannot take {event}")
            return
        if type(event) is Reply:
            assert isinstance(event.tag, tuple)
            self._start_answered(event.tag, event.message, step)
            return
        match event:
            case Fired(tag=("forwarded", _) as tag):
                self._add(self.coming.pop(tag), None, step)
            case Fired(tag=("meet", tuple(poll))):
                self._meet(poll, step)
            case Fired(tag=tuple(tag)):
                self._expire(tag, step)
            case Withdrawn(call=call):
                self._withdraw(call, step)
            case Fault("unload"):
                # The server has lost its memory: a sticky queue is there again when its worker polls (P4.5.8).
                self.loaded = False
            case _:
                raise TypeError(f"a task queue cannot take {event}")

    def clause(self, event: Input) -> str:
        match event:
            case Fired(tag=("forwarded", _)):
                return "a task that was forwarded is here"
            case Fired(tag=("meet", _)):
                return "a poll meets a task that waits in another partition"
            case Fired():
                return "a poll has waited as long as it may"
            case _:
                return ""

    # -- tasks ----------------------------------------------------------------------------------------------------------

    def _add(self, item: msg.Item, call: Call | None, step: Step) -> None:
        if self.sticky:
            available = self.loaded and (bool(self.open) or not step.holds(Older("poll", Exactly(STICKY_WINDOW))))
            if call is not None:
                step.reply(call, msg.Ok() if available else msg.StickyUnavailable())
            if not available:
                return
        partition = step.choose("partition of a task", range(self.partitions)) if self.partitions > 1 else 0
        poll = self._poll_for(partition, step)
        stale = partition in self.backlog and step.holds(Overdue(_age(self.backlog[partition][0])))
        if poll is not None and not stale:
            self._give(item, poll, step)
            return
        self.backlog.setdefault(partition, deque()).append(item)
        step.deadline(_age(item), Exactly(NEGLIGIBLE_AGE))
        if isinstance(item, msg.ActivityTaskItem) and item.time_to_live:
            step.deadline(_expiry(item), Exactly(item.time_to_live))

    def _poll_for(self, partition: int, step: Step) -> OpenPoll | None:
        """The poll that a task landing here meets: one that waits only here, else the oldest at the root."""
        if self.plain:
            return step.choose("poll", list(self.open.values())) if self.open else None
        if partition in self.local:
            return self.local[partition][0]
        return self.root[0] if self.root else None

    def _enter(self, poll: OpenPoll, first: bool) -> None:
        """Let a poll wait: at the root, unless its child partition forwards another already."""
        self.open[poll.tag] = poll
        if self.plain:
            return
        if not self.counts:
            self.counts = [0] * self.partitions
        here = poll.partition
        forwarded = here != ROOT and self.counts[here] > len(self.local.get(here, ()))
        place = self.local.setdefault(here, deque()) if forwarded else self.root
        place.appendleft(poll) if first else place.append(poll)
        self.counts[here] += 1

    def _leave(self, poll: OpenPoll, step: Step, over: bool = True) -> None:
        """A poll waits no more; if it was the one that its child forwarded, the next is forwarded now.

        Its time goes on unless it is `over`: it waits again for what is left of it if the start of its task is refused.
        """
        if over:
            step.disarm(poll.tag)
        step.disarm(("meet", poll.tag))
        del self.open[poll.tag]
        if self.plain:
            return
        here = poll.partition
        self.counts[here] -= 1
        local = self.local.get(here)
        if local is not None and poll in local:
            local.remove(poll)
        else:
            self.root.remove(poll)
            if local is not None:
                self.root.append(local.popleft())
        if local is not None and not local:
            del self.local[here]

    def _give(self, item: msg.Item, poll: OpenPoll, step: Step) -> None:
        """Hand a task to a poll, once history has recorded the start."""
        self._leave(poll, step, over=False)
        request = ""
        if not self.plain:
            self.deliveries += 1
            request = f"{step.me}#{self.deliveries}"
        tag = ("start", *poll.tag[1:])
        self.starting[tag] = Starting(poll, item)
        step.call(item.run, msg.RecordTaskStarted(item, poll.identity, request), tag)

    def _start_answered(self, tag: tuple[Hashable, ...], message: object, step: Step) -> None:
        starting = self.starting.pop(tag)
        if type(message) is not msg.Refused and type(message) is not NoSuchNode:
            # To a poll that is gone the answer is lost, and with it the task, which is started now.
            step.disarm(starting.poll.tag)
            self._ended(step)
            if self.sticky and self.backlog and isinstance(message, msg.WorkflowTask):
                # The worker's next poll will be sticky too (P3.2.4).
                message = structs.replace(message, backlog=True)
            step.reply(starting.poll.call, message)
        elif starting.expired:
            self._ended(step)
            step.reply(starting.poll.call, msg.NoTask())
        elif not starting.withdrawn:
            self._wait(starting.poll, step, first=True)

    # -- polls ----------------------------------------------------------------------------------------------------------

    def _poll(self, call: Call, identity: str, step: Step) -> None:
        self.loaded = True
        if self.sticky:
            step.mark("poll")
        partition = 0
        if self.partitions > 1:
            counts = self.counts or [0] * self.partitions
            fewest = min(counts)
            partition = step.choose("partition of a poll", [p for p in range(self.partitions) if counts[p] == fewest])
        tag = poll_tag(call)
        if tag in self.open or ("start", *tag[1:]) in self.starting:
            # The call came twice, or an earlier one that came twice is still open: a task that this poll gets is lost, as its
            # answer is, if nobody waits for it any more.
            self.doubles += 1
            tag = (*tag, self.doubles)
        if not self.plain or self.answers_empty:
            step.arm(tag, Exactly(LEAST_POLL), late=POLL_JITTER)
        self._wait(OpenPoll(call, identity, partition, tag), step)

    def _wait(self, poll: OpenPoll, step: Step, first: bool = False) -> None:
        """Open a poll (or go on with one whose task was refused): take a waiting task, or wait for one."""
        self._enter(poll, first)
        item = self._take(poll.partition, step)
        if item is not None:
            self._give(item, poll, step)
        elif self.backlog and poll.partition not in self.local:
            step.arm(("meet", poll.tag), MEETING)

    def _take(self, partition: int, step: Step) -> msg.Item | None:
        """The oldest task that waits in this partition and has not expired."""
        while partition in self.backlog:
            item = self.backlog[partition].popleft()
            if not self.backlog[partition]:
                del self.backlog[partition]
            step.disarm(_age(item))
            if not (isinstance(item, msg.ActivityTaskItem) and item.time_to_live):
                return item
            expired = step.holds(Overdue(_expiry(item)))
            step.disarm(_expiry(item))
            if not expired:
                return item
        return None

    def _meet(self, tag: tuple[Hashable, ...], step: Step) -> None:
        """A poll at the root and the tasks that wait in other partitions have found each other: any of their heads."""
        poll = self.open.get(tag)
        while poll is not None and self.backlog:
            item = self._take(step.choose("partition of a waiting task", sorted(self.backlog)), step)
            if item is not None:
                self._give(item, poll, step)
                return

    def _ended(self, step: Step) -> None:
        """A poll ended otherwise than by cancellation."""
        if self.sticky:
            step.mark("poll")

    def _expire(self, tag: tuple[Hashable, ...], step: Step) -> None:
        poll = self.open.get(tag)
        if poll is None:
            self.starting["start", *tag[1:]].expired = True
            return
        self._leave(poll, step)
        self._ended(step)
        step.reply(poll.call, msg.NoTask())

    def _withdraw(self, call: Call, step: Step) -> None:
        """The poll's connection is gone. A task that is being given to it is lost."""
        tags = [poll_tag(call)]
        if self.doubles:
            tags = [poll.tag for poll in self.open.values()] + [starting.poll.tag for starting in self.starting.values()]
        for tag in tags:
            poll = self.open.get(tag)
            if poll is not None and poll.call.is_same(call):
                self._leave(poll, step)
                continue
            starting = self.starting.get(("start", *tag[1:]))
            if starting is not None and starting.poll.call.is_same(call):
                starting.withdrawn = True
                step.disarm(tag)

    def _shutdown(self, call: Call | None, step: Step) -> None:
        """A worker that stops unloads its sticky queue; other queues take no notice (P3.8, step 2)."""
        if self.sticky:
            self.loaded = False
            for poll in list(self.open.values()):
                self._leave(poll, step)
                step.reply(poll.call, msg.NoTask())
        if call is not None:
            step.reply(call, msg.Ok())


def _age(item: msg.Item) -> Hashable:
    """The tag of the deadline after which a waiting task is no longer negligibly young."""
    return ("age", item)


def _expiry(item: msg.ActivityTaskItem) -> Hashable:
    return ("time to live", item.run, item.ordinal, item.attempt)
