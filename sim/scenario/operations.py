"""How the faults of a scenario are done to a cluster, and whom they hit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, assert_never

from sim.faults import Fault, Sighting, Undo
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.names import SERVER
from sim.protocol.worker.creation import CreationAttempt
from sim.scenario.calls import is_call
from sim.scenario.cluster import Cluster
from sim.scenario.moments import process_of
from sim.simulator.places import Condition, Fate, Rule

Parameters = Any

GONE = ("kill", "lose_machine", "exit")
"""Kinds of `FaultHappened` that end a process."""

_FATES = {
    "lose_request": (True, Fate.LOSE),
    "lose_response": (False, Fate.LOSE),
    "delay_request": (True, Fate.DELAY),
    "delay_response": (False, Fate.DELAY),
    "duplicate_request": (True, Fate.DUPLICATE),
    "error": (True, Fate.ERROR),
}
"""Kind -> (whether on the way up, what becomes of the message)."""


class ClusterOperations:
    """`sim.faults.Operations` on a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._restarts: dict[str, int] = {}
        """Processes that are stopping and are to start again once they are gone -> not before this time."""
        cluster.sim.listen(obs.FaultHappened, self._happened)

    # -- whom ----------------------------------------------------------------------------------------------------------

    def find(self, fault: Fault, sighting: Sighting | None) -> str | None:
        """The target now; None when there is none of the kind asked for."""
        target = fault.target
        if not target.startswith("@"):
            return target or SERVER
        kind, _, detail = target.partition(":")
        match kind:
            case "@busy":
                return next((p for p in sorted(self.cluster.processes) if self._sessions(p)), None)
            case "@idle":
                return next((p for p in sorted(self.cluster.processes) if self._runs(p) and not self._sessions(p)), None)
            case "@session":
                return next((p for p in sorted(self.cluster.processes) if detail in self._sessions(p)), None)
            case "@there":
                return None if sighting is None else self._there(sighting)
            case "@workflow":
                fields = sighting.fields if sighting is not None else {}
                return fields.get("workflow") or fields.get("workflow_id")
            case _:
                raise ValueError(f"no target can be found by {target!r}")

    def _runs(self, process: str) -> bool:
        return self.cluster.processes[process].alive

    def _sessions(self, process: str) -> list[str]:
        """Ids of the workflows whose sessions a process holds."""
        attempts = [a for worker in self.cluster.workers_of(process) for a in worker.attempts.values()]
        return [a.task.workflow_id for a in attempts if isinstance(a, CreationAttempt)]

    def _there(self, sighting: Sighting) -> str | None:
        """Where a moment happens: at the session's worker, at the worker it names, or at the node that saw it."""
        fields = sighting.fields
        resource = str(fields.get("task_queue") or "").rpartition("@")[0].rpartition(".")[0]
        identity = str(fields.get("identity") or "").partition("'")[0]
        for name in (resource, identity):
            if name in self.cluster.specs:
                return self.cluster.specs[name].home
        return process_of(sighting.node) or None

    # -- what ----------------------------------------------------------------------------------------------------------

    def apply(self, fault: Fault, target: str) -> Undo | None:
        """Do it to the target; what comes back undoes it."""
        if fault.kind in _FATES:
            return self._rule(fault, target)
        if fault.kind in ("cancel", "terminate", "signal", "pause_activity", "unpause_activity"):
            return self._operate(fault, target)
        if target != SERVER and target not in self.cluster.processes and fault.kind != "start":
            return None
        return self._on_process(fault, target)

    def _on_process(self, fault: Fault, process: str) -> Undo | None:
        cluster, p = self.cluster, fault.parameters
        match fault.kind:
            case "kill":
                cluster.kill(process)
                return lambda: cluster.start_process(process)
            case "lose_machine":
                cluster.lose_machine(process)
                return lambda: cluster.start_process(process)
            case "start":
                cluster.start_process(process)
            case "restart":
                self._restart(process, p.get("delay", 0), p.get("graceful", False))
            case "stop":
                return self._stop(process, p.get("exits", True))
            case "pause":
                return self._pause(process)
            case "slow_down":
                cluster.slow_down(process, round(p["factor"] * 1000))
                return lambda: cluster.slow_down(process, 1000) if self._runs(process) else None
            case "partition":
                up, down = p.get("direction", "both") != "down", p.get("direction", "both") != "up"
                cluster.hold(process, up, down)
                return lambda: cluster.release(process, up, down)
            case "server_outage":
                cluster.stop_server()
                return cluster.start_server
            case "clock":
                return self._clock(process, p)
            case _:
                raise ValueError(f"a cluster cannot do {fault.kind!r}")
        return None

    def _operate(self, fault: Fault, workflow: str) -> Undo | None:
        cluster, p = self.cluster, fault.parameters
        match fault.kind:
            case "cancel":
                cluster.cancel_workflow(workflow, p.get("reason", ""))
            case "terminate":
                cluster.terminate_workflow(workflow, p.get("reason", ""), p.get("payload"))
            case "signal":
                cluster.signal_workflow(workflow, p["name"], p.get("payload"))
            case "pause_activity":
                cluster.pause_activity(workflow, p["activity"])
                return lambda: cluster.pause_activity(workflow, p["activity"], paused=False)
            case _:
                cluster.pause_activity(workflow, p["activity"], paused=False)
        return None

    # -- processes -----------------------------------------------------------------------------------------------------

    def _restart(self, process: str, delay: int, graceful: bool) -> None:
        sim = self.cluster.sim
        if graceful:
            self.cluster.stop(process)
            self._start_when_gone(process, sim.now + delay)
        else:
            self.cluster.kill(process)
            sim.schedule(sim.now + delay, f"restart {process}", lambda: self.cluster.start_process(process))

    def _stop(self, process: str, exits: bool) -> Undo:
        cluster = self.cluster
        place = cluster.place(process)
        cluster.stop(process, exits)

        def start_again() -> None:
            # One that would live on without workers has to end first; a new start was never stopped.
            if not exits and self._runs(process) and cluster.place(process) == place:
                cluster.exit_when_stopped(process)
            self._start_when_gone(process, cluster.sim.now)

        return start_again

    def _start_when_gone(self, process: str, not_before: int) -> None:
        """Start a process that is stopping once it has ended."""
        if self._runs(process):
            self._restarts[process] = not_before
        else:
            sim = self.cluster.sim
            sim.schedule(max(sim.now, not_before), f"restart {process}", lambda: self.cluster.start_process(process))

    def _happened(self, time: int, node: str, fault: object) -> None:
        assert isinstance(fault, obs.FaultHappened)
        if fault.kind in GONE and fault.target in self._restarts:
            self._start_when_gone(fault.target, max(time, self._restarts.pop(fault.target)))

    def _pause(self, process: str) -> Undo:
        cluster = self.cluster
        place = cluster.place(process)
        cluster.freeze(process)

        def go_on() -> None:
            # Whoever died meanwhile does not go on, and a new start was never paused.
            if cluster.place(process) == place and cluster.sim.place(place).condition is Condition.FROZEN:
                cluster.unfreeze(process)

        return go_on

    def _clock(self, process: str, p: Parameters) -> Undo:
        cluster = self.cluster
        old = cluster.sim.place(SERVER if process == SERVER else cluster.place(process)).clock
        before = (old.drift_ppm, old.skew_us)
        new = replace(old, drift_ppm=p.get("drift_ppm", old.drift_ppm), skew_us=old.skew_us + p.get("skew", 0))
        cluster.set_clock(process, new.drift_ppm, new.skew_us)
        return lambda: cluster.set_clock(process, *before)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _rule(self, fault: Fault, process: str) -> Undo | None:
        if process not in {spec.home for spec in self.cluster.specs.values()}:
            return None
        p = fault.parameters
        up, fate = _FATES[fault.kind]
        if "noticed_after" in p:
            fate = Fate.BREAK
        method, queue = p.get("method", ""), p.get("queue", "")
        # Without a number, a fault that lasts hits every call until its end.
        count = p.get("calls", None if fault.lasts is not None else 1)
        rule = Rule(
            lambda message: True, fate, count, p.get("nth", 1) - 1, _value(fate, p),
            asked=lambda request, callee: is_call(method, queue, request, callee),
        )  # fmt: skip
        which = f"{fault.kind} {method or 'any call'}{f' of {queue}' if queue else ''}"
        self.cluster.add_rule(process, up, rule, which)
        return lambda: self.cluster.remove_rule(process, up, rule)


def _value(fate: Fate, p: Parameters) -> object:
    match fate:
        case Fate.DELAY:
            return p["delay"]
        case Fate.BREAK:
            return p["noticed_after"]
        case Fate.ERROR:
            return msg.Refused(msg.Code(p.get("code", "Unavailable")), "injected")
        case Fate.LOSE | Fate.DUPLICATE:
            return None
        case _:
            assert_never(fate)
