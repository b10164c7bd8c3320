"""Exported histories are what Temporal's own tools read, spelled like those of a real server."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest
from by_hand import NEXT, RESOURCE, RUN, SCENARIOS, SESSION, Binding, record
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

from sim.history.compare import differences
from sim.history.events import Event, WorkflowExecutionCompleted, Written, Wrote
from sim.history.proto_json import duration
from sim.history.temporal_json import to_json

REAL = Path(__file__).parent.parent / "data" / "real"
EPOCH = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
# Not imitated: see the module's docstring.
LEFT_OUT = {"workerVersion"}


def export(scenario: str, run: str = RUN, **options: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = to_json(record(scenario, plain=options.pop("plain", False))[run], EPOCH, **options)["events"]
    return events


def real(case: str, file: str = "w") -> dict[str, Any]:
    history: dict[str, Any] = json.loads((REAL / case / f"{file}.json").read_text())
    return history


def attributes(event: dict[str, Any]) -> dict[str, Any]:
    return next(value for key, value in event.items() if key.endswith("EventAttributes"))


def data(payloads: dict[str, Any]) -> Any:
    (payload,) = payloads["payloads"]
    assert base64.b64decode(payload["metadata"]["encoding"]) == b"json/plain"
    return json.loads(base64.b64decode(payload["data"]))


def keys(value: Any, path: str = "") -> set[str]:
    """Paths of all keys, but for what is inside payloads."""
    if isinstance(value, list):
        return {key for item in value for key in keys(item, path)}
    if not isinstance(value, dict) or "payloads" in value:
        return {path}
    return {path} | {key for name, item in value.items() if name not in LEFT_OUT for key in keys(item, f"{path}.{name}")}


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_temporal_reads_it(scenario: str, plain: bool) -> None:
    for run in record(scenario, plain=plain):
        history = to_json(run, EPOCH)
        parsed = ParseDict(history, History())
        assert [event.event_id for event in parsed.events] == list(range(1, len(run.events) + 1))
        assert len(list(WorkflowHistory.from_json("id", history).events)) == len(run.events)
        WorkflowHistory.from_json("id", json.dumps(history))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_temporal_writes_it_back_the_same(scenario: str) -> None:
    """Nothing is spelled that proto JSON would leave out or spell otherwise, but for the nanoseconds of times."""
    for run in record(scenario):
        history = to_json(run, EPOCH)
        back = MessageToDict(ParseDict(history, History()))
        for ours, theirs in zip(history["events"], back["events"], strict=True):
            assert {**ours, "eventTime": ""} == {**theirs, "eventTime": ""}


def test_every_kind_of_event_is_tried() -> None:
    tried = {type(recorded.event) for scenario in SCENARIOS for run in record(scenario) for recorded in run.events}
    assert tried == set(get_args(Event))


@pytest.mark.parametrize(("scenario", "file"), [("happy_path", "w"), ("worker_killed", "w"), ("creation_timeout", "w2")])
def test_the_same_attributes_as_a_real_history(scenario: str, file: str) -> None:
    ours: dict[str, set[str]] = {}
    theirs: dict[str, set[str]] = {}
    for found, events in ((ours, export(scenario)), (theirs, real(scenario, file)["events"])):
        for event in events:
            found.setdefault(event["eventType"], set()).update(keys(event))
    assert ours == theirs


@pytest.mark.parametrize(("scenario", "file"), [("worker_killed", "w"), ("creation_timeout", "w2")])
def test_no_difference_from_a_real_history(scenario: str, file: str) -> None:
    assert differences(real(scenario, file), {"events": export(scenario)}) == []


def test_the_creation_activity_is_spelled_like_the_real_one() -> None:
    ours, theirs = (attributes(events[5]) for events in (export("happy_path"), real("happy_path")["events"]))
    for one in (ours, theirs):
        del one["input"], one["taskQueue"]["name"]
    assert ours == theirs


def test_times_and_task_ids() -> None:
    events = export("happy_path")
    assert events[0]["eventTime"] == "2026-01-02T03:04:05.000000000Z"
    assert events[2]["eventTime"] == "2026-01-02T03:04:05.048000000Z"
    assert events[21]["eventTime"] < events[18]["eventTime"], "a start is written when it ends, with the time at which it happened"
    tasks = [int(event["taskId"]) for event in events]
    assert tasks == sorted(set(tasks))


def test_epochs() -> None:
    run = record("happy_path")[RUN]
    elsewhere = EPOCH.astimezone(timezone(timedelta(hours=2)))
    assert to_json(run, EPOCH) == to_json(run, elsewhere) == to_json(run, int(EPOCH.timestamp()) * 1_000_000)
    with pytest.raises(ValueError, match="has no time zone"):
        to_json(run, datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("microseconds", "spelled"),
    [(0, "0s"), (60_000_000, "60s"), (500_000, "0.500s"), (1_000_001, "1.000001s"), (20_000_000, "20s"), (-1_500_000, "-1.500s")],
)
def test_durations(microseconds: int, spelled: str) -> None:
    assert duration(microseconds) == spelled


def test_one_session_has_one_id_everywhere() -> None:
    recorder = record("happy_path")
    events = to_json(recorder[RUN], EPOCH)["events"]
    session, queue = recorder.names.session(SESSION), recorder.names.queue(RESOURCE)
    assert data(attributes(events[4])["details"]["data"]) == session
    assert data(attributes(events[4])["details"]["side-effect-id"]) == 1
    assert data(attributes(events[5])["input"]) == session
    assert attributes(events[6])["signalName"] == session
    assert data(attributes(events[6])["input"]) == {"Taskqueue": queue, "HostName": "host-a", "ResourceID": queue.partition("@")[0]}
    assert attributes(events[10])["taskQueue"]["name"] == queue
    assert data(attributes(events[17])["input"]) == session
    assert RESOURCE not in json.dumps(events)
    assert SESSION not in json.dumps(events)


def test_a_continued_run_knows_its_past() -> None:
    recorder = record("continue_as_new")
    old, new = (to_json(recorder[run], EPOCH)["events"] for run in (RUN, NEXT))
    closing, started = attributes(old[-1]), attributes(new[0])
    assert closing["newExecutionRunId"] == started["originalExecutionRunId"] == recorder.names.run(NEXT)
    assert started["continuedExecutionRunId"] == started["firstExecutionRunId"] == attributes(old[0])["originalExecutionRunId"]
    assert started["initiator"] == "CONTINUE_AS_NEW_INITIATOR_WORKFLOW"
    assert started["workflowId"] == "w1"
    assert "identity" not in started
    token = json.loads(base64.b64decode(data(closing["input"])["tokens"]["t"]))
    assert token == {"Taskqueue": attributes(new[5])["taskQueue"]["name"]} == {"Taskqueue": recorder.names.queue(RESOURCE)}


def test_plain_names_stay() -> None:
    events = export("happy_path", plain=True)
    assert attributes(events[0])["originalExecutionRunId"] == RUN
    assert attributes(events[6])["signalName"] == SESSION
    assert attributes(events[7])["taskQueue"]["name"] == "host-a:A.1"
    assert attributes(events[10])["taskQueue"]["name"] == RESOURCE


def test_failures() -> None:
    failed, closed = export("graceful_stop")[12], export("graceful_stop")[17]
    why = {
        "message": "session failed due to worker shutdown",
        "source": "GoSDK",
        "cause": {"message": "context canceled", "source": "GoSDK", "applicationFailureInfo": {}},
        "applicationFailureInfo": {"type": "SessionWorkerShutdown", "nonRetryable": True},
    }
    assert attributes(failed)["failure"] == why
    activity = {
        "scheduledEventId": "6",
        "startedEventId": "12",
        "identity": "A",
        "activityType": {"name": "internalSessionCreationActivity"},
        "activityId": "6",
        "retryState": "RETRY_STATE_NON_RETRYABLE_FAILURE",
    }
    assert attributes(closed)["failure"] == {"message": "activity error", "source": "GoSDK", "cause": why, "activityFailureInfo": activity}


def test_failures_of_workflow_tasks() -> None:
    refused, panicked = (attributes(event)["failure"] for event in export("rare_events") if event["eventType"].endswith("TASK_FAILED"))
    assert refused == {"message": "UnhandledCommand", "serverFailureInfo": {}}
    assert panicked["applicationFailureInfo"] == {"type": "PanicError", "nonRetryable": True}


def test_what_never_started_has_no_start() -> None:
    timed_out = attributes(export("creation_timeout")[6])
    assert timed_out["retryState"] == "RETRY_STATE_TIMEOUT"
    assert "startedEventId" not in timed_out
    canceled = next(attributes(event) for event in export("rare_events") if event["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_CANCELED")
    assert canceled.keys() == {"details", "latestCancelRequestedEventId", "scheduledEventId", "identity"}


@pytest.mark.parametrize(
    ("sdk_version", "flags"),
    [("1.12.0", [None, None, None]), ("1.30.1", [[3], None, None]), ("1.36.0", [[3], [5], None]), ("1.50.0", [[3], [5, 8], None])],
)
def test_each_sdk_version_tells_what_it_told_in_real_histories(sdk_version: str, flags: list[object]) -> None:
    completed = [event for event in export("worker_killed", sdk_version=sdk_version) if event["eventType"].endswith("TASK_COMPLETED")]
    told = [attributes(event).get("sdkMetadata", {}) for event in completed]
    assert [one.get("langUsedFlags") for one in told] == flags
    version = None if sdk_version == "1.12.0" else sdk_version
    assert [one.get("sdkVersion") for one in told] == [version, None, version], "worker B took over"


def test_an_unreadable_sdk_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'new' cannot be read; expected one such as '1\.48\.0'"):
        export("happy_path", sdk_version="new")


def test_payloads() -> None:
    recorder = record("happy_path")
    for result, encoding, content in (
        ({"a": (1, None)}, b"json/plain", b'{"a":[1,null]}'),
        (
            Binding("q", "h", "r"),
            b"json/plain",
            b'{"Taskqueue":"q","HostName":"h","ResourceID":"' + recorder.names.resource_id("r").encode() + b'"}',
        ),
        (b"\x00", b"binary/plain", b"\x00"),
        ("", b"json/plain", b'""'),
    ):
        recorder(0, RUN, Wrote(RUN, (Written(0, WorkflowExecutionCompleted(result)),)))
        (payload,) = attributes(to_json(recorder[RUN], EPOCH)["events"][-1])["result"]["payloads"]
        assert base64.b64decode(payload["metadata"]["encoding"]) == encoding
        assert base64.b64decode(payload["data"]) == content
    recorder(0, RUN, Wrote(RUN, (Written(0, WorkflowExecutionCompleted(object())),)))
    with pytest.raises(TypeError):
        to_json(recorder[RUN], EPOCH)
