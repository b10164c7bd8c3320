"""State machines with what a search has seen of them painted on: what it took, what it never took, what nobody has written down."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any, Final

import networkx as nx

from sim.checker.coverage import GONE, Coverage, Transition, said
from sim.report.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN: Final = 2.9
ROW: Final = 1.5
HEAD: Final = 0.75
"""Inches: between two steps from the beginning, between two states of one, of the title above."""
WIDEST: Final = 17
"""Characters of one line of a state."""
TAKEN, UNTAKEN, UNWRITTEN = style.GREEN, style.RED, style.AMBER
_LINES: Final = {TAKEN: "-", UNTAKEN: (0, (4, 3)), UNWRITTEN: "-"}
_DOT: Final = {TAKEN: "solid", UNTAKEN: "dashed", UNWRITTEN: "bold"}


def colour_of(coverage: Coverage, transition: Transition) -> str:
    """What a transition is painted with."""
    if transition not in coverage.taken:
        return UNTAKEN
    return UNWRITTEN if transition in coverage.unwritten else TAKEN


def _graph(coverage: Coverage) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(state for transition in coverage.known for state in transition)
    graph.add_edges_from(coverage.known)
    return graph


def _columns(graph: nx.DiGraph[str], first: str) -> dict[str, int]:
    """How many steps each state is from the beginning; what is gone stands behind all others."""
    found = dict(nx.single_source_shortest_path_length(graph, first)) if first in graph else {}
    last = max(found.values(), default=0)
    columns = {state: found.get(state, last + 1) for state in sorted(graph)}
    if GONE in columns:
        columns[GONE] = max(columns[state] for state in columns if state != GONE) + 1
    return columns


def _places(graph: nx.DiGraph[str], first: str) -> dict[str, tuple[float, float]]:
    """Where states stand, in inches. Columns and rows are shifted against each other so that ways seldom lead through a state."""
    columns = _columns(graph, first)
    places = {}
    for column in sorted(set(columns.values())):
        here = [state for state in sorted(graph) if columns[state] == column]
        for row, state in enumerate(here):
            places[state] = COLUMN * column + (0.6 if row % 2 else 0), ROW * (row - (len(here) - 1) / 2) + 0.45 * (column % 2)
    return places


def draw(coverage: Coverage) -> Figure:
    """Draw a machine. Green was taken, and how often; dashed red is written down and was not; amber is written down nowhere."""
    graph = _graph(coverage)
    places = _places(graph, coverage.machine.first)
    xs, ys = [x for x, _ in places.values()] or [0.0], [y for _, y in places.values()] or [0.0]
    left, right, bottom, top = min(xs) - 1.1, max(xs) + 1.1, min(ys) - 1.0, max(ys) + 1.0 + HEAD
    with style.settings():
        figure = style.figure(right - left, top - bottom)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        axes.text(left + 0.15, top - 0.3, coverage.machine.name, color=style.INK, fontweight="bold", va="center")
        axes.text(left + 0.15, top - 0.55, summary(coverage), color=style.MUTED, va="center")
        for transition in coverage.known:
            _edge(axes, coverage, transition, places)
        reached = {state for transition in coverage.taken for state in transition}
        for state, (x, y) in places.items():
            edge = style.INK if state in reached else UNTAKEN
            frame = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": edge, "linestyle": "-" if state in reached else "--"}
            axes.text(x, y, _lines(state), ha="center", va="center", color=style.INK, bbox=frame, zorder=3)
        return figure


def summary(coverage: Coverage) -> str:
    """How much of a machine was taken."""
    written = len(coverage.machine.transitions)
    if not written:
        return f"{len(coverage.taken)} transitions taken; none are written down"
    more = f"; {len(coverage.unwritten)} taken that are not written down" if coverage.unwritten else ""
    return f"{written - len(coverage.untaken)} of {written} transitions taken{more}"


def _edge(axes: Any, coverage: Coverage, transition: Transition, places: dict[str, tuple[float, float]]) -> None:
    colour, entries = colour_of(coverage, transition), coverage.entries(transition)
    (x, y), (u, v) = places[transition[0]], places[transition[1]]
    bend = 0.22 if max(abs(u - x) / COLUMN, abs(v - y) / ROW) > 1.5 or u < x else 0.14
    arrow = {
        "arrowstyle": "-|>", "color": colour, "linestyle": _LINES[colour], "linewidth": 0.9 + (0.5 * log10(entries) if entries else 0),
        "connectionstyle": f"arc3,rad={bend}", "shrinkA": 24, "shrinkB": 26, "mutation_scale": 9,
    }  # fmt: skip
    axes.annotate("", xy=(u, v), xytext=(x, y), arrowprops=arrow, zorder=1)
    if entries:
        # Beside the middle of the bow, on the side to which it bends.
        mx, my = (x + u) / 2 + bend * (v - y) / 2, (y + v) / 2 - bend * (u - x) / 2
        label = f"{entries:,}" if entries else ""
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
        axes.text(mx, my, label, ha="center", va="center", color=colour, fontsize=7, bbox=ground, zorder=2)


def _lines(state: str) -> str:
    """A state's name on as many lines as it needs."""
    lines = [""]
    for word in state.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= WIDEST or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def dot(coverage: Coverage) -> str:
    """The machine in DOT; its edges say how many entries took them, and on what."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    reached = {state for transition in coverage.taken for state in transition}
    lines = ["digraph machine {", "  rankdir=LR;", f"  label={quoted(coverage.machine.name + chr(10) + summary(coverage))};"]
    for state in sorted({state for transition in coverage.known for state in transition}):
        lines.append(f"  {quoted(state)} [shape=box, style={'rounded' if state in reached else quoted('rounded,dashed')}];")
    for transition in coverage.known:
        colour = colour_of(coverage, transition)
        words = said(coverage.taken[transition]) if transition in coverage.taken else ""
        label = f"{coverage.entries(transition)}: {words}" if words else ""
        one, other = map(quoted, transition)
        lines.append(f"  {one} -> {other} [label={quoted(label)}, color={quoted(colour)}, style={_DOT[colour]}];")
    return "\n".join([*lines, "}", ""])
