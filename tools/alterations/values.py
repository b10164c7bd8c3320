"""Alterations of a value: the event stays where it is, and says something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from sim.evidence.case import Case
from tools.alterations.alteration import Draft
from tools.alterations.edit import Event, activities, attributes, change_payload, events_of, kind, time_of

Change = Callable[[Event], str]
"""Changes an event; says what was changed, "" if there was nothing to change."""

BACKOFF_US: Final = 1_000_000
"""Temporal retries no sooner than this, unless a policy says otherwise: those of the cases do not."""

RETRY_STATES: Final = ("NON_RETRYABLE_FAILURE", "TIMEOUT", "MAXIMUM_ATTEMPTS_REACHED", "RETRY_POLICY_NOT_SET", "CANCEL_REQUESTED")
TIMEOUTS: Final = ("START_TO_CLOSE", "SCHEDULE_TO_START", "SCHEDULE_TO_CLOSE", "HEARTBEAT")


def _each(case: Case, types: tuple[str, ...], change: Change) -> Iterator[Draft]:
    """A draft for every event of these types that can be changed."""
    for run in case.runs:
        for index, event in enumerate(run.history.raw["events"]):
            if kind(event) in types:
                events = events_of(run)
                what = change(events[index])
                if what:
                    yield Draft(run, events, [events[index]], what)


def _of_types(*types: str) -> Callable[[Change], Callable[[Case], Iterator[Draft]]]:
    return lambda change: lambda case: _each(case, types, change)


def _set(found: dict[str, Any], key: str, value: Any) -> str:
    if key not in found or found[key] == value:
        return ""
    old, found[key] = found[key], value
    return f"{key} {old} -> {value}"


@_of_types("ActivityTaskScheduled")
def another_queue(event: Event) -> str:
    return _set(attributes(event)["taskQueue"], "name", "elsewhere")


@_of_types("ActivityTaskScheduled")
def another_timeout(event: Event) -> str:
    found = attributes(event)
    keys = ("startToCloseTimeout", "scheduleToStartTimeout", "scheduleToCloseTimeout", "heartbeatTimeout")
    key = next((key for key in keys if found.get(key, "0s") not in ("0s", "")), "")
    return _set(found, key, "17s") if key else ""


@_of_types("ActivityTaskFailed", "ActivityTaskTimedOut", "WorkflowExecutionFailed")
def wrong_retry_state(event: Event) -> str:
    found = attributes(event)
    now = str(found.get("retryState", ""))
    other = next(state for state in RETRY_STATES if state not in now)
    return _set(found, "retryState", f"RETRY_STATE_{other}")


@_of_types("ActivityTaskTimedOut")
def wrong_kind_of_timeout(event: Event) -> str:
    info = attributes(event).get("failure", {}).get("timeoutFailureInfo", {})
    other = next(each for each in TIMEOUTS if each not in str(info.get("timeoutType", "")))
    return _set(info, "timeoutType", f"TIMEOUT_TYPE_{other}")


@_of_types("ActivityTaskFailed", "WorkflowExecutionFailed", "ActivityTaskTimedOut")
def another_message(event: Event) -> str:
    return _set(attributes(event).get("failure", {}), "message", "something else went wrong")


@_of_types("ActivityTaskFailed")
def another_type_of_failure(event: Event) -> str:
    info = attributes(event).get("failure", {}).get("applicationFailureInfo")
    if info is None:
        return ""
    old, info["type"] = info.get("type", ""), "OtherError"
    return f"type {old} -> OtherError"


def _other(value: Any) -> Any:
    """Another value of the same shape; nothing in it that is a name drawn by chance."""
    match value:
        case dict():
            key = next((k for k, v in value.items() if isinstance(v, str) and "-" not in v and v), None)
            return value if key is None else {**value, key: value[key] + "x"}
        case str():
            return value + "x"
        case int() | float():
            return value + 1
        case _:
            return value


@_of_types("ActivityTaskCompleted", "WorkflowExecutionCompleted")
def another_result(event: Event) -> str:
    return "result" if change_payload(attributes(event).get("result"), _other) else ""


@_of_types("ActivityTaskScheduled")
def another_input(event: Event) -> str:
    return "input" if change_payload(attributes(event).get("input"), _other) else ""


@_of_types("MarkerRecorded")
def another_marker(event: Event) -> str:
    return _set(attributes(event), "markerName", "Version")


def another_signal_payload(case: Case) -> Iterator[Draft]:
    """Of the signal with which a creation activity binds its session. What clients send is input: it may be anything."""
    for draft in _each(case, ("WorkflowExecutionSignaled",), _payload):
        if str(attributes(draft.altered[0]).get("identity", "")).endswith("@"):
            yield draft


def _payload(event: Event) -> str:
    def change(value: Any) -> Any:
        key = next((key for key in value if key.lower() == "hostname"), None) if isinstance(value, dict) else None
        return {**value, key: value[key] + "x"} if key is not None else _other(value)

    return "payload" if change_payload(attributes(event).get("input"), change) else ""


def wrong_attempt(case: Case) -> Iterator[Draft]:
    """One attempt more than there was time for: between two lies a backoff of a second at least."""
    for run in case.runs:
        for key in activities(list(run.history.raw["events"])):
            events = events_of(run)
            activity = activities(events)[key]
            if activity.started is None or time_of(activity.started) - time_of(activity.scheduled) >= BACKOFF_US:
                continue
            found = attributes(activity.started)
            found["attempt"] = int(found.get("attempt", 1)) + 1
            yield Draft(run, events, [activity.started], f"attempt {found['attempt']}")


def another_worker(case: Case) -> Iterator[Draft]:
    """Who starts a task of a queue that only one worker polls: a session's, or a sticky one."""
    if len(case.workers) < 2:
        return
    for run in case.runs:
        sticky = False
        for index, event in enumerate(run.history.raw["events"]):
            if kind(event) == "WorkflowTaskScheduled":
                sticky = "STICKY" in str(attributes(event).get("taskQueue", {}).get("kind", ""))
            alone = kind(event) == "WorkflowTaskStarted" and sticky
            if kind(event) == "ActivityTaskStarted":
                scheduled = activities(list(run.history.raw["events"]))[int(attributes(event)["scheduledEventId"])]
                alone = "@" in scheduled.queue
            if alone:
                events = events_of(run)
                found = attributes(events[index])
                other = next(name for name in case.workers if name != found["identity"].partition("'")[0])
                yield Draft(run, events, [events[index]], _set(found, "identity", other))


def failed_instead(case: Case) -> Iterator[Draft]:
    """An activity that completed has failed, with an error that no program returns."""
    for run in case.runs:
        for index, event in enumerate(run.history.raw["events"]):
            if kind(event) == "ActivityTaskCompleted":
                events = events_of(run)
                found = attributes(events[index])
                failure = {
                    "message": "it did not",
                    "source": "GoSDK",
                    "applicationFailureInfo": {"type": "SomeError", "nonRetryable": True},
                }
                kept = {key: found[key] for key in ("scheduledEventId", "startedEventId", "identity") if key in found}
                del events[index]["activityTaskCompletedEventAttributes"]
                events[index]["eventType"] = "EVENT_TYPE_ACTIVITY_TASK_FAILED"
                state = "RETRY_STATE_NON_RETRYABLE_FAILURE"
                events[index]["activityTaskFailedEventAttributes"] = {**kept, "failure": failure, "retryState": state}
                yield Draft(run, events, [events[index]], "completed -> failed")


def closed_otherwise(case: Case) -> Iterator[Draft]:
    """A run that completed is cancelled, and the other way round."""
    for run in case.runs:
        last = run.history.raw["events"][-1]
        if kind(last) not in ("WorkflowExecutionCompleted", "WorkflowExecutionCanceled"):
            continue
        word = "Canceled" if kind(last) == "WorkflowExecutionCompleted" else "Completed"
        events = events_of(run)
        kept = {"workflowTaskCompletedEventId": attributes(last)["workflowTaskCompletedEventId"]}
        event = {key: value for key, value in events[-1].items() if not key.endswith("EventAttributes")}
        event["eventType"] = f"EVENT_TYPE_WORKFLOW_EXECUTION_{word.upper()}"
        event[f"workflowExecution{word}EventAttributes"] = kept
        events[-1] = event
        yield Draft(run, events, [event], f"{kind(last)} -> {word}")
