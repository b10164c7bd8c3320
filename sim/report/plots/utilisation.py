"""How many of the slots are used, against the offered load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.offered_load import NEEDS, by_load, theory
from sim.sizing.offered import Offered
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
            base = [known[cell] for cell in groups[curve.label]]
            series.draw_theory(axes, *theory(base, _used), number=number, label="theory" if number == 0 else "_")
        axes.set_xlabel("offered load of a slot")
        axes.set_ylabel("share of slots")
        axes.set_ylim(0, 1.05)
        series.percent(axes)
        series.legend(axes, "upper left")
        return figure


def _used(known: Offered) -> float:
    queue = known.queue()
    return 1.0 if queue is None else queue.used / known.servers
