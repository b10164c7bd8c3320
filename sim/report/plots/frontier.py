"""The frontier of a sizing: which pools, workers by slots, were shown to be enough, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from sim.report.plots import style
from sim.sizing.sizing import SizeResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS = {"meets": ("o", style.SESSION_COLOURS[0]), "fails": ("X", style.RED), "undecided": ("D", style.AMBER)}
"""Marks differ in shape, too: colours alone are not told apart by everybody."""


def draw(result: SizeResult) -> Figure:
    """Draw the pools that were simulated, the frontier through the fewest workers, the costs, and the offered load."""
    with style.settings():
        figure = style.figure(6.5, 4.0)
        axes = figure.add_axes((0.1, 0.14, 0.87, 0.72))
        points = result.points
        _marks(axes, result)
        frontier = [p for p in points if p.enough]
        if frontier:
            axes.step(
                [p.slots for p in frontier],
                [p.workers for p in frontier],
                where="mid",
                color=style.SESSION_COLOURS[0],
                linewidth=1.2,
                zorder=1,
            )
        for p in frontier:
            axes.annotate(f"{p.cost:g}", (p.slots, p.workers), xytext=(0, 8), textcoords="offset points", fontsize=7.5, ha="center")
        slots = sorted({f.slots for f in result.frontiers})
        axes.plot(
            slots, [result.load.slots / s for s in slots], color=style.MUTED, linewidth=1, linestyle=(0, (4, 2)), label="offered load"
        )
        if result.pool is not None:
            at = (result.pool.slots, result.pool.workers)
            axes.plot(*at, marker="o", markersize=15, markerfacecolor="none", markeredgecolor=style.INK, linestyle="", label="cheapest")
        axes.set_xlabel("slots of a worker")
        axes.set_ylabel("workers")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
        axes.margins(x=0.08, y=0.12)
        axes.grid(True, color=style.GRID, linewidth=0.5)
        axes.set_axisbelow(True)
        style.plain(axes)
        axes.legend(loc="upper right", frameon=False, fontsize=8)
        figure.text(0.015, 0.95, "Pools that are enough, with their costs", fontsize=11, fontweight="bold", va="center")
        figure.text(0.015, 0.895, "; ".join(t.text for t in result.targets), fontsize=8, color=style.MUTED, va="center")
        return figure


def _marks(axes: Axes, result: SizeResult) -> None:
    for decision, (marker, colour) in MARKS.items():
        chosen = [p for p in result.points if p.decision == decision]
        if chosen:
            xs, ys = [p.slots for p in chosen], [p.workers for p in chosen]
            axes.plot(xs, ys, linestyle="", marker=marker, markersize=6, color=colour, label=decision)
