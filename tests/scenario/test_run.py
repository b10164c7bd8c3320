"""A run is a function of scenario, seed and deviations: the same bytes anywhere, and a tape that gives them again."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from sim import Scenario, replay, run
from sim.trace.tape import read
from tests.scenario.watching import CREATE, DEFER, act, histories, scenario, tables

ROOT = Path(__file__).parents[2]

HASHED = """
import sys
from sim import Scenario, run
for name in sys.argv[1:]:
    print(name, Scenario.load(name).digest, run(Scenario.load(name), 7).digest)
"""


def digests(seed: str) -> str:
    names = [str(ROOT / "scenarios" / f"{name}.toml") for name in ("file_processing_crash", "jobqueue_waiting", "rolling_deploy")]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", HASHED, *names], env=environment, capture_output=True, text=True, check=True).stdout


def test_the_same_bytes_in_any_process() -> None:
    assert digests("0") == digests("1") == digests("4711")


def test_the_same_run_twice_and_another_seed() -> None:
    one = scenario()
    assert run(one, 1).digest == run(one, 1).digest != run(one, 2).digest


def test_watching_changes_nothing() -> None:
    one = scenario()
    assert run(one, 1, histories=True, full_tape=True).digest == run(one, 1, properties=()).digest


def test_what_the_command_prints() -> None:
    result = run(scenario(), 1)
    printed = json.loads(json.dumps(result.to_json()))
    keys = "digest seed scenario ended_at_s properties as_expected sessions creation_wait_s slots messages workflows"
    assert set(keys.split()) <= set(printed)
    assert set(printed["sessions"]) == {"asked", "created", "completed", "failed", "creation_timed_out"}
    assert printed["sessions"] == {"asked": 1, "created": 1, "completed": 1, "failed": 0, "creation_timed_out": 0}
    assert set(printed["creation_wait_s"]) == {"mean", "p50", "p90", "p99", "max"}
    assert printed["creation_wait_s"]["max"] == pytest.approx(0.008, abs=0.005)
    assert printed["slots"]["capacity"] == 4
    assert printed["slots"]["mean_used"] == pytest.approx(20.0 / 50.0, abs=0.01)
    assert printed["ended_at_s"] == pytest.approx(50, abs=0.1)
    assert [(w["id"], w["status"]) for w in printed["workflows"]] == [("w", "COMPLETED")]
    assert set(printed["workflows"][0]) == {"id", "status", "wait_s", "outcome"}
    assert printed["as_expected"] is True


def test_expectations() -> None:
    killed = {"faults": [{"kind": "kill", "target": "@busy", "at": "8s"}]}
    assert not run(scenario(**killed), 1).as_expected
    assert run(scenario(**killed, expect={"failure_is_failure": "broken"}), 1).as_expected
    assert not run(scenario(expect={"failure_is_failure": "broken"}), 1).as_expected
    assert run(scenario(**killed, properties={"disable": ["failure_is_failure"]}), 1).as_expected
    assert list(run(scenario(properties={"enable": ["slot_limit"]}), 1).properties) == ["slot_limit"]


def test_results_travel() -> None:
    result = run(scenario(), 1, histories=True)
    again = pickle.loads(pickle.dumps(result))
    assert again.to_json() == result.to_json()
    assert histories(again) == histories(result)


def test_a_tape_gives_the_same_run(tmp_path: Path) -> None:
    result = run(Scenario.load(ROOT / "scenarios" / "file_processing_crash.toml"), 7)
    result.tape.write(tmp_path / "run.tape")
    again = replay(read(tmp_path / "run.tape"))
    assert again.identical
    assert again.first_difference is None
    assert again.result.to_json() == result.to_json()
    properties = dict(result.properties)
    assert again.to_json() == {"identical": True, "digest": result.digest, "first_difference": None, "properties": properties}


def test_deviations_are_choices_and_go_on_the_tape() -> None:
    one = scenario()
    label = next(name for name in run(one, 1, full_tape=True).tape.choices or {} if "SignalWorkflowExecution" in name)
    slow = run(one, 1, deviations={label: 3_000_000, "delay|nobody|x|1": 1})
    assert slow.creation_wait_s.max == pytest.approx(3.0, abs=0.1)
    assert slow.unused_deviations == ("delay|nobody|x|1",)
    assert slow.tape.deviations[label] == 3_000_000
    assert replay(slow.tape).identical


def test_where_a_run_leaves_its_tape() -> None:
    tape = run(scenario(), 1, full_tape=True).tape
    assert tape.choices is not None
    label = list(tape.choices)[40]
    other = msgspec.structs.replace(tape, choices={**tape.choices, label: 5}, digest="0" * 32)
    result = replay(other)
    assert not result.identical
    assert result.first_difference is not None
    assert result.first_difference.recorded == f"{label} = 5"
    assert result.first_difference.now == f"{label} = {tape.choices[label]}"
    assert result.first_difference.at_s is not None


def test_that_a_run_leaves_its_tape_is_said_at_least() -> None:
    tape = run(scenario(), 1).tape
    later = replay(msgspec.structs.replace(tape, digest="0" * 32, ended_at_us=1_000_000)).first_difference
    assert later is not None
    assert (later.at_s, later.recorded) == (None, "ended at 1 s")
    other = replay(msgspec.structs.replace(tape, digest="0" * 32)).first_difference
    assert other is not None
    assert other.recorded == f"digest {'0' * 32}, made by {tape.made_by}"


def test_the_end() -> None:
    assert run(scenario(grace="5s"), 1).ended_at_us == pytest.approx(25_000_000, abs=100_000)
    assert run(scenario(until="10s"), 1).ended_at_us == 10_000_000
    assert run(scenario(until="10s"), 1).workflows[0].status == "RUNNING"


def test_activities_draw_by_workflow_and_attempt_alone() -> None:
    """The same activity takes as long on another worker, after another history."""
    steps = [CREATE, DEFER, {"op": "act", "in": "s", "activity": "work"}]
    law = {"work": {"duration": {"exponential": "20s"}}}
    one = run(scenario(steps, activities=law), 1)
    other = run(scenario(steps, activities=law, workers=[{"name": "z", "max_concurrent_session_execution_size": 1}]), 1)
    assert one.ended_at_us == pytest.approx(other.ended_at_us, abs=20_000)


def test_activities_fail_and_return_as_they_are_told() -> None:
    steps = [{"op": "act", "activity": "a", "attempts": 1}]
    always = {"a": {"failure_probability": 1, "fails": "non_retryable"}}
    assert run(scenario(steps, activities=always), 1).workflows[0].outcome == "Activity(a) <- Application(Asked: failed as asked)"
    rarely = scenario(steps, activities={"a": {"failure_probability": 0.001}})
    assert run(rarely, 1).statuses == {"COMPLETED": 1}
    assert run(rarely, 1, deviations={"draw|w/1/a/1|activity fails|1": 0}).statuses == {"FAILED": 1}
    half = {"a": {"failure_probability": 0.5, "fails": "panic"}}
    many = run(Scenario.from_dict(tables(steps, activities=half), ["workflows.w.count=200"]), 1)
    assert 70 < many.statuses["FAILED"] < 130
    result = {"a": {"result": {"x": [1, 2]}, "duration": "1s"}}
    outcome = run(scenario(steps, activities=result), 1).workflows[0].outcome
    assert isinstance(outcome, list)
    assert outcome[0]["value"] == {"x": [1, 2]}


def test_a_workflow_task_that_runs_twice_counts_once() -> None:
    """The first worker dies just when CreateSession has been called: another worker's workflow code calls it again."""
    fault = {"kind": "kill", "target": "@there", "moment": {"observation": "SessionAsked"}}
    counts = run(scenario([CREATE, DEFER, act(1_000)], faults=[fault]), 1).sessions
    assert (counts.asked, counts.created) == (1, 1)
