"""Carries a sweep out: decides which runs are missing, has them run, and keeps what comes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import msgspec

from sim.scenario.overrides import Override
from sim.sweep.cell import FUNCTION, Task
from sim.sweep.executor import Executor
from sim.sweep.jobs import Job
from sim.sweep.load import Cell, Sweep
from sim.sweep.plan import Plan, plan_of
from sim.sweep.result import SweepResult, read
from sim.sweep.stopping import Rule
from sim.sweep.store import Row, Store

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how many runs are done, and how many there will be at most."""
KIND = "sweep"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done. `runs`: that count, in all cells; `resumed`: those that were in the store before; `undecided`: labels of cells
    that are not known precisely enough, or whose claim is not decided, after as many runs as they may have.
    """

    cells: int
    runs: int
    resumed: int
    undecided: tuple[str, ...] = ()


def sweep(
    what: Sweep | Path | str,
    out: Path | str | None = None,
    *,
    jobs: int = 1,
    dask: str = "",
    precision: float | None = None,
    test: str | None = None,
    replications: int | None = None,
    overrides: Sequence[Override] = (),
    progress: Progress = lambda done, total: None,
) -> SweepResult:
    """Run a scenario for every combination of values, each under the same seeds.

    Args:
        what: a sweep, or the file of one.
        out: the store; what it has already is not run again. None: nothing is kept but the result.
        jobs: processes; 1 runs all in this one, 0 takes as many as there are cores.
        dask: the address of a dask scheduler whose workers run it instead.
        precision: 0.05: go on until the means of the sweep's precise metrics are known within 5 %, whatever the sweep says.
        test: "P(creation wait > 30s) < 1%": go on until this claim is decided, whatever the sweep says.
        replications: runs of every cell (with a precision or a test: at most), whatever the sweep says.
        overrides: keys of the scenario to set in every cell.
        progress: called with the runs that are done, and how many there will be at most.

    Raises:
        ScenarioError: something in the sweep is wrong.
        ValueError: the claim to test is none, or there is a precision besides.
        StoreError: the store cannot be used, or is full.
        ClusterError: the cluster cannot be used.
    """
    made = what if isinstance(what, Sweep) else Sweep.load(what, overrides)
    plan = plan_of(made, precision, replications, test)
    if out is not None:
        return _into(Path(out), made, plan, jobs, dask, progress)
    with tempfile.TemporaryDirectory(prefix="session-sim-") as folder:
        return _into(Path(folder) / "store", made, plan, jobs, dask, progress)


def _into(path: Path, made: Sweep, plan: Plan, jobs: int, dask: str, progress: Progress) -> SweepResult:
    with Store(path, KIND) as store, Executor(jobs, dask) as executor:
        carry_out(made, plan, store, executor, progress)
    return read(path)


def carry_out(made: Sweep, plan: Plan, store: Store, executor: Executor, progress: Progress = lambda done, total: None) -> Done:
    """Run what the store does not have, and keep it there.

    Raises:
        StoreError: it cannot be kept.
        Exception: what a run raises, with a note which it was.
    """
    store.put_about("plan", msgspec.to_builtins(plan))
    # A scenario of the sweep and the keys that differ: whoever reads the store can make the scenario of every cell of them.
    store.put_about("scenario", json.loads(made.cells[0].text))
    store.put_about("keys", [axis.key for axis in made.model.axes])
    pursuits = {cell.key: _Pursuit(cell, made, plan, store) for cell in made.cells}
    resumed = sum(pursuit.decided + len(pursuit.rows) for pursuit in pursuits.values())
    open_ended = plan.rule() is not None
    turns = _in_turn(list(pursuits.values())) if open_ended else _one_by_one(list(pursuits.values()))
    total = sum(pursuit.most for pursuit in pursuits.values())
    missing = total - resumed

    def keep(job: Job, row: Row) -> None:
        store.add(job.data.key, job.data.seed, row)

    progress(resumed, total)
    for count, (job, row) in enumerate(executor.results(turns, None if open_ended else missing, keep), 1):
        pursuit = pursuits[job.data.key]
        total -= pursuit.most
        pursuit.take(job.data.seed, row)
        total += pursuit.most
        progress(min(resumed + count, total), total)
    store.commit()
    undecided = tuple(made.label(p.cell) for p in pursuits.values() if open_ended and not p.over)
    return Done(len(made.cells), sum(p.decided for p in pursuits.values()), resumed, undecided)


@dataclass(slots=True, eq=False)
class _Pursuit:
    """A cell on its way. Rows count in the order of seeds: `decided` of them so far; `rows` are those that came too early."""

    cell: Cell
    made: Sweep
    plan: Plan
    store: Store
    decided: int = 0
    over: bool = False
    """Whether it has runs enough by the rule of the plan."""
    rows: dict[int, Row] = field(default_factory=dict)
    submitted: int = 0
    """Seeds that were submitted, or were there."""
    _rule: Rule | None = None
    _there: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        seeds = self.plan.seeds
        self._there = {seed for seed in self.store.seeds(self.cell.key) if seed in seeds}
        self._rule = self.plan.rule()
        if self._rule is None:
            self.decided = len(self._there)
        else:
            for seed, row in self.store.rows(self.cell.key) if self._there else ():
                self.take(seed, row)

    @property
    def most(self) -> int:
        """How many runs it will have at most."""
        return self.decided + len(self.rows) if self.over else self.plan.replications

    def take(self, seed: int, row: Row) -> None:
        """A row is there; see how far the rows without a gap go now."""
        if self._rule is None:
            self.decided += 1
            return
        if self.over or seed not in self.plan.seeds:
            return
        self.rows[seed] = {column: row.get(column) for column in self._rule.columns}
        while not self.over and (found := self.rows.pop(self.plan.first_seed + self.decided, None)) is not None:
            self.over = self._rule.add(self.plan.first_seed + self.decided, found)
            self.decided += 1
        if self.over:
            self.rows.clear()

    def tasks(self, count: int) -> Iterator[Job]:
        """The next seeds, so many at most, without those that are there."""
        cell, wanted, label = self.cell, self.made.wanted, self.made.label(self.cell)
        while count > 0 and not self.over and self.submitted < self.plan.replications:
            seed = self.plan.first_seed + self.submitted
            self.submitted += 1
            if seed not in self._there:
                count -= 1
                yield Job(FUNCTION, Task(cell.key, seed, cell.text, wanted.groups, wanted.promises, label))


def _one_by_one(pursuits: list[_Pursuit]) -> Iterator[Job]:
    """Cell by cell: then a process prepares each scenario once."""
    for pursuit in pursuits:
        yield from pursuit.tasks(pursuit.plan.replications)


def _in_turn(pursuits: list[_Pursuit]) -> Iterator[Job]:
    """A few runs of every cell that is not over, again and again."""
    going = pursuits
    while going:
        for pursuit in going:
            yield from pursuit.tasks(max(pursuit.plan.first_look - pursuit.submitted, pursuit.submitted // 8, 1))
        going = [p for p in going if not p.over and p.submitted < p.plan.replications]
