"""What each pass leaves out, and what none of them touches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Scenario, Shrunk, run, shrink
from sim.shrink.faults import rehomed, retargeted, spell_out
from sim.shrink.measure import deviations_of, digits, measure, slots
from sim.shrink.search import Budget, Search
from sim.shrink.sketch import Sketch, Trial, run_sketch, tables_of
from sim.shrink.values import rounder

ACT = {"op": "act", "in": "s", "work": {"name": "work", "ms": 30_000}}
CREATE = {"op": "create", "as": "s", "creation": "1m", "execution": "10m"}
STEPS = [CREATE, {"op": "defer_complete", "in": "s"}, ACT]


def tables(**more: Any) -> dict[str, Any]:
    """Two workers; a workflow that returns the error of its activity."""
    return {"name": "t", "workers": [{"name": "w", "count": 2}], "workflows": [{"id": "job", "program": STEPS}], **more}


def shrunk(content: dict[str, Any], seed: int, name: str) -> tuple[Shrunk, dict[str, Any]]:
    small = shrink(run(Scenario.from_dict(content), seed).tape, name, seeds=0)
    return small, tables_of(Scenario.from_dict(small.tape.scenario))


def test_of_a_fault_that_comes_again_and_again_the_one_is_left_that_matters() -> None:
    fault = {"kind": "kill", "target": "@busy", "every": {"uniform": ["7s", "9s"]}, "until": "40s", "for": "1s"}
    workflows = [{**tables()["workflows"][0], "count": 4, "arrival": {"every": "10s"}}]
    small, left = shrunk(tables(faults=[fault], workflows=workflows), 3, "failure_is_failure")
    assert small.before is not None
    assert small.before.faults == 3
    assert small.deviations.faults == 1
    (only,) = left["faults"]
    assert only.keys() == {"kind", "target", "at", "for"} or only.keys() == {"kind", "target", "at"}


def test_a_fault_that_happens_once_has_a_time_rather_than_a_law() -> None:
    fault = {"kind": "kill", "target": "@busy", "every": {"exponential": "20s"}, "until": "40s"}
    small, left = shrunk(tables(faults=[fault]), 3, "failure_is_failure")
    assert small.deviations.faults == 1
    assert left["faults"][0].keys() == {"kind", "target", "at"}


def test_the_occurrences_of_a_fault_are_the_same_run_as_the_fault() -> None:
    fault = {"kind": "delay_response", "target": "w1", "every": "3s", "count": 4, "delay": "20ms"}
    sketch = Sketch(tables(faults=[fault]), 2)
    search = Search(sketch, run_sketch(sketch, ()), lambda s: run_sketch(s, ()), lambda s, seen: (0,), lambda s: s.key, Budget(10))
    spelled = [{"kind": "delay_response", "target": "w1", "at": f"{at}s", "delay": "20ms"} for at in (3, 6, 9, 12)]
    again = run_sketch(Sketch(tables(faults=spelled), 2), ())
    assert again.result.digest == search.evidence.result.digest
    assert [one.time for one in again.occurrences] == [one.time for one in search.evidence.occurrences]
    spell_out(search)  # nothing is smaller by this measure
    assert search.value == sketch


def test_whom_a_moment_hit_is_known_when_the_moment_is_gone() -> None:
    fault = {"kind": "kill", "target": "@there", "moment": {"name": "session token taken", "after": "5s"}}
    small, left = shrunk(tables(faults=[fault]), 1, "failure_is_failure")
    assert small.deviations.faults == 1
    assert left["faults"][0]["target"] in ("w1", "w2", "@there")


def test_faults_of_workers_that_are_gone_are_done_to_others_or_not_at_all() -> None:
    faults = [{"kind": "kill", "target": "w3", "at": "1s"}, {"kind": "server_outage", "at": "2s", "for": "1s"},
              {"kind": "kill", "target": "@busy", "at": "3s"}]  # fmt: skip
    found = list(retargeted({"faults": faults}, ["w1", "w2"]))
    assert [kept[0].get("target") for kept in found] == ["w1", "w2", "@busy", None]
    assert found[-1] == faults[1:]
    assert list(retargeted({"faults": faults}, ["w1", "w3"])) == [faults]


def test_faults_of_workflows_that_are_gone_too() -> None:
    faults = [{"kind": "cancel", "target": "job-2", "at": "1s"}, {"kind": "cancel", "target": "other", "at": "1s"}]
    assert list(rehomed({"faults": faults}, "job", ("job",))) == [[{**faults[0], "target": "job"}, faults[1]], faults[1:]]
    assert list(rehomed({"faults": faults}, "job", ())) == [faults[1:]]


def test_the_protocol_is_left_as_it_is() -> None:
    """Bugs and versions stay, even where nothing depends on them; so does workflow code."""
    content = tables(cluster={"sdk_version": "1.31.0", "partitions": 2}, faults=[{"kind": "kill", "target": "@busy", "at": "8s"}])
    content["workers"][0] |= {"mutants": ["recreate_takes_no_token"], "sdk_version": "1.41.0"}
    _, left = shrunk(content, 1, "failure_is_failure")
    assert left["cluster"] == {"sdk_version": "1.31.0"}
    assert left["workers"][0]["mutants"] == ["recreate_takes_no_token"]
    assert left["workers"][0]["sdk_version"] == "1.41.0"
    scenario = Scenario.load("scenarios/file_processing_crash.toml")
    small = shrink(run(scenario, 7).tape, seeds=0)
    assert small.tape.scenario["modules"] == scenario.to_dict()["modules"]


def test_what_a_bug_breaks_is_not_lost_to_what_is_broken_anyway() -> None:
    """A kill breaks the promise as well, and with fewer steps; the bug has to stay to blame."""
    bug = {"mutants": ["failed_session_looks_canceled"]}
    steps = [CREATE, {"op": "sleep", "ms": 60_000}, ACT]
    content = tables(faults=[{"kind": "kill", "target": "@busy", "at": "8s"}])
    content["workers"][0] |= bug
    content["workflows"] = [{"id": "job", "program": steps}]
    small, left = shrunk(content, 1, "failure_is_failure")
    assert {"op": "sleep", "ms": 60_000} in left["workflows"][0]["program"]
    mended = Sketch({**left, "workers": [{"name": "w", "count": left["workers"][0].get("count", 1)}]}, small.tape.seed)
    assert not Trial("failure_is_failure").broken(mended)


# -- the measure -----------------------------------------------------------------------------------------------------------


def measured(content: dict[str, Any]) -> tuple[int, ...]:
    sketch = Sketch(tables_of(Scenario.from_dict(content)), -1)
    return measure(sketch, run_sketch(sketch, ()))


def test_smaller_is_what_a_person_would_call_smaller() -> None:
    kill = {"kind": "kill", "target": "w1", "at": "8s"}
    several = {**tables()["workflows"][0], "count": 2}
    order = [
        tables(workers=[{"name": "w", "max_concurrent_session_execution_size": 1}]),
        tables(workers=[{"name": "w"}]),
        tables(workers=[{"name": "w", "max_concurrent_session_execution_size": 0}], network={"request": "1ms"}),
        tables(workers=[{"name": "w"}], network={"request": {"uniform": ["1ms", "2ms"]}}),
        tables(workers=[{"name": "w"}], workflows=[several]),
        tables(),
        tables(faults=[kill]),
        tables(faults=[{**kill, "at": "8.25s"}]),
        tables(faults=[{**kill, "for": "3s"}]),
        tables(faults=[kill, {"kind": "kill", "target": "w2", "at": "9s"}]),
    ]
    found = [measured(content) for content in order]
    assert found == sorted(found)
    assert len(set(found)) == len(found)


def test_a_fault_that_never_happens_is_there_to_be_read() -> None:
    sketch = Sketch(tables(faults=[{"kind": "kill", "target": "w1", "at": "2h"}]), -1)
    assert deviations_of(sketch, run_sketch(sketch, ())).faults == 1


def test_a_size_of_0_means_the_sdks_own() -> None:
    assert slots({"name": "w", "max_concurrent_session_execution_size": 0}) == slots({"name": "w"}) == 1000
    assert slots({"name": "w", "enable_session_worker": False}) == 0


@given(st.integers(0, 10**12))
def test_rounder_numbers_are_near_and_have_fewer_digits(number: int) -> None:
    found = rounder(number)
    assert [digits(n) for n in found] == sorted(digits(n) for n in found)
    assert all(digits(n) < digits(number) for n in found)
    assert all(abs(n - number) <= 10 * max(number, 1) for n in found)
    assert number == 0 or digits(number) == 1 or any(digits(n) == 1 for n in found)


@pytest.mark.parametrize(("number", "first"), [(12_700_000, [0, 10_000_000, 20_000_000, 13_000_000, 12_000_000]), (0, []), (5, [0])])
def test_the_roundest_come_first_and_of_these_the_nearest(number: int, first: list[int]) -> None:
    assert rounder(number)[: len(first)] == first


FILES = """
from sim import workflow


@workflow.workflow
async def files(ctx, given):
    ao = workflow.ActivityOptions(start_to_close_timeout=workflow.minutes(5))
    options = workflow.SessionOptions(creation_timeout=workflow.minutes(1), execution_timeout=workflow.minutes(10))
    session_ctx = await workflow.create_session(workflow.with_activity_options(ctx, ao), options)
    try:
        for file in given["files"]:
            await workflow.execute_activity(session_ctx, "work", file["name"]).get(session_ctx)
    finally:
        await workflow.complete_session(session_ctx)
"""


def test_what_workflow_code_is_given_gets_smaller_and_the_code_does_not(tmp_path: Path) -> None:
    """Of six files and two further keys one file is left: without any the code has nothing to do, without its name it fails itself."""
    (tmp_path / "files.py").write_text(FILES)
    inputs = ", ".join(f'{{ name = "file-{i}", size = {10 * i} }}' for i in range(6))
    file = tmp_path / "files.toml"
    file.write_text(
        f"""
        schema_version = 1
        [[workers]]
        name = "w"
        count = 2
        [activities.work]
        duration = "30s"
        [[workflows]]
        id = "job"
        workflow = "files.py:files"
        input = {{ files = [{inputs}], note = ["a", "b"], retries = 3 }}
        [[faults]]
        kind = "kill"
        target = "@busy"
        at = "20s"
        """
    )
    tape = run(Scenario.load(file), 1).tape
    small = shrink(tape, "failure_is_failure", seeds=0)
    (workflow,) = small.tape.scenario["workflows"]
    assert [list(one) for one in workflow["input"]["files"]] == [["name"]]
    assert workflow["input"].keys() == {"files"}
    assert small.tape.scenario["modules"] == tape.scenario["modules"]
