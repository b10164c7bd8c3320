"""How many creations time out, against the CreationTimeout."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.offered_load import thousandths
from sim.report.plots.series import Unsuitable
from sim.sizing.swept import Swept, numeric
from sim.sweep.store import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = "an axis that is a CreationTimeout (a key or name with `creation` in it)"


def draw(swept: Swept) -> Figure:
    """Draw the share of sessions whose creation timed out, and M/M/c+D where it applies.

    Raises:
        Unsuitable: no axis is a CreationTimeout.
    """
    axis = swept.axis(lambda key: "creation" in key.lower())
    if axis is None:
        raise Unsuitable(f"it needs {NEEDS}")
    groups = swept.groups([axis])
    drawn = series.curves(swept, groups, lambda cell: numeric(swept.value(cell, axis)), timed_out)
    with style.settings():
        figure, axes = series.sheet("Creations that time out", series.runs_below(swept))
        series.draw_bands(axes, drawn)
        for number, curve in enumerate(drawn[: series.MOST_CURVES]):
            base = swept.offered(groups[curve.label][0])
            if base is not None:
                xs = thousandths(max(curve.xs[0], 1e-6), curve.xs[-1])
                queues = [replace(base, patience=x).queue() for x in xs]
                ys = [queue.lost for queue in queues if queue is not None]
                kind = "theory" if base.exact else "theory for exponential holds"
                series.draw_theory(axes, xs, ys, number=number, label=kind if number == 0 else "_")
        axes.set_xlabel("CreationTimeout")
        axes.set_ylabel("share of sessions")
        series.time_ticks(axes, [x for curve in drawn for x in curve.xs])
        axes.set_ylim(bottom=0)
        series.percent(axes)
        series.legend(axes, "upper right")
        return figure


def timed_out(row: Row) -> float | None:
    """The share of a run's sessions whose creation timed out."""
    asked, lost = row.get("sessions_asked"), row.get("sessions_creation_timed_out")
    return lost / asked if asked and lost is not None else None
