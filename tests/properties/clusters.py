"""Small clusters for the tests of properties: programs as data, one call per fault, a judge that watches everything."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sim.model.laws import Uniform
from sim.properties import Judge, Setting, Verdict
from sim.protocol import messages as msg
from sim.protocol.mutants import Mutants
from sim.protocol.worker.options import WorkerOptions
from sim.scenario.cluster import Cluster, WorkerSpec
from sim.simulator.places import Delays
from sim.simulator.simulation import Simulation
from sim.workflow.script import SCRIPT

SECOND = 1_000_000
DELAYS = (1_000, 3_000)
SETTING = Setting(max_call_delay_us=DELAYS[1])
Program = list[dict[str, Any]]


def work(ms: int, name: str = "work", **more: object) -> dict[str, object]:
    """The argument of DoWork."""
    return {"name": name, "ms": ms, **more}


def create(creation: str = "60s", execution: str = "600s", name: str = "s", **more: object) -> dict[str, Any]:
    """The step that creates a session."""
    return {"op": "create", "as": name, "creation": creation, "execution": execution, **more}


def act(ms: int, session: str = "s", name: str = "work", **more: Any) -> dict[str, Any]:
    """The step that runs an activity of `ms` milliseconds; `beat_ms`, `obey`, `fail` go to its work."""
    of_work = {key: more.pop(key) for key in ("beat_ms", "obey", "fail") if key in more}
    return {"op": "act", "in": session, "work": work(ms, name, **of_work), **more}


DEFER = {"op": "defer_complete", "in": "s"}
COMPLETE = {"op": "complete", "in": "s"}


def simple(ms: int = 20_000, **options: Any) -> Program:
    """Create, one activity, deferred completion."""
    return [create(**options), DEFER, act(ms)]


def asking(steps: Any, session: Mapping[str, Any], nobody: Collection[str] = ()) -> Any:
    """A program whose sessions ask for this, too, but for those on queues that nobody serves."""
    if isinstance(steps, list):
        return [asking(step, session, nobody) for step in steps]
    if not isinstance(steps, dict):
        return steps
    more = session if steps.get("op") in ("create", "recreate") and steps.get("queue") not in nobody else {}
    return {key: asking(value, session, nobody) for key, value in steps.items()} | dict(more)


OPTIONS: list[Mapping[str, Any]] = [{}]
"""With which options workers are made that name no others: the last ones."""
ASKED: list[Mapping[str, Any]] = [{}]
"""What sessions ask for beside what their programs say: the last."""


@contextmanager
def worker_options(asked: Mapping[str, Any] | None = None, **options: Any) -> Iterator[None]:
    """All workers that are made meanwhile have these options: repairs, for one. `asked`: what all sessions ask for, too."""
    OPTIONS.append(options)
    ASKED.append(asked or {})
    try:
        yield
    finally:
        OPTIONS.pop()
        ASKED.pop()


class NobodyError(AssertionError):
    """A scenario does not come to where its fault would meet somebody."""


class Stage:
    """A cluster with workers A, B, ... and a judge."""

    def __init__(
        self, workers: str = "AB", seed: int = 1, mutants: Mutants = (), specs: Sequence[WorkerSpec] | None = None,
        task_queues: Sequence[str] = (), names: Sequence[str] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self.sim = Simulation(seed, Delays(Uniform(*DELAYS)))
        self.judge = Judge(SETTING, names)
        self.judge.attach(self.sim)
        if specs is None:
            specs = [spec(name, mutants=mutants, **options) for name in workers]
        self.cluster = Cluster(self.sim, specs, {"Script": SCRIPT}, {}, task_queues=task_queues)
        for one in specs:
            self.cluster.start_process(one.name)

    def start(self, steps: Program, workflow: str = "w", at: float = 0, queue: str = "q", run_timeout: int = 0, **tokens: str) -> Stage:
        """Start a workflow at this second."""
        steps = asking(steps, ASKED[-1])
        start = msg.StartWorkflow(workflow, "Script", queue, {"steps": steps}, run_timeout=run_timeout)
        self.at(at, lambda: self.cluster.start_workflow(start))
        return self

    def at(self, seconds: float, action: Callable[[], object]) -> Stage:
        """Do something at this second."""
        self.sim.schedule(int(seconds * SECOND), "test", lambda: (action(), None)[1])
        return self

    def cancel(self, seconds: float, workflow: str = "w") -> Stage:
        """Ask to cancel a workflow."""
        return self.at(seconds, lambda: self.cluster.request(msg.RequestCancelWorkflow(workflow), workflow))

    def run(self, seconds: float) -> dict[str, Verdict]:
        """Run until this second and judge."""
        self.sim.run(until=int(seconds * SECOND))
        return self.judge.finish(int(seconds * SECOND))

    def holder(self) -> str:
        """The worker that holds a session's slot now."""
        for process in self.cluster.processes:
            for worker in self.cluster.workers_of(process):
                if worker.bucket.free < worker.bucket.size:
                    return process
        raise NobodyError("nobody holds a slot")

    def other(self) -> str:
        """A worker that holds none."""
        busy = self.holder()
        return next(process for process in self.cluster.processes if process != busy)


def spec(name: str, queue: str = "q", mutants: Mutants = (), **options: Any) -> WorkerSpec:
    """One worker on a host of its own."""
    made = WorkerOptions(mutants=mutants, **{**OPTIONS[-1], **options})
    if ASKED[-1].get("resources") and made.session_worker:
        # As many units of each type as slots, so that neither limit hides the other.
        units = tuple((kind, made.sessions) for kind in sorted(ASKED[-1]["resources"]))
        made = replace(made, session_resources=units, session_shapes=(tuple(sorted(ASKED[-1]["resources"].items())),))
    return WorkerSpec(name, f"host-{name.lower()}", queue, made)
