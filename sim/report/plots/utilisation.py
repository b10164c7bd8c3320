"""How many of the slots are used, against the offered load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.offered_load import NEEDS, by_load, thousandths
from sim.sizing.swept import Swept

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["NEEDS", "draw"]


def draw(swept: Swept) -> Figure:
    """Draw the mean share of slots in use over whole runs, and what theory says of the steady state.

    Raises:
        Unsuitable: the cells do not differ in a load that is known.
    """
    known, groups = by_load(swept)
    drawn = series.curves(swept, groups, lambda cell: known[cell].per_slot, lambda row: row.get("slots_utilisation"))
    with style.settings():
        figure, axes = series.sheet("Slots in use", series.runs_below(swept))
        series.draw_bands(axes, drawn)
        for number, curve in enumerate(drawn[: series.MOST_CURVES]):
            base = known[groups[curve.label][0]]
            xs = thousandths(curve.xs[0], curve.xs[-1])
            queues = [replace(base, rate=load * base.servers / base.hold).queue() for load in xs]
            ys = [1.0 if queue is None else queue.used / base.servers for queue in queues]
            series.draw_theory(axes, xs, ys, number=number, label="theory" if number == 0 else "_")
        axes.set_xlabel("offered load of a slot")
        axes.set_ylabel("share of slots")
        axes.set_ylim(0, 1.05)
        series.percent(axes)
        series.legend(axes, "upper left")
        return figure
