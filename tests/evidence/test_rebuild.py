"""A case as a scenario: what each line of its timeline becomes, and that its options are the workers'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.evidence.case import CaseError, read_case
from sim.evidence.rebuild import LEAD, LINGER, offset_of, scenario_of
from sim.model.durations import parse_duration
from tests.evidence.cases import change_log, copy, real, without_log


def rebuilt(tmp_path: Path, *lines: dict[str, Any], case: str = "happy_path") -> list[dict[str, Any]]:
    """The faults that these lines become, with times in seconds of the case."""
    folder = without_log(copy(case, tmp_path, lambda content: content["timeline"].extend(lines)))
    read = read_case(folder)
    faults: list[dict[str, Any]] = scenario_of(read).to_dict()["faults"]
    offset = offset_of(read)
    return [{**fault, "at": (parse_duration(fault["at"]) - offset) / 1e6} for fault in faults]


def line(what: str, who: str = "A", t: float = 1.5) -> dict[str, Any]:
    return {"t": t, "what": what, "who": who}


CALL = 'call fault {"method": "SignalWorkflowExecution", "mode": "%s", "count": 2, "block_ms": 700}'


@pytest.mark.parametrize(
    ("lines", "faults"),
    [
        ([line("kill -9")], [{"kind": "kill", "target": "A", "at": 1.5}]),
        ([line("machine lost (iptables)")], [{"kind": "lose_machine", "target": "A", "at": 1.5}]),
        ([line("graceful stop (SIGTERM)")], [{"kind": "stop", "target": "A", "at": 1.5}]),
        ([line("SIGSTOP"), line("SIGCONT", "B", 2), line("SIGCONT", "A", 3)], [{"kind": "pause", "target": "A", "at": 1.5, "for": "1.5s"}]),
        ([line("SIGSTOP")], [{"kind": "pause", "target": "A", "at": 1.5}]),
        (
            [line("network held (up)"), line("network released", t=2.5)],
            [{"kind": "partition", "target": "A", "at": 1.5, "for": "1s", "direction": "up"}],
        ),
        ([line("network held (down)")], [{"kind": "partition", "target": "A", "at": 1.5, "direction": "down"}]),
        ([line("network held (both)")], [{"kind": "partition", "target": "A", "at": 1.5, "direction": "both"}]),
        (
            [line(CALL % "lose_request"), line("call faults end", t=2)],
            [{"kind": "lose_request", "target": "A", "at": 1.5, "for": "500ms", "method": "SignalWorkflowExecution", "calls": 2,
              "noticed_after": "700ms"}],
        ),
        ([line(CALL % "delay_response")], [{"kind": "delay_response", "delay": "700ms", "calls": 2}]),
        ([line(CALL % "error")], [{"kind": "error", "code": "PermissionDenied", "calls": 2}]),
        ([line("terminate refused"), line("start workflow")], []),
    ],
)  # fmt: skip
def test_what_a_line_becomes(lines: list[dict[str, Any]], faults: list[dict[str, Any]], tmp_path: Path) -> None:
    found = rebuilt(tmp_path, *lines)
    assert len(found) == len(faults)
    for fault, expected in zip(found, faults, strict=True):
        assert {key: fault.get(key) for key in expected} == expected


def test_a_process_that_starts_again(tmp_path: Path) -> None:
    found = rebuilt(tmp_path, line("kill -9"), line("start worker", t=4))
    assert [fault["kind"] for fault in found] == ["kill", "start"]
    # Whoever recorded noted the start up to 50 ms late, and there is no log that knows better.
    assert found[1]["at"] == pytest.approx(3.95)


def test_a_cancel_request_is_made_when_the_server_wrote_it() -> None:
    case = real("sdk-1.36.0-cancelled_running")
    (fault,) = scenario_of(case).to_dict()["faults"]
    written = next(e for e in case.runs[0].history.events if type(e.event).__name__ == "WorkflowExecutionCancelRequested")
    noted = next(happening.at for happening in case.timeline if happening.what == "cancel workflow")
    assert (fault["kind"], fault["target"]) == ("cancel", "cancelled_running-w")
    assert parse_duration(fault["at"]) == written.time - case.t0 + offset_of(case)
    assert parse_duration(fault["at"]) != noted + offset_of(case)


def test_workers_have_the_options_of_the_case() -> None:
    case = real("random_027")
    workers = {worker["name"]: worker for worker in scenario_of(case).to_dict()["workers"]}
    assert [workers[name]["max_concurrent_session_execution_size"] for name in "ABC"] == [2, 1, 2]
    assert [workers[name]["worker_stop_timeout"] for name in "ABC"] == ["3s", "0s", "0s"]
    assert all(worker["max_concurrent_activity_execution_size"] == 1000 for worker in workers.values())
    workers = {worker["name"]: worker for worker in scenario_of(real("partition_survived")).to_dict()["workers"]}
    assert [workers[name]["disable_workflow_worker"] for name in "ABW"] == [True, True, False]
    assert [workers[name]["enable_session_worker"] for name in "ABW"] == [True, True, False]
    assert [workers[name]["host"] for name in "ABW"] == ["host-a", "host-b", "host-w"]


def test_workers_start_when_their_log_says() -> None:
    case = real("happy_path")
    assert case.log is not None
    worker = scenario_of(case).to_dict()["workers"][0]
    logged = next(row["t"] for row in case.log if row["ev"] == "worker_started" and row["worker"] == worker["name"])
    assert parse_duration(worker["start_at"]) == round(logged * 1e6) + offset_of(case)


def test_workflows_start_when_the_server_wrote_it_with_their_options() -> None:
    case = real("random_032")
    scenario = scenario_of(case)
    for section in scenario.to_dict()["workflows"]:
        (run,) = [run for run in case.runs if run.workflow_id == section["id"]]
        assert [parse_duration(at) for at in section["arrival"]["at"]] == [run.history.events[0].time - case.t0 + offset_of(case)]
    timeouts = [section["run_timeout"] for section in scenario.to_dict()["workflows"]]
    assert [timeouts[index] for index in (0, 1, 3)] == ["8s"] * 3
    assert timeouts[2] != "8s"


def test_the_scenario_lasts_as_long_as_the_recording() -> None:
    case = real("signal_answer_lost")
    assert case.log is not None
    last = max(max(run.history.events[-1].time for run in case.runs) - case.t0, round(case.log[-1]["t"] * 1e6))
    assert offset_of(case) == LEAD + 111_000
    assert parse_duration(scenario_of(case).to_dict()["until"]) == offset_of(case) + last + LINGER
    assert scenario_of(real("sdk-1.12.0-worker_killed")).to_dict()["cluster"]["sdk_version"] == "1.12.0"


def test_which_calls_a_text_in_them_was_about(tmp_path: Path) -> None:
    """Of calls with a text in them only the log tells which they were: by their number since the fault began."""
    fault = line(CALL.replace('"count": 2', '"match": "session-7"') % "lose_response")
    folder = copy("happy_path", tmp_path, lambda content: content["timeline"].append(fault))
    row = {"ev": "rpc", "method": "SignalWorkflowExecution", "ms": 100.0, "worker": "A'1"}
    calls = [row | {"t": 1.55}, row | {"t": 1.8}, row | {"t": 2.5, "fault": "lose_response"}, row | {"t": 2.4, "worker": "B"}]
    change_log(folder, lambda rows: rows.extend(calls))
    faults = scenario_of(read_case(folder)).to_dict()["faults"]
    assert [(fault["nth"], fault["calls"], fault["noticed_after"]) for fault in faults] == [(2, 1, "700ms")]


def test_without_a_log_nothing_tells_that(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"is about some calls only; expected a log\.jsonl that tells which"):
        rebuilt(tmp_path, line(CALL.replace('"count": 2', '"match": "session-7"') % "error"))
