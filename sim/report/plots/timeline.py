"""The timeline: worker lanes with a row for every slot in use, and below them the workflows, on one time axis.

Above, a session is what its worker holds: a bar on a slot's row, with its activities inside. Below, it is what its
workflow knows: waiting for a slot, open, failed. The difference between the two is what sessions are about, so the time in
which a worker is gone and the workflow does not know yet is drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from sim.report.clock import stamp
from sim.report.plots import style
from sim.report.timeline import AttemptBar, Hold, Interval, Lane, Mark, SessionSpan, Timeline, WorkflowSpan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = 12.5
LEFT: Final = 1.65
RIGHT: Final = 0.35
MOST_WORKFLOWS: Final = 160
MOST_ROWS: Final = 240
INCHES_PER_LETTER: Final = 0.062
FROZEN: Final = {"freeze": "frozen", "slow_down": "slow", "server_down": "server down"}
UNREACHABLE: Final = {"both": "cut off", "up": "requests held", "down": "answers held"}
KILLED: Final = ("kill", "lose_machine", "exit")


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
        return len(text) * INCHES_PER_LETTER + 0.06 <= seconds * self.scale

    def shortened(self, text: str, seconds: float) -> str:
        """As much of a text as there is room for; "" when that says nothing."""
        if self.fits(text, seconds):
            return text
        room = int((seconds * self.scale - 0.06) / INCHES_PER_LETTER) - 1
        return f"{text[:room]}…" if room >= 3 else ""


def draw(line: Timeline, title: str = "") -> Figure:
    """Draw a timeline.

    Args:
        line: what was gathered; its times are microseconds.
        title: what stands above it, such as "contention, seed 7".
    """
    run_end, line = line.end, replace(line, end=_last(line))
    with style.settings():
        workers, lanes = _worker_groups(line)
        flows, rows_of = _workflow_groups(line)
        total = sum(g.rows for g in (*workers.values(), *flows.values()))
        row = min(0.4, max(0.085, 11.0 / max(total, 1)))
        gaps = 0.35 * (len(workers) + len(flows) * 0.12) + 2.6
        height = (total + gaps) * row + 1.25
        figure = style.figure(WIDTH, height)
        axes = figure.add_axes((LEFT / WIDTH, 0.78 / height, 1 - (LEFT + RIGHT) / WIDTH, 1 - 1.25 / height))
        end = max(line.end, 1) / 1e6
        page = Page(line, axes, row, (WIDTH - LEFT - RIGHT) / (end * 1.0), workers, flows, rows_of=rows_of, lanes=lanes)
        page.colours = {s.session: style.session_colour(i) for i, s in enumerate(line.sessions)}
        _place(page)
        _paint(page)
        axes.set_xlim(0, end)
        axes.set_ylim(page.bottom, -0.9)
        axes.set_yticks([])
        style.plain(axes)
        style.time_axis(axes, end)
        _words_around(figure, page, title, height, run_end)
        return figure


def _last(line: Timeline) -> int:
    """Where the picture ends: soon after the last thing that happened; what is open goes on to the run's end."""
    kinds = (line.holds, line.sessions, line.attempts, line.workflows, line.intervals)
    ends: list[int | None] = [span.ended for spans in kinds for span in spans]
    if None in ends:
        return line.end
    times = [end or 0 for end in ends] + [mark.at for mark in line.marks] + [time for time, _, _ in line.heartbeats]
    times += [time for lane in line.lanes for time in (lane.began, lane.ended or 0, lane.stopped or 0)]
    return min(line.end, max(times, default=0) * 27 // 25 + 500_000)


# -- layout ------------------------------------------------------------------------------------------------------------


def _worker_groups(line: Timeline) -> tuple[dict[str, Group], dict[str, Lane]]:
    """A group for every worker name (its lives share it), with as many rows as slots were ever in use at a time."""
    lanes = {lane.node: lane for lane in line.lanes}
    groups: dict[str, Group] = {}
    for lane in line.lanes:
        name = _worker_name(lane)
        group = groups.setdefault(name, Group(name, 1, note=lane.host))
        group.rows = max(group.rows, *(h.row + 1 for h in line.holds if h.node == lane.node), 1)
    taken: dict[str, list[int]] = {}
    for bar in line.attempts:
        if not bar.session and bar.node in lanes:
            taken.setdefault(_worker_name(lanes[bar.node]), [])
    for name in taken:
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


def _worker_name(lane: Lane) -> str:
    return lane.node.partition("/")[2] or lane.name


def _workflow_groups(line: Timeline) -> tuple[dict[str, Group], dict[str, int]]:
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


def _place(page: Page) -> None:
    y = 0.0
    for group in page.workers.values():
        group.top = y
        y += group.rows + 0.35
    y += 1.6 if page.roomy else 3.2
    for group in page.flows.values():
        group.top = y
        y += group.rows + (0.12 if page.roomy else 0.0)
    page.bottom = y + 0.3


# -- painting ----------------------------------------------------------------------------------------------------------


def _paint(page: Page) -> None:
    page.axes.grid(True, axis="x", color=style.GRID, linewidth=0.5, zorder=0.5)
    page.axes.set_axisbelow(True)
    for lane in page.line.lanes:
        if _worker_name(lane) in page.workers:
            _lane(page, lane)
    rows = {(h.node, h.session): h for h in page.line.holds}
    for hold in page.line.holds:
        _hold(page, hold)
    for bar in page.line.attempts:
        _attempt(page, bar, rows.get((bar.node, bar.session)))
    _heartbeats(page, rows)
    for span in page.line.workflows:
        if span.workflow_id in page.flows:
            _workflow(page, span)
    flow_of = {span.run: span.workflow_id for span in page.line.workflows}
    for session in page.line.sessions:
        if session.session in page.rows_of and flow_of.get(session.run) in page.flows:
            _session(page, session, page.flows[flow_of[session.run]])
    for interval in page.line.intervals:
        _interval(page, interval)
    _ends(page)
    for mark in page.line.marks:
        _mark(page, mark)
    _add_boxes(page)


def _box(page: Page, began: float, ended: float, top: float, height: float, **look: Any) -> None:
    if look.keys() <= _PLAIN:
        ended = max(ended, began)
        corners = [(began, top), (ended, top), (ended, top + height), (began, top + height)]
        page.boxes.setdefault(look["zorder"], []).append((corners, look))
    else:
        page.axes.add_patch(Rectangle((began, top), max(ended - began, 0.0), height, **look))


_PLAIN: Final = {"facecolor", "edgecolor", "linewidth", "zorder"}


def _add_boxes(page: Page) -> None:
    """Boxes of one depth are one collection: a picture with ten thousand of them is drawn in a second or two."""
    for depth, boxes in page.boxes.items():
        page.axes.add_collection(
            PolyCollection(
                [corners for corners, _ in boxes],
                facecolors=[look["facecolor"] for _, look in boxes],
                edgecolors=[look["edgecolor"] for _, look in boxes],
                linewidths=[look.get("linewidth", 0.0) for _, look in boxes],
                zorder=depth,
            ),
            autolim=False,
        )


def _seconds(page: Page, time: int | None) -> float:
    return (page.line.end if time is None else time) / 1e6


def _lane(page: Page, lane: Lane) -> None:
    group = page.workers[_worker_name(lane)]
    began, ended = lane.began / 1e6, _seconds(page, lane.ended)
    _box(page, began, ended, group.top - 0.08, group.rows + 0.16, facecolor=style.BAND, edgecolor="none", zorder=0.2)
    if lane.stopping is not None:
        # Without an exit the object goes on existing after Stop returned, and does nothing.
        _box(page, lane.stopping / 1e6, ended, group.top - 0.08, group.rows + 0.16, facecolor="#fdf3dc", edgecolor="none", zorder=0.3)
        word = "stopping" if lane.stopped is None or (lane.stopped - lane.stopping) / 1e6 * page.scale > 0.7 else ""
        if word and page.fits(word, ended - lane.stopping / 1e6):
            _say(page, lane.stopping / 1e6, group.top + 0.02, word, color=style.AMBER, va="top")


def _hold(page: Page, hold: Hold) -> None:
    lane = page.lanes.get(hold.node)
    if lane is None or _worker_name(lane) not in page.workers:
        return
    top = page.workers[_worker_name(lane)].top + hold.row
    began, ended = hold.began / 1e6, _seconds(page, hold.ended)
    colour = page.colours.get(hold.session, style.MUTED)
    margin = 0.06 if page.roomy else 0.1
    # Alpha would make what overlaps darker and say something that is not so.
    _box(
        page, began, ended, top + margin, 1 - 2 * margin, facecolor=_light(colour, 0.62), edgecolor=colour,
        linewidth=0.9 if page.roomy else 0.4, zorder=2,
    )  # fmt: skip
    name = session_label(hold.session)
    if page.roomy and page.fits(name, ended - began):
        _say(page, began, top + margin + 0.03, name, va="top", weight="bold", color=_dark(colour), zorder=5, size=7)


def _attempt(page: Page, bar: AttemptBar, hold: Hold | None) -> None:
    lane = page.lanes.get(bar.node)
    if lane is None or _worker_name(lane) not in page.workers:
        return
    group = page.workers[_worker_name(lane)]
    row = hold.row if hold is not None else group.rows - 1
    began, ended = bar.began / 1e6, _seconds(page, bar.ended)
    colour = page.colours.get(bar.session, "#8a9099")
    top, height = (group.top + row + 0.42, 0.46) if page.roomy else (group.top + row + 0.3, 0.4)
    bad = bar.outcome not in ("completed", "")
    edge, width = (style.RED, 1.1) if bad else ("white", 0.5)
    _box(page, began, ended, top, height, facecolor=colour, edgecolor=edge, linewidth=width, zorder=3)
    if not page.roomy:
        return
    text = bar.name if bar.attempt == 1 else f"{bar.name} (attempt {bar.attempt})"
    text = page.shortened(text, ended - began)
    if text:
        _say(page, began, top + height / 2, text, va="center", color="white", zorder=5, size=7)


def _heartbeats(page: Page, rows: dict[tuple[str, str], Hold]) -> None:
    beats = [(t, rows[node, s]) for t, node, s in page.line.heartbeats if (node, s) in rows]
    if not page.roomy or len(beats) > 400:
        return
    points = [
        (t / 1e6, page.workers[_worker_name(page.lanes[h.node])].top + h.row + 0.94)
        for t, h in beats
        if h.node in page.lanes and _worker_name(page.lanes[h.node]) in page.workers
    ]
    if points:
        page.axes.scatter([x for x, _ in points], [y for _, y in points], s=7, color=style.INK, zorder=6, linewidths=0)


def _workflow(page: Page, span: WorkflowSpan) -> None:
    group = page.flows[span.workflow_id]
    middle = group.top + 0.5
    began, ended = span.began / 1e6, _seconds(page, span.ended)
    width = 1.2 if page.roomy else 0.6
    page.axes.plot([began, ended], [middle, middle], color="#9aa1ab", linewidth=width, zorder=1.5, solid_capstyle="butt")
    if span.ended is None:
        return
    colour = {"COMPLETED": style.GREEN, "CONTINUED_AS_NEW": style.ICE, "CANCELED": style.AMBER}.get(span.status, style.RED)
    _dot(page, ended, middle, "o", 6 if page.roomy else 2.2, colour)
    if page.roomy and span.status != "CONTINUED_AS_NEW":
        word = span.status.lower().replace("_", " ")
        room = (page.line.end - span.ended) / 1e6 * page.scale
        if room > len(word) * INCHES_PER_LETTER + 0.15:
            _say(page, ended, middle, word, va="center", color=colour, dx=7, zorder=7)
        else:
            _say(page, ended, group.top + 0.02, word, va="bottom", color=colour, ha="right", dx=0, zorder=7)


def _session(page: Page, session: SessionSpan, group: Group) -> None:
    top = group.top + page.rows_of[session.session]
    asked, ended = session.asked / 1e6, _seconds(page, session.ended)
    created = session.created / 1e6 if session.created is not None else ended
    margin = 0.14
    colour = page.colours.get(session.session, style.MUTED)
    hatch = {"hatch": "////"} if page.roomy else {}
    _box(page, asked, created, top + margin, 1 - 2 * margin, facecolor="#eceef1", edgecolor="#9aa1ab", linewidth=0.5, zorder=2, **hatch)
    if session.created is None:
        text = "waits for a slot"
        if page.roomy and page.fits(text, ended - asked):
            _boxed(page, asked, top + 0.5, text)
    else:
        _box(page, created, ended, top + margin, 1 - 2 * margin, facecolor=_light(colour, 0.35), edgecolor=colour, linewidth=0.5, zorder=2)
        if page.roomy and page.fits(session_label(session.session), ended - created):
            label = session_label(session.session)
            _say(page, created, top + 0.5, label, va="center", color=_dark(colour), weight="bold", size=7, zorder=5)
    if session.lost is not None and created < session.lost / 1e6 < ended:
        _unnoticed(page, session.lost / 1e6, ended, top + margin, 1 - 2 * margin)
    if session.end in ("failed", "not created"):
        _dot(page, ended, top + 0.5, "X", 7 if page.roomy else 4.6, style.RED)


def _unnoticed(page: Page, lost: float, ended: float, top: float, height: float) -> None:
    """The worker is gone, or gave the slot up, and the workflow does not know."""
    hatch = {"hatch": "\\\\\\\\"} if page.roomy else {}
    _box(page, lost, ended, top, height, facecolor="#fbe3e1", edgecolor=style.RED, linewidth=0.5, zorder=3, **hatch)
    for text in ("its slot is gone, not noticed yet", "not noticed yet", "unnoticed"):
        if page.roomy and page.fits(text, ended - lost):
            _boxed(page, lost, top + height / 2, text, color=style.RED)
            break


# -- faults ------------------------------------------------------------------------------------------------------------


def _interval(page: Page, interval: Interval) -> None:
    began, ended = interval.began / 1e6, _seconds(page, interval.ended)
    colour = {"freeze": style.ICE, "hold": style.AMBER, "slow_down": "#a07cc5"}.get(interval.kind, style.RED)
    word = UNREACHABLE.get(interval.detail, "cut off") if interval.kind == "hold" else FROZEN[interval.kind]
    if interval.kind == "slow_down":
        word = f"slow, {interval.detail}"
    if interval.kind == "server_down":
        tops = [(-0.35, page.bottom + 0.1)]
    else:
        groups = [page.workers[n] for n in _names_at(page, interval.place) if n in page.workers]
        tops = [(g.top - 0.08, g.rows + 0.16) for g in groups]
    for top, height in tops:
        _box(page, began, ended, top, height, facecolor=colour, alpha=0.22, edgecolor="none", zorder=4)
        _box(page, began, ended, top, height, facecolor="none", edgecolor=colour, linewidth=0.9, linestyle=(0, (3, 2)), zorder=4.1)
        if interval.kind == "server_down":
            _say(page, began, top, word, color=colour, weight="bold", va="bottom", dx=0, zorder=9)
        elif page.fits(word, ended - began) and page.row * height > 0.12:
            _boxed(page, began, top + height / 2 if not page.roomy else top + 0.24, word, color=colour)


def _names_at(page: Page, place: str) -> list[str]:
    return [_worker_name(lane) for lane in page.line.lanes if lane.node.partition("/")[0] == place]


def _ends(page: Page) -> None:
    """Where a process ended its lane ends, with a cross unless it left by itself."""
    for lane in page.line.lanes:
        if lane.ended is None or _worker_name(lane) not in page.workers:
            continue
        group = page.workers[_worker_name(lane)]
        x, middle = lane.ended / 1e6, group.top + group.rows / 2
        colour = style.MUTED if lane.end == "exited" else style.RED
        _bar(page, x, group, colour)
        if lane.end != "exited":
            size, width = (11, 2.6) if page.roomy else (4.5, 1.3)
            page.axes.plot([x], [middle], marker="x", markersize=size, markeredgewidth=width, color=colour, zorder=9)
        text = f"{lane.end} {stamp(lane.ended)}"
        if lane.end == "exited":
            # To the left: on the right the next life begins, often at once.
            if page.roomy:
                box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
                _say(page, x, group.top + group.rows - 0.02, text, color=colour, ha="right", va="bottom", size=7, zorder=7, bbox=box)
        elif group.rows * page.row > 0.12:
            _beside(page, x, middle, text, colour)


def _bar(page: Page, x: float, group: Group, colour: str) -> None:
    """A line across a lane."""
    page.axes.plot([x, x], [group.top - 0.08, group.top + group.rows + 0.08], color=colour, linewidth=1.8 if page.roomy else 1, zorder=8)


def _dot(page: Page, x: float, y: float, marker: str, size: float, colour: str) -> None:
    page.axes.plot(
        [x], [y], marker=marker, markersize=size, color=colour, markeredgecolor="white", markeredgewidth=0.6, zorder=8, clip_on=False
    )  # fmt: skip


def _mark(page: Page, mark: Mark) -> None:
    if mark.kind in KILLED:
        return
    names = [n for n in _names_at(page, mark.place) if n in page.workers]
    x = mark.at / 1e6
    if names and mark.kind == "start":
        for name in names:
            group = page.workers[name]
            _bar(page, x, group, style.GREEN)
            if page.roomy:
                _beside(page, x, group.top + 0.22, "starts", style.GREEN)
        return
    if names and mark.kind == "stop":
        return  # the lane shows it
    group_at = page.workers[names[0]] if names else page.flows.get(mark.target)
    y = group_at.top + 0.1 if group_at is not None else -0.45
    _dot(page, x, y, "v", 7 if page.roomy else 4, style.RED)
    if page.roomy:
        _beside(page, x, y, mark.kind.replace("_", " ") + (f": {mark.detail}" if mark.detail else ""), style.RED)


# -- words -------------------------------------------------------------------------------------------------------------


def _say(page: Page, x: float, y: float, text: str, dx: float = 3, size: float = 7.5, **look: Any) -> None:
    shift = (-dx if look.get("ha") == "right" else dx, 0)
    page.axes.annotate(text, (x, y), xytext=shift, textcoords="offset points", fontsize=size, annotation_clip=False, **look)


def _boxed(page: Page, x: float, y: float, text: str, color: str = style.MUTED) -> None:
    box = {"boxstyle": "round,pad=0.18", "facecolor": "white", "edgecolor": "none", "alpha": 0.9}
    _say(page, x, y, text, dx=5, va="center", color=color, bbox=box, zorder=9, size=7)


def _beside(page: Page, x: float, y: float, text: str, color: str) -> None:
    """Words to the right of a mark, or to its left where the page ends."""
    left = (page.line.end / 1e6 - x) * page.scale < len(text) * INCHES_PER_LETTER + 0.2
    box = {"boxstyle": "round,pad=0.18", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    _say(page, x, y, text, dx=9, va="center", ha="right" if left else "left", color=color, weight="bold", zorder=9, bbox=box)


def _words_around(figure: Figure, page: Page, title: str, height: float, run_end: int) -> None:
    axes, line = page.axes, page.line
    small = 7.5 if page.roomy else 6.5
    for group in page.workers.values():
        y = group.top + group.rows / 2
        if page.roomy:
            _margin(axes, group.top + 0.5 * group.rows - 0.17, group.name, weight="bold", size=9)
            _margin(axes, group.top + 0.5 * group.rows + 0.25, _slots(page, group), size=7, color=style.MUTED)
        else:
            _margin(axes, y, f"{group.name} · {_slots(page, group)}", size=small)
    if page.flows:
        first = next(iter(page.flows.values()))
        offset = 0.55 if page.roomy else 1.6
        _margin(axes, first.top - offset, "Workflows", weight="bold", color=style.MUTED)
        _margin(axes, -0.55, "Workers", weight="bold", color=style.MUTED)
        every = max(1, int(-(-0.13 // page.row)))
        for number, group in enumerate(page.flows.values()):
            if page.roomy or number % every == 0:
                _margin(axes, group.top + group.rows / 2, group.name, size=8.5 if page.roomy else 6)
    figure.text(0.18 / WIDTH, 1 - 0.22 / height, title or "Timeline", fontsize=12.5, fontweight="bold", va="center")
    figure.text(1 - RIGHT / WIDTH, 1 - 0.22 / height, _facts(page, run_end), fontsize=8, color=style.MUTED, va="center", ha="right")
    _legend(figure, page, height)
    if line.left_out:
        more = ", ".join(f"{count} {kind}" for kind, count in sorted(line.left_out.items()))
        text = f"Not shown, beyond the limits of a picture: {more}."
        figure.text(0.18 / WIDTH, 0.09 / height, text, fontsize=7, color=style.RED, va="center")


def _margin(axes: Axes, y: float, text: str, size: float = 8, **look: Any) -> None:
    text = text if len(text) <= 24 else text[:22] + "…"
    axes.annotate(
        text, (0, y), xycoords=("axes fraction", "data"), xytext=(-8, 0), textcoords="offset points", ha="right", va="center",
        fontsize=size, annotation_clip=False, **look,
    )  # fmt: skip


def _slots(page: Page, group: Group) -> str:
    sizes = {lane.slots for lane in page.line.lanes if _worker_name(lane) == group.name}
    size = max(sizes, default=0)
    return "no session worker" if size == 0 else f"{group.note} · {size} slot{'s' if size != 1 else ''}" if page.roomy else f"{size}"


def _facts(page: Page, run_end: int) -> str:
    line = page.line
    shown = len(page.flows)
    everything = len({span.workflow_id for span in line.workflows}) + line.left_out.get("workflows", 0)
    facts = [_many(len({_worker_name(lane) for lane in line.lanes}), "worker")]
    facts.append(_many(everything, "workflow") + (f" (the first {shown} drawn)" if shown < everything else ""))
    facts += [_many(len(line.sessions) + line.left_out.get("sessions", 0), "session"), f"the run ends at {stamp(run_end)}"]
    return " · ".join(facts)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _legend(figure: Figure, page: Page, height: float) -> None:
    colour = style.SESSION_COLOURS[0]
    handles: list[Patch | Line2D] = [
        Patch(facecolor=_light(colour, 0.62), edgecolor=colour, label="session holds a slot"),
        Patch(facecolor=colour, edgecolor="white", label="activity runs"),
        Patch(facecolor="#eceef1", edgecolor="#9aa1ab", hatch="////", label="waits for a slot"),
        Patch(facecolor=_light(colour, 0.35), edgecolor=colour, label="workflow has the session"),
    ]
    line = page.line
    if any(s.lost is not None for s in line.sessions):
        handles.append(Patch(facecolor="#fbe3e1", edgecolor=style.RED, hatch="\\\\\\\\", label="slot is gone, not noticed yet"))
    if any(s.end in ("failed", "not created") for s in line.sessions):
        handles.append(_sample("X", 8, style.RED, "session fails", markeredgecolor="white"))
    if any(lane.end in ("killed", "machine lost") for lane in line.lanes):
        handles.append(_sample("x", 7, style.RED, "process dies", markeredgewidth=2))
    if page.roomy and line.heartbeats and len(line.heartbeats) <= 400:
        handles.append(_sample("o", 2.8, style.INK, "heartbeat reaches the server"))
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.12 / WIDTH, 0.14 / height), ncols=len(handles), frameon=False, fontsize=7.5,
        handlelength=1.6, columnspacing=1.3, handletextpad=0.5, borderaxespad=0.0,
    )  # fmt: skip


def _sample(marker: str, size: float, colour: str, label: str, **look: Any) -> Line2D:
    return Line2D([], [], marker=marker, linestyle="none", color=colour, markersize=size, label=label, **look)


def session_label(session: str) -> str:
    """A session's name as it is drawn: without the number of the run when it is the first."""
    return session.replace("/1/s", " s", 1)


def _light(colour: str, share: float) -> str:
    """A colour mixed with this share of white."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(p + (255 - p) * share):02x}" for p in parts)


def _dark(colour: str) -> str:
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(p * 0.55):02x}" for p in parts)
