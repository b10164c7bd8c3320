"""Reads histories in Temporal's proto JSON, as its CLI and web UI export them, into our events.

What our events do not know stays in the mapping that each `ReadEvent` carries, so `History.to_json` gives back what was
read. How values are spelled: `sim.history.proto_json`; how fields are: `sim.history.json_names`; how files are opened: `sim.history.files`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from sim.history import events as ev
from sim.history import headers
from sim.history.commands import RetryPolicy, ScheduleActivity
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
from sim.history.json_names import in_json_names
from sim.history.proto_json import (
    INLINE_REQUEST,
    Json,
    attributes_key,
    enum_value,
    event_kind,
    parse_duration,
    parse_time,
    payload_values,
    short,
)
from sim.history.recorder import Links


class HistoryError(Exception):
    """What was given is no history, or a damaged one. The message names the file, the place, and what was expected."""

    def __init__(self, source: str, where: str, message: str) -> None:
        super().__init__(f"{source}: {where}: {message}" if where else f"{source}: {message}")
        self.source = source
        self.where = where
        self.message = message

    def __reduce__(self) -> tuple[type[HistoryError], tuple[str, str, str]]:
        return (HistoryError, (self.source, self.where, self.message))


class ReadEvent(Struct, frozen=True):
    """An event that was read. `time`: microseconds since 1970 by the server's clock; `raw`: the mapping it was read from.

    Activities, timers and side effects have ordinals as in recorded runs; `links` are the event ids it refers to.
    """

    event_id: int
    time: int
    event: ev.Event | ev.OtherEvent
    links: Links
    raw: Json


class History(Struct, frozen=True):
    """The history of one run. `source`: where it was read; ids are "" when the history does not tell them."""

    source: str
    workflow_id: str
    run_id: str
    events: tuple[ReadEvent, ...]
    raw: Json

    def to_json(self) -> dict[str, Any]:
        """The history in proto JSON again, with everything that was read."""
        return {**self.raw, "events": [event.raw for event in self.events]}


def read_history(content: object, source: str = "history") -> History:
    """Read one history from decoded JSON: `{"events": [...]}`.

    Args:
        content: the decoded JSON.
        source: what messages call it, such as the file's name.

    Raises:
        HistoryError: it is no history, or one that lacks something.
    """
    if not isinstance(content, dict):
        raise HistoryError(source, "", f"is {short(content)}; expected a history: an object with a list of `events`")
    listed = content.get("events")
    if not isinstance(listed, list):
        said = "is missing" if listed is None else f"is {short(listed)}"
        raise HistoryError(source, "events", f"{said}; expected the list of a history's events, as Temporal exports it")
    if listed and isinstance(listed[0], dict) and "event_id" in listed[0]:
        content = in_json_names(content)
        listed = content["events"]
    if not listed:
        raise HistoryError(source, "events", "is empty; expected at least the event WorkflowExecutionStarted")
    reader = _Reader(source)
    read = tuple([reader.event(raw, index) for index, raw in enumerate(listed)])
    first = reader.attributes_of(listed[0], "WorkflowExecutionStarted")
    run_id = reader.reset_run_id or str(first.get("originalExecutionRunId", ""))
    return History(source, str(first.get("workflowId", "")), run_id, read, content)


# -- events ------------------------------------------------------------------------------------------------------------


class _Wrong(Exception):
    """A key of the event's attributes is not what it should be."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(key, message)
        self.key = key
        self.message = message


class _Reader:
    """Reads the events of one run, first to last."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._activities: dict[int, int] = {}
        """Id of the ActivityTaskScheduled event -> ordinal."""
        self._timers: dict[int, int] = {}
        self._markers = 0
        self.reset_run_id = ""
        """Of a run that a reset made: its first events are copied, and still name the run before."""

    def event(self, raw: object, index: int) -> ReadEvent:
        """The event at this place of the list."""
        event_id = index + 1
        if not isinstance(raw, dict):
            raise HistoryError(self.source, f"events[{index}]", f"is {short(raw)}; expected an object with `eventId`")
        key = ""
        try:
            key = "eventId"
            if raw[key] != str(event_id) and int(raw[key]) != event_id:
                raise _Wrong(key, f"is {raw[key]}; expected {event_id}, for event ids have no gaps: some events are missing")
            key = "eventTime"
            time = parse_time(raw[key])
            key = "eventType"
            kind = event_kind(raw[key])
            key = attributes_key(kind)
            attributes = raw.get(key) or {}
            read = _READERS.get(kind)
            event = ev.OtherEvent(kind, attributes) if read is None else read(self, event_id, attributes)
            return ReadEvent(event_id, time, event, _links(attributes), raw)
        except _Wrong as wrong:
            place = wrong.key if key.endswith(wrong.key) else f"{key}.{wrong.key}"
            raise HistoryError(self.source, f"event {event_id}, {place}", wrong.message) from None
        except KeyError as missing:
            raise HistoryError(self.source, *_missing(index, event_id, key, missing.args[0])) from None
        except (ValueError, TypeError, AttributeError, IndexError):
            said = f"is {short(raw.get(key))}; {_EXPECTED.get(key, _OTHER)}"
            raise HistoryError(self.source, f"event {event_id}, {key}", said) from None

    def attributes_of(self, raw: Json, kind: str) -> Json:
        """The attributes of the first event, which has to be of this kind."""
        if event_kind(raw["eventType"]) != kind:
            raise HistoryError(self.source, "event 1, eventType", f"is {raw['eventType']}; a history begins with {kind}")
        found: Json = raw.get(attributes_key(kind)) or {}
        return found

    # -- the execution --------------------------------------------------------------------------------------------------

    def started(self, event_id: int, a: Json) -> ev.WorkflowExecutionStarted:
        return ev.WorkflowExecutionStarted(
            _name(a, "workflowType"), _name(a, "taskQueue"), _value(a, "input"), _duration(a, "workflowExecutionTimeout"),
            _duration(a, "workflowRunTimeout"), _duration(a, "workflowTaskTimeout"), a.get("identity", ""),
            a.get("continuedExecutionRunId", ""), a.get("firstExecutionRunId", ""), _duration(a, "firstWorkflowTaskBackoff"),
        )  # fmt: skip

    def signaled(self, event_id: int, a: Json) -> ev.WorkflowExecutionSignaled:
        return ev.WorkflowExecutionSignaled(_text(a, "signalName"), _value(a, "input"), a.get("identity", ""))

    def cancel_requested(self, event_id: int, a: Json) -> ev.WorkflowExecutionCancelRequested:
        return ev.WorkflowExecutionCancelRequested(a.get("identity", ""), a.get("cause", ""))

    def completed(self, event_id: int, a: Json) -> ev.WorkflowExecutionCompleted:
        return ev.WorkflowExecutionCompleted(_value(a, "result"))

    def failed(self, event_id: int, a: Json) -> ev.WorkflowExecutionFailed:
        return ev.WorkflowExecutionFailed(_needed_failure(self, a, "failure"), _retry_state(a))

    def canceled(self, event_id: int, a: Json) -> ev.WorkflowExecutionCanceled:
        return ev.WorkflowExecutionCanceled(_value(a, "details"))

    def terminated(self, event_id: int, a: Json) -> ev.WorkflowExecutionTerminated:
        return ev.WorkflowExecutionTerminated(a.get("reason", ""), a.get("identity", ""))

    def timed_out(self, event_id: int, a: Json) -> ev.WorkflowExecutionTimedOut:
        return ev.WorkflowExecutionTimedOut(_retry_state(a))

    def continued(self, event_id: int, a: Json) -> ev.WorkflowExecutionContinuedAsNew:
        return ev.WorkflowExecutionContinuedAsNew(
            a.get("newExecutionRunId", ""), _name(a, "workflowType"), _name(a, "taskQueue"), _value(a, "input")
        )  # fmt: skip

    # -- workflow tasks -------------------------------------------------------------------------------------------------

    def task_scheduled(self, event_id: int, a: Json) -> ev.WorkflowTaskScheduled:
        queue = a.get("taskQueue") or {}
        sticky = enum_value(queue.get("kind", ""), "TASK_QUEUE_KIND_") == "STICKY"
        timeout, attempt = _duration(a, "startToCloseTimeout"), int(a.get("attempt", 1))
        return ev.WorkflowTaskScheduled(queue.get("name", ""), sticky, queue.get("normalName", ""), timeout, attempt)

    def task_started(self, event_id: int, a: Json) -> ev.WorkflowTaskStarted:
        return ev.WorkflowTaskStarted(a.get("identity", ""), a.get("requestId") == INLINE_REQUEST)

    def task_completed(self, event_id: int, a: Json) -> ev.WorkflowTaskCompleted:
        said = a.get("sdkMetadata")  # audit tells it
        if not isinstance(said, dict | None):
            raise _Wrong("sdkMetadata", f'is {short(said)}; expected an object such as {{"sdkName": "...", "sdkVersion": "..."}}')
        return ev.WorkflowTaskCompleted(a.get("identity", ""))

    def task_failed(self, event_id: int, a: Json) -> ev.WorkflowTaskFailed:
        message = (a.get("failure") or {}).get("message", "")
        self.reset_run_id = a.get("newRunId") or self.reset_run_id
        return ev.WorkflowTaskFailed(enum_value(a.get("cause", ""), "WORKFLOW_TASK_FAILED_CAUSE_"), a.get("identity", ""), message)

    def task_timed_out(self, event_id: int, a: Json) -> ev.WorkflowTaskTimedOut:
        return ev.WorkflowTaskTimedOut(enum_value(a.get("timeoutType", ""), "TIMEOUT_TYPE_"))

    # -- activities, timers, markers ------------------------------------------------------------------------------------

    def activity_scheduled(self, event_id: int, a: Json) -> ev.ActivityTaskScheduled:
        ordinal = self._activities[event_id] = len(self._activities) + 1
        return ev.ActivityTaskScheduled(
            ScheduleActivity(
                ordinal, _name(a, "activityType"), _name(a, "taskQueue"), _value(a, "input"), _duration(a, "scheduleToCloseTimeout"),
                _duration(a, "scheduleToStartTimeout"), _duration(a, "startToCloseTimeout"), _duration(a, "heartbeatTimeout"),
                _retry_policy(a), epoch=_epoch(a), resources=_resources(a), may_wait=_header(a, headers.MAY_WAIT) is True,
            )
        )  # fmt: skip

    def activity_started(self, event_id: int, a: Json) -> ev.ActivityTaskStarted:
        last = self.failure(a.get("lastFailure"))
        return ev.ActivityTaskStarted(self._activity(a), int(a.get("attempt", 1)), a.get("identity", ""), last)

    def activity_completed(self, event_id: int, a: Json) -> ev.ActivityTaskCompleted:
        return ev.ActivityTaskCompleted(self._activity(a), _value(a, "result"), a.get("identity", ""))

    def activity_failed(self, event_id: int, a: Json) -> ev.ActivityTaskFailed:
        return ev.ActivityTaskFailed(self._activity(a), _needed_failure(self, a, "failure"), a.get("identity", ""), _retry_state(a))

    def activity_timed_out(self, event_id: int, a: Json) -> ev.ActivityTaskTimedOut:
        started = bool(int(a.get("startedEventId") or 0))
        return ev.ActivityTaskTimedOut(self._activity(a), _needed_failure(self, a, "failure"), _retry_state(a), started)

    def activity_cancel_requested(self, event_id: int, a: Json) -> ev.ActivityTaskCancelRequested:
        return ev.ActivityTaskCancelRequested(self._activity(a))

    def activity_canceled(self, event_id: int, a: Json) -> ev.ActivityTaskCanceled:
        started = bool(int(a.get("startedEventId") or 0))
        return ev.ActivityTaskCanceled(self._activity(a), _value(a, "details"), a.get("identity", ""), started)

    def timer_started(self, event_id: int, a: Json) -> ev.TimerStarted:
        ordinal = self._timers[event_id] = len(self._timers) + 1
        return ev.TimerStarted(ordinal, _duration(a, "startToFireTimeout"))

    def timer_fired(self, event_id: int, a: Json) -> ev.TimerFired:
        return ev.TimerFired(self._timer(a))

    def timer_canceled(self, event_id: int, a: Json) -> ev.TimerCanceled:
        return ev.TimerCanceled(self._timer(a), a.get("identity", ""))

    def marker(self, event_id: int, a: Json) -> ev.MarkerRecorded:
        """Side effects go by the id that the SDK gave them, other markers are counted."""
        details = a.get("details") or {}
        self._markers += 1
        ordinal = _value(details, "side-effect-id")
        return ev.MarkerRecorded(ordinal if isinstance(ordinal, int) else self._markers, _value(details, "data"), a.get("markerName", ""))

    def _activity(self, a: Json) -> int:
        return self._ordinal(self._activities, a, "scheduledEventId", "the ActivityTaskScheduled event")

    def _timer(self, a: Json) -> int:
        return self._ordinal(self._timers, a, "startedEventId", "the TimerStarted event")

    def _ordinal(self, known: Mapping[int, int], a: Json, key: str, what: str) -> int:
        event_id = int(a[key])
        if event_id not in known:
            raise _Wrong(key, f"is {event_id}; expected {what} that it belongs to, and event {event_id} is none")
        return known[event_id]

    # -- failures -------------------------------------------------------------------------------------------------------

    def failure(self, a: Json | None) -> Failure | None:
        """A failure with the chain of its causes; None for none.

        A kind that no run of ours makes (server, terminated, child workflow, ...) becomes an application failure whose type
        names it.
        """
        if not a:
            return None
        message, source, cause = a.get("message", ""), a.get("source", ""), self.failure(a.get("cause"))
        kind = next((key for key in a if key.endswith("FailureInfo")), "")
        info = a.get(kind) or {}
        match kind:
            case "applicationFailureInfo":
                made = PanicFailure if info.get("type") == "PanicError" else ApplicationFailure
                return made(message, info.get("type", ""), bool(info.get("nonRetryable")), cause, source)
            case "timeoutFailureInfo":
                spelled = enum_value(info.get("timeoutType", ""), "TIMEOUT_TYPE_")
                if spelled not in TimeoutType.__members__:
                    raise _Wrong("timeoutType", f"is {info.get('timeoutType')!r}; expected a timeout such as TIMEOUT_TYPE_HEARTBEAT")
                return TimeoutFailure(TimeoutType[spelled], message, cause, _value(info, "lastHeartbeatDetails"), source)
            case "canceledFailureInfo":
                return CanceledFailure(message, _value(info, "details"), cause, source)
            case "activityFailureInfo":
                ordinal = self._activities.get(int(info.get("scheduledEventId") or 0), 0)
                state = _retry_state(info) if info.get("retryState") else None
                return ActivityFailure(ordinal, _name(info, "activityType"), state, cause, message, source)
            case _:
                return ApplicationFailure(message, f"{kind[:1].upper()}{kind[1:].removesuffix('Info')}", False, cause, source)


# -- attributes --------------------------------------------------------------------------------------------------------


def _missing(index: int, event_id: int, key: str, missing: object) -> tuple[str, str]:
    """Where something is missing, and what to say."""
    if key == missing:
        return (f"events[{index}]" if key == "eventId" else f"event {event_id}"), f"has no {key}; {_EXPECTED[key]}"
    return f"event {event_id}, {key}", f"has no {missing}"


_EXPECTED: Final = {
    "eventId": "expected the events' ids, 1, 2, 3, ...",
    "eventTime": 'expected a time such as "2026-01-02T03:04:05.123456789Z"',
    "eventType": "expected a type such as EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
}
_OTHER: Final = "expected the attributes of such an event"


def _links(a: Json) -> Links:
    scheduled, started = a.get("scheduledEventId"), a.get("startedEventId")
    completed, cancel = a.get("workflowTaskCompletedEventId"), a.get("latestCancelRequestedEventId")
    return Links(int(scheduled or 0), int(started or 0), int(completed or 0), int(cancel or 0))


def _text(a: Json, key: str) -> str:
    value = a[key]
    if not isinstance(value, str):
        raise _Wrong(key, f"is {short(value)}; expected text")
    return value


def _name(a: Json, key: str) -> str:
    """The name in an object such as `{"name": "DoWork"}`."""
    value = a.get(key)
    if value is None:
        return ""
    if not isinstance(value, dict) or not isinstance(value.get("name", ""), str):
        raise _Wrong(key, f'is {short(value)}; expected an object such as {{"name": "..."}}')
    name: str = value.get("name", "")
    return name


def _duration(a: Json, key: str) -> int:
    value = a.get(key)
    if value is None:
        return 0
    try:
        return parse_duration(value)
    except (ValueError, TypeError):
        raise _Wrong(key, f'is {short(value)}; expected a length of time such as "20s"') from None


def _value(a: Json, key: str) -> object:
    """The payload of a key: None without one, a tuple of values when there are several."""
    payloads = a.get(key)
    if payloads is None:
        return None
    values = payload_values(payloads)
    if len(values) == 1:
        return values[0]
    return tuple(values) if values else None


def _epoch(a: Json) -> int:
    """The epoch of an activity of a host session, 0 for any other."""
    epoch = _header(a, headers.EPOCH)
    return epoch if isinstance(epoch, int) else 0


def _resources(a: Json) -> tuple[tuple[str, int], ...]:
    """What a creation activity asks of its worker."""
    resources = _header(a, headers.RESOURCES)
    return tuple(sorted(resources.items())) if isinstance(resources, dict) else ()


def _header(a: Json, name: str) -> object:
    """What a field of an activity's header says, None without it."""
    fields = (a.get("header") or {}).get("fields") or {}
    return _value({"field": {"payloads": [fields[name]]}}, "field") if name in fields else None


def _retry_policy(a: Json) -> RetryPolicy | None:
    policy = a.get("retryPolicy")
    if policy is None:
        return None
    return RetryPolicy(
        _duration(policy, "initialInterval"),
        round(float(policy.get("backoffCoefficient", 0)) * 1000),
        _duration(policy, "maximumInterval"),
        int(policy.get("maximumAttempts", 0)),
        tuple(policy.get("nonRetryableErrorTypes", ())),
    )


def _retry_state(a: Json) -> RetryState:
    """Old servers and some failures give none."""
    spelled = a.get("retryState")
    if not spelled:
        return RetryState.UNSPECIFIED
    name = enum_value(spelled, "RETRY_STATE_")
    if name not in RetryState.__members__:
        raise _Wrong("retryState", f"is {spelled!r}; expected one such as RETRY_STATE_TIMEOUT")
    return RetryState[name]


def _needed_failure(reader: _Reader, a: Json, key: str) -> Failure:
    found = reader.failure(a[key])
    if found is None:
        raise _Wrong(key, "is empty; expected a failure")
    return found


_READERS: Final[dict[str, Callable[[_Reader, int, Json], ev.Event]]] = {
    "WorkflowExecutionStarted": _Reader.started,
    "WorkflowExecutionSignaled": _Reader.signaled,
    "WorkflowExecutionCancelRequested": _Reader.cancel_requested,
    "WorkflowExecutionCompleted": _Reader.completed,
    "WorkflowExecutionFailed": _Reader.failed,
    "WorkflowExecutionCanceled": _Reader.canceled,
    "WorkflowExecutionTerminated": _Reader.terminated,
    "WorkflowExecutionTimedOut": _Reader.timed_out,
    "WorkflowExecutionContinuedAsNew": _Reader.continued,
    "WorkflowTaskScheduled": _Reader.task_scheduled,
    "WorkflowTaskStarted": _Reader.task_started,
    "WorkflowTaskCompleted": _Reader.task_completed,
    "WorkflowTaskFailed": _Reader.task_failed,
    "WorkflowTaskTimedOut": _Reader.task_timed_out,
    "ActivityTaskScheduled": _Reader.activity_scheduled,
    "ActivityTaskStarted": _Reader.activity_started,
    "ActivityTaskCompleted": _Reader.activity_completed,
    "ActivityTaskFailed": _Reader.activity_failed,
    "ActivityTaskTimedOut": _Reader.activity_timed_out,
    "ActivityTaskCanceled": _Reader.activity_canceled,
    "ActivityTaskCancelRequested": _Reader.activity_cancel_requested,
    "TimerStarted": _Reader.timer_started,
    "TimerFired": _Reader.timer_fired,
    "TimerCanceled": _Reader.timer_canceled,
    "MarkerRecorded": _Reader.marker,
}
