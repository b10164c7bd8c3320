"""Does the faults of a plan to a real cluster, at their times and moments, and undoes them."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

from temporalio.service import RPCError

from conformance.plan import CALL_FAULTS, CLIENT_FAULTS, SERVER_FAULTS, FaultPlan, MomentPlan
from conformance.recording import LOOK_EVERY_S, SECOND, Recording
from conformance.workers import WorkerProcess

SERVER: Final = "server"
"""What the timeline calls the server."""

_BLOCKS: Final = ("noticed_after", "delay")

Undo = Callable[[], Awaitable[None]]


async def happen(recording: Recording, fault: FaultPlan) -> None:
    """Do a fault at its time or moment, and undo it when it has lasted."""
    target = fault.target
    if isinstance(fault.when, MomentPlan):
        entry = await _moment(recording, fault.when)
        target = {"@there": str(entry["worker"]).partition("'")[0], "@workflow": str(entry.get("workflow", ""))}.get(target, target)
    else:
        await recording.until(fault.when)
    undo = await _do(recording, fault, target)
    if undo is not None and fault.lasts_us is not None:
        await asyncio.sleep(fault.lasts_us / SECOND)
        await undo()


async def _moment(recording: Recording, moment: MomentPlan) -> dict[str, Any]:
    """Wait for the log entry that a moment is."""
    while True:
        entries = [entry for entry in recording.logged() if entry["ev"] == moment.event and _fits(entry, moment)]
        if len(entries) >= moment.nth:
            await asyncio.sleep(moment.after_us / SECOND)
            return entries[moment.nth - 1]
        await asyncio.sleep(LOOK_EVERY_S)


def _fits(entry: dict[str, Any], moment: MomentPlan) -> bool:
    return all(entry.get(key) == value for key, value in moment.fields.items())


async def _do(recording: Recording, fault: FaultPlan, target: str) -> Undo | None:
    """Do it; what comes back undoes it. Nothing is done to a worker that does not run."""
    if fault.kind in SERVER_FAULTS:
        return _outage(recording)
    if fault.kind in CLIENT_FAULTS:
        await _ask(recording, fault, f"{recording.name}-{target}" if target not in recording.handles else target)
        return None
    worker = recording.workers[target]
    if fault.kind in CALL_FAULTS:
        return _call_fault(recording, worker, fault)
    if fault.kind == "start":
        if not worker.alive:
            await recording.start(target)
        return None
    return await _to_process(recording, worker, fault) if worker.alive else None


def _outage(recording: Recording) -> Undo | None:
    """Kill the server; its state is in a file, and it is started again on the same address. One that is away stays away."""
    server = recording.server
    if not server.up.is_set():
        return None
    server.kill()
    recording.note("server killed", SERVER)

    async def back() -> None:
        recording.note("server started", SERVER)
        await server.start()
        recording.note("server answers", SERVER)

    return back


async def _to_process(recording: Recording, worker: WorkerProcess, fault: FaultPlan) -> Undo | None:
    name, p = worker.plan.name, fault.parameters

    async def start() -> None:
        if not worker.alive:
            await recording.start(name)

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
                gone = await _stop(recording, worker, start)
            else:
                recording.note("kill -9", name)
                worker.kill()
                gone = start
            await asyncio.sleep(p.get("delay", 0) / SECOND)
            await gone()
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
            await asyncio.sleep(LOOK_EVERY_S)
        await start()

    return start_when_gone


async def _resume(recording: Recording, worker: WorkerProcess) -> None:
    if worker.alive:
        worker.signal(signal.SIGCONT)
        recording.note("SIGCONT", worker.plan.name)


def _hold(recording: Recording, worker: WorkerProcess, direction: str) -> Undo:
    worker.hold(direction)
    recording.note(f"network held ({direction})", worker.plan.name)

    async def release() -> None:
        worker.release(direction)
        recording.note(f"network released ({direction})", worker.plan.name)

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
    rule = worker.add_rule(rule)
    recording.note("call fault " + json.dumps(rule), worker.plan.name)

    async def end() -> None:
        worker.remove_rule(rule["id"])
        recording.note(f"end of call fault {rule['id']}", worker.plan.name)

    return end


async def _ask(recording: Recording, fault: FaultPlan, workflow: str) -> None:
    """What clients ask for. A workflow that is not there, or over, refuses."""
    handle = recording.client.get_workflow_handle(workflow)
    p = fault.parameters
    await recording.server.up.wait()
    recording.note(f"{fault.kind} workflow", workflow)
    try:
        match fault.kind:
            case "cancel":
                await recording.ask(handle.cancel)
            case "terminate":
                await recording.ask(lambda: handle.terminate(reason=p.get("reason")))
            case "signal":
                await recording.ask(lambda: handle.signal(p["name"], *([p["payload"]] if "payload" in p else [])))
            case _:
                raise ValueError(f"a client cannot ask for {fault.kind!r}")
    except RPCError:
        recording.note(f"{fault.kind} refused", workflow)
