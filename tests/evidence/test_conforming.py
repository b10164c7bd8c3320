"""Judging: recordings are accepted with a tape that needs no recording, and what does not fit is said with what is possible."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.evidence.case import read_case
from sim.evidence.conforming import conform, judge
from sim.evidence.follow import TOLERANCE, host_of
from sim.evidence.normal import Comparison
from sim.evidence.rebuild import offset_of, scenario_of
from sim.evidence.recording import Recording
from sim.evidence.result import Verdict
from sim.evidence.search import follow, matters, search
from sim.history.temporal_json import to_json
from sim.protocol.names import run_name
from sim.scenario.replay import replay
from tests.evidence.cases import CASES, REAL, change_log, copy, real

LOGS = [(name, with_log) for name in CASES for with_log in (True, False) if with_log or name != "recreate_waits"]
"""Without its log `recreate_waits` is not followed: it is about attempts that are retried, of which histories tell only the last."""


@pytest.mark.parametrize(("name", "with_log"), LOGS)
def test_a_recording_is_accepted_with_a_tape_that_writes_it_again(name: str, with_log: bool) -> None:
    case = real(name, with_log)
    result = judge(case)
    assert (result.verdict, result.rejection) == (Verdict.ACCEPTED, None)
    assert result.tape is not None
    assert result.largest_difference_ms is not None
    assert result.largest_difference_ms * 1000 <= TOLERANCE
    again = replay(result.tape, histories=True)
    assert again.identical
    assert again.result.recorder is not None
    comparison = Comparison(TOLERANCE)
    for run in case.runs:
        written = to_json(
            again.result.recorder[run_name(run.workflow_id, run.number)], case.t0 - offset_of(case), case.sdk, run.workflow_id
        )
        assert comparison.first_difference(run.history.raw, written, 0) is None


def test_verdicts_do_not_depend_on_what_was_judged_before() -> None:
    alone = conform([REAL / "random_027"])[0]
    assert conform([REAL / "happy_path", REAL / "random_027"])[1] == alone


def test_choices_that_were_made_otherwise_are_found() -> None:
    """In this recording polls came in another order than that in which they were sent."""
    case = real("random_027")
    scenario, recording = scenario_of(case), Recording(case)
    first = follow(scenario, recording, {})
    assert first.diverged is not None
    assert first.diverged.starters is not None
    found = search(scenario, recording)
    assert found.accepted
    assert found.tries > 1
    assert all(label.startswith("late|") for label in found.best.forced)
    assert found.best.forced.items() <= found.best.steering.deviations.items()


def test_a_poll_that_no_task_came_to_is_not_tried_otherwise() -> None:
    """Where it waited made no difference."""
    case = real("random_027")
    attempt = follow(scenario_of(case), Recording(case), {})
    tasks = attempt.steering.handed.values()
    idle = [p for p in attempt.steering.picked if p.queue and not any(t.queue == p.queue and t.at >= p.at for t in tasks)]
    assert any(not picked.waits for picked in idle)
    assert [matters(picked, attempt) for picked in idle] == [picked.waits for picked in idle]


def test_the_host_of_a_session_is_told_by_its_signal() -> None:
    assert host_of("21377@host-a@") == "host-a"
    assert host_of("client") == host_of("21377@host-a") == host_of("") == ""
    recording = Recording(real("random_027"))
    assert recording.only_worker_on("host-b") == "B"
    assert recording.only_worker_on("host-z") == ""


def test_a_limit_of_tries_leaves_a_case_undecided() -> None:
    result = judge(real("random_027"), most_tries=1)
    assert result.verdict is Verdict.UNDECIDED
    assert (result.tries, result.tape) == (1, None)
    assert result.rejection is not None


# -- what does not fit ------------------------------------------------------------------------------------------------


def _event(content: Any, kind: str) -> Any:
    return next(event for event in content["events"] if event["eventType"] == f"EVENT_TYPE_{kind}")


def rejected(folder: Path) -> tuple[str, int, str, str]:
    """Run, event, what is recorded there, and what would be possible."""
    result = judge(read_case(folder))
    assert result.verdict is Verdict.REJECTED
    assert result.tape is None
    assert result.rejection is not None
    at = result.rejection
    return at.workflow_run, at.event_id, at.recorded, "; ".join(at.possible)


def test_a_fault_that_the_timeline_does_not_tell(tmp_path: Path) -> None:
    """The worker was killed, and nobody said so: its activity completes instead of timing out."""

    def change(content: Any) -> None:
        content["timeline"] = [line for line in content["timeline"] if line["what"] != "kill -9"]

    run, _, recorded, possible = rejected(copy("worker_killed", tmp_path, change))
    assert run == "worker_killed-w/1"
    # The start is written with the end, and there is another end.
    assert recorded.startswith("ActivityTaskStarted (attempt 1) by A at 0.05")
    assert "ActivityTaskTimedOut" not in possible


def test_a_fault_that_did_not_happen(tmp_path: Path) -> None:
    folder = copy("happy_path", tmp_path, lambda content: content["timeline"].append({"t": 0.5, "what": "kill -9", "who": "A"}))
    history = json.loads((folder / "w.json").read_text())
    if not any(event.get("activityTaskStartedEventAttributes", {}).get("identity") == "A" for event in history["events"]):
        pytest.fail("the case is about a session on A")
    assert rejected(folder)[0] == "happy_path-w/1"


def test_a_value_that_is_another_names_the_key(tmp_path: Path) -> None:
    def change(content: Any) -> None:
        _event(content, "ACTIVITY_TASK_SCHEDULED")["activityTaskScheduledEventAttributes"]["heartbeatTimeout"] = "21s"

    run, event, recorded, possible = rejected(copy("worker_killed", tmp_path, change, "w.json"))
    assert run == "worker_killed-w/1"
    assert recorded == "activityTaskScheduledEventAttributes.heartbeatTimeout = 21s"
    assert possible == "activityTaskScheduledEventAttributes.heartbeatTimeout = 20s"
    assert event == 6


# -- what workers saw -------------------------------------------------------------------------------------------------


def _first(rows: list[dict[str, Any]], ev: str, **values: Any) -> dict[str, Any]:
    return next(row for row in rows if row["ev"] == ev and all(str(row.get(k, "")).startswith(v) for k, v in values.items()))


@pytest.mark.parametrize(("key", "value"), [("error", "Timeout: nobody"), ("state", "closed"), ("name", "other"), ("op", "sleep")])
def test_a_step_that_workflow_code_saw_otherwise(key: str, value: str, tmp_path: Path) -> None:
    folder = change_log(copy("worker_killed", tmp_path), lambda rows: _first(rows, "workflow_saw")["saw"].update({key: value}))
    run, event, recorded, possible = rejected(folder)
    assert (run, event) == ("worker_killed-w/1", 0)
    assert f"{key} {value}" in recorded
    assert f"{key} {value}" not in possible


def test_a_step_that_workflow_code_did_not_see(tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows.append(dict(_first(rows, "workflow_saw"), t=rows[-1]["t"] + 0.001))

    _, event, recorded, possible = rejected(change_log(copy("worker_killed", tmp_path), change))
    assert event == 0
    assert possible == "nothing more"
    assert recorded


def test_an_attempt_on_another_worker(tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        row = _first(rows, "activity_start", type="DoWork")
        row["worker"] = "B" if row["worker"] == "A" else "A"

    _, event, recorded, possible = rejected(change_log(copy("worker_killed", tmp_path), change))
    assert re.search(r"attempt 1 of the activity scheduled by event \d+ on [AB]", recorded)
    assert event > 0
    assert possible.startswith("on ")


def test_a_creation_activity_that_ended_at_another_time(tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        _first(rows, "activity_end", type="internalSessionCreationActivity")["t"] -= 0.3

    _, _, recorded, possible = rejected(change_log(copy("happy_path", tmp_path), change))
    assert recorded.startswith("the end of attempt 1")
    assert re.fullmatch(r"at [\d.]+ s", possible)


def test_without_the_log_that_is_not_noticed(tmp_path: Path) -> None:
    folder = change_log(copy("worker_killed", tmp_path), lambda rows: _first(rows, "workflow_saw")["saw"].update({"error": "no"}))
    assert judge(read_case(folder, with_log=False)).verdict is Verdict.ACCEPTED


# -- results ----------------------------------------------------------------------------------------------------------


def test_results_are_tables_that_can_be_pickled() -> None:
    names: list[str] = []
    result = sim.conform([REAL / "happy_path", REAL / "worker_killed"], progress=names.append)
    assert names == ["happy_path", "worker_killed"]
    assert result.as_expected
    assert result.count(Verdict.ACCEPTED) == 2
    assert pickle.loads(pickle.dumps(result)) == result
    frame = result.to_frame()
    assert list(frame["verdict"]) == ["accepted", "accepted"]
    assert list(frame["runs"]) == [1, 1]
