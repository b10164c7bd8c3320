"""One activity in a run's mutable state: attempts, the four timeouts, retries (P4.1 to P4.3).

The record knows nothing of sessions. It is a state machine of (unstarted | backing off | started) x (cancel requested) x
(paused); closing deletes it. Its deadlines are tags of the run's step: ("due", ordinal, type).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from sim.history.commands import RetryPolicy, ScheduleActivity
from sim.history.failures import Failure, RetryState, TimeoutFailure, TimeoutType, retry_type
from sim.model.inputs import Tag
from sim.model.node import Step
from sim.model.spans import Exactly, LeftBelow


class Attempt(Enum):
    UNSTARTED = "unstarted"
    BACKING_OFF = "backing off"
    STARTED = "started"


# Looked up for every transaction: an attribute of an enum costs more than a name.
_STARTED = Attempt.STARTED
_START_TO_CLOSE = TimeoutType.START_TO_CLOSE
_SCHEDULE_TO_START = TimeoutType.SCHEDULE_TO_START
_SCHEDULE_TO_CLOSE = TimeoutType.SCHEDULE_TO_CLOSE
_HEARTBEAT = TimeoutType.HEARTBEAT


@dataclass(slots=True)
class ActivityRecord:
    """A pending activity. `command` is normalised."""

    command: ScheduleActivity
    policy: RetryPolicy
    expires: int = 0
    """The server's timestamp of ScheduleToClose; 0 without one, or without a clock."""
    starts_by: int = 0
    """The server's timestamp at which the attempt's ScheduleToStart ends, of one that asks for resources; 0 without a clock."""
    attempt: int = 1
    phase: Attempt = Attempt.UNSTARTED
    cancel_requested: bool = False
    paused: bool = False
    request: str = ""
    identity: str = ""
    started_at: int = 0
    """Timestamp for the history, written when the activity closes."""
    last_failure: Failure | None = None
    details: object = None
    """Of the last heartbeat, of whichever attempt."""
    written: set[TimeoutType] = field(default_factory=set)
    """Deadlines for which a timer task was written (P4.3.11)."""

    @property
    def ordinal(self) -> int:
        return self.command.ordinal

    def due(self, kind: TimeoutType) -> Tag:
        """The tag of this deadline."""
        return ("due", self.command.ordinal, kind)

    def deadlines(self) -> list[TimeoutType]:
        """Which deadlines are running, in the order of temporal.api.enums.v1.TimeoutType: so are they processed that run out together."""
        if self.paused:
            return []
        command = self.command
        started = self.phase is _STARTED
        running = []
        if started and command.start_to_close:
            running.append(_START_TO_CLOSE)
        if not started and command.schedule_to_start:
            running.append(_SCHEDULE_TO_START)
        if command.schedule_to_close:
            running.append(_SCHEDULE_TO_CLOSE)
        if started and command.heartbeat:
            running.append(_HEARTBEAT)
        return running

    def scheduled(self, step: Step, backoff: int = 0) -> None:
        """An attempt is (to be) scheduled, `backoff` microseconds from now."""
        if self.command.schedule_to_start:
            step.deadline(self.due(TimeoutType.SCHEDULE_TO_START), Exactly(backoff + self.command.schedule_to_start))
            if self.command.resources:
                now = step.stamp()
                self.starts_by = now and now + backoff + self.command.schedule_to_start
        if self.attempt == 1 and self.command.schedule_to_close:
            step.deadline(self.due(TimeoutType.SCHEDULE_TO_CLOSE), Exactly(self.command.schedule_to_close))

    def start(self, step: Step, request: str, identity: str) -> None:
        """A worker was given the attempt."""
        self.phase = Attempt.STARTED
        self.request, self.identity = request, identity
        self.started_at = step.stamp()
        step.disarm(self.due(TimeoutType.SCHEDULE_TO_START))
        if self.command.start_to_close:
            step.deadline(self.due(TimeoutType.START_TO_CLOSE), Exactly(self.command.start_to_close))
        self.beat(step, self.details)

    def beat(self, step: Step, details: object) -> None:
        """A heartbeat (or the start) was recorded."""
        self.details = details
        if self.command.heartbeat:
            step.deadline(self.due(TimeoutType.HEARTBEAT), Exactly(self.command.heartbeat))

    def forget(self, step: Step) -> None:
        """The record is closed: nothing of it runs any more."""
        command = self.command
        # Those that may be armed, also while the activity is paused: unset ones never were, a start disarms ScheduleToStart.
        if command.start_to_close:
            step.disarm(self.due(TimeoutType.START_TO_CLOSE))
        if command.schedule_to_start and self.phase is not Attempt.STARTED:
            step.disarm(self.due(TimeoutType.SCHEDULE_TO_START))
        if command.schedule_to_close:
            step.disarm(self.due(TimeoutType.SCHEDULE_TO_CLOSE))
        if command.heartbeat:
            step.disarm(self.due(TimeoutType.HEARTBEAT))
        if self.written:
            self.forget_written(step)
        if self.attempt > 1:
            step.disarm(self.retry_tag)

    def forget_written(self, step: Step) -> None:
        """Timer tasks written for this attempt are void."""
        for kind in self.written:
            step.disarm(("written", self.command.ordinal, kind))
        self.written.clear()

    @property
    def retry_tag(self) -> Tag:
        return ("retry", self.command.ordinal)

    def decide(self, step: Step, failure: Failure) -> RetryState:
        """What RetryActivity decides about an attempt that ended like this (P4.3.3)."""
        if self.cancel_requested:
            return RetryState.CANCEL_REQUESTED
        if isinstance(failure, TimeoutFailure) and failure.timeout_type in (TimeoutType.SCHEDULE_TO_START, TimeoutType.SCHEDULE_TO_CLOSE):
            return RetryState.TIMEOUT
        if getattr(failure, "non_retryable", False) or retry_type(failure) in self.policy.non_retryable_error_types:
            return RetryState.NON_RETRYABLE_FAILURE
        if 0 < self.policy.maximum_attempts <= self.attempt:
            return RetryState.MAXIMUM_ATTEMPTS_REACHED
        wait = Exactly(self.policy.backoff(self.attempt))
        if self.command.schedule_to_close and step.holds(LeftBelow(self.due(TimeoutType.SCHEDULE_TO_CLOSE), wait)):
            return RetryState.TIMEOUT
        return RetryState.IN_PROGRESS

    def retry(self, step: Step, failure: Failure) -> int:
        """Start over with the next attempt after the backoff, which is returned (P4.3.4)."""
        backoff = self.policy.backoff(self.attempt)
        for kind in (TimeoutType.START_TO_CLOSE, TimeoutType.HEARTBEAT):
            step.disarm(self.due(kind))
        self.forget_written(step)
        self.attempt += 1
        self.phase = Attempt.BACKING_OFF
        self.request = self.identity = ""
        self.last_failure = failure
        self.scheduled(step, backoff)
        step.arm(self.retry_tag, Exactly(backoff))
        return backoff


def is_rejected(command: ScheduleActivity) -> bool:
    """Whether the server rejects the command: a timeout is negative, or there is none that bounds the activity (P4.2.1)."""
    close, work = command.schedule_to_close, command.start_to_close
    return close < 0 or work < 0 or command.schedule_to_start < 0 or command.heartbeat < 0 or (not close and not work)


def normalised(command: ScheduleActivity, run_timeout: int) -> ScheduleActivity:
    """The command, which is not rejected, as the server completes it (P4.2.1)."""
    close, start, work, beat = command.schedule_to_close, command.schedule_to_start, command.start_to_close, command.heartbeat
    if close:
        start = min(start or close, close)
        work = min(work or close, close)
    else:
        close = run_timeout
        start = start or run_timeout
    if run_timeout:
        close, start, work = min(close, run_timeout), min(start, run_timeout), min(work, run_timeout)
    beat = min(beat, work) if beat else 0
    policy = (command.retry_policy or RetryPolicy()).with_defaults()
    return ScheduleActivity(
        command.ordinal, command.activity_type, command.task_queue, command.input, close, start, work, beat, policy, command.session,
        command.epoch, command.resources, command.may_wait,
    )  # fmt: skip
