"""Many sessions allowed against few: what the same items cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.report.plots import series, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (("messages", "messages an item"), ("unfinished", "completions that failed"), ("lasted", "all done after, s an item"))


def draw(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw three figures of runs over the number of items; each run has `items`, `allowed`, and the figures' keys."""
    from sim.sweep.statistics import mean_interval

    with style.settings():
        figure = style.figure(9.0, 3.4)
        figure.text(0.015, 0.94, "Many sessions allowed, or few and a queue", fontsize=11, fontweight="bold", va="center")
        for place, (key, label) in enumerate(SHOWN):
            axes = figure.add_axes((0.065 + 0.325 * place, 0.18, 0.26, 0.6))
            drawn = []
            for allowed in sorted({run["allowed"] for run in runs}, reverse=True):
                items = sorted({run["items"] for run in runs if run["allowed"] == allowed})
                ys = [mean_interval([r[key] / n for r in runs if (r["items"], r["allowed"]) == (n, allowed)]) for n in items]
                drawn.append(series.Curve(f"{allowed:,} allowed", tuple(items), tuple(ys)))
            series.draw_bands(axes, drawn)
            axes.set_title(label, fontsize=8.5, color=style.MUTED, loc="left")
            axes.set_xlabel("items")
            axes.set_ylim(bottom=0)
            axes.grid(True, axis="y", color=style.GRID, linewidth=0.5)
            style.plain(axes)
            if key == "unfinished":
                series.percent(axes)
            if place == 0:
                series.legend(axes, "upper left")
        return figure
