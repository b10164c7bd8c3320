"""What a store says about the sweep that filled it: enough to tell which of its rows count, in which order, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from sim.sweep.load import Sweep, precise_columns
from sim.sweep.statistics import LEVEL, Enough
from sim.sweep.store import Row


class PlannedCell(Struct, frozen=True):
    """A cell: the key of its rows, and the values of the axes."""

    key: str
    values: tuple[Any, ...]


class Precision(Struct, frozen=True):
    """A cell has runs enough when the interval's half-width is at most `relative` times the mean, for all `columns` at once."""

    relative: float
    columns: tuple[str, ...]
    at_least: int
    level: float = LEVEL


class Plan(Struct, frozen=True):
    """A sweep without its scenarios. `replications`: runs of every cell; with `precision` at most so many."""

    name: str
    title: str
    axes: tuple[str, ...]
    cells: tuple[PlannedCell, ...]
    columns: tuple[str, ...]
    first_seed: int
    replications: int
    precision: Precision | None = None

    @property
    def seeds(self) -> range:
        """The seeds of every cell."""
        return range(self.first_seed, self.first_seed + self.replications)

    def counting(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """Those rows of a cell that count, in the order of seeds: with a precision the shortest prefix that is enough.

        Which they are does not depend on how many were computed, or in which order.
        """
        seeds = self.seeds
        if self.precision is None:
            yield from ((seed, row) for seed, row in rows if seed in seeds)
            return
        rule = stopping(self.precision)
        expected = seeds.start
        for seed, row in rows:
            if seed in seeds:
                if seed != expected:
                    return
                yield seed, row
                if rule.add([row.get(column) for column in self.precision.columns]):
                    return
                expected += 1


def stopping(precision: Precision) -> Enough:
    """The rule by which a cell stops."""
    return Enough(len(precision.columns), precision.relative, precision.at_least, precision.level)


def plan_of(sweep: Sweep, relative: float | None = None, replications: int | None = None) -> Plan:
    """The plan of a sweep. `relative`: a precision instead of the sweep's own; `replications` likewise (with a precision: at most)."""
    model = sweep.model
    precision = None
    count = replications if replications is not None else model.replications
    if relative is not None or model.precision is not None:
        asked = model.precision
        least = asked.at_least if asked is not None else 10
        most = replications if replications is not None else asked.at_most if asked is not None else max(1_000, model.replications)
        share = relative if relative is not None or asked is None else asked.relative
        assert share is not None
        precision = Precision(share, precise_columns(sweep), min(least, most))
        count = most
    cells = tuple(PlannedCell(cell.key, cell.values) for cell in sweep.cells)
    return Plan(model.name, model.title, sweep.axes, cells, sweep.wanted.columns, model.first_seed, count, precision)
