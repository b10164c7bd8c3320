"""Commands: what workflow code asks the server for when it completes a workflow task.

Activities, timers and markers are numbered per run in the order in which they are asked for ("ordinals", from 1).
The recorder turns ordinals into event ids. All lengths of time are integer microseconds, 0 meaning "not set".
"""

from __future__ import annotations

from msgspec import Struct

from sim.history.failures import Failure

SECOND = 1_000_000


class RetryPolicy(Struct, frozen=True):
    """Temporal's RetryPolicy; zeros are filled by the server (`with_defaults`). The coefficient is in thousandths."""

    initial_interval: int = 0
    backoff_coefficient_milli: int = 0
    maximum_interval: int = 0
    maximum_attempts: int = 0
    non_retryable_error_types: tuple[str, ...] = ()

    def with_defaults(self) -> RetryPolicy:
        """As the server completes it: 1 s, times 2, at most 100 times the initial interval, any number of attempts."""
        initial = self.initial_interval or SECOND
        return RetryPolicy(
            initial,
            self.backoff_coefficient_milli or 2000,
            self.maximum_interval or 100 * initial,
            self.maximum_attempts,
            self.non_retryable_error_types,
        )

    def backoff(self, attempt: int) -> int:
        """The wait after failed attempt `attempt` (from 1): initial times coefficient^(attempt - 1), capped; no jitter."""
        interval = self.initial_interval
        for _ in range(attempt - 1):
            interval = interval * self.backoff_coefficient_milli // 1000
            if interval >= self.maximum_interval > 0:
                return self.maximum_interval
        return interval


class ScheduleActivity(Struct, frozen=True):
    """ScheduleActivityTask. `session` is known to no server: it lets an observer tell whose activity this is.

    `epoch`: of the binding that it belongs to, in its header; 0 without one. Only host sessions have epochs.
    """

    ordinal: int
    activity_type: str
    task_queue: str
    input: object = None
    schedule_to_close: int = 0
    schedule_to_start: int = 0
    start_to_close: int = 0
    heartbeat: int = 0
    retry_policy: RetryPolicy | None = None
    session: str = ""
    epoch: int = 0


class RequestCancelActivity(Struct, frozen=True):
    ordinal: int


class StartTimer(Struct, frozen=True):
    """`summary`: what the SDK calls the timer in the web UI."""

    ordinal: int
    duration: int
    summary: str = ""


class CancelTimer(Struct, frozen=True):
    ordinal: int


class RecordMarker(Struct, frozen=True):
    """The result of a side effect."""

    ordinal: int
    value: object
    name: str = "SideEffect"


class CompleteWorkflow(Struct, frozen=True):
    result: object = None


class FailWorkflow(Struct, frozen=True):
    failure: Failure


class CancelWorkflow(Struct, frozen=True):
    details: object = None


class ContinueAsNew(Struct, frozen=True):
    workflow_type: str
    input: object = None


Closing = CompleteWorkflow | FailWorkflow | CancelWorkflow | ContinueAsNew
Command = ScheduleActivity | RequestCancelActivity | StartTimer | CancelTimer | RecordMarker | Closing
