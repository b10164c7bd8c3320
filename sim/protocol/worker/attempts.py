"""What all attempts of activities on a worker share: the task, the context, the deadline, the answer, the slot."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sim.history.failures import ApplicationFailure, Failure, PanicFailure
from sim.model.inputs import Message
from sim.model.node import Step
from sim.model.spans import Exactly, Least, Span, Until, Within
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.worker.calls import DEADLINE_EXCEEDED, RESPOND_BUDGET, OpenCall, heartbeat_budget, heartbeat_wait
from sim.protocol.worker.pollers import Kind

if TYPE_CHECKING:
    from sim.protocol.worker.node import Worker

Key = tuple[str, int, int]
"""(run, ordinal, attempt): several attempts of one activity may run side by side."""


WAKE_UP = Within("goroutine wake-up", 20, 286)
"""How long a goroutine takes from being woken to its call. Against `ANSWER` this gives the recorded odds of which of the
completion and the creation activity answers first: 324 and 151 of 494 (the rest says nothing of the order)."""

ANSWER = Within("goroutine answer", 0, 200)

SENDING = Exactly(100)
"""From the end of an activity that a stop has cancelled to its call: a process that exits at once is gone before it (P3.8.1)."""


class Cause(Enum):
    """Why an attempt's context is done."""

    CANCELED = "canceled"
    """The server said that cancellation was requested."""
    SHUTDOWN = "worker is stopping"
    DEADLINE = "context deadline exceeded"
    NOT_FOUND = "activity not found"
    PAUSED = "activity paused"
    CALL_FAILED = "heartbeat call failed"
    SESSION_OVER = "session is over"
    """Only with `Repair.SLOT_UNTIL_IDLE`: the creation activity waits for this one."""
    FENCED = "session is no longer held here"
    """Only in host sessions."""


@dataclass(slots=True)
class AttemptOnWorker:
    """An attempt from its receipt to the release of its slot."""

    task: msg.ActivityTask
    pool: Kind
    cause: Cause | None = None
    responding: bool = False
    begun: bool = True
    """False while a limiter holds it back."""
    outcome: Outcome | None = None
    """How it has ended."""

    @property
    def key(self) -> Key:
        return (self.task.run, self.task.ordinal, self.task.attempt)

    def tag(self, what: str) -> Hashable:
        """A tag of this attempt's own."""
        task = self.task
        return (what, task.run, task.ordinal, task.attempt)

    # -- what the kinds of attempts do in their own way --------------------------------------------------------------

    def begin(self, worker: Worker, step: Step) -> None:
        """The activity function is called."""
        raise NotImplementedError

    def fired(self, what: str, worker: Worker, step: Step) -> None:
        """One of its timers ran out."""
        raise NotImplementedError

    def replied(self, what: str, message: Message, worker: Worker, step: Step) -> None:
        """One of its calls came back."""
        raise NotImplementedError

    def context_done(self, worker: Worker, step: Step) -> None:
        """Its context was cancelled just now."""
        raise NotImplementedError

    def timed_out(self, what: str, worker: Worker, step: Step) -> None:
        """The budget of one of its calls ended without an answer."""
        self.replied(what, DEADLINE_EXCEEDED, worker, step)

    def woken(self, worker: Worker, step: Step) -> None:
        """Its goroutine runs again after it was woken by another."""
        raise NotImplementedError

    def shields(self) -> Iterable[Hashable]:
        """What it will do in time unless something is slow: ("beat", key) before the heartbeat timeout, ("end", key) before the others."""
        return ()

    def ended(self, worker: Worker, step: Step) -> None:
        """Its activity function has returned."""

    def holds(self, session: str) -> bool:
        """Whether it holds a slot for the session, and activities may begin under it."""
        return False

    def idle(self, session: str, worker: Worker, step: Step) -> None:
        """The last activity of the session that ran here has ended."""

    # -- what is common ------------------------------------------------------------------------------------------------

    def set_deadline(self, step: Step) -> None:
        """The context's deadline: StartToClose from receipt, or ScheduleToClose by the worker's wall clock (P3.9.1)."""
        span: Span = Exactly(self.task.activity.start_to_close)
        if self.task.expires:
            span = Least(span, Until(self.task.expires))
        # The server's timer for the same deadline began to run before this one.
        step.arm(self.tag("deadline"), span, (("end", *self.key), ("close", *self.key)))

    def throttle(self, worker: Worker) -> int:
        """T: 0.8 of the heartbeat timeout, or the default without one, at most the maximum (P3.6.3)."""
        options = worker.options
        interval = self.task.activity.heartbeat * 8 // 10 or options.default_heartbeat_throttle_interval
        return min(interval, options.max_heartbeat_throttle_interval)

    def heartbeat_call(self, details: object, worker: Worker, deadline: bool = True, wait: int | None = None) -> tuple[OpenCall, Span]:
        """RecordActivityTaskHeartbeat with its budget; `deadline`: whether the call has the attempt's deadline; `wait`: the longest
        between its tries."""
        throttle = self.throttle(worker)
        request = msg.RecordActivityTaskHeartbeat(self.task.ordinal, self.task.attempt, details)
        budget = heartbeat_budget(throttle, self.tag("deadline") if deadline else None)
        return OpenCall(self.task.run, request, wait or heartbeat_wait(throttle)), budget

    def call_heartbeat(self, details: object, worker: Worker, step: Step, deadline: bool = True, wait: int | None = None) -> None:
        """Make it."""
        call, budget = self.heartbeat_call(details, worker, deadline, wait)
        worker.calls.start(step, self.tag("beat"), call.to, call.request, budget, call.longest_wait)

    def cancel(self, cause: Cause, worker: Worker, step: Step) -> None:
        """Cancel the context, once."""
        if self.cause is not None or self.responding or not self.begun:
            return
        self.cause = cause
        activity = self.task.activity
        if step.wants(obs.AttemptContextDone):
            step.emit(
                obs.AttemptContextDone(
                    worker.identity, *self.key, activity.activity_type, activity.session, cause.value
                )
            )  # fmt: skip
        if cause is Cause.SHUTDOWN or cause is Cause.SESSION_OVER:
            # Somebody else cancelled it: a process that exits at once may be gone before this goroutine runs (P3.8.1).
            self.wake(step)
        else:
            self.context_done(worker, step)

    def wake(self, step: Step, span: Span = WAKE_UP) -> None:
        """Let the attempt's goroutine run a moment later."""
        step.arm(self.tag("wake"), span)

    def respond(self, outcome: Outcome, worker: Worker, step: Step) -> None:
        """Send the result; the slot is released when the call has ended. After the deadline nothing is sent."""
        self.responding = True
        step.disarm(self.tag("deadline"))
        self._emit_end(outcome, worker, step)
        self.ended(worker, step)
        if outcome is DROPPED or self.cause is Cause.DEADLINE:
            self.release(worker, step)
            return
        self.outcome = outcome
        if self.cause is Cause.SHUTDOWN:
            step.arm(self.tag("send"), SENDING)
        else:
            self.send(worker, step)

    def send(self, worker: Worker, step: Step) -> None:
        """Make the call that tells the outcome."""
        assert self.outcome is not None
        worker.calls.start(step, self.tag("respond"), self.task.run, self.outcome.request(self.task, worker.identity), RESPOND_BUDGET)

    def _emit_end(self, outcome: Outcome, worker: Worker, step: Step) -> None:
        if step.wants(obs.AttemptEnded):
            activity = self.task.activity
            text = "dropped" if self.cause is Cause.DEADLINE else outcome.text()
            step.emit(obs.AttemptEnded(worker.identity, *self.key, activity.activity_type, activity.session, text, self.label()))

    def label(self) -> str:
        """What to call it in a story, if not by its type."""
        return ""

    def release(self, worker: Worker, step: Step) -> None:
        """The last try of the answer has returned: the slot is free."""
        del worker.attempts[self.key]
        worker.pollers.free(self.pool).free += 1
        worker.moved(step)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ends, in the worker's words: exactly one of these is meant by `kind`."""

    kind: str
    result: object = None
    failure: Failure | None = None

    def request(self, task: msg.ActivityTask, identity: str) -> Message:
        """The Respond call."""
        match self.kind:
            case "completed":
                return msg.RespondActivityTaskCompleted(task.ordinal, task.attempt, self.result, identity)
            case "canceled":
                return msg.RespondActivityTaskCanceled(task.ordinal, task.attempt, self.result, identity)
            case _:
                assert self.failure is not None
                return msg.RespondActivityTaskFailed(task.ordinal, task.attempt, self.failure, identity)

    def text(self) -> str:
        if isinstance(self.failure, (ApplicationFailure, PanicFailure)):
            return f"{self.kind}: {self.failure.type or self.failure.message}"
        return self.kind


DROPPED = Outcome("dropped")
COMPLETED = Outcome("completed")
CANCELED = Outcome("canceled")


def completed(result: object) -> Outcome:
    return Outcome("completed", result)


def failed(failure: Failure) -> Outcome:
    return Outcome("failed", None, failure)
