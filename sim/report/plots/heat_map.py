"""A figure over two keys at once."""

from __future__ import annotations

from math import isfinite, isnan, nan
from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.series import Unsuitable
from sim.sizing.swept import Swept, numeric
from sim.sweep.load import spelled
from sim.sweep.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = "at least two axes with two values each, and one cell for each pair of them"
UNKNOWN = Interval(nan, nan, nan, 0)
MOST_NUMBERS = 100
"""With more fields than this no numbers are written into them."""


def draw(swept: Swept, column: str, across: int = 0, up: int = 1) -> Figure:
    """Draw the mean of a column for each pair of values of two axes; a further axis is kept at its first value.

    Raises:
        Unsuitable: there are not two axes, or the column has no values.
    """
    if len(swept.names) < 2:
        raise Unsuitable(f"it needs {NEEDS}")
    xs, ys = _values(swept, across), _values(swept, up)
    first = {axis: spelled(swept.value(0, axis)) for axis in range(len(swept.names)) if axis not in (across, up)}
    if min(len(xs), len(ys)) < 2:
        raise Unsuitable(f"it needs {NEEDS}")
    field = [[UNKNOWN] * len(xs) for _ in ys]
    for cell in range(len(swept.result.plan.cells)):
        if all(spelled(swept.value(cell, axis)) == value for axis, value in first.items()):
            i, j = xs.index(spelled(swept.value(cell, across))), ys.index(spelled(swept.value(cell, up)))
            field[j][i] = swept.interval(cell, lambda row: row.get(column))
    known = [interval.estimate for line in field for interval in line if not isnan(interval.estimate)]
    if not known:
        raise Unsuitable(f"no run has a value of {column}")
    below = ", ".join(f"{swept.names[axis]} = {value}" for axis, value in first.items())
    with style.settings():
        figure, axes = series.sheet(column.replace("_", " "), below or "means over runs, with their 95 % intervals", height=4.0)
        axes.grid(False)
        image = axes.imshow([[interval.estimate for interval in line] for line in field], aspect="auto", origin="lower", cmap="cividis")
        axes.set_xticks(range(len(xs)), xs, fontsize=7.5)
        axes.set_yticks(range(len(ys)), ys, fontsize=7.5)
        axes.set_xlabel(swept.names[across])
        axes.set_ylabel(swept.names[up])
        figure.colorbar(image, ax=axes, pad=0.02).outline.set_visible(False)
        if len(xs) * len(ys) <= MOST_NUMBERS:
            middle = (min(known) + max(known)) / 2
            for j, line in enumerate(field):
                for i, interval in enumerate(line):
                    # On the dark half of the map light ink, on the light half dark, on a dark page as well.
                    ink = "#ffffff" if interval.estimate <= middle else "#111111"
                    axes.annotate(_words(interval), (i, j), ha="center", va="center", fontsize=7, color=ink)
        return figure


def _words(interval: Interval) -> str:
    """The mean, and below it half the width of its interval, which a single run does not have."""
    if isnan(interval.estimate):
        return ""
    return f"{interval.estimate:.3g}" + (f"\n± {interval.half_width:.2g}" if isfinite(interval.half_width) else "")


def _values(swept: Swept, axis: int) -> list[str]:
    """The values of an axis in words, in their order as numbers, or as they come."""
    found = {spelled(swept.value(cell, axis)): numeric(swept.value(cell, axis)) for cell in range(len(swept.result.plan.cells))}
    if any(value is None for value in found.values()):
        return list(found)
    return sorted(found, key=lambda word: found[word] or 0.0)
