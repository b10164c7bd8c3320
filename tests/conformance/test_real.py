"""A case on a real server, when the Go programs are built or can be."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.build import OUT, SERVER, WORKER, BuildError, build, default_version, find_go
from conformance.plan import plan_of
from conformance.record import Rig, record
from sim import Scenario, conform
from tests.conformance.fakes import TABLE

CASE = {
    **TABLE,
    "name": "tiny",
    "until": "30s",
    "workflows": [
        {
            "id": "w",
            "program": [
                {"op": "create", "as": "s", "creation": "10s", "execution": "60s"},
                {"op": "act", "in": "s", "work": {"name": "a", "ms": 100}},
                {"op": "complete", "in": "s"},
            ],
        }
    ],
}


PROGRAM = """
import asyncio
from pathlib import Path
from conformance.plan import plan_of
from conformance.record import Rig, record
from sim import Scenario
asyncio.run(record(plan_of(Scenario.from_dict({case!r})), Rig(Path({worker!r}), Path({server!r}), "", ""), Path({out!r})))
"""


@pytest.fixture(scope="module")
def rig() -> Rig:
    """The programs; the server is not built for a test, which would take minutes."""
    try:
        find_go()
        if not (OUT / f"server-{default_version(SERVER)}" / SERVER.name).exists():
            pytest.skip("the server is not built; `make conformance` does it")
        return Rig(build(WORKER), build(SERVER), default_version(WORKER), default_version(SERVER))
    except BuildError as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_a_tiny_case_is_recorded_and_accepted(rig: Rig, tmp_path: Path) -> None:
    folder = asyncio.run(record(plan_of(Scenario.from_dict(CASE)), rig, tmp_path))
    assert sorted(path.name for path in folder.iterdir()) == ["case.json", "log.jsonl", "w.json"]
    (result,) = conform([folder])
    assert result.verdict == "accepted"


@pytest.mark.slow
def test_a_rule_counts_on_when_its_worker_is_started_again(rig: Rig, tmp_path: Path) -> None:
    work = {"op": "act", "in": "s", "work": {"name": "a", "ms": 3000}, "stc": "5s", "attempts": 1}
    create = {"op": "create", "as": "s", "creation": "10s", "execution": "60s", "heartbeat": "1s"}
    again = {"op": "until_ok", "times": 3, "ms": 500, "steps": [create, work, {"op": "complete", "in": "s"}]}
    lost = {"kind": "lose_request", "target": "A", "at": "0s", "method": "SignalWorkflowExecution", "calls": 1, "noticed_after": "200ms"}
    restart = {"kind": "restart", "target": "A", "moment": {"name": "activity runs", "where": {"label": "a"}, "after": "500ms"}}
    case = {**CASE, "workflows": [{"id": "w", "program": [again]}], "faults": [lost, restart]}
    folder = asyncio.run(record(plan_of(Scenario.from_dict(case)), rig, tmp_path))
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    signals = [row for row in rows if row.get("method") == "SignalWorkflowExecution"]
    assert {row["worker"] for row in signals} == {"A", "A'1"}
    assert [row.get("fault", "") for row in signals].count("lose_request") == 1


@pytest.mark.slow
def test_nothing_outlives_a_driver_that_is_killed(rig: Rig, tmp_path: Path) -> None:
    """Also a worker that stands still, which could not see to its end itself."""
    case = CASE | {
        "workflows": [CASE["workflows"][0] | {"program": [{"op": "sleep", "ms": 20_000}]}],  # type: ignore[index, operator]
        "faults": [{"kind": "pause", "target": "A", "at": "100ms"}],
    }
    program = PROGRAM.format(case=case, worker=str(rig.worker), server=str(rig.server), out=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 60
        while len(started := _stopped_and_all(process.pid)) < 2 or not any(started.values()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    time.sleep(3)
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


def _stopped_and_all(parent: int) -> dict[int, bool]:
    """The children of a process, and whether they stand still."""
    listed = subprocess.run(["ps", "-o", "pid=,stat=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return {int(pid): state.startswith("T") for pid, state in rows if int(pid) != os.getpid()}
