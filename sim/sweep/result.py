"""What a sweep found: the figures of every run that counts, and what they say of each cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from sim import frames
from sim.frames import Column, Columns, Dtype, FixedRows
from sim.scenario.problems import did_you_mean
from sim.scenario.tables import RUN
from sim.sweep.columns import LISTS
from sim.sweep.load import label, spelled
from sim.sweep.plan import Plan
from sim.sweep.questions import Answer, read_question
from sim.sweep.statistics import LEVEL, Interval, mean_interval, paired_difference, zero_failures
from sim.sweep.stopping import Trials, trials_of
from sim.sweep.store import Row, Store, StoreError

if TYPE_CHECKING:
    from pandas import DataFrame

_DTYPES: Final[dict[str, Dtype]] = {column.name: column.dtype for column in RUN}
_REAL: Final = ("_s", "_share", "_mean", "_waits", "_utilisation", "_used")
_COUNTED: Final = ("slots_max_used",)


@dataclass(frozen=True, slots=True)
class SweptRun:
    """One run. `cell`: the number of its cell; `values`: those of the axes; `figures`: column -> value."""

    cell: int
    values: tuple[Any, ...]
    seed: int
    figures: Row


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the runs of a cell say of a column: its mean over runs, with its interval. `runs`: in how many it had a value.

    `never`: the column counts something, and all its values are 0; then the interval is that of the probability that a run
    has any, with the exact one-sided bound of zero failures.
    """

    cell: int
    values: tuple[Any, ...]
    column: str
    runs: int
    interval: Interval
    never: bool = False

    def __str__(self) -> str:
        if self.never:
            return f"0 (in < {self.interval.high:.2g} of runs)"
        return str(self.interval)


class Estimates(FixedRows[Estimate]):
    """What is known of every cell, a row for each cell and column."""

    __slots__ = ()
    columns: ClassVar[Columns[Estimate]] = (
        frames.count("cell", lambda e: e.cell),
        frames.text("column", lambda e: e.column),
        frames.count("runs", lambda e: e.runs),
        frames.number("mean", lambda e: e.interval.estimate),
        frames.number("low", lambda e: e.interval.low),
        frames.number("high", lambda e: e.interval.high),
        frames.flag("never", lambda e: e.never),
    )


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep's runs, by cell and seed. Plain data: it can be pickled."""

    plan: Plan
    runs: tuple[SweptRun, ...]

    def label(self, cell: int) -> str:
        """A cell in words."""
        return label(self.plan.axes, self.plan.cells[cell].values)

    def cell(self, **values: Any) -> int:
        """The number of the only cell whose axes have these values; axes are named by the last part of their names, too.

        Raises:
            ValueError: there is none, or more than one.
        """
        axes = self.plan.axes
        index = {name: i for i, name in enumerate(axes)} | {name.rpartition(".")[2]: i for i, name in reversed(list(enumerate(axes)))}
        unknown = [name for name in values if name not in index]
        if unknown:
            raise ValueError(f"the sweep has no axis {unknown[0]!r}; {did_you_mean(unknown[0], list(index))}")
        found = [n for n, cell in enumerate(self.plan.cells) if all(cell.values[index[name]] == v for name, v in values.items())]
        if len(found) != 1:
            raise ValueError(f"{len(found)} cells have {values}; expected values that one cell has")
        return found[0]

    def values(self, cell: int, column: str) -> dict[int, Any]:
        """Seed -> value of a column in the runs of a cell that have one."""
        return {run.seed: run.figures[column] for run in self._of(cell) if run.figures.get(column) is not None}

    def _of(self, cell: int) -> Iterator[SweptRun]:
        return (run for run in self.runs if run.cell == cell)

    def interval(self, cell: int, column: str, level: float = LEVEL) -> Interval:
        """The mean of a column over the runs of a cell, with Student's interval."""
        return mean_interval(list(self.values(cell, column).values()), level)

    def paired(self, column: str, before: int, after: int, level: float = LEVEL) -> Interval:
        """How much more the column is in the cell `after` than in `before`, run by run under the same seed."""
        return paired_difference(self.values(before, column), self.values(after, column), level)

    def answer(self, cell: int, question: str, level: float = LEVEL) -> Answer:
        """What the runs of a cell say to `p90(creation_wait_max_s)`, `P(creation wait > 30s)`, `steady(creation wait)`, ...

        Raises:
            ValueError: it is no such question, or the sweep has not gathered what it needs.
        """
        asked = read_question(question, self.plan.columns)
        return asked.answer([(run.seed, run.figures) for run in self._of(cell)], level)

    def verdict(self, cell: int) -> Trials | None:
        """What the sweep's test has decided of a cell; None: the sweep has no test."""
        if self.plan.test is None:
            return None
        found = trials_of(self.plan.test)
        for run in self._of(cell):
            found.add(run.seed, run.figures)
        return found

    def estimates(self, columns: Sequence[str] | None = None, level: float = LEVEL) -> Estimates:
        """What is known of these columns (default: all that are numbers) in every cell."""
        names = [name for name in (columns or self.plan.columns) if dtype_of(name) in ("int64", "float64") and name not in LISTS]
        by_cell: dict[int, list[SweptRun]] = {}
        for run in self.runs:
            by_cell.setdefault(run.cell, []).append(run)
        return Estimates(
            estimate(n, cell.values, name, [run.figures.get(name) for run in by_cell.get(n, [])], level)
            for n, cell in enumerate(self.plan.cells)
            for name in names
        )

    def _repr_html_(self) -> str:
        """The cells in a notebook."""
        from sim.sweep.shown import page

        return page(self)

    def to_frame(self) -> DataFrame:
        """A row for every run: its cell, the axes, its seed, its figures. Raises ImportError when pandas is missing."""
        return frames.frame(table(self.plan), self.runs)


def estimate(cell: int, values: tuple[Any, ...], column: str, found: Sequence[float | None], level: float = LEVEL) -> Estimate:
    """What these values of a column say."""
    known = [float(value) for value in found if value is not None]
    never = bool(known) and dtype_of(column) == "int64" and not any(known)
    return Estimate(cell, values, column, len(known), zero_failures(len(known), level) if never else mean_interval(known, level), never)


# ---- reading ---------------------------------------------------------------------------------------


def read(path: Path | str) -> SweepResult:
    """The result of a sweep from its store, complete or not; also while it is being filled.

    Raises:
        StoreError: it cannot be read, or no sweep has been there.
    """
    with Store(path, "sweep", writing=False) as store:
        plan = plan_in(store)
        return SweepResult(plan, tuple(runs_in(store, plan)))


def plan_in(store: Store) -> Plan:
    """The plan of the sweep that filled a store last.

    Raises:
        StoreError: there is none.
    """
    about = store.about()
    if "plan" not in about:
        raise StoreError(f"{store.path}: no sweep has been started there; start one with session-sim sweep SWEEP --out {store.path}")
    try:
        return msgspec.convert(about["plan"], Plan)
    except msgspec.ValidationError as error:
        raise StoreError(f"{store.path}: is damaged (the plan: {error}); choose another file") from error


def runs_in(store: Store, plan: Plan) -> Iterator[SweptRun]:
    """The runs that count, by cell and seed, a cell at a time."""
    for number, cell in enumerate(plan.cells):
        for seed, row in plan.counting(store.rows(cell.key)):
            yield SweptRun(number, cell.values, seed, row)


# ---- tables ----------------------------------------------------------------------------------------


def dtype_of(column: str) -> Dtype:
    """What a column of figures holds."""
    if column in _DTYPES:
        return _DTYPES[column]
    if column in LISTS:
        return "object"
    return "float64" if column.endswith(_REAL) and column not in _COUNTED else "int64"


def table(plan: Plan) -> Columns[SweptRun]:
    """The columns of a sweep's table. Lists and curves are left out."""
    axes = tuple(_axis(name, i, [cell.values[i] for cell in plan.cells]) for i, name in enumerate(plan.axes))
    figures = tuple(_figure(name) for name in plan.columns if name not in LISTS)
    return (frames.count("cell", lambda run: run.cell), *axes, frames.count("seed", lambda run: run.seed), *figures)


def _axis(name: str, index: int, values: Sequence[Any]) -> Column[SweptRun]:
    dtype: Dtype = "string"
    if all(isinstance(value, bool) for value in values):
        dtype = "bool"
    elif not any(isinstance(value, bool) for value in values) and all(isinstance(value, int | float) for value in values):
        dtype = "int64" if all(isinstance(value, int) for value in values) else "float64"
    if dtype == "string":
        return Column(name, dtype, lambda run: spelled(run.values[index]))
    return Column(name, dtype, lambda run: run.values[index])


def _figure(name: str) -> Column[SweptRun]:
    return Column(name, dtype_of(name), lambda run: run.figures.get(name))


__all__ = ["Estimate", "Estimates", "SweepResult", "SweptRun", "read"]
