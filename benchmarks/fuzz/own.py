"""Our campaigns, on one core."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from benchmarks.table import Measurement, stopwatch
from sim.fuzz.schedulers import UNIFORM
from sim.fuzz.subject import Chunk, Seeds, run_chunk
from sim.scenario.fuzzing import Ground, ground_of
from sim.scenario.load import Scenario
from sim.scenario.run import run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
JOBQUEUE = SCENARIOS / "jobqueue.toml"
WORKFLOWS, ACTIVITIES = 20, 3


@lru_cache(maxsize=1)
def _ground() -> Ground:
    return ground_of(Scenario.load(SCENARIOS / "jobqueue_small.toml"))


def seeds_per_second(seeds: int) -> Measurement:
    """A campaign: faults drawn, runs judged by all promises, coverage taken."""
    ground = _ground()
    with stopwatch() as watch:
        chunk: Chunk = run_chunk(Seeds(ground, UNIFORM, (), tuple(range(1, seeds + 1))))
    faults = sum(row.hit for row in chunk.rows) / seeds
    return watch.measurement(seeds, faults=faults, messages=sum(row.messages for row in chunk.rows) / seeds)


def activities_per_second(runs: int) -> Measurement:
    """Runs of 20 workflows with three activities each, on three workers of two slots."""
    settings = ["workers.w.count=3", "workers.w.max_concurrent_session_execution_size=2"]
    settings += ['workflows.job.arrival={ at = ["0s"] }', f"workflows.job.count={WORKFLOWS}"]
    scenario = Scenario.load(JOBQUEUE, settings)
    with stopwatch() as watch:
        for seed in range(runs):
            result = run(scenario, seed)
            if result.statuses != {"COMPLETED": WORKFLOWS}:
                raise RuntimeError(f"the job queue ended with {result.statuses}")
    return watch.measurement(runs * WORKFLOWS * ACTIVITIES)
