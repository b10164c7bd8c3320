"""Records a case: a real server, real workers, the programs and faults of a plan, and what came of them.

Every case has a server of its own: on one that is shared, cases take each other's reads of the shard's transfer queue (20
a second), which none of them could know. What is done is noted in a timeline, with times after the start of the first
workflow; a case's folder has that, the history of every run as the server exports it, and what the workers logged.
`sim.evidence.case` reads such folders.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from conformance.faults import happen
from conformance.plan import FlowPlan, Plan
from conformance.recording import LOOK_EVERY_S, SECOND, Recording, runtime
from conformance.servers import SETTLE_S, ServerProcess
from conformance.workers import Place, WorkerProcess

LINGER_S: Final = 0.5
"""How long the workers go on after the grace."""

WARM_UP_S: Final = 2.0
"""How long the workers poll before anything happens. The partitions of a new task queue are loaded when they are first polled; a workflow
that was started at once waited for its first worker for 0.3 s instead of 0.04 s, and later polls overtook earlier ones (measured)."""

WORK: Final = "work"
"""The folder, in a case's, of what is there only while it is recorded."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What records: the programs, and their versions as a case names them."""

    worker: Path
    server: Path
    sdk_version: str
    server_version: str


async def record(plan: Plan, rig: Rig, out: Path) -> Path:
    """Record a plan into the folder OUT/NAME, which is made anew.

    Raises:
        ServerError: its server does not start.
        WorkerError: a worker does not start.
        RPCError: the server refuses what no case asks to be refused.
        OSError: the folder cannot be written.
    """
    folder = out / plan.name
    if folder.exists():
        shutil.rmtree(folder)
    work = folder / WORK
    work.mkdir(parents=True)
    server = ServerProcess(rig.server, work.resolve() / "server")
    workers: dict[str, WorkerProcess] = {}
    try:
        await server.start()
        await asyncio.sleep(SETTLE_S)
        client = await Client.connect(server.address, identity="client", runtime=runtime())
        place = Place(rig.worker, server.address, plan.name, work.resolve())
        workers.update({worker.name: WorkerProcess(worker, place) for worker in plan.workers})
        recording = Recording(plan, server, client, workers)
        await _perform(recording)
        await _write(recording, rig, folder)
    finally:
        await asyncio.gather(*(worker.close() for worker in workers.values()))
        server.kill()
        shutil.rmtree(work, ignore_errors=True)
    return folder


# -- what is done -----------------------------------------------------------------------------------------------------


async def _perform(recording: Recording) -> None:
    """Start the workers, then the workflows and faults at their times; go on until all is over."""
    plan = recording.plan
    for worker in plan.workers:
        if worker.start_at_us == 0:
            await recording.start(worker.name)
    await asyncio.sleep(WARM_UP_S)
    recording.began = time.time()
    late = [_later(recording, w.name, w.start_at_us) for w in plan.workers if w.start_at_us]
    others = [asyncio.create_task(task) for task in (*late, *(happen(recording, fault) for fault in plan.faults))]
    try:
        try:
            async with asyncio.timeout(plan.until_us / SECOND):
                await asyncio.gather(*(_flow(recording, flow) for flow in plan.flows))
        except TimeoutError:
            pass
        await _linger(recording, others)
    finally:
        for task in others:
            task.cancel()
        done = await asyncio.gather(*others, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, Exception):  # a case without one of its faults would be another case
            raise outcome
    for workflow, handle in recording.handles.items():
        if await recording.is_open(handle):
            recording.note("terminate workflow (end of recording)", workflow)
            await handle.terminate("end of recording")


async def _linger(recording: Recording, others: list[asyncio.Task[None]]) -> None:
    """Let the grace pass, and an outage end: histories are fetched from a server that is there."""
    await asyncio.sleep(recording.plan.grace_us / SECOND + LINGER_S)
    while not recording.server.up.is_set() and not any(task.done() and task.exception() for task in others):
        await asyncio.sleep(LOOK_EVERY_S)


async def _later(recording: Recording, worker: str, at_us: int) -> None:
    await recording.until(at_us)
    await recording.start(worker)


async def _flow(recording: Recording, flow: FlowPlan) -> None:
    """Start a workflow at its time and wait for its end, however it ends."""
    await recording.until(flow.at_us)
    workflow = f"{recording.name}-{flow.id}"
    if recording.first_start is None:
        recording.first_start = time.time()
    timeouts = {name: timedelta(microseconds=us) for name, us in _timeouts(flow).items() if us}
    start = recording.client.start_workflow

    async def started() -> str:
        try:
            handle = await start("Script", {"steps": flow.steps}, id=workflow, task_queue=recording.name, **timeouts)  # type: ignore[call-overload]
        except WorkflowAlreadyStartedError as error:  # the server went away before it could say that it did so
            return error.run_id or ""
        return handle.result_run_id or handle.first_execution_run_id or ""

    recording.first_runs[workflow] = await recording.ask(started)
    handle = recording.handles[workflow] = recording.client.get_workflow_handle(workflow)
    recording.note("start workflow", flow.id)
    while await recording.is_open(handle):
        await asyncio.sleep(0.1)


def _timeouts(flow: FlowPlan) -> dict[str, int]:
    return {"execution_timeout": flow.execution_timeout_us, "run_timeout": flow.run_timeout_us, "task_timeout": flow.task_timeout_us}


# -- what came of it --------------------------------------------------------------------------------------------------


async def _write(recording: Recording, rig: Rig, folder: Path) -> None:
    assert recording.first_start is not None
    t0 = recording.first_start
    flows = [flow for flow in recording.plan.flows if f"{recording.name}-{flow.id}" in recording.first_runs]
    runs = [run for workflow, first in recording.first_runs.items() for run in await _runs(recording, workflow, first, folder)]
    with (folder / "log.jsonl").open("w") as log:
        for entry in recording.logged():
            at = datetime.fromisoformat(entry["t"]).astimezone(UTC).timestamp() - t0
            log.write(json.dumps({**entry, "t": round(at, 6)}) + "\n")
    case = {
        "name": recording.name,
        "what": recording.plan.what,
        "t0": t0,
        "sdk": f"go {rig.sdk_version}",
        "server": rig.server_version,
        "task_queue": recording.name,
        "workers": {name: {"host": worker.plan.host, **worker.plan.options} for name, worker in recording.workers.items()},
        "workflows": [_flow_entry(recording, flow) for flow in flows],
        "timeline": [{**entry, "t": round(entry["t"] - t0, 6)} for entry in recording.timeline],
        "runs": runs,
    }
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n")


def _flow_entry(recording: Recording, flow: FlowPlan) -> dict[str, Any]:
    options = {name: str(timedelta(microseconds=us)) for name, us in _timeouts(flow).items() if us}
    return {"id": f"{recording.name}-{flow.id}", "steps": flow.steps, **({"options": options} if options else {})}


async def _runs(recording: Recording, workflow: str, first: str, folder: Path) -> list[dict[str, Any]]:
    """Write the histories of a workflow's runs, and say which there are."""
    runs: list[dict[str, Any]] = []
    run_id = first
    while run_id:
        history = await recording.client.get_workflow_handle(workflow, run_id=run_id).fetch_history()
        file = workflow.removeprefix(f"{recording.name}-") + (f".run{len(runs) + 1}" if runs else "") + ".json"
        text = history.to_json()
        (folder / file).write_text(text)
        last = json.loads(text)["events"][-1]
        runs.append(
            {"file": file, "workflow_id": workflow, "run_id": run_id, "events": len(history.events), "last_event": last["eventType"]}
        )  # fmt: skip
        run_id = last.get("workflowExecutionContinuedAsNewEventAttributes", {}).get("newExecutionRunId", "")
    return runs
