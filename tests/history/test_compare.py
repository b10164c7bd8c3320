"""Comparing finds nothing between a history and itself, and each planted difference."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from by_hand import RUN, record

from sim.history.compare import differences
from sim.history.temporal_json import to_json

REAL = Path(__file__).parent.parent / "data" / "real"
FILES = sorted(REAL.glob("*/w*.json"))


def load(path: str) -> dict[str, Any]:
    history: dict[str, Any] = json.loads((REAL / path).read_text())
    return history


@pytest.fixture
def killed() -> dict[str, Any]:
    return load("worker_killed/w.json")


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_difference_from_itself(file: Path) -> None:
    history = json.loads(file.read_text())
    assert differences(history, history, tolerance_ms=0) == []


def test_the_data_is_there() -> None:
    assert len(FILES) == 19


@pytest.mark.parametrize(
    ("event", "path", "value", "sentence"),
    [
        (
            8,
            ("workflowTaskScheduledEventAttributes", "taskQueue", "kind"),
            "TASK_QUEUE_KIND_NORMAL",
            "event 8 (WorkflowTaskScheduled): the task queue kind is STICKY in the real history, NORMAL in the simulated one",
        ),
        (
            11,
            ("activityTaskScheduledEventAttributes", "activityType", "name"),
            "Rest",
            "event 11 (ActivityTaskScheduled): the activity type is DoWork in the real history, Rest in the simulated one",
        ),
        (
            13,
            ("activityTaskTimedOutEventAttributes", "failure", "timeoutFailureInfo", "timeoutType"),
            "TIMEOUT_TYPE_START_TO_CLOSE",
            "event 13 (ActivityTaskTimedOut): the failure is HEARTBEAT timeout in the real history,"
            " START_TO_CLOSE timeout in the simulated one",
        ),
        (
            13,
            ("activityTaskTimedOutEventAttributes", "failure", "cause"),
            {"message": "x", "applicationFailureInfo": {"type": "T", "nonRetryable": True}},
            "event 13 (ActivityTaskTimedOut): the failure is HEARTBEAT timeout in the real history,"
            " HEARTBEAT timeout, caused by non-retryable application failure T in the simulated one",
        ),
        (
            13,
            ("activityTaskTimedOutEventAttributes", "retryState"),
            "RETRY_STATE_TIMEOUT",
            "event 13 (ActivityTaskTimedOut): the retry state is NON_RETRYABLE_FAILURE in the real history, TIMEOUT in the simulated one",
        ),
        (
            12,
            ("activityTaskStartedEventAttributes", "attempt"),
            2,
            "event 12 (ActivityTaskStarted): the attempt is 1 in the real history, 2 in the simulated one",
        ),
        (
            12,
            ("activityTaskStartedEventAttributes", "lastFailure"),
            {"applicationFailureInfo": {}},
            "event 12 (ActivityTaskStarted): the last failure is absent in the real history, application failure in the simulated one",
        ),
        (
            12,
            ("activityTaskStartedEventAttributes", "scheduledEventId"),
            "11",
            "event 12 (ActivityTaskStarted): the scheduled event is event 6 in the real history, event 11 in the simulated one",
        ),
        (
            13,
            ("activityTaskTimedOutEventAttributes", "startedEventId"),
            "0",
            "event 13 (ActivityTaskTimedOut): the started event is event 12 in the real history, absent in the simulated one",
        ),
        (
            18,
            ("workflowExecutionCanceledEventAttributes", "workflowTaskCompletedEventId"),
            "10",
            "event 18 (WorkflowExecutionCanceled): the workflow task completion is event 16 in the real history,"
            " event 10 in the simulated one",
        ),
    ],
)
def test_one_planted_difference(killed: dict[str, Any], event: int, path: tuple[str, ...], value: object, sentence: str) -> None:
    changed = copy.deepcopy(killed)
    place = changed["events"][event - 1]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert differences(killed, changed) == [sentence]


def test_a_late_event(killed: dict[str, Any]) -> None:
    changed = copy.deepcopy(killed)
    event = changed["events"][12]
    event["eventTime"] = (datetime.fromisoformat(event["eventTime"]) + timedelta(milliseconds=150)).isoformat()
    sentence = "event 13 (ActivityTaskTimedOut): at 26.765 s in the real history, at 26.915 s in the simulated one (150 ms too late)"
    assert differences(killed, changed) == [sentence]
    assert differences(changed, killed) == [
        "event 13 (ActivityTaskTimedOut): at 26.915 s in the real history, at 26.765 s in the simulated one (150 ms too early)"
    ]
    assert differences(killed, changed, tolerance_ms=150) == []


def test_when_it_began_does_not_matter(killed: dict[str, Any]) -> None:
    changed = copy.deepcopy(killed)
    for event in changed["events"]:
        event["eventTime"] = (datetime.fromisoformat(event["eventTime"]) + timedelta(days=400)).isoformat()
    assert differences(killed, changed, tolerance_ms=0) == []


def test_missing_events_are_named_and_the_rest_is_compared(killed: dict[str, Any]) -> None:
    """A workflow task less: the ids behind it move, which alone is no difference."""
    changed = copy.deepcopy(killed)
    del changed["events"][13:16]
    for event in changed["events"][13:]:
        event["eventId"] = str(int(event["eventId"]) - 3)
        next(value for key, value in event.items() if key.endswith("Attributes"))["workflowTaskCompletedEventId"] = "10"
    found = differences(killed, changed)
    assert found == [
        "after event 13 (ActivityTaskTimedOut): the real history has 14 WorkflowTaskScheduled, 15 WorkflowTaskStarted,"
        " 16 WorkflowTaskCompleted, the simulated one nothing",
        "event 17 (ActivityTaskCancelRequested, 14 in the simulated history): the workflow task completion is event 16 in the real"
        " history, event 10 in the simulated one",
        "event 18 (WorkflowExecutionCanceled, 15 in the simulated history): the workflow task completion is event 16 in the real"
        " history, event 10 in the simulated one",
    ]


def test_moved_ids_are_no_difference(killed: dict[str, Any]) -> None:
    """An extra signal in the middle: the links of later events point to the moved partners."""
    changed = copy.deepcopy(killed)
    changed["events"].insert(7, copy.deepcopy(changed["events"][6]))
    moved = {str(n): str(n if n < 8 else n + 1) for n in range(20)}
    for place, event in enumerate(changed["events"]):
        event["eventId"] = str(place + 1)
        inner = next(value for key, value in event.items() if key.endswith("Attributes"))
        for key in ("scheduledEventId", "startedEventId", "workflowTaskCompletedEventId"):
            if key in inner:
                inner[key] = moved[inner[key]]
    (sentence,) = differences(killed, changed)
    assert sentence.endswith("the real history has nothing, the simulated one 7 WorkflowExecutionSignaled")


def test_another_order_of_the_two_results() -> None:
    """Variants 1a and 1b of the happy path: the same events but for whose result came first."""
    simulated = to_json(record("happy_path")[RUN], datetime(2026, 1, 1, tzinfo=UTC))
    found = differences(load("happy_path/w.json"), simulated)
    assert found
    assert all("scheduled event is event 6" in one or "scheduled event is event 18" in one for one in found if "scheduled event" in one)
    assert any("event 20 (ActivityTaskCompleted)" in one for one in found)


def test_another_failure_of_the_workflow() -> None:
    timed_out = load("creation_timeout/w2.json")
    changed = copy.deepcopy(timed_out)
    failure = changed["events"][-1]["workflowExecutionFailedEventAttributes"]["failure"]
    failure["activityFailureInfo"]["retryState"] = "RETRY_STATE_CANCEL_REQUESTED"
    failure["cause"] = {"canceledFailureInfo": {}}
    assert differences(timed_out, changed) == [
        "event 11 (WorkflowExecutionFailed): the failure is failure of activity internalSessionCreationActivity (TIMEOUT), caused by"
        " SCHEDULE_TO_START timeout in the real history, failure of activity internalSessionCreationActivity (CANCEL_REQUESTED),"
        " caused by canceled failure in the simulated one"
    ]


def test_empty_histories() -> None:
    assert differences({"events": []}, {"events": []}) == []
    (sentence,) = differences(load("happy_path/w.json"), {"events": []})
    assert sentence.startswith("at the beginning: the real history has 1 WorkflowExecutionStarted, 2 ")
