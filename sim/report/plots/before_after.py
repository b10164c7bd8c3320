"""One key changed, all luck the same: what each run gained or lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.series import Unsuitable
from sim.sizing.swept import Swept
from sim.sweep.load import spelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = "two cells that differ in one axis, with runs under the same seeds"


def draw(swept: Swept, column: str, before: int = 0, after: int = -1) -> Figure:
    """Draw a column in two cells, seed by seed, and the mean difference with its interval.

    Args:
        swept: the sweep.
        column: what is compared.
        before, after: numbers of cells; -1: the last that differs from `before` in the first axis only.

    Raises:
        Unsuitable: there is no such pair of cells, or they have no seed with a value in common.
    """
    if after < 0:
        after = _other(swept, before)
    old, new = swept.result.values(before, column), swept.result.values(after, column)
    seeds = sorted(old.keys() & new.keys())
    if not seeds or before == after:
        raise Unsuitable(f"it needs {NEEDS}, and {column} in both")
    difference = swept.result.paired(column, before, after)
    axis = next(a for a in range(len(swept.names)) if swept.value(before, a) != swept.value(after, a))
    words = [spelled(swept.value(cell, axis)) for cell in (before, after)]
    with style.settings():
        below = f"after less before: {difference} ({len(seeds)} runs, the same luck in both)"
        figure, axes = series.sheet(column.replace("_", " "), below, width=4.6, height=4.0)
        for seed in seeds:
            better = new[seed] <= old[seed]
            colour, dashes = (series.COLOURS[0], "solid") if better else (series.COLOURS[5], (0, (4, 2)))
            axes.plot([0, 1], [old[seed], new[seed]], color=colour, linestyle=dashes, marker="o", markersize=3, linewidth=0.9, alpha=0.7)
        means = [sum(values[s] for s in seeds) / len(seeds) for values in (old, new)]
        axes.plot([0, 1], means, color=style.INK, linewidth=2.4, marker="D", markersize=5)
        axes.set_xticks([0, 1], [f"{swept.names[axis].rpartition('.')[2]} = {word}" for word in words])
        axes.set_xlim(-0.25, 1.25)
        axes.set_ylim(bottom=0)
        return figure


def _other(swept: Swept, before: int) -> int:
    same = [
        cell
        for cell in range(len(swept.result.plan.cells))
        if all(swept.value(cell, a) == swept.value(before, a) for a in range(1, len(swept.names)))
    ]
    return same[-1] if same else before
