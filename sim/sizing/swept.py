"""A sweep's results together with the scenarios that gave them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.model.durations import parse_duration
from sim.scenario.load import Scenario
from sim.scenario.problems import ScenarioError
from sim.scenario.schema import ScenarioModel
from sim.sizing.offered import Offered, offered
from sim.sweep.load import Sweep, spelled
from sim.sweep.result import SweepResult, plan_in, runs_in
from sim.sweep.statistics import Interval, mean_interval
from sim.sweep.store import Row, Store

Figure = Callable[[Row], float | None]
"""What is drawn of a run's row."""


@dataclass(frozen=True, slots=True)
class Swept:
    """`scenarios`: of each cell, None where the store does not tell; `keys`: of the axes, what they change."""

    result: SweepResult
    scenarios: tuple[Scenario | None, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, result: SweepResult, sweep: Sweep) -> Swept:
        """A result with the sweep that gave it."""
        from sim.sweep.prepared import prepared

        return cls(result, tuple(prepared(cell.text) for cell in sweep.cells), tuple(axis.key for axis in sweep.model.axes))

    @classmethod
    def read(cls, path: Path | str) -> Swept:
        """Read a store.

        Raises:
            StoreError: it cannot be read, or no sweep has been there.
        """
        with Store(path, "sweep", writing=False) as store:
            plan = plan_in(store)
            about = store.about()
            result = SweepResult(plan, tuple(runs_in(store, plan)))
        keys = tuple(str(key) for key in about.get("keys", plan.axes))
        base = about.get("scenario")
        scenarios = tuple(None if base is None else _made(base, keys, cell.values) for cell in plan.cells)
        return cls(result, scenarios, keys)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return self.result.plan.axes

    def model(self, cell: int) -> ScenarioModel | None:
        """The scenario of a cell."""
        scenario = self.scenarios[cell]
        return None if scenario is None else scenario.model

    def offered(self, cell: int) -> Offered | None:
        """What the scenario of a cell offers to its slots."""
        model = self.model(cell)
        return None if model is None else offered(model)

    def value(self, cell: int, axis: int) -> Any:
        """What an axis is in a cell."""
        return self.result.plan.cells[cell].values[axis]

    def interval(self, cell: int, figure: Figure) -> Interval:
        """The mean of a figure over the runs of a cell that have it."""
        values = [figure(run.figures) for run in self.result.runs if run.cell == cell]
        return mean_interval([value for value in values if value is not None])

    def rows(self, cell: int) -> Iterator[Row]:
        """The rows of a cell."""
        return (run.figures for run in self.result.runs if run.cell == cell)

    def has(self, *columns: str) -> bool:
        """Whether some run has all these columns."""
        return any(all(run.figures.get(column) is not None for column in columns) for run in self.result.runs)

    def groups(self, but: Sequence[int]) -> dict[str, list[int]]:
        """Cells that agree in all axes but these, by those values in words."""
        others = [axis for axis in range(len(self.names)) if axis not in but]
        found: dict[str, list[int]] = {}
        for cell in range(len(self.result.plan.cells)):
            words = ", ".join(f"{self.names[axis].rpartition('.')[2]} = {spelled(self.value(cell, axis))}" for axis in others)
            found.setdefault(words, []).append(cell)
        return found

    def axis(self, matches: Callable[[str], bool]) -> int | None:
        """The first axis whose key or name matches and whose values are numbers or times, and more than one."""
        for axis, (key, name) in enumerate(zip(self.keys, self.names, strict=False)):
            values = {numeric(self.value(cell, axis)) for cell in range(len(self.result.plan.cells))}
            if (matches(key) or matches(name)) and None not in values and len(values) > 1:
                return axis
        return None


def numeric(value: Any) -> float | None:
    """A value of an axis as a number, times in seconds, laws by their parameter; None for other things."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, dict) and len(value) == 1:
        return numeric(next(iter(value.values())))
    if not isinstance(value, str):
        return None
    try:
        return parse_duration(value) / 1e6
    except ValueError:
        return None


def _made(base: dict[str, Any], keys: Sequence[str], values: Sequence[Any]) -> Scenario | None:
    try:
        return Scenario.from_dict(base, list(zip(keys, values, strict=True)))
    except (ScenarioError, ValueError):
        return None
