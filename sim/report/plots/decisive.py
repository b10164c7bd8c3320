"""P(broken | prefix) along a failing run: how likely the property breaks once so much of the run is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.report.clock import stamp
from sim.report.plots import style
from sim.shrink.ablation import Share
from sim.shrink.forks import Decisive

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE: Final = (8.6, 3.1)
"""Inches."""

MOST_LABELS: Final = 12


def draw(curve: Decisive) -> Figure:
    """Draw the shares at each prefix with their intervals at 95 %. Prefixes stand side by side, whatever time lies between them."""
    points = curve.points
    with style.settings():
        figure = style.figure(*SIZE)
        axes = figure.add_axes((0.075, 0.25, 0.905, 0.64))
        x = np.arange(len(points))
        planned, unplanned = [point.planned for point in points], [point.unplanned for point in points]
        if planned != unplanned:
            _curve(axes, x, planned, style.ICE, "faults still to come, come", "--")
        _curve(axes, x, unplanned, style.RED, "faults still to come, do not" if planned != unplanned else "no fault is to come", "-")
        if (jump := curve.jump) is not None:
            place = points.index(jump[1])
            axes.axvline(place, color=style.INK, linewidth=0.8, linestyle=":")
            side = "left" if place < len(points) / 2 else "right"
            axes.annotate("decided", (place, 1.06), ha=side, va="bottom", color=style.INK, annotation_clip=False)
        axes.set_xlim(-0.3, len(points) - 0.7)
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
        every = -(-len(points) // MOST_LABELS)
        shown = list(range(0, len(points), every))
        axes.set_xticks(shown, [_label(points[i].time) for i in shown], rotation=35, ha="right")
        axes.set_ylabel("P(broken)")
        style.plain(axes)
        axes.grid(axis="y", color=style.GRID, linewidth=0.6)
        # Below the curve: within, wherever it stood, a curve or a band would run through it.
        figure.legend(loc="lower left", bbox_to_anchor=(0.06, -0.03), ncols=2, frameon=False)
        figure.text(0.98, 0.015, "all that is decided until", ha="right", color=style.MUTED)
        return figure


def _curve(axes: Any, x: Any, shares: list[Share], colour: str, words: str, line: str) -> None:
    low, high = zip(*(share.interval for share in shares), strict=True)
    axes.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0, step="post")
    axes.step(x, [share.value for share in shares], where="post", color=colour, linewidth=1.8, linestyle=line, label=words)
    axes.plot(x, [share.value for share in shares], "o", color=colour, markersize=3)


def _label(time: int) -> str:
    return "nothing" if time < 0 else stamp(time, 3)
