"""Small runs for the tests of reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.model.laws import Uniform
from sim.protocol import messages as msg
from sim.protocol.worker.options import WorkerOptions
from sim.report.story import Story, StoryCollector
from sim.report.timeline import TimelineCollector
from sim.report.timeline_parts import Limits, Timeline
from sim.scenario.cluster import Cluster, WorkerSpec
from sim.simulator.places import Delays
from sim.simulator.simulation import Simulation
from sim.workflow.script import SCRIPT

SECOND = 1_000_000
WORK = [
    {"op": "act", "in": "s", "work": {"name": name, "ms": ms}} for name, ms in (("download", 4000), ("process", 9000), ("upload", 3000))
]
CREATE = {"op": "create", "as": "s", "creation": "60s", "execution": "600s"}
TWICE = [{"op": "until_ok", "times": 3, "ms": 1000, "steps": [CREATE, *WORK, {"op": "complete", "in": "s"}]}]
ONCE = [CREATE, {"op": "defer_complete", "in": "s"}, *WORK]

Plan = dict[int, Callable[[Cluster, str], Any]]
"""Second -> what is done to the cluster, given the worker that was busy first."""


def file_processing(plan: Plan | None = None, steps: Any = TWICE, until: int = 70, limits: Limits | None = None) -> tuple[Timeline, Story]:
    """Two workers, one workflow, and faults."""
    return run(["A", "B"], {"file-1": steps}, plan or {}, until, limits=limits)


def contention(workers: int = 3, workflows: int = 12, slots: int = 2, until: int = 200) -> tuple[Timeline, Story]:
    """More workflows than slots."""
    return run([f"w{i}" for i in range(workers)], {f"job-{i:02}": ONCE for i in range(workflows)}, {}, until, slots)


def run(
    workers: list[str], workflows: dict[str, Any], plan: Plan, until: int, slots: int = 2, limits: Limits | None = None
) -> tuple[Timeline, Story]:
    """A run to `until` seconds."""
    simulation = Simulation(1, Delays(Uniform(1000, 3000)))
    options = WorkerOptions(max_concurrent_session_execution_size=slots)
    cluster = Cluster(simulation, [WorkerSpec(n, f"host-{n.lower()}", "q", options) for n in workers], {"Script": SCRIPT}, {})
    timeline, story = TimelineCollector(limits), StoryCollector()
    timeline.attach(cluster, simulation)
    story.attach(cluster, simulation)
    for name in workers:
        cluster.start_process(name)
    for name, steps in workflows.items():
        cluster.start_workflow(msg.StartWorkflow(name, "Script", "q", {"steps": steps}))
    busy: list[str] = []

    def act(action: Callable[[Cluster, str], Any]) -> None:
        if not busy:
            busy.append(next(n for n in workers if any(w.attempts for w in cluster.workers_of(n))))
        action(cluster, busy[0])

    for second, action in plan.items():
        simulation.schedule(second * SECOND, "fault", lambda action=action: act(action))  # type: ignore[misc]
    simulation.run(until=until * SECOND)
    return timeline.timeline(simulation.now), story.story()


def kill(cluster: Cluster, process: str) -> None:
    cluster.kill(process)


def start(cluster: Cluster, process: str) -> None:
    cluster.start_process(process)
