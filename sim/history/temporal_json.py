"""A recorded history as Temporal's proto JSON, the form in which a server exports it.

Spelled after temporal.api.history.v1 and histories of a real server: what those leave out is left out here. Not
imitated are build ids (`workerVersion`, `prevAutoResetPoints`) and timer summaries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from sim.history.commands import RetryPolicy
from sim.history.events import (
    ActivityTaskCanceled,
    ActivityTaskCancelRequested,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskScheduled,
    ActivityTaskStarted,
    ActivityTaskTimedOut,
    MarkerRecorded,
    TimerCanceled,
    TimerFired,
    TimerStarted,
    WorkflowExecutionCanceled,
    WorkflowExecutionCancelRequested,
    WorkflowExecutionCompleted,
    WorkflowExecutionContinuedAsNew,
    WorkflowExecutionFailed,
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionTerminated,
    WorkflowExecutionTimedOut,
    WorkflowTaskCompleted,
    WorkflowTaskFailed,
    WorkflowTaskScheduled,
    WorkflowTaskStarted,
    WorkflowTaskTimedOut,
)
from sim.history.failures import (
    ActivityFailure,
    ApplicationFailure,
    CanceledFailure,
    Failure,
    PanicFailure,
    TimeoutFailure,
    TimeoutType,
)
from sim.history.headers import header_of
from sim.history.proto_json import (
    INLINE_REQUEST,
    NoJsonFormError,
    attributes_key,
    duration,
    in_capitals,
    payload,
    since_1970,
    timestamp,
)
from sim.history.recorder import Recorded, RecordedRun

Json: TypeAlias = dict[str, Any]
Maker: TypeAlias = Callable[["_Writer", Recorded, Any], Json]

# A server numbers its tasks over all workflows of a shard; any start and any rising order will do.
_FIRST_TASK_ID: Final = 1_048_576

# A server counts the bytes of the stored protobuf; in recorded histories the JSON is two to three times as long.
_JSON_BYTES_PER_HISTORY_BYTE: Final = 3

_UNHANDLED_COMMAND: Final = "UNHANDLED_COMMAND"

# The first version of the Go SDK whose signals have headers.
_SIGNAL_HEADERS_SINCE: Final = (1, 13)

# The first version of the Go SDK that tells what is to be metered (#1046).
_METERING_SINCE: Final = (1, 22)

# The first version of the Go SDK that calls the timers of Sleep so.
_SUMMARIES_SINCE: Final = (1, 29)

# Flags that histories of these SDK versions carry: on the first workflow task, and on the first that saw a signal.
_FIRST_TASK_FLAGS: Final = ((1, 30), [3])
_SIGNAL_FLAGS: Final = (((1, 48), [5, 8]), ((1, 36), [5]))


def to_json(run: RecordedRun, epoch: datetime | int, sdk_version: str = "1.48.0", workflow_id: str = "") -> Json:
    """Spell a run's history as Temporal's proto JSON.

    Args:
        run: from a `Recorder`, complete or as far as it has come; its names decide between uuids and plain names.
        epoch: the moment that the server's clock calls 0: a datetime with a time zone, or microseconds since 1970.
        sdk_version: of the Go SDK that the workflow workers use.
        workflow_id: by default the run's name up to its last slash.

    Raises:
        ValueError: the epoch has no time zone, or the SDK version is not like "1.48.0".
        NoJsonFormError: a value has no JSON form.
    """
    writer = _Writer(run, since_1970(epoch), _version(sdk_version), workflow_id or run.run.rpartition("/")[0] or run.run)
    return {"events": [writer.event(recorded) for recorded in run.events]}


def _version(text: str) -> tuple[str, tuple[int, int]]:
    found = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?", text)
    if found is None:
        raise ValueError(f"SDK version {text!r} cannot be read; expected one such as '1.48.0'")
    return text, (int(found[1]), int(found[2]))


def _set(**attributes: Any) -> Json:
    """The attributes that are set: neither None nor "" nor 0. An empty message is set."""
    return {key: value for key, value in attributes.items() if value is not None and value != "" and value != 0}


def _id(event_id: int) -> str | None:
    return str(event_id) if event_id else None


def _normal(queue: str) -> Json:
    return {"name": queue, "kind": "TASK_QUEUE_KIND_NORMAL"}


def _retry_policy(policy: RetryPolicy | None) -> Json:
    policy = (policy or RetryPolicy()).with_defaults()
    whole, rest = divmod(policy.backoff_coefficient_milli, 1000)
    return _set(
        initialInterval=duration(policy.initial_interval),
        backoffCoefficient=policy.backoff_coefficient_milli / 1000 if rest else whole,
        maximumInterval=duration(policy.maximum_interval),
        maximumAttempts=policy.maximum_attempts,
        nonRetryableErrorTypes=list(policy.non_retryable_error_types) or None,
    )


class _Writer:
    """Spells the events of one run, first to last."""

    def __init__(self, run: RecordedRun, since_1970: int, sdk_version: tuple[str, tuple[int, int]], workflow_id: str) -> None:
        self.run = run
        self.names = run.names
        self.workflow_id = workflow_id
        self._since_1970 = since_1970
        self._sdk_version, self._sdk = sdk_version
        self._bytes = 0
        self._last_worker: str | None = None
        self._signaled = False
        self._signal_flags_written = False

    def event(self, recorded: Recorded) -> Json:
        """One event with all its attributes."""
        name = type(recorded.event).__name__
        spelled: Json = {
            "eventId": str(recorded.event_id),
            "eventTime": timestamp(self._since_1970 + recorded.time),
            "eventType": f"EVENT_TYPE_{in_capitals(name)}",
            "taskId": str(_FIRST_TASK_ID + recorded.event_id),
            attributes_key(name): self._attributes(recorded, name),
        }
        if isinstance(recorded.event, TimerStarted) and recorded.event.summary and self._sdk >= _SUMMARIES_SINCE:
            spelled["userMetadata"] = {"summary": self.payload(recorded.event.summary)}
        try:
            self._bytes += len(msgspec.json.encode(spelled))
        except UnicodeEncodeError as error:
            raise NoJsonFormError(f"event {recorded.event_id} ({name}) has the text {error.object!r:.60}, which is no UTF-8") from None
        return spelled

    def _attributes(self, recorded: Recorded, name: str) -> Json:
        try:
            return _MAKERS[type(recorded.event)](self, recorded, recorded.event)
        except NoJsonFormError as error:
            raise NoJsonFormError(f"event {recorded.event_id} ({name}) has {error}") from None

    def payloads(self, value: object) -> Json | None:
        """One payload, or None when there is no value."""
        return None if value is None else {"payloads": [self.payload(value)]}

    def payload(self, value: object) -> Json:
        """A value with the names that this history uses."""
        return payload(self.names, value)

    def failure(self, failure: Failure | None) -> Json | None:
        """A failure with the chain of its causes; None for none."""
        if failure is None:
            return None
        spelled = _set(message=failure.message, source=failure.source, cause=self.failure(failure.cause))
        match failure:
            case ApplicationFailure() | PanicFailure():
                spelled["applicationFailureInfo"] = _set(type=failure.type, nonRetryable=failure.non_retryable or None)
            case TimeoutFailure(timeout_type=kind, last_heartbeat_details=details):
                spelled["timeoutFailureInfo"] = _set(timeoutType=f"TIMEOUT_TYPE_{kind.name}", lastHeartbeatDetails=self.payloads(details))
            case CanceledFailure(details=details):
                spelled["canceledFailureInfo"] = _set(details=self.payloads(details))
            case ActivityFailure():
                spelled["activityFailureInfo"] = self._activity_failure_info(failure)
        return spelled

    def _activity_failure_info(self, failure: ActivityFailure) -> Json:
        ids = self.run.activities.get(failure.activity)
        return _set(
            scheduledEventId=_id(ids.scheduled) if ids else None,
            startedEventId=_id(ids.started) if ids else None,
            identity=ids.identity if ids else None,
            activityType={"name": failure.activity_type},
            activityId=ids.activity_id if ids else None,
            retryState=failure.retry_state.value if failure.retry_state else None,
        )

    # -- the execution ----------------------------------------------------------------------------------------------

    def execution_started(self, recorded: Recorded, event: WorkflowExecutionStarted) -> Json:
        """A first run names its client, a continued one the run before it."""
        run_id = self.names.run(self.run.run)
        continued = bool(event.continued_from)
        backoff = event.first_task_backoff
        return _set(
            workflowType={"name": event.workflow_type},
            taskQueue=_normal(self.names.queue(event.task_queue)),
            input=self.payloads(event.input),
            workflowExecutionTimeout=duration(event.execution_timeout) if event.execution_timeout else None,
            workflowRunTimeout=duration(event.run_timeout) if event.run_timeout or continued else None,
            workflowTaskTimeout=duration(event.task_timeout),
            continuedExecutionRunId=self.names.run(event.continued_from),
            initiator="CONTINUE_AS_NEW_INITIATOR_WORKFLOW" if continued else None,
            originalExecutionRunId=run_id,
            identity=None if continued else event.identity,
            firstExecutionRunId=self.names.run(event.first_run) or run_id,
            attempt=1,
            firstWorkflowTaskBackoff=duration(backoff) if backoff or not continued else None,
            header={} if continued else None,
            workflowId=self.workflow_id,
            priority={},
        )

    def signaled(self, recorded: Recorded, event: WorkflowExecutionSignaled) -> Json:
        self._signaled = True
        return _set(
            signalName=self.names.session(event.name),
            input=self.payloads(event.payload),
            identity=event.identity,
            header=None if event.identity.endswith("@") and self._sdk < _SIGNAL_HEADERS_SINCE else {},
            requestId=self.names.request(self.run.run, recorded.event_id),
        )

    def cancel_requested(self, recorded: Recorded, event: WorkflowExecutionCancelRequested) -> Json:
        return _set(cause=event.reason, identity=event.identity)

    def completed(self, recorded: Recorded, event: WorkflowExecutionCompleted) -> Json:
        return _set(result=self.payloads(event.result), workflowTaskCompletedEventId=_id(recorded.links.completed))

    def failed(self, recorded: Recorded, event: WorkflowExecutionFailed) -> Json:
        return _set(
            failure=self.failure(event.failure),
            retryState=event.retry_state.value,
            workflowTaskCompletedEventId=_id(recorded.links.completed),
        )

    def canceled(self, recorded: Recorded, event: WorkflowExecutionCanceled) -> Json:
        return _set(workflowTaskCompletedEventId=_id(recorded.links.completed), details=self.payloads(event.details))

    def terminated(self, recorded: Recorded, event: WorkflowExecutionTerminated) -> Json:
        return _set(reason=event.reason, details=self.payloads(event.details), identity=event.identity)

    def timed_out(self, recorded: Recorded, event: WorkflowExecutionTimedOut) -> Json:
        return _set(retryState=event.retry_state.value)

    def continued_as_new(self, recorded: Recorded, event: WorkflowExecutionContinuedAsNew) -> Json:
        """The next run inherits the timeouts of this one."""
        first = self.run.events[0].event
        started = first if isinstance(first, WorkflowExecutionStarted) else None
        return _set(
            newExecutionRunId=self.names.run(event.new_run),
            workflowType={"name": event.workflow_type},
            taskQueue=_normal(self.names.queue(event.task_queue)),
            input=self.payloads(event.input),
            workflowRunTimeout=duration(started.run_timeout) if started else None,
            workflowTaskTimeout=duration(started.task_timeout) if started else None,
            workflowTaskCompletedEventId=_id(recorded.links.completed),
            header={},
            inheritBuildId=True,
        )

    # -- workflow tasks ---------------------------------------------------------------------------------------------

    def task_scheduled(self, recorded: Recorded, event: WorkflowTaskScheduled) -> Json:
        queue = _normal(self.names.queue(event.task_queue))
        if event.sticky:
            queue = {"name": self.names.sticky(event.task_queue), "kind": "TASK_QUEUE_KIND_STICKY", "normalName": event.normal_name}
        return _set(taskQueue=queue, startToCloseTimeout=duration(event.start_to_close), attempt=event.attempt)

    def task_started(self, recorded: Recorded, event: WorkflowTaskStarted) -> Json:
        return _set(
            scheduledEventId=_id(recorded.links.scheduled),
            identity=event.identity,
            requestId=INLINE_REQUEST if event.inline else self.names.request(self.run.run, recorded.event_id),
            historySizeBytes=str(self._bytes // _JSON_BYTES_PER_HISTORY_BYTE),
        )

    def task_completed(self, recorded: Recorded, event: WorkflowTaskCompleted) -> Json:
        return _set(
            scheduledEventId=_id(recorded.links.scheduled),
            startedEventId=_id(recorded.links.started),
            identity=event.identity,
            sdkMetadata=self._sdk_metadata(event.identity),
            meteringMetadata={} if self._sdk >= _METERING_SINCE else None,
        )

    def _sdk_metadata(self, worker: str) -> Json | None:
        """Old SDKs send none; newer ones introduce themselves once per worker, and each flag once per run."""
        since, first_flags = _FIRST_TASK_FLAGS
        if self._sdk < since:
            return None
        flags = first_flags if self._last_worker is None else []
        if self._signaled and not self._signal_flags_written:
            self._signal_flags_written = True
            flags = flags + next((new for version, new in _SIGNAL_FLAGS if self._sdk >= version), [])
        known, self._last_worker = worker == self._last_worker, worker
        return _set(
            langUsedFlags=flags or None,
            sdkName=None if known else "temporal-go",
            sdkVersion=None if known else self._sdk_version,
        )

    @staticmethod
    def _refusal(recorded: Recorded, event: WorkflowTaskFailed) -> str:
        """The server's message; a refused activity has the id that the SDK predicted for it."""
        if not event.refused:
            return event.message
        return f"{event.message} ActivityId={recorded.links.started + 2 + event.position} ActivityType={event.refused}"

    def task_failed(self, recorded: Recorded, event: WorkflowTaskFailed) -> Json:
        message = self._refusal(recorded, event) or ("UnhandledCommand" if event.cause == _UNHANDLED_COMMAND else "")
        return _set(
            scheduledEventId=_id(recorded.links.scheduled),
            startedEventId=_id(recorded.links.started),
            cause=f"WORKFLOW_TASK_FAILED_CAUSE_{event.cause}",
            failure=_task_failure(event.cause, message),
            identity=event.identity,
        )

    def task_timed_out(self, recorded: Recorded, event: WorkflowTaskTimedOut) -> Json:
        return _set(
            scheduledEventId=_id(recorded.links.scheduled),
            startedEventId=_id(recorded.links.started),
            timeoutType=f"TIMEOUT_TYPE_{TimeoutType[event.timeout_type].name}",
        )

    # -- activities, timers, markers --------------------------------------------------------------------------------

    def activity_scheduled(self, recorded: Recorded, event: ActivityTaskScheduled) -> Json:
        command, fields = event.command, header_of(event.command)
        return _set(
            activityId=str(recorded.event_id),
            activityType={"name": command.activity_type},
            taskQueue=_normal(self.names.queue(command.task_queue)),
            header={"fields": {name: self.payload(value) for name, value in fields.items()}} if fields else {},
            input=self.payloads(command.input),
            scheduleToCloseTimeout=duration(command.schedule_to_close),
            scheduleToStartTimeout=duration(command.schedule_to_start),
            startToCloseTimeout=duration(command.start_to_close),
            heartbeatTimeout=duration(command.heartbeat),
            workflowTaskCompletedEventId=_id(recorded.links.completed),
            retryPolicy=_retry_policy(command.retry_policy),
        )

    def activity_started(self, recorded: Recorded, event: ActivityTaskStarted) -> Json:
        return _set(
            scheduledEventId=_id(recorded.links.scheduled),
            identity=event.identity,
            requestId=self.names.request(self.run.run, recorded.event_id),
            attempt=event.attempt,
            lastFailure=self.failure(event.last_failure),
        )

    def activity_completed(self, recorded: Recorded, event: ActivityTaskCompleted) -> Json:
        return _set(result=self.payloads(event.result), **_of_activity(recorded), identity=event.identity)

    def activity_failed(self, recorded: Recorded, event: ActivityTaskFailed) -> Json:
        retry_state = event.retry_state.value
        return _set(failure=self.failure(event.failure), **_of_activity(recorded), identity=event.identity, retryState=retry_state)

    def activity_timed_out(self, recorded: Recorded, event: ActivityTaskTimedOut) -> Json:
        return _set(failure=self.failure(event.failure), **_of_activity(recorded), retryState=event.retry_state.value)

    def activity_canceled(self, recorded: Recorded, event: ActivityTaskCanceled) -> Json:
        cancel_requested = _id(recorded.links.cancel_requested)
        return _set(
            details=self.payloads(event.details),
            latestCancelRequestedEventId=cancel_requested,
            **_of_activity(recorded),
            identity=event.identity,
        )

    def activity_cancel_requested(self, recorded: Recorded, event: ActivityTaskCancelRequested) -> Json:
        return _set(**_of_activity(recorded), workflowTaskCompletedEventId=_id(recorded.links.completed))

    def timer_started(self, recorded: Recorded, event: TimerStarted) -> Json:
        return _set(
            timerId=str(recorded.event_id),
            startToFireTimeout=duration(event.duration),
            workflowTaskCompletedEventId=_id(recorded.links.completed),
        )

    def timer_fired(self, recorded: Recorded, event: TimerFired) -> Json:
        return _set(timerId=_id(recorded.links.started), startedEventId=_id(recorded.links.started))

    def timer_canceled(self, recorded: Recorded, event: TimerCanceled) -> Json:
        return _set(
            timerId=_id(recorded.links.started),
            startedEventId=_id(recorded.links.started),
            workflowTaskCompletedEventId=_id(recorded.links.completed),
            identity=event.identity,
        )

    def marker_recorded(self, recorded: Recorded, event: MarkerRecorded) -> Json:
        details = _set(**{"data": self.payloads(event.value), "side-effect-id": self.payloads(event.ordinal)})
        return _set(markerName=event.name, details=details, workflowTaskCompletedEventId=_id(recorded.links.completed))


def _of_activity(recorded: Recorded) -> Json:
    return _set(scheduledEventId=_id(recorded.links.scheduled), startedEventId=_id(recorded.links.started))


def _task_failure(cause: str, message: str) -> Json | None:
    """The worker reports what its code did as an application failure; refusals are the server's own."""
    if not message:
        return None
    if cause in ("WORKFLOW_WORKER_UNHANDLED_FAILURE", "NON_DETERMINISTIC_ERROR"):
        return {"message": message, "source": "GoSDK", "applicationFailureInfo": {"type": "PanicError", "nonRetryable": True}}
    return {"message": message, "serverFailureInfo": {}}


_MAKERS: Final[dict[type, Maker]] = {
    WorkflowExecutionStarted: _Writer.execution_started,
    WorkflowExecutionSignaled: _Writer.signaled,
    WorkflowExecutionCancelRequested: _Writer.cancel_requested,
    WorkflowExecutionCompleted: _Writer.completed,
    WorkflowExecutionFailed: _Writer.failed,
    WorkflowExecutionCanceled: _Writer.canceled,
    WorkflowExecutionTerminated: _Writer.terminated,
    WorkflowExecutionTimedOut: _Writer.timed_out,
    WorkflowExecutionContinuedAsNew: _Writer.continued_as_new,
    WorkflowTaskScheduled: _Writer.task_scheduled,
    WorkflowTaskStarted: _Writer.task_started,
    WorkflowTaskCompleted: _Writer.task_completed,
    WorkflowTaskFailed: _Writer.task_failed,
    WorkflowTaskTimedOut: _Writer.task_timed_out,
    ActivityTaskScheduled: _Writer.activity_scheduled,
    ActivityTaskStarted: _Writer.activity_started,
    ActivityTaskCompleted: _Writer.activity_completed,
    ActivityTaskFailed: _Writer.activity_failed,
    ActivityTaskTimedOut: _Writer.activity_timed_out,
    ActivityTaskCanceled: _Writer.activity_canceled,
    ActivityTaskCancelRequested: _Writer.activity_cancel_requested,
    TimerStarted: _Writer.timer_started,
    TimerFired: _Writer.timer_fired,
    TimerCanceled: _Writer.timer_canceled,
    MarkerRecorded: _Writer.marker_recorded,
}
