"""How many slots were in use over time, against how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from sim.report.plots import style
from sim.report.timeline_parts import Timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAR = 6
"""Capacity beyond this multiple of what was used would flatten the curve: it is said in words instead."""


def draw(line: Timeline, title: str = "") -> Figure:
    """Draw slots in use and slots there are, over all live workers; the line's times are microseconds."""
    with style.settings():
        figure = style.figure(9, 2.9)
        axes = figure.add_axes((0.08, 0.17, 0.89, 0.66))
        end = max(line.end, 1) / 1e6
        used, capacity = _steps(line.used, end), _steps(line.capacity, end)
        most = max(used[1], default=0)
        axes.fill_between(*used, step="post", color=style.SESSION_COLOURS[0], alpha=0.35, linewidth=0)
        axes.step(*used, where="post", color=style.SESSION_COLOURS[0], linewidth=1.3, label="in use")
        there = max(capacity[1], default=0)
        near = there <= FAR * max(most, 1)
        if near:
            axes.step(*capacity, where="post", color=style.INK, linewidth=1.1, linestyle=(0, (4, 2)), label="slots of live workers")
        axes.set_xlim(0, end)
        axes.set_ylim(0, max(most, there if near else 0, 1) * 1.12)
        axes.set_ylabel("slots")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.grid(True, axis="y", color=style.GRID, linewidth=0.5)
        axes.set_axisbelow(True)
        style.plain(axes)
        style.time_axis(axes, end)
        axes.legend(loc="upper right", frameon=False, ncols=2, fontsize=8, bbox_to_anchor=(1.0, 1.2))
        figure.text(0.015, 0.93, title or "Slots in use", fontsize=11, fontweight="bold", va="center")
        if not near:
            text = f"{there:,} slots of live workers, far above this picture"
            axes.annotate(text, (0.01, 0.93), xycoords="axes fraction", fontsize=8, color=style.MUTED)
        return figure


def _steps(curve: list[tuple[int, int]], end: float) -> tuple[list[float], list[int]]:
    """A curve from 0 to the end of the run."""
    points = [(0.0, 0)] if not curve or curve[0][0] > 0 else []
    points += [(time / 1e6, value) for time, value in curve]
    points.append((end, points[-1][1]))
    return [x for x, _ in points], [y for _, y in points]
