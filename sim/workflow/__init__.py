"""What users write workflows with: Go's `workflow` package in Python's spelling, with explicit contexts.

from sim import workflow

@workflow.workflow
async def file_processing(ctx, file_id):
    ctx = workflow.with_activity_options(ctx, workflow.ActivityOptions(start_to_close_timeout=workflow.minutes(1)))
    options = workflow.SessionOptions(creation_timeout=workflow.minutes(1), execution_timeout=workflow.minutes(1))
    session_ctx = await workflow.create_session(ctx, options)
    try:
        info = await workflow.execute_activity(session_ctx, "download", file_id).get(session_ctx)
        ...
    finally:
        await workflow.complete_session(session_ctx)
"""

from sim.history.commands import RetryPolicy
from sim.history.failures import RetryState, TimeoutType
from sim.workflow.activities import ActivityOptions, activity_options, with_activity_options
from sim.workflow.api import (
    execute_child_workflow,
    execute_local_activity,
    get_info,
    get_signal_channel,
    get_version,
    go,
    is_replaying,
    new_nexus_client,
    new_timer,
    now,
    panic,
    set_query_handler,
    set_update_handler,
    side_effect,
    sleep,
)
from sim.workflow.context import CancelFunc, Context, new_disconnected_context, with_cancel, with_value
from sim.workflow.definition import Definition, workflow
from sim.workflow.environment import Info
from sim.workflow.errors import (
    ActivityError,
    ApplicationError,
    CanceledError,
    ContinueAsNewError,
    NonDeterminismError,
    NotModelledError,
    Panic,
    PanicError,
    SessionFailedError,
    TimeoutError,
    WorkflowError,
    describe,
    is_canceled,
    is_timeout,
)
from sim.workflow.framework import complete_session, create_session, execute_activity, recreate_session
from sim.workflow.futures import Channel, Future, Selector, WaitGroup
from sim.workflow.session_info import SessionInfo, SessionState
from sim.workflow.sessions import SessionOptions, get_session_info

ErrSessionFailed = SessionFailedError
"""Go's name for it."""


def milliseconds(n: float) -> int:
    """`n` milliseconds in microseconds."""
    return round(n * 1_000)


def seconds(n: float) -> int:
    """`n` seconds in microseconds."""
    return round(n * 1_000_000)


def minutes(n: float) -> int:
    """`n` minutes in microseconds."""
    return round(n * 60_000_000)


def hours(n: float) -> int:
    """`n` hours in microseconds."""
    return round(n * 3_600_000_000)


__all__ = [
    "ActivityError", "ActivityOptions", "ApplicationError", "CancelFunc", "CanceledError", "Channel", "Context",
    "ContinueAsNewError", "Definition", "ErrSessionFailed", "Future", "Info", "NonDeterminismError", "NotModelledError",
    "Panic", "PanicError", "RetryPolicy", "RetryState", "Selector", "SessionFailedError", "SessionInfo", "SessionOptions",
    "SessionState", "TimeoutError", "TimeoutType", "WaitGroup", "WorkflowError", "activity_options", "complete_session",
    "create_session", "describe", "execute_activity", "execute_child_workflow", "execute_local_activity", "get_info",
    "get_session_info", "get_signal_channel", "get_version", "go", "hours", "is_canceled", "is_replaying", "is_timeout",
    "milliseconds", "minutes", "new_disconnected_context", "new_nexus_client", "new_timer", "now", "panic",
    "recreate_session", "seconds", "set_query_handler", "set_update_handler", "side_effect", "sleep",
    "with_activity_options", "with_cancel", "with_value", "workflow",
]  # fmt: skip
