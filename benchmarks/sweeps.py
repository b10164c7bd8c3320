"""What the executor and the store of sweeps cost: ``python -m benchmarks.sweeps [--rounds N] [--quick] [--real]``.

* speed-up on two processes, relative to what two processes that know nothing of each other reach in the same round;
* what a run costs in a sweep beside a plain loop over the same runs, and what the store alone takes for a row;
* what a run costs as a sweep grows from 100 to 100,000 runs. By default the runs are empty, so that nothing hides the cost of executor
  and store; with --real a small scenario is run so often, which takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.table import environment
from sim.scenario.load import Scenario
from sim.scenario.run import run
from sim.sweep.cell import FUNCTION, Task, row_of
from sim.sweep.executor import Executor
from sim.sweep.jobs import Job
from sim.sweep.prepared import text_of
from sim.sweep.store import Store

SMALL = {
    "name": "small",
    "workers": [{"name": "w"}],
    "workflows": [
        {
            "id": "job",
            "program": [
                {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
                {"op": "act", "in": "s", "work": {"ms": 20000}},
                {"op": "complete", "in": "s"},
            ],
        }
    ],
}
"""About 4 ms a run: as small as runs get, so that what they cost besides shows."""


def empty(task: Task) -> dict[str, Any]:
    """A run that takes no time: a row as large as others."""
    return {f"column_{i}_s": task.seed / (i + 1) for i in range(25)} | {"digest": task.key}


# ---- speed-up --------------------------------------------------------------------------------------


def _alone(pipe: Connection) -> None:
    """A process of its own: runs as many as it is told, and says how long that took."""
    scenario = Scenario.from_dict(SMALL)
    while (order := pipe.recv()) is not None:
        began = time.perf_counter()
        for seed in range(*order):
            row_of(run(scenario, seed, properties=()))
        pipe.send(time.perf_counter() - began)


class Independent:
    """Two processes that know nothing of each other."""

    def __init__(self) -> None:
        context = mp.get_context("spawn")
        ends = [context.Pipe() for _ in range(2)]
        self.pipes = [mine for mine, _ in ends]
        self.processes = [context.Process(target=_alone, args=(theirs,), daemon=True) for _, theirs in ends]
        for process in self.processes:
            process.start()
        self.seconds(2, 50)

    def seconds(self, processes: int, runs: int) -> float:
        """How long the slower of them takes for so many runs each."""
        for i, pipe in enumerate(self.pipes[:processes]):
            pipe.send((i * runs, (i + 1) * runs))
        return max(float(pipe.recv()) for pipe in self.pipes[:processes])

    def close(self) -> None:
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send(None)
            process.join()


def swept(executor: Executor, jobs: Iterator[Job], total: int, folder: Path) -> float:
    """Seconds that a sweep of these jobs takes, store included, with processes that are there already."""
    with Store(folder / f"{time.monotonic_ns()}.db", "sweep") as store:
        began = time.perf_counter()
        for _ in executor.results(jobs, total, lambda job, row: store.add(job.data.key, job.data.seed, row)):
            pass
        store.commit()
        return time.perf_counter() - began


def tasks(runs: int, function: str = FUNCTION, text: str = "") -> Iterator[Job]:
    return (Job(function, Task("0" * 32, seed, text)) for seed in range(runs))


def speed_up(rounds: int, runs: int, folder: Path) -> list[tuple[float, float]]:
    """For each round the speed-up of two independent processes, and that of a sweep on two, over the same work on one."""
    text = text_of(Scenario.from_dict(SMALL))
    found = []
    apart = Independent()
    with Executor(2) as two:
        swept(two, tasks(400, text=text), 400, folder)  # so that both are there, and warm
        for _ in range(rounds):
            one = apart.seconds(1, runs)
            both = apart.seconds(2, runs)
            single = swept(Executor(1), tasks(2 * runs, text=text), 2 * runs, folder)
            double = swept(two, tasks(2 * runs, text=text), 2 * runs, folder)
            found.append((2 * one / both, single / double))
    apart.close()
    return found


# ---- overhead --------------------------------------------------------------------------------------


def overhead(rounds: int, runs: int, folder: Path) -> list[tuple[float, float, float]]:
    """For each round seconds a run: in a plain loop, in a sweep in the same process, and for the store alone."""
    scenario = Scenario.from_dict(SMALL)
    text = text_of(scenario)
    found = []
    for _ in range(rounds):
        began = time.process_time()
        for seed in range(runs):
            row_of(run(scenario, seed, properties=()))
        plain = time.process_time() - began
        began = time.process_time()
        swept(Executor(1), tasks(runs, text=text), runs, folder)
        in_sweep = time.process_time() - began
        row = empty(Task("0" * 32, 7, ""))
        rows = 20_000
        with Store(folder / f"{time.monotonic_ns()}.db", "sweep") as store:
            began = time.process_time()
            for seed in range(rows):
                store.add("0" * 32, seed, row)
            store.commit()
            alone = time.process_time() - began
        found.append((plain / runs, in_sweep / runs, alone / rows))
    return found


def growth(sizes: Sequence[int], real: bool, folder: Path) -> list[tuple[int, float, float]]:
    """For sweeps of these sizes on two processes: seconds a run, and processor seconds a run of the parent, which has all the state."""
    text = text_of(Scenario.from_dict(SMALL))
    function = FUNCTION if real else "benchmarks.sweeps:empty"
    found = []
    with Executor(2) as executor:
        swept(executor, tasks(400, function, text), 400, folder)
        for size in sizes:
            took = []
            for _ in range(max(1, 2_000 // size)):
                began = time.process_time()
                wall = swept(executor, tasks(size, function, text), size, folder)
                took.append((wall / size, (time.process_time() - began) / size))
            found.append((size, *(statistics.median(values) for values in zip(*took, strict=True))))
    return found


# ---- printing --------------------------------------------------------------------------------------


def _range(values: Sequence[float], spelled: Callable[[float], str]) -> str:
    return f"{spelled(statistics.median(values))} ({spelled(min(values))} to {spelled(max(values))})"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description="Measure the executor and the store of sweeps.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; each measures everything in turn (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the load: to see that all run, not to quote")
    parser.add_argument("--real", action="store_true", help="cost against size with real runs instead of empty ones")
    options = parser.parse_args(argv)
    scale = 10 if options.quick else 1
    console = Console()
    env = environment(["loky", "simpy"])
    table = Table(title="Sweeps, quick (not to be quoted)" if options.quick else "Sweeps", title_justify="left")
    table.add_column("what")
    table.add_column(f"median of {options.rounds} rounds (least to most)", justify="right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ups = speed_up(options.rounds, 1_000 // scale, folder)
        table.add_row("speed-up of two independent processes", _range([alone for alone, _ in ups], "{:.2f}".format))
        table.add_row("speed-up of a sweep on two processes", _range([sweep for _, sweep in ups], "{:.2f}".format))
        table.add_row("the one relative to the other, paired", _range([sweep / alone for alone, sweep in ups], "{:.3f}".format))
        table.add_section()
        costs = overhead(options.rounds, 1_000 // scale, folder)
        table.add_row("a run in a plain loop, CPU ms", _range([1e3 * plain for plain, _, _ in costs], "{:.3f}".format))
        table.add_row("a run in a sweep, CPU ms", _range([1e3 * swept_ for _, swept_, _ in costs], "{:.3f}".format))
        table.add_row("the one relative to the other, paired", _range([swept_ / plain for plain, swept_, _ in costs], "{:.3f}".format))
        table.add_row("a row in the store, CPU us", _range([1e6 * alone for _, _, alone in costs], "{:.1f}".format))
        table.add_section()
        sizes = [100, 1_000, 10_000, 100_000 // scale]
        for size, wall, cpu in growth(sizes, options.real, folder):
            what = f"{'small' if options.real else 'empty'} runs, {size:,}: us a run; the parent's CPU us"
            table.add_row(what, f"{1e6 * wall:.0f}; {1e6 * cpu:.0f}")
    console.print(table)
    console.print(f"{env['python']}, {env['system']}, {env['cpus']} CPUs, load {env['load_average']}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
