"""Whether those who ask for sessions are treated alike: Jain's index of waits, and the order in which they are served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.series import Unsuitable
from sim.sizing.swept import Swept, numeric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = "the measures `fairness`"


def draw(swept: Swept) -> Figure:
    """Draw Jain's index (1: all wait equally long) and the share of sessions that were overtaken, over the first axis of numbers.

    Raises:
        Unsuitable: the runs do not tell, or no axis is a number.
    """
    axis = swept.axis(lambda key: True)
    if axis is None or not swept.has("jain_waits"):
        raise Unsuitable(f"it needs {NEEDS}, and an axis of numbers or times")
    groups = swept.groups([axis])
    x = {cell: numeric(swept.value(cell, axis)) for cell in range(len(swept.result.plan.cells))}
    jain = series.curves(swept, groups, x.get, lambda row: row.get("jain_waits"))
    overtaken = series.curves(swept, groups, x.get, lambda row: row.get("overtaken_share"))
    with style.settings():
        figure, axes = series.sheet("Fairness", series.runs_below(swept))
        named = [series.Curve(f"Jain's index{_of(c.label)}", c.xs, c.ys) for c in jain]
        named += [series.Curve(f"overtaken{_of(c.label)}", c.xs, c.ys) for c in overtaken]
        series.draw_bands(axes, named)
        axes.set_xlabel(swept.names[axis])
        axes.set_ylabel("index, share of sessions")
        axes.set_ylim(0, 1.05)
        series.legend(axes)
        return figure


def draw_order(served: Sequence[int], title: str = "") -> Figure:
    """Draw who was served when: the rank by arrival of the sessions in the order in which they got their slots.

    Raises:
        Unsuitable: there is none.
    """
    if not served:
        raise Unsuitable(f"it needs {NEEDS}, and a run in which sessions were created")
    with style.settings():
        figure, axes = series.sheet("Served against asked", title, width=4.6, height=4.2)
        axes.plot([0, len(served)], [0, len(served)], color=style.MUTED, linewidth=1, linestyle=series.THEORY)
        axes.plot(range(len(served)), served, linestyle="", marker="o", markersize=2.6, color=series.COLOURS[0])
        axes.set_xlabel("order of service")
        axes.set_ylabel("order of asking")
        axes.annotate("below the line: late", (0.97, 0.05), xycoords="axes fraction", fontsize=8, color=style.MUTED, ha="right")
        return figure


def _of(label: str) -> str:
    return f", {label}" if label else ""
