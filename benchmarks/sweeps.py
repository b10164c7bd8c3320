"""What the executor and the store of sweeps cost: ``python -m benchmarks.sweeps [--rounds N] [--quick]``, or ``--real``.

* speed-up on two processes, relative to what two processes that know nothing of each other reach in the same round;
* what a run costs in a sweep beside a plain loop over the same runs, and what the store alone takes for a row;
* what a run costs as a sweep grows from 100 to 100,000 runs: empty ones, so that nothing hides the cost of executor and store;
* with --real only this: what a run of a real scenario, the smallest there is, costs as a sweep grows from 100 to 100,000 runs, in processor
  time of all processes (a few minutes of one core).
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.table import environment
from sim.scenario.load import Scenario
from sim.scenario.run import run
from sim.sweep.cell import FUNCTION, Task, measure, row_of
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

SMALLEST = {
    "name": "smallest",
    "workers": [{"name": "w"}],
    "workflows": [
        {
            "id": "job",
            "program": [{"op": "create", "as": "s", "creation": "1m", "execution": "10m"}, {"op": "complete", "in": "s"}],
        }
    ],
}
"""A session that is created and completed: for so many real runs that a simulation with any work would take hours."""


def clocked(task: Task) -> dict[str, Any]:
    """A real run; its row says besides which process computed it, and how long that process has computed in all."""
    return measure(task) | {"process": os.getpid(), "processor_s": time.process_time()}


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


def growth(sizes: Sequence[int], folder: Path) -> list[tuple[int, float, float]]:
    """For sweeps of empty runs of these sizes on two processes: seconds a run, and processor seconds a run of the parent, which has all
    the state.
    """
    found = []
    with Executor(2) as executor:
        swept(executor, tasks(400, "benchmarks.sweeps:empty"), 400, folder)
        for size in sizes:
            took = []
            for _ in range(max(1, 2_000 // size)):
                began = time.process_time()
                wall = swept(executor, tasks(size, "benchmarks.sweeps:empty"), size, folder)
                took.append((wall / size, (time.process_time() - began) / size))
            found.append((size, *(statistics.median(values) for values in zip(*took, strict=True))))
    return found


@dataclass(frozen=True, slots=True)
class Grown:
    """A sweep of real runs. `parent`, `others`: processor seconds of the process that has the store, and of those that run."""

    runs: int
    parent: float
    others: float
    stored: int
    """Bytes of the store."""


class Clocks:
    """What the processes of a pool have computed, as the rows tell that they give back."""

    def __init__(self) -> None:
        self._latest: dict[int, float] = {}

    def take(self, row: dict[str, Any]) -> None:
        """A row is there."""
        self._latest[row["process"]] = max(self._latest.get(row["process"], 0.0), row["processor_s"])

    @property
    def total(self) -> float:
        """Seconds, of all of them."""
        return sum(self._latest.values())


def growth_of_real_runs(sizes: Sequence[int], folder: Path) -> Iterator[Grown]:
    """Sweeps of these sizes on two processes, by processor time, which others at work on the machine hardly change."""
    text, clocks = text_of(Scenario.from_dict(SMALLEST)), Clocks()
    with Executor(2) as executor:
        _clocked(executor, text, 400, clocks, folder)
        for size in sizes:
            yield _clocked(executor, text, size, clocks, folder)


def _clocked(executor: Executor, text: str, size: int, clocks: Clocks, folder: Path) -> Grown:
    path = folder / f"real-{size}.db"
    with Store(path, "sweep") as store:
        began, others = time.process_time(), clocks.total

        def keep(job: Job, row: dict[str, Any]) -> None:
            clocks.take(row)
            store.add(job.data.key, job.data.seed, row)

        for _ in executor.results(tasks(size, "benchmarks.sweeps:clocked", text), size, keep):
            pass
        store.commit()
        parent = time.process_time() - began
    stored = path.stat().st_size
    path.unlink()
    return Grown(size, parent, clocks.total - others, stored)


# ---- printing --------------------------------------------------------------------------------------


def _range(values: Sequence[float], spelled: Callable[[float], str]) -> str:
    return f"{spelled(statistics.median(values))} ({spelled(min(values))} to {spelled(max(values))})"


def _real(quick: str, scale: int, folder: Path) -> Table:
    table = Table(title=f"Sweeps of real runs on two processes{quick}", title_justify="left")
    for heading in ("runs", "CPU us a run: all processes", "those that run", "the one with the store", "store, bytes a run"):
        table.add_column(heading, justify="right")
    for grown in growth_of_real_runs([100, 1_000, 10_000, 100_000 // scale], folder):
        figures = (1e6 * (grown.parent + grown.others), 1e6 * grown.others, 1e6 * grown.parent, grown.stored)
        words = [f"{grown.runs:,}", *(f"{figure / grown.runs:,.0f}" for figure in figures)]
        print(" / ".join(words), file=sys.stderr, flush=True)  # as they come: the last one takes minutes
        table.add_row(*words)
    return table


def _all(quick: str, rounds: int, scale: int, folder: Path) -> Table:
    table = Table(title=f"Sweeps{quick}", title_justify="left")
    table.add_column("what")
    table.add_column(f"median of {rounds} rounds (least to most)", justify="right")
    ups = speed_up(rounds, 1_000 // scale, folder)
    table.add_row("speed-up of two independent processes", _range([alone for alone, _ in ups], "{:.2f}".format))
    table.add_row("speed-up of a sweep on two processes", _range([sweep for _, sweep in ups], "{:.2f}".format))
    table.add_row("the one relative to the other, paired", _range([sweep / alone for alone, sweep in ups], "{:.3f}".format))
    table.add_section()
    costs = overhead(rounds, 1_000 // scale, folder)
    table.add_row("a run in a plain loop, CPU ms", _range([1e3 * plain for plain, _, _ in costs], "{:.3f}".format))
    table.add_row("a run in a sweep, CPU ms", _range([1e3 * swept_ for _, swept_, _ in costs], "{:.3f}".format))
    table.add_row("the one relative to the other, paired", _range([swept_ / plain for plain, swept_, _ in costs], "{:.3f}".format))
    table.add_row("a row in the store, CPU us", _range([1e6 * alone for _, _, alone in costs], "{:.1f}".format))
    table.add_section()
    for size, wall, cpu in growth([100, 1_000, 10_000, 100_000 // scale], folder):
        table.add_row(f"empty runs, {size:,}: us a run; the parent's CPU us", f"{1e6 * wall:.0f}; {1e6 * cpu:.0f}")
    return table


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description="Measure the executor and the store of sweeps.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; each measures everything in turn (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the load: to see that all run, not to quote")
    parser.add_argument("--real", action="store_true", help="only cost against size, with real runs, in processor time")
    options = parser.parse_args(argv)
    scale = 10 if options.quick else 1
    console = Console()
    env = environment(["loky", "simpy"])
    quick = ", quick (not to be quoted)" if options.quick else ""
    with tempfile.TemporaryDirectory() as name:
        table = _real(quick, scale, Path(name)) if options.real else _all(quick, options.rounds, scale, Path(name))
    console.print(table)
    console.print(f"{env['python']}, {env['system']}, {env['cpus']} CPUs, load {env['load_average']}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
