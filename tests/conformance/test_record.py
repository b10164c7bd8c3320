"""What a recording does and notes, with fakes for the server, the workers and the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from temporalio.service import RPCError, RPCStatusCode

from conformance import record as recorder
from conformance.faults import happen
from conformance.plan import FaultPlan
from conformance.recording import Recording
from conformance.servers import ServerError
from sim.evidence.rebuild import scenario_of
from tests.conformance import fakes
from tests.conformance.fakes import FakeClient, FakeHandle


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fakes need no time to get ready."""
    monkeypatch.setattr(recorder, "WARM_UP_S", 0.0)


def noted(recording: Recording) -> list[str]:
    return [f"{entry['what']} {entry['who']}" for entry in recording.timeline]


def perform(recording: Recording) -> None:
    """Carry the whole plan out."""

    async def go() -> None:
        await recording.server.start()
        try:
            await recorder._perform(recording)
        finally:
            recording.server.kill()
            await asyncio.gather(*(worker.close() for worker in recording.workers.values()))

    asyncio.run(go())


def do(recording: Recording, *faults: FaultPlan, more: Awaitable[None] | None = None) -> None:
    """Start server and workers, and do the faults, all at once."""

    async def go() -> None:
        await recording.server.start()
        try:
            for name in recording.workers:
                await recording.start(name)
            recording.timeline.clear()
            await asyncio.gather(*(happen(recording, fault) for fault in faults), *([more] if more else []))
        finally:
            recording.server.kill()
            await asyncio.gather(*(worker.close() for worker in recording.workers.values()))

    asyncio.run(go())


def fault(kind: str, target: str = "A", when: int = 0, lasts: int | None = None, **parameters: Any) -> FaultPlan:
    return FaultPlan(kind, target, when, lasts, parameters)


def test_a_plan_is_carried_out(tmp_path: Path) -> None:
    # So many looks that a second process has the time to start on a busy machine.
    client = FakeClient(looks=20)
    signal = {"kind": "signal", "target": "w", "name": "go", "payload": 1, "at": "50ms"}
    workers = [{"name": "A"}, {"name": "B", "start_at": "20ms"}]
    recording = fakes.recording(tmp_path, client, faults=[signal], workers=workers)
    perform(recording)
    assert noted(recording)[0] == "start worker A"
    assert sorted(noted(recording)[1:]) == ["signal workflow case-w", "start worker B", "start workflow w"]
    assert client.asked[0][:3] == ("start", "case-w", "case")
    assert ("signal", "case-w", "go", 1) in client.asked
    assert recording.first_runs == {"case-w": "run of case-w"}


def test_what_is_open_at_the_end_is_terminated(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path, FakeClient(looks=1000), until="300ms")
    perform(recording)
    assert noted(recording)[-1] == "terminate workflow (end of recording) case-w"


def test_a_server_that_does_not_come_back_is_no_recording(tmp_path: Path) -> None:
    outage = {"kind": "server_outage", "at": "10ms", "for": "300ms"}
    recording = fakes.recording(tmp_path, FakeClient(looks=0), faults=[outage])
    asyncio.run(_broken(recording, tmp_path))


async def _broken(recording: Recording, folder: Path) -> None:
    asyncio.get_running_loop().call_later(0.15, lambda: fakes.script(folder, "server", fakes.BROKEN))
    await recording.server.start()
    with pytest.raises(ServerError, match="no space left"):
        await recorder._perform(recording)
    await asyncio.gather(*(worker.close() for worker in recording.workers.values()))


def test_a_killed_worker_comes_back_after_the_fault(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    do(recording, fault("kill", lasts=30_000))
    assert noted(recording) == ["kill -9 A", "start worker A"]
    assert [entry["worker"] for entry in recording.logged()] == ["A", "A'1"]


def test_a_graceful_restart_waits_for_its_delay(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    do(recording, fault("restart", graceful=True, delay=150_000))
    assert noted(recording) == ["graceful stop (SIGTERM) A", "start worker A"]
    stopped, started = (entry["t"] for entry in recording.timeline)
    assert started - stopped >= 0.15


def test_a_pause_and_a_partition_end(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    do(recording, fault("pause", lasts=20_000), fault("partition", when=0, lasts=60_000, direction="up"))
    assert noted(recording) == ["SIGSTOP A", "network held (up) A", "SIGCONT A", "network released (up) A"]


def test_a_partition_holds_the_next_start_too_but_a_lost_machine_stays_lost(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    open_ways: list[list[bool]] = []

    async def look() -> None:
        for at in (0.2, 1.6):
            await asyncio.sleep(at)
            open_ways.append([proxy.is_open("up") for proxy in recording.workers["A"].proxies])

    lost = fault("lose_machine", when=20_000, lasts=50_000)
    do(recording, fault("partition", lasts=1_500_000, direction="both"), lost, more=look())
    assert noted(recording) == ["network held (both) A", "machine lost (no FIN) A", "start worker A", "network released (both) A"]
    assert open_ways == [[False, False], [False, True]]


def test_a_worker_that_is_cut_off_is_started_until_it_gets_through(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    worker = recording.workers["A"]

    async def heal() -> None:
        worker.kill()
        worker.hold("up")
        fakes.script(tmp_path, "worker-A", fakes.BROKEN)
        starting = asyncio.create_task(recording.start("A"))
        await asyncio.sleep(0.1)
        assert not starting.done()
        fakes.script(tmp_path, "worker-A", fakes.WORKER)
        worker.release("up")
        await starting

    do(recording, more=heal())
    assert noted(recording) == ["start worker A"]


def test_faults_of_calls_that_overlap_end_each_on_its_own(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    seen: list[list[str]] = []

    async def look() -> None:
        for _ in range(2):
            await asyncio.sleep(0.09)
            seen.append([rule["mode"] for rule in json.loads((tmp_path / "A.rules.json").read_text())])

    first = fault("error", lasts=60_000, method="SignalWorkflowExecution", code="NotFound")
    second = fault("delay_request", lasts=300_000, method="RecordActivityTaskHeartbeat", delay=200_000, nth=3)
    do(recording, first, second, more=look())
    assert seen == [["delay_request"], ["delay_request"]]
    rules = [json.loads(what.removeprefix("call fault ").removesuffix(" A")) for what in noted(recording)[:2]]
    assert rules == [
        {"id": "1", "method": "SignalWorkflowExecution", "mode": "error", "code": "NotFound"},
        {"id": "2", "method": "RecordActivityTaskHeartbeat", "mode": "delay_request", "block_ms": 200, "skip": 2},
    ]
    assert noted(recording)[2:] == ["end of call fault 1 A", "end of call fault 2 A"]


def test_without_a_length_a_fault_of_calls_hits_one(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    do(recording, fault("lose_response", method="SignalWorkflowExecution"))
    assert json.loads((tmp_path / "A.rules.json").read_text())[0]["count"] == 1


def test_clients_are_refused_and_it_is_noted(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path, FakeClient(refuses={"cancel"}))
    do(recording, fault("cancel", "w"), fault("terminate", "w", reason="enough"))
    assert noted(recording) == ["cancel workflow case-w", "cancel refused case-w", "terminate workflow case-w"]


def test_the_server_goes_away_and_what_is_done_meanwhile_waits(tmp_path: Path) -> None:
    recording = fakes.recording(tmp_path)
    do(
        recording, fault("server_outage", "", lasts=150_000), fault("cancel", "w", when=1), fault("restart", when=1),
        fault("server_outage", "", when=2, lasts=10_000),
    )  # fmt: skip
    assert noted(recording)[:4] == ["server killed server", "kill -9 A", "server started server", "server answers server"]
    assert sorted(noted(recording)[4:]) == ["cancel workflow case-w", "start worker A"]
    assert recording.server.starts == 2


def test_a_call_that_an_outage_broke_is_made_again(tmp_path: Path) -> None:
    class Breaking(FakeHandle):
        async def describe(self) -> Any:
            if recording.server.starts == 1:
                recording.server.kill()
                asyncio.get_running_loop().call_later(0.02, lambda: back.append(asyncio.ensure_future(recording.server.start())))
                raise RPCError("connection lost", RPCStatusCode.UNAVAILABLE, b"")
            return await super().describe()

    back: list[asyncio.Future[None]] = []
    client = FakeClient(looks=0)
    recording = fakes.recording(tmp_path, client)

    async def look() -> None:
        assert not await recording.is_open(Breaking(client, "case-w"))  # type: ignore[arg-type]

    do(recording, more=look())
    assert recording.server.starts == 2


def test_a_moment_is_waited_for(tmp_path: Path) -> None:
    moment = {"name": "activity runs", "where": {"label": "a"}, "nth": 2, "after": "10ms"}
    recording = fakes.recording(tmp_path, faults=[{"kind": "kill", "target": "@there", "moment": moment}])

    async def run() -> None:
        for name in ("a", "b", "a"):
            assert noted(recording) == []
            with (tmp_path / "A.jsonl").open("a") as log:
                log.write(json.dumps({"ev": "activity_start", "name": name, "worker": "A'1", "t": f"2026-01-02T00:00:0{name}"}) + "\n")
            await asyncio.sleep(0.05)

    do(recording, *recording.plan.faults, more=run())
    assert noted(recording) == ["kill -9 A"]


def test_conform_understands_the_timeline() -> None:
    """The same faults come back out of a case that was recorded with them."""
    from sim.evidence.case import read_case

    case = read_case(Path(__file__).parents[1] / "data" / "real" / "happy_path")
    rule = {"id": "1", "method": "SignalWorkflowExecution", "mode": "error", "code": "NotFound"}
    lines = [
        (-0.2, "start worker", "A"), (-0.1, "start worker", "B"), (1.0, "call fault " + json.dumps(rule), "A"),
        (2.0, "call fault " + json.dumps({**rule, "id": "2"}), "A"),
        (3.0, "end of call fault 1", "A"), (5.0, "end of call fault 2", "A"),
        (6.0, "network held (up)", "A"), (7.0, "network held (both)", "A"), (8.0, "network released (up)", "A"),
        (9.0, "network released (both)", "A"), (20.0, "server killed", "server"), (22.0, "server started", "server"),
        (23.0, "server answers", "server"),
    ]  # fmt: skip
    happenings = tuple(type(case.timeline[0])(round(at * 1e6), what, who) for at, what, who in lines)
    rebuilt = scenario_of(msgspec.structs.replace(case, timeline=happenings))
    faults = [(f.kind, f.lasts) for f in rebuilt.model.faults]
    assert faults == [
        ("error", 2_000_000), ("error", 3_000_000), ("partition", 2_000_000), ("partition", 2_000_000), ("server_outage", 3_000_000),
    ]  # fmt: skip
