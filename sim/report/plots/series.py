"""What figures of sweeps have in common: curves with bands, axes, legends, and the sentence about what is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sim.report.plots import style
from sim.sizing.swept import Figure as Value
from sim.sizing.swept import Swept
from sim.sweep.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Of Okabe and Ito: told apart by everybody, on light and on dark ground. Marks differ as well."""
MARKS: Final = ("o", "s", "^", "D", "v", "P")
MOST_CURVES: Final = 6
THEORY: Final[tuple[float, tuple[float, float]]] = (0.0, (4.0, 2.0))
"""How lines of theory are dashed."""
Place: TypeAlias = Literal["best", "upper left", "upper right", "lower right"]


class Unsuitable(Exception):
    """A figure cannot be drawn of this; the message says what it needs."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in ascending order: x, and an interval of y."""

    label: str
    xs: tuple[float, ...]
    ys: tuple[Interval, ...]


def curves(swept: Swept, groups: dict[str, list[int]], x: Callable[[int], float | None], y: Value) -> list[Curve]:
    """A curve for each group of cells, over the cells that have both x and y.

    Raises:
        Unsuitable: there is no point.
    """
    found = []
    for label, cells in groups.items():
        points = []
        for cell in cells:
            at, interval = x(cell), swept.interval(cell, y)
            if at is not None and interval.n:
                points.append((at, interval))
        points.sort(key=lambda point: point[0])
        if points:
            found.append(Curve(label, tuple(p[0] for p in points), tuple(p[1] for p in points)))
    if not found:
        raise Unsuitable("no run has the figures that it shows")
    return found


def sheet(title: str, below: str = "", width: float = 6.5, height: float = 3.7) -> tuple[Figure, Axes]:
    """An empty figure with axes and a title. To be drawn on within `style.settings()`."""
    figure = style.figure(width, height)
    axes = figure.add_axes((0.11, 0.16, 0.86, 0.66))
    figure.text(0.015, 0.945, title, fontsize=11, fontweight="bold", va="center")
    if below:
        figure.text(0.015, 0.875, below, fontsize=8, color=style.MUTED, va="center")
    axes.grid(True, axis="y", color=style.GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    style.plain(axes)
    return figure, axes


def draw_bands(axes: Axes, drawn: Sequence[Curve], line: bool = True) -> None:
    """Each curve with its intervals as a band; of the curves beyond six the last are left out."""
    for number, curve in enumerate(drawn[:MOST_CURVES]):
        colour, mark = COLOURS[number], MARKS[number]
        means = [y.estimate for y in curve.ys]
        low = [y.low if math.isfinite(y.low) else y.estimate for y in curve.ys]
        high = [y.high if math.isfinite(y.high) else y.estimate for y in curve.ys]
        if len(curve.xs) > 1:
            axes.fill_between(curve.xs, low, high, color=colour, alpha=0.22, linewidth=0)
        errors = [[m - lo for m, lo in zip(means, low, strict=True)], [hi - m for m, hi in zip(means, high, strict=True)]]
        axes.errorbar(
            curve.xs, means, yerr=errors, color=colour, marker=mark, markersize=4.5, linewidth=1.4 if line else 0, elinewidth=0.9,
            capsize=2, label=curve.label or "simulated",
        )  # fmt: skip


def draw_theory(axes: Axes, xs: Sequence[float], ys: Sequence[float], number: int = -1, label: str = "theory") -> None:
    """A line of theory, in ink, or in the colour of the curve of this number."""
    colour = style.INK if number < 0 else COLOURS[number % len(COLOURS)]
    axes.plot(xs, ys, color=colour, linewidth=1.1, linestyle=THEORY, label=label, zorder=3)


def legend(axes: Axes, place: Place = "best") -> None:
    """The legend, without a box, if there is anything to tell apart."""
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(loc=place, frameon=False, fontsize=7.5)


def percent(axes: Axes) -> None:
    """A y axis of shares."""
    axes.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.3g}%")


def time_ticks(axes: Axes, xs: Iterable[float]) -> None:
    """An x axis in seconds; logarithmic when times differ by more than thirtyfold."""
    values = [x for x in xs if x > 0]
    if values and max(values) > 30 * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g} s" if x < 60 else f"{x / 60:g} min")
        axes.xaxis.set_minor_formatter(lambda x, _: "")
        return
    axes.xaxis.set_major_formatter(lambda x, _: style.tick_text(x, max(values, default=1.0)))


def runs_below(swept: Swept) -> str:
    """How many runs a point has."""
    counts = {sum(1 for _ in swept.rows(cell)) for cell in range(len(swept.result.plan.cells))}
    runs = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    return f"{runs} runs a point, bands of 95 %"
