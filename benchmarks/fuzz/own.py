"""Our campaigns, on one core: ``python -m benchmarks.fuzz.own LOAD COUNT [--compiled]`` prints a measurement as JSON.

Each load has run once before the clock starts: a first run makes what all have in common, and simloop's is not counted either.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.table import Measurement, stopwatch
from sim.fuzz import subject
from sim.fuzz.schedulers import UNIFORM
from sim.fuzz.subject import Chunk, Seeds, run_chunk
from sim.scenario.fuzzing import ground_of
from sim.scenario.load import Scenario
from sim.scenario.run import run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
JOBQUEUE = SCENARIOS / "jobqueue.toml"
WORKFLOWS, ACTIVITIES = 20, 3


def seeds_per_second(seeds: int) -> Measurement:
    """A campaign: faults drawn, runs judged by all promises, coverage taken."""
    ground = ground_of(Scenario.load(SCENARIOS / "jobqueue_small.toml"))
    run_chunk(Seeds(ground, UNIFORM, (), (0,)))
    with stopwatch() as watch:
        chunk: Chunk = run_chunk(Seeds(ground, UNIFORM, (), tuple(range(1, seeds + 1))))
    faults = sum(row.hit for row in chunk.rows) / seeds
    return watch.measurement(seeds, faults=faults, messages=sum(row.messages for row in chunk.rows) / seeds)


def activities_per_second(runs: int) -> Measurement:
    """Runs of 20 workflows with three activities each, on three workers of two slots."""
    settings = ["workers.w.count=3", "workers.w.max_concurrent_session_execution_size=2"]
    settings += ['workflows.job.arrival={ at = ["0s"] }', f"workflows.job.count={WORKFLOWS}"]
    scenario = Scenario.load(JOBQUEUE, settings)
    run(scenario, runs)
    with stopwatch() as watch:
        for seed in range(runs):
            result = run(scenario, seed)
            if result.statuses != {"COMPLETED": WORKFLOWS}:
                raise RuntimeError(f"the job queue ended with {result.statuses}")
    return watch.measurement(runs * WORKFLOWS * ACTIVITIES)


LOADS: dict[str, Callable[[int], Measurement]] = {"campaign": seeds_per_second, "queue": activities_per_second}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz.own", description="Measure one load of ours once, here.")
    parser.add_argument("load", choices=LOADS)
    parser.add_argument("count", type=int, help="seeds of a campaign, or runs of the queue")
    parser.add_argument("--compiled", action="store_true", help="the package has to be the compiled build; else it must not be")
    options = parser.parse_args(argv)
    code = Path(subject.__file__)
    if options.compiled == (code.suffix == ".py"):
        raise SystemExit(f"this is the wrong package: {code}")
    print(json.dumps(asdict(LOADS[options.load](options.count))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
