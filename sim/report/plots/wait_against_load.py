"""Mean wait for a session against the offered load, with theory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.offered_load import NEEDS, by_load, thousandths
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
            points = _theory(known[groups[curve.label][0]], curve.xs[0], curve.xs[-1], top)
            kind = "theory" if known[groups[curve.label][0]].exact else "approximation"
            series.draw_theory(axes, *points, number=number, label=kind if number == 0 else "_")
        axes.set_xlabel("offered load of a slot")
        axes.set_ylabel("mean wait, s")
        axes.set_ylim(bottom=0)
        series.legend(axes, "upper left")
        return figure


def _theory(base: Offered, low: float, high: float, top: float) -> tuple[list[float], list[float]]:
    """The curve of theory between two loads, as far as it stays in the picture."""
    xs, ys = [], []
    for load in thousandths(low, high):
        wait = replace(base, rate=load * base.servers / base.hold).mean_wait()
        if wait is not None and wait <= top:
            xs.append(load)
            ys.append(wait)
    return xs, ys
