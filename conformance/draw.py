"""Random clusters, programs and faults: a scenario for every seed, the same on every machine.

The scenarios are small (at most three workers with sessions and three workflows) and short (nothing in them lasts longer
than some seconds), because what goes wrong needs no size, and a recording of a real server takes as long as the case does.
All steps of programs and all faults that can be recorded are drawn; moments make it likely that a fault meets something.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

Table = dict[str, Any]
Program = list[Table]

NOBODY: Final = "nobody"
"""A task queue that no worker polls."""

UNTIL: Final = "100s"
"""When a run ends, whatever is open."""


def scenario(seed: int, outages: bool = True) -> Table:
    """The scenario that a seed draws, as the tables of its TOML file.

    Args:
        seed: any integer.
        outages: whether the server may go away.
    """
    r = random.Random(seed)
    workers = _workers(r)
    programs = {f"w{number}": _Programmer(r, f"a{number}").program() for number in range(1, r.choice([1, 1, 2, 2, 3]) + 1)}
    workflows = [_workflow(r, name, program) for name, program in programs.items()]
    faults = [fault for name, program in programs.items() for fault in _signals(r, name, program)]
    faults += [_fault(r, [w["name"] for w in workers], list(programs), outages) for _ in range(r.choice([0, 1, 1, 1, 2, 2, 3]))]
    return {
        "name": f"random-{seed}",
        "title": f"Drawn from seed {seed}.",
        "until": UNTIL,
        "grace": "5s",
        "cluster": {"task_queues": [NOBODY]},
        "workers": workers,
        "workflows": workflows,
        "faults": faults,
    }


# -- the cluster -------------------------------------------------------------------------------------------------------


def _workers(r: random.Random) -> list[Table]:
    """Workers with sessions, and perhaps one of its own for the workflows: then faults do not meet workflow tasks."""
    apart = r.random() < 0.4
    workers = []
    for name in "ABC"[: r.choice([1, 2, 2, 2, 3])]:
        worker: Table = {"name": name, "max_concurrent_session_execution_size": r.choice([1, 1, 2, 2, 1000])}
        if r.random() < 0.2:
            worker["max_concurrent_activity_execution_size"] = r.choice([1, 2])
        if r.random() < 0.35:
            worker["worker_stop_timeout"] = r.choice(["500ms", "3s"])
        if apart:
            worker["disable_workflow_worker"] = True
        workers.append(worker)
    return [*workers, {"name": "W", "enable_session_worker": False}] if apart else workers


def _workflow(r: random.Random, name: str, program: Program) -> Table:
    workflow: Table = {"id": name, "program": program, "arrival": {"at": [r.choice(["0s", "0s", "10ms", "500ms", "1500ms"])]}}
    if r.random() < 0.06:
        workflow["run_timeout"] = r.choice(["6s", "15s"])
    return workflow


# -- programs ----------------------------------------------------------------------------------------------------------


class _Programmer:
    """Writes one program; names its activities and futures one after the other."""

    def __init__(self, r: random.Random, prefix: str) -> None:
        self.r = r
        self.prefix = prefix
        self.count = 0

    def program(self) -> Program:
        """One session, or several after, beside or inside each other."""
        r = self.r
        match r.choice(["plain"] * 5 + ["until_ok", "until_ok", "parallel", "rootless"]):
            case "until_ok":
                tries = [self.create("s"), *self.body("s", 1, 3), {"op": "complete", "in": "s"}]
                return [{"op": "until_ok", "times": r.choice([2, 3]), "ms": r.choice([0, 500, 1000]), "steps": tries}]
            case "parallel":
                branches = [self.closed_session(name) for name in "xy"[: r.choice([2, 2, 1])]]
                beside = [self.activity("", 600)] if r.random() < 0.3 else [{"op": "sleep", "ms": 1000}]
                return [{"op": "parallel", "branches": [*branches, beside]}, *self.body("", 0, 1)]
            case "rootless":
                return [*self.body("", 1, 2), *self.session("s")]
            case _:
                return [*self.session("s"), *self.afterwards("s")]

    def session(self, name: str, **more: Any) -> Program:
        """A session that is completed at the end, or now, or never."""
        steps = [self.create(name, **more)]
        how = self.r.choice(["defer", "defer", "now", "now", "never"])
        steps += [{"op": "defer_complete", "in": name}] if how == "defer" else []
        steps += self.body(name, 1, 4)
        return steps + ([{"op": "complete", "in": name}] if how == "now" else [])

    def closed_session(self, name: str) -> Program:
        return [self.create(name), *self.body(name, 1, 2), {"op": "complete", "in": name}]

    def create(self, name: str, **more: Any) -> Table:
        r = self.r
        step: Table = {"op": "create", "as": name, "creation": r.choice(["3s", "6s", "20s"]), "execution": r.choice(["5s", "60s", "60s"])}
        if r.random() < 0.75:
            step["heartbeat"] = r.choice(["1s", "2s", "3s", "5s", "6s"])
        if r.random() < 0.03:
            step |= {"queue": NOBODY, "creation": "3s"}
        return step | more

    def afterwards(self, name: str) -> Program:
        """What may follow a session: nothing, another one, the same again, here or in the next run."""
        r = self.r
        complete: Program = [{"op": "complete", "in": name}]
        match r.choice(["nothing"] * 4 + ["another", "recreate", "recreate", "next run", "closed", "in open"]):
            case "another":
                return [*complete, *self.session("n", **({"in": name} if r.random() < 0.5 else {})), {"op": "info", "in": "n"}]
            case "in open":
                return [self.create("n", **{"in": name, "ignore": True}), *self.body(name, 0, 1)]
            case "recreate":
                pause = [{"op": "sleep", "ms": r.choice([400, 1000, 2000])}] if r.random() < 0.6 else []
                return [{"op": "token", "in": name, "as": "t"}, *complete, *pause, *self.recreated()]
            case "next run":
                again = self.recreated() if r.random() < 0.6 else self.session("s")
                return [{"op": "token", "in": name, "as": "t"}, *complete, {"op": "continue_as_new", "steps": again}]
            case "closed":
                return [*complete, self.activity(name, 200), {"op": "info", "in": name}]
            case _:
                return []

    def recreated(self) -> Program:
        step = self.create("s2") | {"op": "recreate", "signal": "t"}
        step.pop("queue", None)
        return [step, {"op": "defer_complete", "in": "s2"}, *self.body("s2", 1, 2)]

    def body(self, name: str, least: int, most: int) -> Program:
        """Some work in a session, or in no session when the name is empty."""
        steps: Program = []
        for _ in range(self.r.randint(least, most)):
            steps += self.r.choice(self._MANNERS)(self, name)
        return steps

    def activity(self, name: str, longest: int = 6000, **more: Any) -> Table:
        """A step that runs DoWork for a while, in one of many manners."""
        r = self.r
        self.count += 1
        work: Table = {
            "name": f"{self.prefix}_{self.count}",
            "ms": r.choice([ms for ms in (0, 50, 200, 600, 1500, 3000, 6000) if ms <= longest]),
        }
        step: Table = {"op": "act", "work": work, "stc": r.choice(["15s", "20s", "6s", "3s", "1s"]), "attempts": r.choice([1, 1, 2, 3])}
        step |= {"in": name} if name else {}
        if r.random() < 0.3:
            work["obey"] = True
        if r.random() < 0.25:
            work["beat_ms"] = r.choice([200, 500])
            step["hb"] = r.choice(["1s", "2s", "3s"])
        if r.random() < 0.15:
            work["fail"] = r.choice(["retryable", "non_retryable", "panic"])
        for key, value, chance in (("sts", "2s", 0.2), ("schtc", "8s", 0.1), ("wait_for_cancellation", True, 0.15), ("ignore", True, 0.5)):
            if r.random() < chance:
                step[key] = value
        if not name and r.random() < 0.1:
            step |= {"queue": NOBODY, "sts": "2s"}
        return step | more

    def _act(self, name: str) -> Program:
        return [self.activity(name)]

    def _act_and_look(self, name: str) -> Program:
        return [self.activity(name), {"op": "info", **({"in": name} if name else {})}]

    def _start_and_wait(self, name: str) -> Program:
        started = self.activity(name)
        future = started["work"]["name"]
        started = {key: value for key, value in started.items() if key != "ignore"} | {"op": "start", "fut": future}
        between: Program = [self.activity(name, 600)] if self.r.random() < 0.5 else [{"op": "sleep", "ms": 1000}]
        wait: Table = {"op": "wait", "fut": future, "ignore": self.r.random() < 0.7, **({"in": name} if name else {})}
        return [started, *between, wait]

    def _sleep(self, name: str) -> Program:
        step: Table = {"op": "sleep", "ms": self.r.choice([1000, 1000, 2000, 5000]), "ignore": self.r.random() < 0.3}
        return [step | ({"in": name} if name and self.r.random() < 0.5 else {})]

    def _beside(self, name: str) -> Program:
        branches = [[self.activity(name, 1500)] for _ in range(self.r.choice([2, 3]))]
        return [{"op": "parallel", "branches": branches, "ignore": self.r.random() < 0.5}]

    def _disconnected(self, name: str) -> Program:
        other = f"{name or 'root'}_d"
        return [{"op": "disconnected", "as": other, **({"in": name} if name else {})}, self.activity(other, 1500)]

    def _await(self, name: str) -> Program:
        return [{"op": "await", "signal": f"go_{self.prefix}"}]

    _MANNERS: Final[list[Callable[[_Programmer, str], Program]]] = [
        *[_act] * 8, *[_act_and_look] * 4, *[_start_and_wait] * 3, *[_sleep] * 2, _beside, _disconnected, _await,
    ]  # fmt: skip


# -- faults ------------------------------------------------------------------------------------------------------------

METHODS: Final = (
    "SignalWorkflowExecution", "SignalWorkflowExecution", "RecordActivityTaskHeartbeat", "RecordActivityTaskHeartbeat",
    "RespondActivityTaskCompleted", "RespondActivityTaskCompleted", "RespondActivityTaskFailed", "RespondWorkflowTaskCompleted",
    "PollActivityTaskQueue", "PollWorkflowTaskQueue",
)  # fmt: skip

MOMENTS: Final = ("creation activity runs", "creation activity runs", "activity runs", "activity ends", "completion activity runs")


def _awaited(steps: Program) -> int:
    """How often a program waits for a signal."""
    return sum(
        (step["op"] == "await") + _awaited(step.get("steps", [])) + sum(map(_awaited, step.get("branches", []))) for step in steps
    )  # fmt: skip


def _signals(r: random.Random, workflow: str, program: Program) -> list[Table]:
    """A client that sends what the program waits for, sooner or later, at times once too often."""
    wanted = _awaited(program)
    number = wanted + (wanted > 0 and r.random() < 0.2)
    name = f"go_a{workflow.removeprefix('w')}"
    return [
        {"kind": "signal", "target": workflow, "name": name, "at": f"{r.choice([800, 2500, 5000, 9000]) + 7 * i}ms", "payload": {"n": i}}
        for i in range(number)
    ]


def _fault(r: random.Random, processes: list[str], workflows: list[str], outages: bool) -> Table:
    """One fault, healed after a while or never."""
    kinds = ["kill"] * 4 + ["lose_machine", "stop", "stop", "restart", "restart", "pause", "pause", "pause"]
    kinds += ["partition"] * 3 + ["call"] * 6 + ["cancel"] * 2 + ["terminate"]
    kind = r.choice([*kinds, *["server_outage"] * 2] if outages else kinds)
    fault: Table = {"kind": kind, **_when(r)}
    match kind:
        case "server_outage":
            return {"kind": kind, "at": _milliseconds(r, 200, 8000), "for": r.choice(["1s", "4s", "9s", "15s"])}
        case "cancel" | "terminate":
            return {"kind": kind, "target": r.choice(workflows), "at": _milliseconds(r, 300, 8000)}
        case "call":
            return _call(r, processes)
        case _:
            fault["target"] = "@there" if "moment" in fault and r.random() < 0.8 else r.choice(processes)
    match kind:
        case "kill" | "lose_machine" | "stop":
            fault |= {"for": r.choice(["1s", "4s", "12s"])} if r.random() < 0.6 else {}
        case "restart":
            fault |= {"delay": r.choice(["200ms", "2s"]), "graceful": r.random() < 0.6}
        case "pause":
            fault["for"] = r.choice(["500ms", "3s", "7s", "12s"])
        case "partition":
            fault |= {"direction": r.choice(["both", "up", "down"]), "for": r.choice(["500ms", "3s", "7s", "12s"])}
    return fault


def _when(r: random.Random) -> Table:
    if r.random() < 0.55:
        return {"at": _milliseconds(r, 100, 9000)}
    after = r.choice(["0s", "20ms", "300ms", "1s", "2500ms"])
    return {"moment": {"name": r.choice(MOMENTS), "nth": r.choice([1, 1, 1, 2, 3]), "after": after}}


def _call(r: random.Random, processes: list[str]) -> Table:
    """A fault of single calls: so many, or all for a while."""
    kind = r.choice(["lose_request", "lose_request", "lose_response", "lose_response", "delay_request", "delay_response", "error"])
    fault: Table = {"kind": kind, "target": r.choice(processes), "method": r.choice(METHODS), "at": _milliseconds(r, 0, 4000)}
    polls = fault["method"].startswith("Poll")
    if r.random() < 0.7 or polls:
        fault["calls"] = r.choice([1, 1, 2])
    else:
        fault["for"] = r.choice(["2s", "6s", "15s"])
    more: Mapping[str, Callable[[], Table]] = {
        "delay_request": lambda: {"delay": r.choice(["300ms", "2s", "4s"])},
        "delay_response": lambda: {"delay": r.choice(["300ms", "2s", "4s"])},
        "error": lambda: {"code": r.choice(["Unavailable", "ResourceExhausted", "PermissionDenied"])},
    }
    if kind in more:
        return fault | more[kind]()
    return fault | ({"noticed_after": r.choice(["500ms", "1500ms"])} if polls or r.random() < 0.6 else {})


def _milliseconds(r: random.Random, least: int, most: int) -> str:
    return f"{r.randint(least, most)}ms"
