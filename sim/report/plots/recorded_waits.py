"""Waits for sessions as they were recorded on a real server, and of simulated runs of the same load."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from sim.report.plots import series, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(recorded: Sequence[int], simulated: Sequence[Sequence[int]], band: tuple[Sequence[int], Sequence[int]], title: str) -> Figure:
    """Draw which share of the sessions waited at most how long.

    Args:
        recorded: waits in microseconds.
        simulated: those of each simulated run, as many.
        band: from the shortest wait to the longest its lower and upper bound, which 95 % of the runs keep to all along.
        title: what stands above.
    """
    count = len(recorded)
    shares = [(number + 1) / count for number in range(count)]
    with style.settings():
        below = f"{len(simulated)} simulated runs; the band holds 95 % of them all along"
        figure, axes = series.sheet(title, below, height=3.9)
        axes.fill_betweenx(shares, _s(band[0]), _s(band[1]), step="pre", color=series.COLOURS[1], alpha=0.3, linewidth=0, label="band")
        for number, waits in enumerate(simulated):
            label = "simulated" if number == 0 else "_"
            axes.step(_s(sorted(waits)), shares, where="post", color=series.COLOURS[1], linewidth=0.4, alpha=0.35, label=label)
        middle = [median(sorted(waits)[rank] for waits in simulated) for rank in range(count)]
        axes.step(_s(middle), shares, where="post", color=series.COLOURS[5], linewidth=1.6, linestyle=series.THEORY, label="their median")
        axes.step(_s(sorted(recorded)), shares, where="post", color=style.INK, linewidth=2.0, label="recorded")
        axes.plot(_s(sorted(recorded)), shares, linestyle="", marker="o", markersize=4, color=style.INK)
        axes.set_xlabel("wait for the session, s")
        axes.set_ylabel("share of sessions")
        axes.set_xlim(left=0)
        axes.set_ylim(0, 1.05)
        series.percent(axes)
        series.legend(axes, "lower right")
        return figure


def _s(waits: Sequence[float]) -> list[float]:
    return [wait / 1e6 for wait in waits]
