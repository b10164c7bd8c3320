"""Calls with a budget: one deadline for the call including its repetitions after retryable errors (P3.9).

A reply that is retryable (connection refused or broken, Unavailable, ResourceExhausted) is followed by another try after
0.4 s, 0.8 s, ... (plus or minus 20 %, at most a tenth of the time that whoever calls has, or 6 s), until the budget ends.
Nothing came back by its end: DeadlineExceeded.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from sim.model.inputs import Message, Name, NoSuchNode, Unreachable
from sim.model.node import Step
from sim.model.spans import MILLISECOND, SECOND, Clamp, Exactly, Half, Least, Left, Span, UnlessOver, Within
from sim.protocol import messages as msg

RESPOND_BUDGET = Exactly(10 * SECOND)
RETRYABLE = (msg.Code.UNAVAILABLE, msg.Code.RESOURCE_EXHAUSTED)
DEADLINE_EXCEEDED = msg.Refused(msg.Code.DEADLINE_EXCEEDED, "context deadline exceeded")
UNAVAILABLE = msg.Refused(msg.Code.UNAVAILABLE, "connection lost")
NOT_FOUND = msg.Refused(msg.Code.NOT_FOUND, "not found")


def call_budget(deadline: Span | None) -> Span:
    """Half of what is left, at least 1 s and at most 10 s; 10 s without a deadline."""
    return RESPOND_BUDGET if deadline is None else Clamp(Half(deadline), SECOND, 10 * SECOND)


def heartbeat_budget(throttle: int, deadline: Hashable | None) -> Span:
    """The budget of one heartbeat call: of the record timeout, or of what is left of the attempt (P3.6.3)."""
    record = max(throttle, SECOND)
    inner: Span = Exactly(record) if deadline is None else Least(Exactly(record), Left(deadline))
    budget = Least(Clamp(Half(inner), SECOND, 10 * SECOND), Exactly(record))
    # A call under a context whose time is over fails at once, also before anybody has noticed that it is over.
    return budget if deadline is None else UnlessOver(budget, deadline)


def heartbeat_length(heartbeat: int) -> int:
    """How long a heartbeat call of the creation activity takes at most, for a heartbeat timeout of this many microseconds (P3.6.3)."""
    record = max(min(heartbeat * 8 // 10, 60 * SECOND), SECOND)
    return min(max(record // 2, SECOND), 10 * SECOND, record)


def longest_wait(time: int) -> int:
    """The longest wait between the tries of a call: a tenth of the time that its caller has, which is not the call's budget (P3.9.3)."""
    return max(time // 10, 200 * MILLISECOND)


def heartbeat_wait(throttle: int) -> int:
    """The longest wait between the tries of a heartbeat: a tenth of the record timeout (P3.6.3)."""
    return longest_wait(max(throttle, SECOND))


UNBOUNDED_WAIT = longest_wait(60 * SECOND)
"""Of calls whose caller has no deadline: those that tell results, and of completed workflow tasks."""


@dataclass(slots=True)
class OpenCall:
    """A call under way. `tries` counts those that came back with a retryable error; `longest_wait`: between them, None for a single try."""

    to: Name
    request: Message
    longest_wait: int | None
    tries: int = 0

    def waits(self) -> tuple[int, int]:
        """The shortest and the longest wait before the next try."""
        assert self.longest_wait is not None
        wait = min(400 * MILLISECOND * 2 ** (self.tries - 1), self.longest_wait)
        return wait * 8 // 10, wait * 12 // 10


@dataclass(slots=True)
class Calls:
    """The open calls of a worker, by tag."""

    open: dict[Hashable, OpenCall] = field(default_factory=dict)

    def start(self, step: Step, tag: Hashable, to: Name, request: Message, budget: Span, longest_wait: int | None = UNBOUNDED_WAIT) -> None:
        """Call; the outcome comes through `ended`, or `out_of_time` when ("budget", tag) fires."""
        self.open[tag] = OpenCall(to, request, longest_wait)
        step.arm(("budget", tag), budget)
        step.call(to, request, tag)

    def out_of_time(self, step: Step, tag: Hashable) -> None:
        """The budget ended: the call is given up."""
        step.abandon(tag)
        self.forget(step, tag)

    def ended(self, step: Step, tag: Hashable, message: Message) -> Message | None:
        """A try came back: its final answer (errors of the driver translated), or None when it is tried again."""
        kind = type(message)
        if kind is Unreachable:
            message = UNAVAILABLE
        elif kind is NoSuchNode:
            message = NOT_FOUND
        call = self.open[tag]
        if isinstance(message, msg.Refused) and message.code in RETRYABLE and call.longest_wait is not None:
            # No more than it takes to reach the longest wait, so that long outages make no new states.
            call.tries = min(call.tries + 1, 5)
            # Waiting goes on when the budget ends before the next try: then the call ends with it.
            step.arm(("again", tag), Within("call retry backoff", *call.waits()))
            return None
        self.forget(step, tag)
        return message

    def again(self, step: Step, tag: Hashable) -> None:
        """The wait before the next try is over."""
        call = self.open.get(tag)
        if call is not None:
            step.call(call.to, call.request, tag)

    def forget(self, step: Step, tag: Hashable) -> None:
        """The call is over."""
        call = self.open.pop(tag, None)
        step.disarm(("budget", tag))
        if call is not None and call.tries:
            step.disarm(("again", tag))

    def give_up(self, step: Step, tag: Hashable) -> bool:
        """End an open call from this side (its context was cancelled). False when it is not open."""
        if tag not in self.open:
            return False
        step.abandon(tag)
        self.forget(step, tag)
        return True
