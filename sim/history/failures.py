"""Failures as they travel: what Temporal calls `failure` in events and commands.

Spelled after temporal.api.failure.v1.Failure and temporal.api.enums.v1.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from msgspec import Struct


class TimeoutType(StrEnum):
    """Hashes as a string does: it is part of the tags of timers."""

    __hash__ = str.__hash__
    START_TO_CLOSE = "StartToClose"
    SCHEDULE_TO_START = "ScheduleToStart"
    SCHEDULE_TO_CLOSE = "ScheduleToClose"
    HEARTBEAT = "Heartbeat"


class RetryState(Enum):
    IN_PROGRESS = "RETRY_STATE_IN_PROGRESS"
    NON_RETRYABLE_FAILURE = "RETRY_STATE_NON_RETRYABLE_FAILURE"
    TIMEOUT = "RETRY_STATE_TIMEOUT"
    MAXIMUM_ATTEMPTS_REACHED = "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED"
    RETRY_POLICY_NOT_SET = "RETRY_STATE_RETRY_POLICY_NOT_SET"
    CANCEL_REQUESTED = "RETRY_STATE_CANCEL_REQUESTED"
    INTERNAL_SERVER_ERROR = "RETRY_STATE_INTERNAL_SERVER_ERROR"
    UNSPECIFIED = "RETRY_STATE_UNSPECIFIED"
    """The last two are only read, in recorded histories."""


class ApplicationFailure(Struct, frozen=True):
    """An error of user code, or of the SDK on its behalf."""

    message: str
    type: str = ""
    non_retryable: bool = False
    cause: Failure | None = None
    source: str = "GoSDK"


class PanicFailure(Struct, frozen=True):
    """A panic of an activity: on the wire an application failure of type "PanicError"."""

    message: str
    type: str = "PanicError"
    non_retryable: bool = False
    cause: Failure | None = None
    source: str = "GoSDK"


class TimeoutFailure(Struct, frozen=True):
    """The server timed an activity out. `cause`: the failure of the last attempt that failed, if any did."""

    timeout_type: TimeoutType
    message: str
    cause: Failure | None = None
    last_heartbeat_details: object = None
    source: str = "Server"


class CanceledFailure(Struct, frozen=True):
    """The activity or workflow was cancelled."""

    message: str = ""
    details: object = None
    cause: Failure | None = None
    source: str = "GoSDK"


class ActivityFailure(Struct, frozen=True):
    """How the failure of an activity looks to whoever waits for its workflow."""

    activity: int
    activity_type: str
    retry_state: RetryState | None
    cause: Failure | None
    message: str = "activity error"
    source: str = "GoSDK"


Failure = ApplicationFailure | PanicFailure | TimeoutFailure | CanceledFailure | ActivityFailure


def retry_type(failure: Failure) -> str:
    """The name a retry policy's list of non-retryable types knows this failure by."""
    match failure:
        case TimeoutFailure(timeout_type=kind):
            return f"TemporalTimeout:{kind.value}"
        case ApplicationFailure(type=name) | PanicFailure(type=name):
            return name
        case _:
            return ""
