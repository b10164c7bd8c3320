"""Sessions that fail though their worker is there, against how long calls have no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.series import Unsuitable
from sim.sizing.swept import Figure as Value
from sim.sizing.swept import Swept, numeric
from sim.sweep.store import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = "an axis that is the length of a fault (a key that ends in `.for`, or a name with `outage` or `pause` in it), and `detection`"


def draw(swept: Swept, value: Value | None = None, title: str = "Sessions that fail for nothing") -> Figure:
    """Draw the share of sessions that failed for nothing; a curve for each combination of the other axes.

    `value`: another share of a run's row to draw, such as `failed`.

    Raises:
        Unsuitable: no axis is the length of a fault.
    """
    axis = swept.axis(lambda key: key.endswith(".for") or "outage" in key or "pause" in key)
    if axis is None or not swept.has("false_failures"):
        raise Unsuitable(f"it needs {NEEDS}")
    drawn = series.curves(swept, swept.groups([axis]), lambda cell: numeric(swept.value(cell, axis)), value or share)
    with style.settings():
        figure, axes = series.sheet(title, series.runs_below(swept))
        series.draw_bands(axes, drawn)
        axes.set_xlabel("how long nothing gets through")
        axes.set_ylabel("share of sessions")
        series.time_ticks(axes, [x for curve in drawn for x in curve.xs])
        axes.set_ylim(bottom=0)
        series.percent(axes)
        series.legend(axes, "lower right")
        return figure


def share(row: Row) -> float | None:
    """The share of a run's sessions that failed while their worker was there."""
    created, failures = row.get("sessions_created"), row.get("false_failures")
    return failures / created if created and failures is not None else None


def failed(row: Row) -> float | None:
    """The share of a run's sessions that failed, for whatever reason."""
    created, failures = row.get("sessions_created"), row.get("sessions_failed")
    return failures / created if created and failures is not None else None
