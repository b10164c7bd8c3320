"""Events as a run writes them: typed, by ordinals and names instead of event ids and uuids.

The recorder numbers them and gives them ids; `json` spells them as Temporal's proto JSON. Spelled after
temporal.api.history.v1.
"""

from __future__ import annotations

from msgspec import Struct

from sim.history.commands import ScheduleActivity
from sim.history.failures import Failure, RetryState


class WorkflowExecutionStarted(Struct, frozen=True):
    workflow_type: str
    task_queue: str
    input: object
    execution_timeout: int
    run_timeout: int
    task_timeout: int
    identity: str
    continued_from: str = ""
    first_run: str = ""
    first_task_backoff: int = 0


class WorkflowTaskScheduled(Struct, frozen=True):
    task_queue: str
    sticky: bool
    normal_name: str
    start_to_close: int
    attempt: int


class WorkflowTaskStarted(Struct, frozen=True):
    """`inline`: it came with the answer to the completion of the task before."""

    identity: str
    inline: bool = False


class WorkflowTaskCompleted(Struct, frozen=True):
    identity: str


class WorkflowTaskFailed(Struct, frozen=True):
    """`cause` as in enums.v1.WorkflowTaskFailedCause, without the prefix.

    `refused`: the activity type of the command that was refused; `position`: its place among the task's commands, from 0.
    """

    cause: str
    identity: str
    message: str = ""
    refused: str = ""
    position: int = 0


class WorkflowTaskTimedOut(Struct, frozen=True):
    """`timeout_type` as in enums.v1.TimeoutType, without the prefix: START_TO_CLOSE or SCHEDULE_TO_START."""

    timeout_type: str


class MarkerRecorded(Struct, frozen=True):
    ordinal: int
    value: object
    name: str = "SideEffect"


class ActivityTaskScheduled(Struct, frozen=True):
    """`command` after the server normalised it: every timeout and the retry policy are filled."""

    command: ScheduleActivity


class ActivityTaskStarted(Struct, frozen=True):
    ordinal: int
    attempt: int
    identity: str
    last_failure: Failure | None


class ActivityTaskCompleted(Struct, frozen=True):
    ordinal: int
    result: object
    identity: str


class ActivityTaskFailed(Struct, frozen=True):
    ordinal: int
    failure: Failure
    identity: str
    retry_state: RetryState


class ActivityTaskTimedOut(Struct, frozen=True):
    ordinal: int
    failure: Failure
    retry_state: RetryState
    started: bool


class ActivityTaskCancelRequested(Struct, frozen=True):
    ordinal: int


class ActivityTaskCanceled(Struct, frozen=True):
    ordinal: int
    details: object
    identity: str
    started: bool


class TimerStarted(Struct, frozen=True):
    ordinal: int
    duration: int
    summary: str = ""


class TimerFired(Struct, frozen=True):
    ordinal: int


class TimerCanceled(Struct, frozen=True):
    ordinal: int
    identity: str


class WorkflowExecutionSignaled(Struct, frozen=True):
    name: str
    payload: object
    identity: str


class WorkflowExecutionCancelRequested(Struct, frozen=True):
    identity: str
    reason: str = ""


class WorkflowExecutionCompleted(Struct, frozen=True):
    result: object


class WorkflowExecutionFailed(Struct, frozen=True):
    failure: Failure
    retry_state: RetryState = RetryState.RETRY_POLICY_NOT_SET


class WorkflowExecutionCanceled(Struct, frozen=True):
    details: object = None


class WorkflowExecutionTerminated(Struct, frozen=True):
    reason: str
    identity: str
    details: object = None


class WorkflowExecutionTimedOut(Struct, frozen=True):
    retry_state: RetryState = RetryState.RETRY_POLICY_NOT_SET


class WorkflowExecutionContinuedAsNew(Struct, frozen=True):
    new_run: str
    workflow_type: str
    task_queue: str
    input: object


Event = (
    WorkflowExecutionStarted
    | WorkflowTaskScheduled
    | WorkflowTaskStarted
    | WorkflowTaskCompleted
    | WorkflowTaskFailed
    | WorkflowTaskTimedOut
    | MarkerRecorded
    | ActivityTaskScheduled
    | ActivityTaskStarted
    | ActivityTaskCompleted
    | ActivityTaskFailed
    | ActivityTaskTimedOut
    | ActivityTaskCancelRequested
    | ActivityTaskCanceled
    | TimerStarted
    | TimerFired
    | TimerCanceled
    | WorkflowExecutionSignaled
    | WorkflowExecutionCancelRequested
    | WorkflowExecutionCompleted
    | WorkflowExecutionFailed
    | WorkflowExecutionCanceled
    | WorkflowExecutionTerminated
    | WorkflowExecutionTimedOut
    | WorkflowExecutionContinuedAsNew
)


class OtherEvent(Struct, frozen=True):
    """An event of a kind that no run of ours writes (child workflows, updates, Nexus, ...): read in recorded histories.

    `kind` as the others' class names are spelled, such as ChildWorkflowExecutionStarted; `attributes` as they were read.
    """

    kind: str
    attributes: dict[str, object]


class Written(Struct, frozen=True):
    """An event with its time, microseconds of the server's clock."""

    time: int
    event: Event


class Wrote(Struct, frozen=True):
    """Observation: a run's history grew by these, in this order."""

    run: str
    events: tuple[Written, ...]
