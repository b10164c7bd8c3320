"""Where everything of a timeline stands, and what can be put there: rows of workers, rows of workflows, boxes, dots, words.

A worker has as many rows as slots were ever in use at a time, a workflow as many as it had sessions at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from sim.report.plots import style
from sim.report.timeline_parts import Lane, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 12.5
"""Of the figure, in inches, as are its margins."""

LEFT: Final = 1.65
RIGHT: Final = 0.35
MOST_WORKFLOWS: Final = 160
MOST_ROWS: Final = 240
INCHES_PER_LETTER: Final = 0.062

_PLAIN: Final = {"facecolor", "edgecolor", "linewidth", "zorder"}


@dataclass(slots=True)
class Group:
    """The rows of one worker or workflow; `top` is the y of the first."""

    name: str
    rows: int
    top: float = 0.0
    note: str = ""


@dataclass(slots=True)
class Page:
    """Where everything stands. y grows downwards, one unit is one row."""

    line: Timeline
    axes: Axes
    row: float
    """Inches."""
    scale: float
    """Inches per second."""
    workers: dict[str, Group]
    flows: dict[str, Group]
    colours: dict[str, str] = field(default_factory=dict)
    rows_of: dict[str, int] = field(default_factory=dict)
    """Row of a session inside its workflow's group."""
    lanes: dict[str, Lane] = field(default_factory=dict)
    bottom: float = 0.0
    boxes: dict[float, list[tuple[list[tuple[float, float]], dict[str, Any]]]] = field(default_factory=dict)
    """Corners and looks of plain boxes, by depth."""

    @property
    def roomy(self) -> bool:
        """Whether there is room for words on rows."""
        return self.row >= 0.3

    def fits(self, text: str, seconds: float) -> bool:
        """Whether a text is no wider than so many seconds."""
        return len(text) * INCHES_PER_LETTER + 0.06 <= seconds * self.scale

    def shortened(self, text: str, seconds: float) -> str:
        """As much of a text as there is room for; "" when that says nothing."""
        if self.fits(text, seconds):
            return text
        room = int((seconds * self.scale - 0.06) / INCHES_PER_LETTER) - 1
        return f"{text[:room]}…" if room >= 3 else ""

    def stack(self) -> None:
        """Put the rows of all workers and workflows below each other."""
        y = 0.0
        for group in self.workers.values():
            group.top = y
            y += group.rows + 0.35
        y += 1.6 if self.roomy else 3.2
        for group in self.flows.values():
            group.top = y
            y += group.rows + (0.12 if self.roomy else 0.0)
        self.bottom = y + 0.3

    def seconds(self, time: int | None) -> float:
        """A time in microseconds as a place on the axis; what is not over ends with the page."""
        return (self.line.end if time is None else time) / 1e6

    def box(self, began: float, ended: float, top: float, height: float, **look: Any) -> None:
        """A box from one time to another, in seconds; what matplotlib calls its looks goes through."""
        if look.keys() <= _PLAIN:
            ended = max(ended, began)
            corners = [(began, top), (ended, top), (ended, top + height), (began, top + height)]
            self.boxes.setdefault(look["zorder"], []).append((corners, look))
        else:
            self.axes.add_patch(Rectangle((began, top), max(ended - began, 0.0), height, **look))

    def add_boxes(self) -> None:
        """Draw the plain boxes. Those of one depth are one collection: ten thousand are drawn in a second or two."""
        for depth, boxes in self.boxes.items():
            self.axes.add_collection(
                PolyCollection(
                    [corners for corners, _ in boxes],
                    facecolors=[look["facecolor"] for _, look in boxes],
                    edgecolors=[look["edgecolor"] for _, look in boxes],
                    linewidths=[look.get("linewidth", 0.0) for _, look in boxes],
                    zorder=depth,
                ),
                autolim=False,
            )

    def bar(self, x: float, group: Group, colour: str) -> None:
        """A line across a lane."""
        width = 1.8 if self.roomy else 1
        self.axes.plot([x, x], [group.top - 0.08, group.top + group.rows + 0.08], color=colour, linewidth=width, zorder=8)

    def dot(self, x: float, y: float, marker: str, size: float, colour: str) -> None:
        """A sign at a point, such as matplotlib's "o" or "X"."""
        self.axes.plot(
            [x], [y], marker=marker, markersize=size, color=colour, markeredgecolor="white", markeredgewidth=0.6, zorder=8, clip_on=False
        )  # fmt: skip

    def say(self, x: float, y: float, text: str, dx: float = 3, size: float = 7.5, **look: Any) -> None:
        """Words at a point, shifted by `dx` typographic points away from it."""
        shift = (-dx if look.get("ha") == "right" else dx, 0)
        self.axes.annotate(text, (x, y), xytext=shift, textcoords="offset points", fontsize=size, annotation_clip=False, **look)

    def boxed(self, x: float, y: float, text: str, color: str = style.MUTED) -> None:
        """Words on a white ground, where they stand on something."""
        box = {"boxstyle": "round,pad=0.18", "facecolor": "white", "edgecolor": "none", "alpha": 0.9}
        self.say(x, y, text, dx=5, va="center", color=color, bbox=box, zorder=9, size=7)

    def beside(self, x: float, y: float, text: str, color: str) -> None:
        """Words to the right of a mark, or to its left where the page ends."""
        left = (self.line.end / 1e6 - x) * self.scale < len(text) * INCHES_PER_LETTER + 0.2
        box = {"boxstyle": "round,pad=0.18", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        self.say(x, y, text, dx=9, va="center", ha="right" if left else "left", color=color, weight="bold", zorder=9, bbox=box)


def worker_groups(line: Timeline) -> tuple[dict[str, Group], dict[str, Lane]]:
    """A group for every worker name (its lives share it), with as many rows as slots were ever in use at a time."""
    lanes = {lane.node: lane for lane in line.lanes}
    groups: dict[str, Group] = {}
    for lane in line.lanes:
        name = worker_name(lane)
        group = groups.setdefault(name, Group(name, 1, note=lane.host))
        group.rows = max(group.rows, *(h.row + 1 for h in line.holds if h.node == lane.node), 1)
    without_session = {worker_name(lanes[bar.node]) for bar in line.attempts if not bar.session and bar.node in lanes}
    for name in without_session:
        groups[name].rows += 1
    total = 0
    shown: dict[str, Group] = {}
    for name in sorted(groups, key=_natural):
        total += groups[name].rows
        if total <= MOST_ROWS:
            shown[name] = groups[name]
    return shown, lanes


def _natural(name: str) -> list[tuple[int, str]]:
    """w2 comes before w10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def worker_name(lane: Lane) -> str:
    """The name that all lives of a worker share."""
    return lane.node.partition("/")[2] or lane.name


def workflow_groups(line: Timeline) -> tuple[dict[str, Group], dict[str, int]]:
    """A group for every workflow (its runs share it); sessions at the same time get rows of their own."""
    groups: dict[str, Group] = {}
    of_run: dict[str, str] = {}
    for span in line.workflows:
        if span.workflow_id in groups or len(groups) < MOST_WORKFLOWS:
            groups.setdefault(span.workflow_id, Group(span.workflow_id, 1))
            of_run[span.run] = span.workflow_id
    rows: dict[str, int] = {}
    busy: dict[str, list[int]] = {name: [] for name in groups}
    for session in line.sessions:
        name = of_run.get(session.run)
        if name is None:
            continue
        until = line.end + 1 if session.ended is None else session.ended
        row = next((i for i, free in enumerate(busy[name]) if free <= session.asked), len(busy[name]))
        busy[name][row : row + 1] = [until]
        rows[session.session] = row
        groups[name].rows = max(groups[name].rows, row + 1)
    return groups, rows


def session_label(session: str) -> str:
    """A session's name as it is drawn: without the number of the run when it is the first."""
    return session.replace("/1/s", " s", 1)
