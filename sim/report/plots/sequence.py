"""A sequence diagram: a line for each node, and in their order what it sends, hears and does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sim.report.plots import style
from sim.report.sequence import Event, Kind, participants

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANE: Final = 1.75
ROW: Final = 0.23
HEAD: Final = 0.62
MARGIN: Final = 0.55
"""Inches: between two nodes, of one event, of the names above, beside the outermost nodes."""
WIDEST_NAME: Final = 24
"""Characters of one line of a node's name."""

_LINES: Final = {
    Kind.MESSAGE: (style.INK, "-"), Kind.ANSWER: (style.ICE, "-"), Kind.LOST: (style.RED, "-"), Kind.WITHDRAWN: (style.MUTED, "--"),
    Kind.TIMER: (style.AMBER, "-"), Kind.MOVE: (style.GREEN, "-"), Kind.FAULT: (style.RED, "-"),
}  # fmt: skip
"""Colour and line of each kind."""


def draw(events: Sequence[Event], title: str = "", end: str = "") -> Figure:
    """Draw what happens along a way, top to bottom; what one choice sets off stands on one band. `end`: what is so then."""
    nodes = participants(events)
    lanes = {name: number for number, name in enumerate(nodes)}
    width, height = 2 * MARGIN + LANE * max(1, len(nodes) - 1) + 0.6, HEAD + 0.25 + ROW * (len(events) + 1 + bool(end))
    with style.settings():
        figure = style.figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(-MARGIN - 0.6, LANE * max(1, len(nodes) - 1) + MARGIN)
        axes.set_ylim(ROW * (len(events) + 1 + bool(end)), -HEAD - 0.25)
        if title:
            axes.text(-MARGIN - 0.5, -HEAD - 0.1, title, va="bottom", color=style.INK, fontweight="bold")
        _bands(axes, events)
        for name, lane in lanes.items():
            x = LANE * lane
            axes.plot((x, x), (0, ROW * (len(events) + 1)), color=style.GRID, linewidth=0.8, zorder=1)
            axes.text(x, -0.08, _lines_of(name), ha="center", va="bottom", color=style.MUTED, fontsize=7)
        for row, event in enumerate(events, 1):
            _event(axes, event, ROW * row, lanes)
        if end:
            y = ROW * (len(events) + 1)
            axes.plot(axes.get_xlim(), (y, y), color=style.RED, linewidth=0.9, zorder=1)
            axes.text(sum(axes.get_xlim()) / 2, y + 0.05, end, ha="center", va="top", color=style.RED, fontsize=7, fontweight="bold")
        return figure


def _bands(axes: Any, events: Sequence[Event]) -> None:
    """Every other choice on a ground of its own, with its number."""
    left, right = axes.get_xlim()
    for step in dict.fromkeys(event.step for event in events):
        rows = [row for row, event in enumerate(events, 1) if event.step == step]
        top, bottom = ROW * (rows[0] - 0.62), ROW * (rows[-1] + 0.38)
        if step % 2:
            axes.fill_between((left, right), top, bottom, color=style.BAND, linewidth=0, zorder=0)
        axes.text(left + 0.08, ROW * rows[0], str(step), va="center", color=style.MUTED, fontsize=7)


def _event(axes: Any, event: Event, y: float, lanes: dict[str, int]) -> None:
    if event.kind is Kind.TIME:
        left, right = axes.get_xlim()
        axes.plot((left + 0.5, right), (y, y), color=style.MUTED, linestyle=":", linewidth=0.9, zorder=1)
        axes.text((left + right) / 2, y - 0.015, event.label, ha="center", va="bottom", color=style.MUTED, fontsize=7)
        return
    colour, line = _LINES[event.kind]
    x = LANE * lanes[event.node]
    if event.source is None or event.source == event.node:
        axes.plot(x, y, "X" if event.kind is Kind.FAULT else "o", color=colour, markersize=5, zorder=3)
        last = lanes[event.node] == len(lanes) - 1 and len(lanes) > 1
        axes.text(x + (-0.09 if last else 0.09), y, event.label, ha="right" if last else "left", va="center", color=colour, fontsize=7)
        return
    start = LANE * lanes[event.source]
    end = start + (x - start) * 0.62 if event.kind is Kind.LOST else x
    arrow = {"arrowstyle": "-|>", "color": colour, "linestyle": line, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    axes.annotate("", (end, y), (start, y), arrowprops=arrow, zorder=2)
    if event.kind is Kind.LOST:
        axes.plot(end, y, "x", color=colour, markersize=6, markeredgewidth=1.6, zorder=3)
    label = f"{event.label}, lost" if event.kind is Kind.LOST else event.label
    near = start + (LANE if x > start else -LANE) / 2
    axes.text(near, y - 0.015, label, ha="center", va="bottom", color=colour, fontsize=6.5)


def _lines_of(name: str) -> str:
    """A node's name in lines that fit between two of them."""
    lines, rest = [], name.removeprefix("server/")
    while rest:
        cut = rest if len(rest) <= WIDEST_NAME else rest[: rest.rfind("/", 1, WIDEST_NAME) + 1] or rest[:WIDEST_NAME]
        lines.append(cut)
        rest = rest[len(cut) :]
    return "\n".join(lines)
