"""Records a case: a real server, real workers, the programs and faults of a plan, and what came of them.

What is done is noted in a timeline, with times after the start of the first workflow; a case's folder has that, the history
of every run as the server exports it, and what the workers logged. `sim.evidence.case` reads such folders.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from conformance.plan import CALL_FAULTS, CLIENT_FAULTS, FaultPlan, FlowPlan, MomentPlan, Plan
from conformance.workers import Place, WorkerProcess

LINGER_S: Final = 0.5
"""How long the workers go on after the grace."""

_LOOK_EVERY_S: Final = 0.01
_SECOND: Final = 1_000_000
_BLOCKS: Final = ("noticed_after", "delay")

Undo = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Versions:
    """Of the Go SDK and the server, as a case names them."""

    sdk: str
    server: str


@dataclass(slots=True)
class Recording:
    """A case that is being recorded. `began`: the wall clock at the scenario's time 0, seconds."""

    plan: Plan
    client: Client
    workers: dict[str, WorkerProcess]
    began: float = 0.0
    first_start: float | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    handles: dict[str, WorkflowHandle[Any, Any]] = field(default_factory=dict)
    first_runs: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.plan.name

    def note(self, what: str, who: str) -> None:
        """Something was done now."""
        self.timeline.append({"t": time.time(), "what": what, "who": who})

    async def until(self, us: int) -> None:
        """Wait for a time of the scenario."""
        await asyncio.sleep(max(0.0, self.began + us / _SECOND - time.time()))


async def record(plan: Plan, address: str, worker_binary: Path, versions: Versions, out: Path) -> Path:
    """Record a plan into the folder OUT/NAME, which is made anew.

    Raises:
        WorkerError: a worker does not start.
        RPCError: the server does not answer.
    """
    folder = out / plan.name
    work = folder / "work"
    shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    client = await Client.connect(address, identity="client")
    place = Place(worker_binary, address, plan.name, work.resolve())
    recording = Recording(plan, client, {worker.name: WorkerProcess(worker, place) for worker in plan.workers})
    try:
        await _perform(recording)
        await _write(recording, versions, folder)
    finally:
        await asyncio.gather(*(worker.close() for worker in recording.workers.values()))
        shutil.rmtree(work, ignore_errors=True)
    return folder


# -- what is done -----------------------------------------------------------------------------------------------------


async def _perform(recording: Recording) -> None:
    """Start the workers, then the workflows and faults at their times; go on until all is over."""
    plan = recording.plan
    for worker in plan.workers:
        if worker.start_at_us == 0:
            await _start(recording, worker.name)
    recording.began = time.time()
    late = [_later(recording, w.name, w.start_at_us) for w in plan.workers if w.start_at_us]
    flows = asyncio.gather(*(_flow(recording, flow) for flow in plan.flows))
    others = [asyncio.create_task(task) for task in (*late, *(_fault(recording, fault) for fault in plan.faults))]
    try:
        async with asyncio.timeout(plan.until_us / _SECOND):
            await flows
    except TimeoutError:
        flows.cancel()
    await asyncio.sleep(plan.grace_us / _SECOND + LINGER_S)
    for task in others:
        task.cancel()
    for outcome in await asyncio.gather(*others, return_exceptions=True):
        if isinstance(outcome, Exception):  # a case without one of its faults would be another case
            raise outcome
    for workflow, handle in recording.handles.items():
        if await _is_open(handle):
            recording.note("terminate workflow (end of recording)", workflow)
            await handle.terminate("end of recording")


async def _start(recording: Recording, worker: str) -> None:
    await recording.workers[worker].start()
    recording.note("start worker", worker)


async def _later(recording: Recording, worker: str, at_us: int) -> None:
    await recording.until(at_us)
    await _start(recording, worker)


async def _flow(recording: Recording, flow: FlowPlan) -> None:
    """Start a workflow at its time and wait for its end, however it ends."""
    await recording.until(flow.at_us)
    workflow = f"{recording.name}-{flow.id}"
    if recording.first_start is None:
        recording.first_start = time.time()
    timeouts = {
        name: timedelta(microseconds=us)
        for name, us in _timeouts(flow).items()
        if us
    }  # fmt: skip
    program = {"steps": flow.steps}
    started = await recording.client.start_workflow("Script", program, id=workflow, task_queue=recording.name, **timeouts)  # type: ignore[call-overload]
    handle = recording.handles[workflow] = recording.client.get_workflow_handle(workflow)
    recording.first_runs[workflow] = started.result_run_id or started.first_execution_run_id
    recording.note("start workflow", flow.id)
    while await _is_open(handle):
        await asyncio.sleep(0.1)


def _timeouts(flow: FlowPlan) -> dict[str, int]:
    return {"execution_timeout": flow.execution_timeout_us, "run_timeout": flow.run_timeout_us, "task_timeout": flow.task_timeout_us}


async def _is_open(handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether a workflow is open, in whichever of its runs."""
    return (await handle.describe()).close_time is None


# -- faults -----------------------------------------------------------------------------------------------------------


async def _fault(recording: Recording, fault: FaultPlan) -> None:
    """Do it at its time or moment, and undo it when it has lasted."""
    target = fault.target
    if isinstance(fault.when, MomentPlan):
        entry = await _moment(recording, fault.when)
        target = {"@there": str(entry["worker"]).partition("'")[0], "@workflow": str(entry.get("workflow", ""))}.get(target, target)
    else:
        await recording.until(fault.when)
    undo = await _do(recording, fault, target)
    if undo is not None and fault.lasts_us is not None:
        await asyncio.sleep(fault.lasts_us / _SECOND)
        await undo()


async def _moment(recording: Recording, moment: MomentPlan) -> dict[str, Any]:
    """Wait for the log entry that a moment is."""
    while True:
        entries = [entry for entry in _logged(recording) if entry["ev"] == moment.event and _fits(entry, moment)]
        if len(entries) >= moment.nth:
            await asyncio.sleep(moment.after_us / _SECOND)
            return entries[moment.nth - 1]
        await asyncio.sleep(_LOOK_EVERY_S)


def _fits(entry: dict[str, Any], moment: MomentPlan) -> bool:
    return all(entry.get(key) == value for key, value in moment.fields.items())


async def _do(recording: Recording, fault: FaultPlan, target: str) -> Undo | None:
    """Do it; what comes back undoes it. Nothing is done to a worker that does not run."""
    if fault.kind in CLIENT_FAULTS:
        await _ask(recording, fault, f"{recording.name}-{target}" if target not in recording.handles else target)
        return None
    worker = recording.workers[target]
    if fault.kind in CALL_FAULTS:
        return _call_fault(recording, worker, fault)
    if fault.kind == "start":
        if not worker.alive:
            await _start(recording, target)
        return None
    return await _to_process(recording, worker, fault) if worker.alive else None


async def _to_process(recording: Recording, worker: WorkerProcess, fault: FaultPlan) -> Undo | None:
    name, p = worker.plan.name, fault.parameters

    async def start() -> None:
        if not worker.alive:
            await _start(recording, name)

    match fault.kind:
        case "kill":
            recording.note("kill -9", name)
            worker.kill()
            return start
        case "lose_machine":
            recording.note("machine lost (no FIN)", name)
            worker.lose()
            return start
        case "stop":
            return await _stop(recording, worker, start)
        case "restart":
            if p.get("graceful"):
                await (await _stop(recording, worker, start))()
            else:
                recording.note("kill -9", name)
                worker.kill()
                await asyncio.sleep(p.get("delay", 0) / _SECOND)
                await start()
            return None
        case "pause":
            worker.signal(signal.SIGSTOP)
            recording.note("SIGSTOP", name)
            return lambda: _resume(recording, worker)
        case "partition":
            return _hold(recording, worker, p.get("direction", "both"))
        case _:
            raise ValueError(f"a recording cannot do {fault.kind!r}")


async def _stop(recording: Recording, worker: WorkerProcess, start: Undo) -> Undo:
    recording.note("graceful stop (SIGTERM)", worker.plan.name)
    worker.signal(signal.SIGTERM)

    async def start_when_gone() -> None:
        while worker.alive:
            await asyncio.sleep(_LOOK_EVERY_S)
        await start()

    return start_when_gone


async def _resume(recording: Recording, worker: WorkerProcess) -> None:
    if worker.alive:
        worker.signal(signal.SIGCONT)
        recording.note("SIGCONT", worker.plan.name)


def _hold(recording: Recording, worker: WorkerProcess, direction: str) -> Undo:
    proxy = worker.proxy
    assert proxy is not None
    proxy.hold(direction)
    recording.note(f"network held ({direction})", worker.plan.name)

    async def release() -> None:
        proxy.release()
        recording.note("network released", worker.plan.name)

    return release


def _call_fault(recording: Recording, worker: WorkerProcess, fault: FaultPlan) -> Undo:
    p = fault.parameters
    rule: dict[str, Any] = {"method": p.get("method", ""), "mode": fault.kind}
    count = p.get("calls", None if fault.lasts_us is not None else 1)
    block = next((p[name] for name in _BLOCKS if name in p), 0)
    rule |= {"count": count} if count else {}
    rule |= {"block_ms": block // 1000} if block else {}
    rule |= {"skip": p["nth"] - 1} if p.get("nth", 1) > 1 else {}
    rule |= {key: p[key] for key in ("queue", "code") if key in p}
    worker.add_rule(rule)
    recording.note("call fault " + json.dumps(rule), worker.plan.name)

    async def clear() -> None:
        worker.clear_rules()
        recording.note("call faults end", worker.plan.name)

    return clear


async def _ask(recording: Recording, fault: FaultPlan, workflow: str) -> None:
    """What clients ask for. A workflow that is not there, or over, refuses."""
    handle = recording.client.get_workflow_handle(workflow)
    try:
        if fault.kind == "cancel":
            recording.note("cancel workflow", workflow)
            await handle.cancel()
        elif fault.kind == "terminate":
            recording.note("terminate workflow", workflow)
            await handle.terminate(reason=fault.parameters.get("reason"))
        else:
            recording.note("signal workflow", workflow)
            await handle.signal(fault.parameters["name"], fault.parameters.get("payload"))
    except RPCError:
        recording.note(f"{fault.kind} refused", workflow)


# -- what came of it --------------------------------------------------------------------------------------------------


def _logged(recording: Recording) -> list[dict[str, Any]]:
    """What all workers have logged, in order of time. A line that is being written is left for later."""
    entries = []
    for worker in recording.workers.values():
        lines = worker.log.read_text().split("\n")[:-1] if worker.log.exists() else []
        entries += [json.loads(line) for line in lines if line.strip()]
    return sorted(entries, key=lambda entry: str(entry["t"]))


async def _write(recording: Recording, versions: Versions, folder: Path) -> None:
    assert recording.first_start is not None
    t0 = recording.first_start
    flows = [flow for flow in recording.plan.flows if f"{recording.name}-{flow.id}" in recording.first_runs]
    runs = [run for workflow, first in recording.first_runs.items() for run in await _runs(recording, workflow, first, folder)]
    with (folder / "log.jsonl").open("w") as log:
        for entry in _logged(recording):
            at = datetime.fromisoformat(entry.pop("t")).astimezone(UTC).timestamp() - t0
            log.write(json.dumps({"t": round(at, 6), **entry}) + "\n")
    case = {
        "name": recording.name,
        "what": recording.plan.what,
        "t0": t0,
        "sdk": f"go {versions.sdk}",
        "server": versions.server,
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
        (folder / file).write_text(history.to_json())
        last = json.loads(history.to_json())["events"][-1]
        runs.append(
            {"file": file, "workflow_id": workflow, "run_id": run_id, "events": len(history.events), "last_event": last["eventType"]}
        )  # fmt: skip
        run_id = last.get("workflowExecutionContinuedAsNewEventAttributes", {}).get("newExecutionRunId", "")
    return runs
