"""How much of the work is for nothing, against how often workers crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.series import Unsuitable
from sim.sizing.swept import Swept, numeric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = "an axis that is the time between crashes (a key that ends in `.every`, or a name with `crash` in it), and the measures `work`"
HOUR = 3600.0


def draw(swept: Swept) -> Figure:
    """Draw the share of wasted work against crashes an hour; a curve for each combination of the other axes.

    Raises:
        Unsuitable: no axis is the time between crashes.
    """
    axis = swept.axis(lambda key: (key.startswith("faults") and ".every" in key) or "crash" in key)
    if axis is None or not swept.has("wasted_share"):
        raise Unsuitable(f"it needs {NEEDS}")

    def crashes(cell: int) -> float | None:
        gap = numeric(swept.value(cell, axis))
        return HOUR / gap if gap else None

    drawn = series.curves(swept, swept.groups([axis]), crashes, lambda row: row.get("wasted_share"))
    with style.settings():
        figure, axes = series.sheet("Work for nothing", series.runs_below(swept))
        series.draw_bands(axes, drawn)
        axes.set_xlabel("crashes an hour")
        axes.set_ylabel("share of the work")
        axes.set_ylim(bottom=0)
        series.percent(axes)
        series.legend(axes, "upper left")
        return figure
