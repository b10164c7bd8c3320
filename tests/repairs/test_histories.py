"""Histories of repaired runs: Temporal's own tools read them, and the SDK as it is replays those that no repair changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from conformance.build import REPLAYER, BuildError, build
from conformance.replays import ACCEPTED, NOTHING, REFUSED, replay
from sim import Scenario, run
from sim.cli.artifacts import write_histories
from sim.workflow.repairs import UNTOUCHED, Repair
from tools.repairs.replays import export
from tools.repairs.variants import ALONE, VARIANTS, of_repairs

LOST = {
    "name": "lost",
    "workers": [{"name": "w", "count": 2}, {"name": "v", "enable_session_worker": False}],
    "workflows": [
        {
            "id": "job",
            "program": [
                {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
                {"op": "defer_complete", "in": "s"},
                {"op": "act", "in": "s", "work": {"name": "work", "ms": 60000}},
            ],
        }
    ],
    "faults": [{"kind": "kill", "target": "@session:job", "at": "5s"}],
}


def events(repairs: list[str], folder: Path) -> list[str]:
    """The types of a history's events."""
    recorder = run(Scenario.from_dict({**LOST, "repairs": repairs}), 1, histories=True).recorder
    assert recorder is not None
    assert not write_histories(recorder, folder, "1.48.0")
    text = (folder / "job.json").read_text("utf-8")
    assert WorkflowHistory.from_json("job", text).events
    return [event["eventType"].removeprefix("EVENT_TYPE_") for event in json.loads(text)["events"]]


def test_a_lost_worker_ends_the_workflow_as_failed(tmp_path: Path) -> None:
    assert events([], tmp_path)[-1] == "WORKFLOW_EXECUTION_CANCELED"
    assert events(["failure_not_canceled"], tmp_path)[-1] == "WORKFLOW_EXECUTION_FAILED"


def test_the_timer_of_a_creation_is_two_events(tmp_path: Path) -> None:
    plain, timed = events([], tmp_path), events(["creation_timer"], tmp_path)
    assert [e for e in timed if not e.startswith("TIMER")] == plain
    assert [e for e in timed if e.startswith("TIMER")] == ["TIMER_STARTED", "TIMER_CANCELED"]


@pytest.mark.parametrize("repair", sorted(UNTOUCHED, key=list(Repair).index), ids=lambda repair: repair.name.lower())
def test_worker_side_repairs_leave_a_plain_history_as_it_was(repair: Repair, tmp_path: Path) -> None:
    calm = {**LOST, "faults": []}
    histories = []
    for repairs in ([], [repair.name.lower()]):
        recorder = run(Scenario.from_dict({**calm, "repairs": repairs}), 1, histories=True).recorder
        assert recorder is not None
        histories.append([event for run_ in recorder for event in run_.events])
    assert histories[0] == histories[1]


@pytest.mark.slow
@pytest.mark.parametrize("variant", ALONE, ids=lambda variant: variant.name)
def test_the_real_sdk_replays_what_a_repair_does_not_change(variant: object, tmp_path: Path) -> None:
    (chosen,) = [v for v in VARIANTS if v is variant]
    try:
        replayer = build(REPLAYER)
    except BuildError as error:
        pytest.skip(str(error))
    verdicts = [r.verdict for r in replay(replayer, export(chosen, range(1, 31), tmp_path))]
    if Repair[chosen.name.upper()] in UNTOUCHED:
        assert REFUSED not in verdicts
    assert verdicts.count(ACCEPTED) + verdicts.count(REFUSED) + verdicts.count(NOTHING) == len(verdicts) > 0


@pytest.mark.slow
def test_the_real_sdk_refuses_a_timer_that_it_does_not_know(tmp_path: Path) -> None:
    try:
        replayer = build(REPLAYER)
    except BuildError as error:
        pytest.skip(str(error))
    assert REFUSED in {r.verdict for r in replay(replayer, export(of_repairs("", ["creation_timer"]), range(1, 6), tmp_path))}
