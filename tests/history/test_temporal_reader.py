"""What is read is what Temporal's own tools read, and nothing of it is lost."""

from __future__ import annotations

import copy
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from by_hand import SCENARIOS, record
from msgspec.structs import replace
from temporalio.client import WorkflowHistory

from sim.history.events import ActivityTaskScheduled, ActivityTaskStarted, ActivityTaskTimedOut, OtherEvent, WorkflowExecutionSignaled
from sim.history.failures import ApplicationFailure, TimeoutFailure, TimeoutType
from sim.history.files import Left, histories
from sim.history.proto_json import Opaque, event_kind, parse_duration, parse_time, payload_values
from sim.history.temporal_json import to_json
from sim.history.temporal_reader import HistoryError, read_history

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.rglob("*.json"))
KILLED = DATA.parent.parent / "data" / "real" / "worker_killed" / "w.json"


def content(file: Path = KILLED) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def pascal(value: Any) -> Any:
    """The spelling of older exports: enums without prefix, in Pascal case."""
    if isinstance(value, list):
        return [pascal(item) for item in value]
    if isinstance(value, dict):
        return {key: pascal(item) for key, item in value.items()}
    found = re.fullmatch(r"(EVENT_TYPE|RETRY_STATE|TASK_QUEUE_KIND|TIMEOUT_TYPE|WORKFLOW_TASK_FAILED_CAUSE)_([A-Z_]+)", str(value))
    return "".join(word.capitalize() for word in found[2].split("_")) if found else value


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_recorded_histories_come_back_as_they_were(file: Path) -> None:
    (history,) = histories([file])
    assert history.to_json() == content(file)
    theirs = WorkflowHistory.from_json(history.workflow_id, content(file))
    assert WorkflowHistory.from_json(history.workflow_id, history.to_json()).events == theirs.events
    assert [event.event_id for event in history.events] == [event.event_id for event in theirs.events]
    assert [event.time for event in history.events] == [event.event_time.ToNanoseconds() // 1000 for event in theirs.events]
    started = theirs.events[0].workflow_execution_started_event_attributes
    assert (history.workflow_id, history.run_id) == (started.workflow_id, started.original_execution_run_id)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_both_spellings_are_the_same(file: Path) -> None:
    old = pascal(content(file))
    assert old != content(file)
    read, again = read_history(content(file)), read_history(old)
    assert [(event.event, event.links) for event in read.events] == [(event.event, event.links) for event in again.events]
    assert again.to_json() == old


def proto_names(value: Any, is_map: bool = False) -> Any:
    """The names of fields as the .proto files have them."""
    if isinstance(value, list):
        return [proto_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    name = (lambda key: key) if is_map else (lambda key: re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key))
    return {name(key): proto_names(item, key in ("fields", "details")) for key, item in value.items()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_names_of_fields_as_the_proto_files_have_them(file: Path) -> None:
    history = read_history(content(file))
    again = read_history(proto_names(content(file)))
    assert again.to_json() == history.to_json()
    assert again.events == history.events


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_our_own_exports_are_read_as_they_were_recorded(scenario: str) -> None:
    """Reading undoes writing, but for names that no history has: of sessions, and of runs."""
    for run in record(scenario, plain=True):
        read = read_history(json.loads(json.dumps(to_json(run, 0))))
        for ours, theirs in zip(run.events, read.events, strict=True):
            assert (theirs.event_id, theirs.time, theirs.links) == (ours.event_id, ours.time, ours.links)
            assert type(theirs.event) is type(ours.event)
            if isinstance(ours.event, ActivityTaskScheduled) and isinstance(theirs.event, ActivityTaskScheduled):
                wanted = replace(
                    ours.event.command, session="", retry_policy=(ours.event.command.retry_policy or theirs.event.command.retry_policy)
                )
                assert replace(theirs.event.command, input=None) == replace(wanted, input=None)
            elif isinstance(ours.event, ActivityTaskStarted | ActivityTaskTimedOut):
                assert theirs.event == ours.event


def test_what_a_history_says_of_a_lost_worker() -> None:
    (history,) = histories([KILLED])
    creation = history.events[5].event
    assert isinstance(creation, ActivityTaskScheduled)
    assert creation.command.heartbeat == 20_000_000
    assert creation.command.retry_policy is not None
    assert creation.command.retry_policy.backoff_coefficient_milli == 1100
    signal = history.events[6].event
    assert isinstance(signal, WorkflowExecutionSignaled)
    assert signal.name == creation.command.input
    assert isinstance(signal.payload, dict)
    assert signal.payload["HostName"] == "host-a"
    timed_out = history.events[12]
    assert isinstance(timed_out.event, ActivityTaskTimedOut)
    assert timed_out.event.failure == TimeoutFailure(TimeoutType.HEARTBEAT, "activity Heartbeat timeout", source="Server")
    assert (timed_out.event.ordinal, timed_out.links.scheduled, timed_out.links.started) == (creation.command.ordinal, 6, 12)


def test_events_and_failures_of_other_kinds_are_kept() -> None:
    history = content()
    del history["events"][6:]
    attributes = {"workflowType": {"name": "Child"}, "initiatedEventId": "6"}
    child = {"eventId": "7", "eventTime": "2026-01-02T03:04:05Z", "eventType": "EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED"}
    history["events"].append({**child, "childWorkflowExecutionStartedEventAttributes": attributes})
    failure = {"message": "no", "terminatedFailureInfo": {}}
    failed = {"eventId": "8", "eventTime": "2026-01-02T03:04:05Z", "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"}
    history["events"].append({**failed, "workflowExecutionFailedEventAttributes": {"failure": failure}, "links": [1]})
    read = read_history(history)
    assert read.events[6].event == OtherEvent("ChildWorkflowExecutionStarted", attributes)
    assert read.events[7].event.failure == ApplicationFailure("no", "TerminatedFailure", source="")  # type: ignore[union-attr]
    assert read.to_json() == history


def test_texts() -> None:
    assert event_kind("EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT") == event_kind("WorkflowTaskTimedOut") == "WorkflowTaskTimedOut"
    assert [parse_duration(text) for text in ("20s", "0.5s", "1.000002999s", "-1.5s")] == [20_000_000, 500_000, 1_000_002, -1_500_000]
    assert parse_time("1970-01-01T00:00:01.123456789Z") == 1_123_456
    assert parse_time("1970-01-01T00:00:01Z") == 1_000_000
    assert parse_time("1970-01-01T01:00:01.5+01:00") == 1_500_000
    for wrong in ("20", "s", "1m", "1.s"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            parse_duration(wrong)


def test_payloads_however_they_are_spelled() -> None:
    def payload(encoding: str, data: object) -> dict[str, Any]:
        return {"payloads": [{"metadata": {"encoding": encoding}, "data": data}]}

    assert payload_values(payload("anNvbi9wbGFpbg==", "eyJhIjoxfQ==")) == [{"a": 1}]
    assert payload_values(payload("json/plain", {"a": 1})) == [{"a": 1}]
    assert payload_values([{"a": 1}, "b"]) == [{"a": 1}, "b"]
    assert payload_values(payload("YmluYXJ5L3BsYWlu", "AAE=")) == [b"\x00\x01"]
    assert payload_values(payload("YmluYXJ5L251bGw=", "")) == [None]
    assert payload_values(payload("YmluYXJ5L2VuY3J5cHRlZA==", "AAE=")) == [Opaque("binary/encrypted", "AAE=")]


# -- files -------------------------------------------------------------------------------------------------------------


def test_folders_archives_arrays_and_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = KILLED.read_bytes()
    (tmp_path / "a.json").write_bytes(text)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.json.gz").write_bytes(gzip.compress(text))
    (tmp_path / "c.json").write_text(json.dumps([content(), content()]))
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(content()) + "\n" for _ in range(3)))
    (tmp_path / "e.json").write_text(json.dumps(content()["events"]))
    (tmp_path / "other.json").write_text('{"name": "something else"}')
    (tmp_path / "notes.txt").write_text("not looked at")
    left = Left()
    found = list(histories([tmp_path], left))
    assert len(found) == 1 + 1 + 2 + 3 + 1
    assert {history.run_id for history in found} == {"01a204ee-6bfb-785f-ba9b-44883f08d89b"}
    assert left.names == [str(tmp_path / "other.json")]
    stdin = io.TextIOWrapper(io.BytesIO(text))
    monkeypatch.setattr("sys.stdin", stdin)
    assert [history.source for history in histories(["-"])] == ["standard input"]


def test_the_files_name_stands_for_a_missing_id(tmp_path: Path) -> None:
    history = content()
    del history["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    (tmp_path / "order-7.json").write_text(json.dumps(history))
    (read,) = histories([tmp_path / "order-7.json"])
    assert read.workflow_id == "order-7"


def test_a_run_that_a_reset_made_has_its_own_id() -> None:
    history = content()
    del history["events"][3:]
    reset = {"scheduledEventId": "2", "startedEventId": "3", "cause": "WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW", "newRunId": "second"}
    failed = {"eventId": "4", "eventTime": "2026-01-02T03:04:05Z", "eventType": "EVENT_TYPE_WORKFLOW_TASK_FAILED"}
    history["events"].append({**failed, "workflowTaskFailedEventAttributes": reset})
    assert read_history(history).run_id == "second"


def damaged(change: Any) -> bytes:
    history = copy.deepcopy(content())
    change(history["events"])
    return json.dumps(history).encode()


DAMAGED = {
    "": "is empty",
    "{": "line 1, column 2: the JSON breaks off here",
    '{"events": [\n  nonsense]}': "line 2, column 7: is not JSON: invalid",
    "[]x": "is not JSON",
    '{"events": "none"}': "events: is 'none'; expected the list",
    '{"events": []}': "events: is empty",
    '{"name": "case"}': "events: is missing; expected the list of a history's events",
    "17": "is 17; expected a history",
    '{"events": [3]}': "events[0]: is 3; expected an object with `eventId`",
    '{"events": [{}]}': "events[0]: has no eventId",
    '{"events": [{"eventId": 1, "eventTime": "2026-01-02T03:04:05Z", "eventType": "EVENT_TYPE_TIMER_FIRED"}]}': "has no startedEventId",
}


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_files_are_told_by_file_and_place(text: str, tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    file.write_text(text)
    with pytest.raises(HistoryError) as error:
        list(histories([file]))
    assert str(error.value).startswith(f"{file}: ")
    assert DAMAGED[text] in str(error.value)


CHANGES: dict[str, Any] = {
    "event 4, eventId: is 5; expected 4": lambda events: events.pop(3),
    "event 1, eventId: is 2; expected 1": lambda events: events.pop(0),
    "event 3, eventTime: is 'noon'; expected a time": lambda events: events[2].update(eventTime="noon"),
    "event 3: has no eventTime": lambda events: events[2].pop("eventTime"),
    "event 3: has no eventType": lambda events: events[2].pop("eventType"),
    "event 1, eventType: is EVENT_TYPE_TIMER_STARTED; a history begins with": lambda events: events[0].update(
        eventType="EVENT_TYPE_TIMER_STARTED"
    ),
    'activityTaskScheduledEventAttributes.heartbeatTimeout: is 20; expected a length of time such as "20s"': lambda events: events[5][
        "activityTaskScheduledEventAttributes"
    ].update(heartbeatTimeout=20),
    "event 13, activityTaskTimedOutEventAttributes: has no failure": lambda events: events[12]["activityTaskTimedOutEventAttributes"].pop(
        "failure"
    ),
    "event 12, activityTaskStartedEventAttributes.scheduledEventId: is 8; expected the ActivityTaskScheduled event": lambda events: events[
        11
    ]["activityTaskStartedEventAttributes"].update(scheduledEventId="8"),
    "event 13, activityTaskTimedOutEventAttributes.retryState: is 'MAYBE'; expected one such as": lambda events: events[12][
        "activityTaskTimedOutEventAttributes"
    ].update(retryState="MAYBE"),
    "event 13, activityTaskTimedOutEventAttributes.timeoutType: is": lambda events: events[12]["activityTaskTimedOutEventAttributes"][
        "failure"
    ]["timeoutFailureInfo"].update(timeoutType="LATE"),
    "event 4, workflowTaskCompletedEventAttributes.sdkMetadata: is list with 1 entries; expected an object": lambda events: events[3][
        "workflowTaskCompletedEventAttributes"
    ].update(sdkMetadata=[1]),
    "event 2, workflowTaskScheduledEventAttributes: is 'x'; expected": lambda events: events[1].update(
        workflowTaskScheduledEventAttributes="x"
    ),
}


@pytest.mark.parametrize("message", CHANGES)
def test_damaged_events_are_told_by_their_id(message: str, tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    file.write_bytes(damaged(CHANGES[message]))
    with pytest.raises(HistoryError) as error:
        list(histories([file]))
    assert message in str(error.value)


def test_damage_in_other_places(tmp_path: Path) -> None:
    file = tmp_path / "h.json"
    whole = KILLED.read_bytes()
    for data, message in (
        (whole[: len(whole) // 2], "the JSON breaks off here; is the file complete?"),
        (gzip.compress(whole)[:200], "is a damaged gzip file"),
        (b'{"events": "\xff"}', "line 1, column 13: is not UTF-8 text"),
        (json.dumps(content()).encode() + b"\n{", "line 2: is not JSON"),
        (json.dumps([content(), {}]).encode(), "[1]: events: is missing"),
    ):
        file.write_bytes(data)
        with pytest.raises(HistoryError) as error:
            list(histories([file]))
        assert message in str(error.value)
    for path, message in (
        (tmp_path / "none.json", "no such file or folder"),
        (tmp_path / "empty", "holds no file"),
        (tmp_path / "o", "holds no history"),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        (tmp_path / "o").mkdir(exist_ok=True)
        (tmp_path / "o" / "case.json").write_text('{"name": "x"}')
        with pytest.raises(HistoryError, match=message):
            list(histories([path]))
