"""Errors as workflow code meets them, shaped as the Go SDK shapes them, and their way to and from failures.

Go returns errors, Python raises them: whatever Go would return from `Get` is raised by `await future.get(ctx)`. An error
of this module that leaves the workflow function ends the workflow; any other exception counts as a panic, which fails
the workflow task, as in Go.
"""

from __future__ import annotations

from typing import NoReturn

from sim.history.failures import (
    ActivityFailure,
    ApplicationFailure,
    CanceledFailure,
    Failure,
    PanicFailure,
    RetryState,
    TimeoutFailure,
    TimeoutType,
)


class WorkflowError(Exception):
    """Base of the errors that workflow code may let out. `__cause__` is what Go's `errors.Unwrap` gives."""


class ApplicationError(WorkflowError):
    """An error of user code. Without `non_retryable` the server retries the activity that returned it."""

    def __init__(self, message: str, type: str = "", non_retryable: bool = False, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.non_retryable = non_retryable
        self.__cause__ = cause


class PanicError(WorkflowError):
    """An activity panicked."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TimeoutError(WorkflowError):
    """The server timed an activity out; the cause is the last attempt's failure, if one had failed."""

    def __init__(self, timeout_type: TimeoutType, message: str = "", cause: BaseException | None = None, details: object = None) -> None:
        super().__init__(message or f"activity {timeout_type.value} timeout")
        self.timeout_type = timeout_type
        self.last_heartbeat_details = details
        self.__cause__ = cause


class CanceledError(WorkflowError):
    """The context of the call was cancelled, or the activity reported that it was."""

    def __init__(self, details: object = None) -> None:
        super().__init__("canceled")
        self.details = details


class ActivityError(WorkflowError):
    """What an activity ended with, with its type and the reason why the server did not retry it."""

    def __init__(self, activity: int, activity_type: str, retry_state: RetryState | None, cause: BaseException | None) -> None:
        super().__init__(f"activity error (type: {activity_type}): {cause}")
        self.activity = activity
        self.activity_type = activity_type
        self.retry_state = retry_state
        self.__cause__ = cause


class SessionFailedError(WorkflowError):
    """`workflow.ErrSessionFailed`: the session's worker was lost; nothing was scheduled."""

    def __init__(self) -> None:
        super().__init__("session has failed")


class ContinueAsNewError(WorkflowError):
    """Raise it to end this run and start the next with `input`."""

    def __init__(self, workflow_type: str, input: object = None) -> None:
        super().__init__("continue as new")
        self.workflow_type = workflow_type
        self.input = input


class NonDeterminismError(Exception):
    """The code does not do again what the history says it did."""


class NotModelledError(Exception):
    """Workflow code asked for something that this project does not model (see docs/LIMITS.md)."""


class WorkflowCodeError(Exception):
    """Workflow code did what no workflow can: end the program, or never give way. The message says which, where, and what to do."""


class Panic(Exception):
    """What Go's `panic` is: raise it in workflow code to fail the workflow task.

    `may_freeze`: a deferred call that blocks freezes the panic, and what it asked for is committed (SDK before 1.41.1).
    """

    may_freeze = False


def not_modelled(what: str) -> NoReturn:
    """Refuse a feature. Raises NotModelledError."""
    raise NotModelledError(f"{what} is not modelled by session-sim; see docs/LIMITS.md for what is and what to use instead")


def chain(error: BaseException | None) -> list[BaseException]:
    """The error and what it wraps, outermost first."""
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        error = error.__cause__
    return found


def is_canceled(error: BaseException) -> bool:
    """Whether the error is or wraps a CanceledError."""
    return canceled_in(error) is not None


def canceled_in(error: BaseException) -> CanceledError | None:
    """The CanceledError that the error is or wraps; None without one."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, CanceledError):
        found = found.__cause__
    return found


def is_timeout(error: BaseException, timeout_type: TimeoutType | None = None) -> bool:
    """Whether the error is or wraps a TimeoutError (of that type)."""
    return any(isinstance(e, TimeoutError) and timeout_type in (None, e.timeout_type) for e in chain(error))


def describe(error: BaseException | None) -> str:
    """The chain of types in Go's spelling, outermost first, as the recordings write it: "" for no error."""
    return " <- ".join(_describe_one(e) for e in chain(error)) if error is not None else ""


def _describe_one(error: BaseException) -> str:
    match error:
        case SessionFailedError():
            return "ErrSessionFailed"
        case TimeoutError(timeout_type=kind):
            return f"*internal.TimeoutError({kind.value})"
        case ApplicationError(type=name, message=message):
            return f"*internal.ApplicationError({name}: {message})"
        case WorkflowError():
            # A plain error of the SDK, such as that of a second session in one context, is made by errors.New.
            return "*errors.errorString" if type(error) is WorkflowError else f"*internal.{type(error).__name__}"
        case _:
            return f"*errors.errorString({error})"


def to_failure(error: BaseException | None) -> Failure | None:
    """The failure that a workflow's or activity's error becomes on the wire."""
    match error:
        case None:
            return None
        case ApplicationError():
            return ApplicationFailure(error.message, error.type, error.non_retryable, to_failure(error.__cause__))
        case PanicError():
            return PanicFailure(error.message)
        case TimeoutError():
            return TimeoutFailure(error.timeout_type, str(error), to_failure(error.__cause__), error.last_heartbeat_details)
        case CanceledError():
            return CanceledFailure("canceled", error.details)
        case ActivityError():
            return ActivityFailure(error.activity, error.activity_type, error.retry_state, to_failure(error.__cause__))
        case SessionFailedError():
            return ApplicationFailure("session has failed")
        case _:
            return ApplicationFailure(str(error), _go_type(error))


def _go_type(error: BaseException) -> str:
    return "" if isinstance(error, WorkflowError) else type(error).__name__


def to_error(failure: Failure | None) -> WorkflowError | None:
    """The error that a failure becomes in workflow code."""
    match failure:
        case None:
            return None
        case ApplicationFailure():
            return ApplicationError(failure.message, failure.type, failure.non_retryable, to_error(failure.cause))
        case PanicFailure():
            return PanicError(failure.message)
        case TimeoutFailure():
            return TimeoutError(failure.timeout_type, failure.message, to_error(failure.cause), failure.last_heartbeat_details)
        case CanceledFailure():
            return CanceledError(failure.details)
        case ActivityFailure():
            return ActivityError(failure.activity, failure.activity_type, failure.retry_state, to_error(failure.cause))
