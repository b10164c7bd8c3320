"""Mean wait for a session against the offered load, with theory."""

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
    """Draw mean waits of the sessions that came to be; a curve for each number of slots and CreationTimeout.

    Raises:
        Unsuitable: the cells do not differ in a load that is known.
    """
    known, groups = by_load(swept)
    drawn = series.curves(swept, groups, lambda cell: known[cell].per_slot, lambda row: row.get("creation_wait_mean_s"))
    with style.settings():
        figure, axes = series.sheet("Waiting for a session", series.runs_below(swept))
        series.draw_bands(axes, drawn)
        top = max((y.estimate for curve in drawn for y in curve.ys), default=1.0) * 1.6
        for number, curve in enumerate(drawn[: series.MOST_CURVES]):
            base = [known[cell] for cell in groups[curve.label]]
            kind = "theory" if base[0].exact else "theory for exponential holds" if base[0].leaves else "approximation"
            series.draw_theory(axes, *theory(base, Offered.mean_wait, top), number=number, label=kind if number == 0 else "_")
        axes.set_xlabel("offered load of a slot")
        axes.set_ylabel("mean wait, s")
        axes.set_ylim(bottom=0)
        series.legend(axes, "upper left")
        return figure
