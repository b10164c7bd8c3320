"""Histories of host sessions: Temporal's tools read them, and every epoch stands in them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

from sim import Scenario, audit
from sim.history import events as ev
from sim.history.recorder import RecordedRun
from sim.history.temporal_json import to_json
from sim.history.temporal_reader import HistoryError, read_history
from sim.scenario.run import run
from sim.workflow.sessions import CREATION_ACTIVITY
from tests.fuzz.host import host_sessions

FAULTS: list[dict[str, Any]] = [
    {"kind": "kill", "target": "@busy", "at": "10s"},
    {"kind": "stop", "target": "@busy", "at": "60s", "for": "5s"},
    {"kind": "pause", "target": "@busy", "at": "90s", "for": "40s"},
]


def recorded() -> list[RecordedRun]:
    """Runs whose sessions were taken up several times."""
    recorder = run(host_sessions(faults=FAULTS), 1, histories=True).recorder
    assert recorder is not None
    return list(recorder)


def bindings(history: ev.Event | Any) -> list[dict[str, Any]]:
    return [
        json.loads(base64.b64decode(event["workflowExecutionSignaledEventAttributes"]["input"]["payloads"][0]["data"]))
        for event in history["events"]
        if "workflowExecutionSignaledEventAttributes" in event
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_temporal_reads_them(number: int) -> None:
    one = recorded()[number]
    history = to_json(one, datetime(2026, 1, 2, tzinfo=UTC))
    parsed = ParseDict(history, History())
    assert len(WorkflowHistory.from_json("job", history).events) == len(parsed.events) == len(one.events)
    back = MessageToDict(parsed)
    assert [{**event, "eventTime": ""} for event in back["events"]] == [{**event, "eventTime": ""} for event in history["events"]]


def test_epochs_are_in_headers_and_signals_and_come_back() -> None:
    one = recorded()[0]
    history = to_json(one, datetime(2026, 1, 2, tzinfo=UTC))
    told = [binding["Epoch"] for binding in bindings(history)]
    assert told == sorted(told)
    assert told[-1] > 1
    asked = [r.event.command for r in one.events if isinstance(r.event, ev.ActivityTaskScheduled)]
    read = [r.event.command for r in read_history(history).events if isinstance(r.event, ev.ActivityTaskScheduled)]
    assert [command.epoch for command in read] == [command.epoch for command in asked]
    assert all(command.epoch for command in asked)
    creations = [command.epoch for command in asked if command.activity_type == CREATION_ACTIVITY]
    assert creations == list(range(1, len(creations) + 1))


def test_one_host_queue_and_a_queue_for_each_process() -> None:
    """The names of processes become uuids; the host's stays, for whoever starts there next has to know it."""
    told = bindings(to_json(recorded()[0], datetime(2026, 1, 2, tzinfo=UTC)))
    assert {binding["HostQueue"] for binding in told} == {"h/tasks__internal_session_host"}
    assert len({binding["Taskqueue"] for binding in told}) > 1
    for binding in told:
        assert binding["Taskqueue"] == f"{binding['ResourceID']}@{binding['HostName']}"


def test_an_audit_says_that_it_does_not_know_them(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(to_json(recorded()[0], datetime(2026, 1, 2, tzinfo=UTC))))
    with pytest.raises(HistoryError, match="of a host session; expected a history of the SDK's own sessions"):
        audit(file)


def test_a_run_is_the_same_when_it_is_replayed() -> None:
    """Workflow code of host sessions does the same from the log, with a cache of nothing."""
    with_cache, without = (run(host_sessions(faults=FAULTS), 1), run(_without_cache(), 1))
    assert with_cache.statuses == without.statuses == {"COMPLETED": 2}


def _without_cache() -> Scenario:
    content = host_sessions(faults=FAULTS).to_dict()
    for worker in content["workers"]:
        worker["sticky_workflow_cache_size"] = 0
    return Scenario.from_dict(content)
