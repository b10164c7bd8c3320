"""How long creations of sessions waited: which share of them had waited at most how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.report.clock import length
from sim.report.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKED = (0.5, 0.9, 0.99)


def draw(waits: Sequence[int], unmet: int = 0, title: str = "") -> Figure:
    """Draw the cumulative distribution of creation waits.

    Args:
        waits: microseconds from asking to having the session, of those that got one.
        unmet: how many did not get one; the curve ends below 1 by their share.
        title: what stands above.
    """
    with style.settings():
        figure = style.figure(6.5, 2.9)
        axes = figure.add_axes((0.11, 0.2, 0.86, 0.63))
        ordered = sorted(waits)
        total = len(ordered) + unmet
        longest = (ordered[-1] if ordered else 1_000_000) / 1e6 or 0.001
        shares = [0.0, *((i + 1) / total for i in range(len(ordered)))]
        axes.step([0.0, *(w / 1e6 for w in ordered)], shares, where="post", color=style.SESSION_COLOURS[0], linewidth=1.6)
        for share in MARKED:
            rank = -(-share * total // 1)
            if 0 < rank <= len(ordered):
                value = ordered[int(rank) - 1]
                axes.plot([0, value / 1e6], [share, share], color=style.GRID, linewidth=0.8, zorder=0)
                axes.plot([value / 1e6], [share], marker="o", markersize=4, color=style.INK)
                text = f"{share:.0%} within {length(value)}"
                left = value / 1e6 > longest * 0.6
                shift, side = ((-6, 3), "right") if left else ((6, -3), "left")
                axes.annotate(text, (value / 1e6, share), xytext=shift, textcoords="offset points", fontsize=7.5, ha=side, va="center")
        axes.set_xlim(0, longest * 1.08)
        axes.set_ylim(0, 1.05)
        axes.set_ylabel("share of creations")
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
        axes.set_xlabel("time from asking to having the session")
        style.plain(axes)
        style.time_axis(axes, longest * 1.08)
        figure.text(0.02, 0.93, title or "Waiting for a session", fontsize=11, fontweight="bold", va="center")
        if unmet:
            figure.text(0.97, 0.93, f"{unmet} of {total} got none", fontsize=8, color=style.RED, va="center", ha="right")
        return figure
