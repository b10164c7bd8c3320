"""What travels between clients, workers, matching and history. Lengths of time in integer microseconds.

A run is named by its node (`server/run/<workflow>/<number>`), an activity by its ordinal in the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from sim.history.commands import Command, ScheduleActivity
from sim.history.failures import Failure
from sim.history.visible import Visible
from sim.model.inputs import Name

# -- answers that are errors ---------------------------------------------------------------------------------------


class Code(Enum):
    """gRPC codes that this protocol tells apart."""

    NOT_FOUND = "NotFound"
    INVALID_ARGUMENT = "InvalidArgument"
    RESOURCE_EXHAUSTED = "ResourceExhausted"
    UNAVAILABLE = "Unavailable"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    PERMISSION_DENIED = "PermissionDenied"
    CANCELED = "Canceled"


class Refused(Struct, frozen=True):
    """The server's answer is an error."""

    code: Code
    message: str = ""


class Ok(Struct, frozen=True):
    """The server did it."""


# -- clients ---------------------------------------------------------------------------------------------------------


class StartWorkflow(Struct, frozen=True):
    """StartWorkflowExecution. Timeouts of 0 mean none (task timeout: 10 s)."""

    workflow_id: str
    workflow_type: str
    task_queue: str
    input: object = None
    execution_timeout: int = 0
    run_timeout: int = 0
    task_timeout: int = 0
    identity: str = "client"


class RequestCancelWorkflow(Struct, frozen=True):
    workflow_id: str
    identity: str = "client"
    reason: str = ""


class TerminateWorkflow(Struct, frozen=True):
    workflow_id: str
    reason: str = ""
    identity: str = "client"
    details: object = None


class SignalWorkflow(Struct, frozen=True):
    """SignalWorkflowExecution by workflow id, from a client."""

    workflow_id: str
    name: str
    payload: object
    identity: str = "client"


class PauseActivity(Struct, frozen=True):
    """An operator pauses (or, with `paused` False, unpauses) the open activities of this type of a workflow."""

    workflow_id: str
    activity_type: str
    paused: bool = True


class Began(Struct, frozen=True):
    """A run begins: to the new run, once."""


class RunClosed(Struct, frozen=True):
    """A run closed: to its shard. `next_run`: the run that continues it."""

    workflow_id: str
    next_run: Name = ""


# -- history to matching ---------------------------------------------------------------------------------------------


class WorkflowTaskItem(Struct, frozen=True):
    """A workflow task in a queue. `serial` tells the run's workflow tasks apart."""

    run: Name
    serial: int


class ActivityTaskItem(Struct, frozen=True):
    """An activity task in a queue. `time_to_live`: its ScheduleToStart, 0 for none."""

    run: Name
    ordinal: int
    attempt: int
    time_to_live: int


Item = WorkflowTaskItem | ActivityTaskItem


class Transfer(Struct, frozen=True):
    """A transfer task: written by a run's transaction, handed to matching when the shard's queue is read."""

    queue: Name
    item: Item
    otherwise: Name = ""
    """The normal queue, when `queue` is a sticky one that may refuse."""


class AddTask(Struct, frozen=True):
    """History offers a task to a queue."""

    item: Item


class StickyUnavailable(Struct, frozen=True):
    """The answer of a sticky queue without a worker: use the normal one."""


class TimerQueueLoaded(Struct, frozen=True):
    """A timer of a run fired, so its shard loaded the timer queue."""


# -- matching to history ---------------------------------------------------------------------------------------------


class RecordTaskStarted(Struct, frozen=True):
    """Matching gives a task to a poll and asks history to record the start. `request`: unique per delivery attempt."""

    item: Item
    identity: str
    request: str


# -- polls -----------------------------------------------------------------------------------------------------------


class Poll(Struct, frozen=True):
    """PollWorkflowTaskQueue or PollActivityTaskQueue."""

    identity: str


class NoTask(Struct, frozen=True):
    """A poll ended without a task."""


class GetWorkflowExecutionHistory(Struct, frozen=True):
    """A worker needs the whole history of a run, to do the task with this serial."""

    serial: int


class WorkflowTask(Struct, frozen=True):
    """What a poll for workflow tasks, or the completion of one, brings back: the log up to this task.

    `log` is the run's own list: only its first `upto` entries belong to the task.
    """

    run: Name
    workflow_id: str
    workflow_type: str
    task_queue: str
    input: object
    serial: int
    attempt: int
    log: Sequence[Visible]
    upto: int
    tasks_before: int
    now: int
    backlog: bool = False
    partial: bool = False
    """It has only the events since the task before, for it came from a sticky queue. Noted by the worker, if that matters to it."""
    overtaken: bool = False
    """A later task of the run was worked on before. Noted by the worker."""


class ActivityTask(Struct, frozen=True):
    """What a poll for activity tasks brings back. `expires`: the server's timestamp of ScheduleToClose, 0 for none."""

    run: Name
    workflow_id: str
    ordinal: int
    attempt: int
    activity: ScheduleActivity
    expires: int


class GetSystemInfo(Struct, frozen=True):
    """A client asks the server what it can, before its first call (P2.2d)."""


class ShutdownWorker(Struct, frozen=True):
    """A worker that stops says so to one of its queues."""


# -- workers to history ----------------------------------------------------------------------------------------------


class RespondWorkflowTaskCompleted(Struct, frozen=True):
    serial: int
    commands: tuple[Command, ...]
    identity: str
    sticky_queue: Name
    sticky_name: str


class WorkflowTaskAccepted(Struct, frozen=True):
    """The commands are committed. `task`: the next workflow task, when there was something new already."""

    task: WorkflowTask | None = None


class RespondWorkflowTaskFailed(Struct, frozen=True):
    serial: int
    cause: str
    message: str
    identity: str


class SignalWorkflowExecution(Struct, frozen=True):
    """To one run. Deliveries with a request id that the run has seen have no effect."""

    name: str
    payload: object
    request: str
    identity: str


class RecordActivityTaskHeartbeat(Struct, frozen=True):
    ordinal: int
    attempt: int
    details: object = None


class HeartbeatAnswer(Struct, frozen=True):
    cancel_requested: bool = False
    paused: bool = False


class RespondActivityTaskCompleted(Struct, frozen=True):
    ordinal: int
    attempt: int
    result: object
    identity: str


class RespondActivityTaskFailed(Struct, frozen=True):
    ordinal: int
    attempt: int
    failure: Failure
    identity: str


class RespondActivityTaskCanceled(Struct, frozen=True):
    ordinal: int
    attempt: int
    details: object
    identity: str


# -- workers to what activities write to -----------------------------------------------------------------------------


class Write(Struct, frozen=True):
    """An activity of a host session writes. `epoch`: at which its worker holds the session, the fencing token."""

    run: Name
    session: str
    epoch: int
    identity: str
