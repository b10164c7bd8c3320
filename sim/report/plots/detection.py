"""How long after a worker was lost a workflow knows it, against the heartbeat timeout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.report.plots import series, style
from sim.report.plots.series import Unsuitable
from sim.sizing.swept import Swept, numeric

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = "an axis that is a HeartbeatTimeout (a key or name with `heartbeat` in it), and the measures `detection`"
LONGEST_INTERVAL_S = 10.0


def draw(swept: Swept) -> Figure:
    """Draw mean and longest delays, and the band that the protocol gives after a crash: from H - I to H (P2.4 (d), P3.6.1).

    Raises:
        Unsuitable: no axis is a heartbeat timeout, or no loss was seen.
    """
    axis = swept.axis(lambda key: "heartbeat" in key.lower())
    if axis is None or not swept.has("detection_mean_s"):
        raise Unsuitable(f"it needs {NEEDS}")
    groups = swept.groups([axis])
    means = series.curves(swept, groups, lambda cell: numeric(swept.value(cell, axis)), lambda row: row.get("detection_mean_s"))
    xs = sorted({x for curve in means for x in curve.xs})
    with style.settings():
        figure, axes = series.sheet("From a crash to the workflow that knows", series.runs_below(swept))
        low = [x - min(x / 3, LONGEST_INTERVAL_S) for x in xs]
        axes.fill_between(xs, low, xs, color=style.MUTED, alpha=0.18, linewidth=0, label="from H − I to H")
        series.draw_bands(axes, means)
        axes.set_xlabel("HeartbeatTimeout H")
        axes.set_ylabel("mean delay, s")
        series.time_ticks(axes, xs)
        axes.set_ylim(bottom=0)
        series.legend(axes, "upper left")
        return figure
