"""Histories of sessions that ask for resources: Temporal's tools read them, and what the header says comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

from sim.history import events as ev
from sim.history.recorder import RecordedRun
from sim.history.temporal_json import to_json
from sim.history.temporal_reader import read_history
from sim.scenario.run import run
from sim.workflow.sessions import CREATION_ACTIVITY
from tests.fuzz.typed import typed_resources

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
FAULTS: list[dict[str, Any]] = [{"kind": "kill", "target": "@busy", "at": "15s"}]


def recorded() -> list[RecordedRun]:
    recorder = run(typed_resources(faults=FAULTS), 1, histories=True).recorder
    assert recorder is not None
    return list(recorder)


def test_temporal_reads_them() -> None:
    for one in recorded():
        history = to_json(one, WHEN)
        parsed = ParseDict(history, History())
        assert len(WorkflowHistory.from_json("job", history).events) == len(parsed.events) == len(one.events)
        back = MessageToDict(parsed)
        assert [{**event, "eventTime": ""} for event in back["events"]] == [{**event, "eventTime": ""} for event in history["events"]]


def test_what_is_asked_for_is_in_the_header_and_comes_back() -> None:
    every = []
    for one in recorded():
        asked = [r.event.command for r in one.events if isinstance(r.event, ev.ActivityTaskScheduled)]
        read = [r.event.command for r in read_history(to_json(one, WHEN)).events if isinstance(r.event, ev.ActivityTaskScheduled)]
        assert [(c.resources, c.may_wait) for c in read] == [(c.resources, c.may_wait) for c in asked]
        every += asked
    creations = [command for command in every if command.activity_type == CREATION_ACTIVITY]
    assert all(command.resources for command in creations)
    assert {command.may_wait for command in creations} == {False, True}
    assert not [command for command in every if command.activity_type != CREATION_ACTIVITY and command.resources]
