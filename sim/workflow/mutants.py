"""Planted bugs: what the session framework and the worker do wrong on purpose, to show that a property notices.

Switched on by `WorkerOptions.mutants`; workflow code of the framework finds them in `Info.mutants`. Nothing is done
differently without one. Those of the first group change workflow code, those of the second what workers do,
those of the third host sessions (docs/design/host-sessions.md).
"""

from __future__ import annotations

from enum import Enum


class Mutant(Enum):
    """One bug each, named by what is wrong."""

    WATCHER_IGNORES_FAILURES = "the watcher ignores how the creation activity ends"
    ACTIVITY_ERROR_FAILS_SESSION = "an activity's own error fails its session"
    FAILED_SESSION_LOOKS_CANCELED = "activities of a failed session get CanceledError instead of ErrSessionFailed"
    SESSION_ACTIVITIES_ON_BASE_QUEUE = "activities of a session are scheduled on the base queue"
    RECREATE_ON_CREATION_QUEUE = "RecreateSession goes to the creation queue"
    COMPLETE_KEEPS_CONTEXT = "CompleteSession does not cancel the session's context"
    COMPLETES_FAILED_SESSIONS = "CompleteSession completes failed sessions too"
    COMPLETING_TWICE_FAILS_SESSION = "CompleteSession of a closed session makes it Failed"
    OPEN_SESSION_NOT_REFUSED = "CreateSession does not look for an open session"
    CREATION_IGNORES_OPTIONS = "CreateSession ignores the queue of the activity options"
    CREATION_TIMEOUT_NOT_SENT = "the creation activity has no ScheduleToStart timeout"
    CREATION_FAILURE_NOT_AWAITED = "CreateSession waits for the signal only"
    EXECUTION_TIMEOUT_NOT_SENT = "the creation activity's StartToClose timeout is a year"

    TOKEN_KEPT_ON_HEARTBEAT_ABORT = "an aborted heartbeat does not give the token back"
    RECREATE_TAKES_NO_TOKEN = "a recreated session takes no token"
    TOKEN_RETURNED_AFTER_SIGNAL = "the token goes back as soon as the signal is sent"
    ATTEMPT_FAILS_AFTER_SIGNAL = "the first attempt of the creation activity fails right after its signal"
    SESSION_HEARTBEATS_NOT_SENT = "the creation activity sends no heartbeats"
    CREATION_ACTIVITY_DEAF = "the creation activity notices neither completion nor what heartbeats answer"
    ACTIVITY_HEARTBEATS_DEAF = "activities ignore what their heartbeats answer"
    CREATION_POLLED_ONCE = "the creation poller stops after its first task"
    RESOURCE_QUEUE_NOT_POLLED = "the resource-specific queue is not polled"
    STOP_CANCELS_AT_ONCE = "a graceful stop cancels all activities at once"

    FENCE_NOT_CHECKED = "what activities write to takes writes of any epoch"
    EPOCH_COMPARED_WRONGLY = "what activities write to compares an epoch only with those that the same process has written at"
    EPOCH_NOT_RENEWED = "a session that is taken up keeps the epoch that it had"
    TOKEN_KEPT_ON_REATTACH = "a worker that takes up a session which it holds keeps the slot of the epoch before"
    HOST_QUEUE_NOT_POLLED = "the queue of the host is not polled"


Mutants = tuple[Mutant, ...]
"""Which bugs are planted: a tuple, since it is part of what a run is given and has to be the same bytes every time."""
