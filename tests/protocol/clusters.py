"""Small clusters for tests: workers by name, programs as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.model.laws import Uniform
from sim.protocol import messages as msg
from sim.protocol.worker.options import WorkerOptions
from sim.scenario.cluster import Cluster, WorkerSpec
from sim.simulator.places import Delays
from sim.simulator.simulation import Simulation
from sim.workflow.script import SCRIPT

LEG = Uniform(1_000, 3_000)
"""Delay of one leg of a call, microseconds."""


def cluster(
    names: str = "AB", seed: int = 1, simulation: type[Simulation] = Simulation, options: Mapping[str, Any] | None = None, **keywords: Any
) -> Cluster:
    """Workers of these one-letter names on task queue `q`, started."""
    sim = simulation(seed, Delays(LEG), **keywords)
    specs = [WorkerSpec(name, f"host-{name.lower()}", "q", WorkerOptions(**(options or {}))) for name in names]
    made = Cluster(sim, specs, {"Script": SCRIPT}, {}, pace=specs[0].options.pace)
    for name in names:
        made.start_process(name)
    return made


def start(made: Cluster, workflow_id: str, steps: Sequence[Mapping[str, Any]], **keywords: Any) -> None:
    """Start a program now."""
    made.start_workflow(msg.StartWorkflow(workflow_id, "Script", "q", {"steps": list(steps)}, **keywords))


def create(name: str = "s", creation: str = "60s", execution: str = "600s", **keywords: Any) -> dict[str, Any]:
    return {"op": "create", "as": name, "creation": creation, "execution": execution, **keywords}


def act(name: str = "work", ms: int = 2000, within: str = "s", **keywords: Any) -> dict[str, Any]:
    work = {"name": name, "ms": ms, **{key: keywords.pop(key) for key in ("beat_ms", "obey", "fail") if key in keywords}}
    return {"op": "act", "in": within, "work": work, **keywords}


def done(name: str = "s") -> dict[str, Any]:
    return {"op": "defer_complete", "in": name}
