"""The timeline: worker lanes with a row for every slot in use, and below them the workflows, on one time axis.

Above, a session is what its worker holds: a bar on a slot's row, with its activities inside. Below, it is what its
workflow knows: waiting for a slot, open, failed. The difference between the two is what sessions are about, so the time in
which a worker is gone and the workflow does not know yet is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sim.report.clock import stamp
from sim.report.plots import style
from sim.report.plots.timeline_margins import words_around
from sim.report.plots.timeline_page import (
    INCHES_PER_LETTER,
    LEFT,
    RIGHT,
    WIDTH,
    Group,
    Page,
    session_label,
    worker_groups,
    worker_name,
    workflow_groups,
)
from sim.report.timeline_parts import AttemptBar, Hold, Interval, Lane, Mark, SessionSpan, Timeline, WorkflowSpan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FROZEN: Final = {"freeze": "frozen", "slow_down": "slow", "server_down": "server down"}
UNREACHABLE: Final = {"both": "cut off", "up": "requests held", "down": "answers held"}
KILLED: Final = ("kill", "lose_machine", "exit")


def draw(line: Timeline, title: str = "") -> Figure:
    """Draw a timeline.

    Args:
        line: what was gathered; its times are microseconds.
        title: what stands above it, such as "contention, seed 7".
    """
    run_end, line = line.end, replace(line, end=_last(line))
    with style.settings():
        workers, lanes = worker_groups(line)
        flows, rows_of = workflow_groups(line)
        total = sum(g.rows for g in (*workers.values(), *flows.values()))
        row = min(0.4, max(0.085, 11.0 / max(total, 1)))
        gaps = 0.35 * (len(workers) + len(flows) * 0.12) + 2.6
        height = (total + gaps) * row + 1.25
        figure = style.figure(WIDTH, height)
        axes = figure.add_axes((LEFT / WIDTH, 0.78 / height, 1 - (LEFT + RIGHT) / WIDTH, 1 - 1.25 / height))
        end = max(line.end, 1) / 1e6
        page = Page(line, axes, row, (WIDTH - LEFT - RIGHT) / end, workers, flows, rows_of=rows_of, lanes=lanes)
        page.colours = {s.session: style.session_colour(i) for i, s in enumerate(line.sessions)}
        page.stack()
        _paint(page)
        axes.set_xlim(0, end)
        axes.set_ylim(page.bottom, -0.9)
        axes.set_yticks([])
        style.plain(axes)
        style.time_axis(axes, end)
        words_around(figure, page, title, height, run_end)
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


# -- painting ----------------------------------------------------------------------------------------------------------


def _paint(page: Page) -> None:
    page.axes.grid(True, axis="x", color=style.GRID, linewidth=0.5, zorder=0.5)
    page.axes.set_axisbelow(True)
    for lane in page.line.lanes:
        if worker_name(lane) in page.workers:
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
    page.add_boxes()


def _lane(page: Page, lane: Lane) -> None:
    group = page.workers[worker_name(lane)]
    began, ended = lane.began / 1e6, page.seconds(lane.ended)
    page.box(began, ended, group.top - 0.08, group.rows + 0.16, facecolor=style.BAND, edgecolor="none", zorder=0.2)
    if lane.stopping is not None:
        # Without an exit the object goes on existing after Stop returned, and does nothing.
        page.box(lane.stopping / 1e6, ended, group.top - 0.08, group.rows + 0.16, facecolor="#fdf3dc", edgecolor="none", zorder=0.3)
        word = "stopping" if lane.stopped is None or (lane.stopped - lane.stopping) / 1e6 * page.scale > 0.7 else ""
        if word and page.fits(word, ended - lane.stopping / 1e6):
            page.say(lane.stopping / 1e6, group.top + 0.02, word, color=style.AMBER, va="top")


def _hold(page: Page, hold: Hold) -> None:
    lane = page.lanes.get(hold.node)
    if lane is None or worker_name(lane) not in page.workers:
        return
    top = page.workers[worker_name(lane)].top + hold.row
    began, ended = hold.began / 1e6, page.seconds(hold.ended)
    colour = page.colours.get(hold.session, style.MUTED)
    margin = 0.06 if page.roomy else 0.1
    # Alpha would make what overlaps darker and say something that is not so.
    page.box(
        began, ended, top + margin, 1 - 2 * margin, facecolor=style.light(colour, 0.62), edgecolor=colour,
        linewidth=0.9 if page.roomy else 0.4, zorder=2,
    )  # fmt: skip
    name = session_label(hold.session)
    if page.roomy and page.fits(name, ended - began):
        page.say(began, top + margin + 0.03, name, va="top", weight="bold", color=style.dark(colour), zorder=5, size=7)


def _attempt(page: Page, bar: AttemptBar, hold: Hold | None) -> None:
    lane = page.lanes.get(bar.node)
    if lane is None or worker_name(lane) not in page.workers:
        return
    group = page.workers[worker_name(lane)]
    row = hold.row if hold is not None else group.rows - 1
    began, ended = bar.began / 1e6, page.seconds(bar.ended)
    colour = page.colours.get(bar.session, "#8a9099")
    top, height = (group.top + row + 0.42, 0.46) if page.roomy else (group.top + row + 0.3, 0.4)
    bad = bar.outcome not in ("completed", "")
    edge, width = (style.RED, 1.1) if bad else ("white", 0.5)
    page.box(began, ended, top, height, facecolor=colour, edgecolor=edge, linewidth=width, zorder=3)
    if not page.roomy:
        return
    text = bar.name if bar.attempt == 1 else f"{bar.name} (attempt {bar.attempt})"
    text = page.shortened(text, ended - began)
    if text:
        page.say(began, top + height / 2, text, va="center", color="white", zorder=5, size=7)


def _heartbeats(page: Page, rows: dict[tuple[str, str], Hold]) -> None:
    beats = [(t, rows[node, s]) for t, node, s in page.line.heartbeats if (node, s) in rows]
    if not page.roomy or len(beats) > 400:
        return
    points = [
        (t / 1e6, page.workers[worker_name(page.lanes[h.node])].top + h.row + 0.94)
        for t, h in beats
        if h.node in page.lanes and worker_name(page.lanes[h.node]) in page.workers
    ]
    if points:
        page.axes.scatter([x for x, _ in points], [y for _, y in points], s=7, color=style.INK, zorder=6, linewidths=0)


def _workflow(page: Page, span: WorkflowSpan) -> None:
    group = page.flows[span.workflow_id]
    middle = group.top + 0.5
    began, ended = span.began / 1e6, page.seconds(span.ended)
    width = 1.2 if page.roomy else 0.6
    page.axes.plot([began, ended], [middle, middle], color="#9aa1ab", linewidth=width, zorder=1.5, solid_capstyle="butt")
    if span.ended is None:
        return
    colour = {"COMPLETED": style.GREEN, "CONTINUED_AS_NEW": style.ICE, "CANCELED": style.AMBER}.get(span.status, style.RED)
    page.dot(ended, middle, "o", 6 if page.roomy else 2.2, colour)
    if page.roomy and span.status != "CONTINUED_AS_NEW":
        word = span.status.lower().replace("_", " ")
        room = (page.line.end - span.ended) / 1e6 * page.scale
        if room > len(word) * INCHES_PER_LETTER + 0.15:
            page.say(ended, middle, word, va="center", color=colour, dx=7, zorder=7)
        else:
            page.say(ended, group.top + 0.02, word, va="bottom", color=colour, ha="right", dx=0, zorder=7)


def _session(page: Page, session: SessionSpan, group: Group) -> None:
    top = group.top + page.rows_of[session.session]
    asked, ended = session.asked / 1e6, page.seconds(session.ended)
    created = session.created / 1e6 if session.created is not None else ended
    margin = 0.14
    colour = page.colours.get(session.session, style.MUTED)
    hatch = {"hatch": "////"} if page.roomy else {}
    page.box(asked, created, top + margin, 1 - 2 * margin, facecolor="#eceef1", edgecolor="#9aa1ab", linewidth=0.5, zorder=2, **hatch)
    if session.created is None:
        text = "waits for a slot"
        if page.roomy and page.fits(text, ended - asked):
            page.boxed(asked, top + 0.5, text)
    else:
        light, label = style.light(colour, 0.35), session_label(session.session)
        page.box(created, ended, top + margin, 1 - 2 * margin, facecolor=light, edgecolor=colour, linewidth=0.5, zorder=2)
        if page.roomy and page.fits(label, ended - created):
            page.say(created, top + 0.5, label, va="center", color=style.dark(colour), weight="bold", size=7, zorder=5)
    if session.lost is not None and created < session.lost / 1e6 < ended:
        _unnoticed(page, session.lost / 1e6, ended, top + margin, 1 - 2 * margin)
    if session.end in ("failed", "not created"):
        page.dot(ended, top + 0.5, "X", 7 if page.roomy else 4.6, style.RED)


def _unnoticed(page: Page, lost: float, ended: float, top: float, height: float) -> None:
    """The worker is gone, or gave the slot up, and the workflow does not know."""
    hatch = {"hatch": "\\\\\\\\"} if page.roomy else {}
    page.box(lost, ended, top, height, facecolor="#fbe3e1", edgecolor=style.RED, linewidth=0.5, zorder=3, **hatch)
    for text in ("its slot is gone, not noticed yet", "not noticed yet", "unnoticed"):
        if page.roomy and page.fits(text, ended - lost):
            page.boxed(lost, top + height / 2, text, color=style.RED)
            break


# -- faults ------------------------------------------------------------------------------------------------------------


def _interval(page: Page, interval: Interval) -> None:
    began, ended = interval.began / 1e6, page.seconds(interval.ended)
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
        page.box(began, ended, top, height, facecolor=colour, alpha=0.22, edgecolor="none", zorder=4)
        page.box(began, ended, top, height, facecolor="none", edgecolor=colour, linewidth=0.9, linestyle=(0, (3, 2)), zorder=4.1)
        if interval.kind == "server_down":
            page.say(began, top, word, color=colour, weight="bold", va="bottom", dx=0, zorder=9)
        elif page.fits(word, ended - began) and page.row * height > 0.12:
            page.boxed(began, top + height / 2 if not page.roomy else top + 0.24, word, color=colour)


def _names_at(page: Page, place: str) -> list[str]:
    return [worker_name(lane) for lane in page.line.lanes if lane.node.partition("/")[0] == place]


def _ends(page: Page) -> None:
    """Where a process ended its lane ends, with a cross unless it left by itself."""
    for lane in page.line.lanes:
        if lane.ended is None or worker_name(lane) not in page.workers:
            continue
        group = page.workers[worker_name(lane)]
        x, middle = lane.ended / 1e6, group.top + group.rows / 2
        colour = style.MUTED if lane.end == "exited" else style.RED
        page.bar(x, group, colour)
        if lane.end != "exited":
            size, width = (11, 2.6) if page.roomy else (4.5, 1.3)
            page.axes.plot([x], [middle], marker="x", markersize=size, markeredgewidth=width, color=colour, zorder=9)
        text = f"{lane.end} {stamp(lane.ended)}"
        if lane.end == "exited":
            # To the left: on the right the next life begins, often at once.
            if page.roomy:
                box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
                page.say(x, group.top + group.rows - 0.02, text, color=colour, ha="right", va="bottom", size=7, zorder=7, bbox=box)
        elif group.rows * page.row > 0.12:
            page.beside(x, middle, text, colour)


def _mark(page: Page, mark: Mark) -> None:
    if mark.kind in KILLED:
        return
    names = [n for n in _names_at(page, mark.place) if n in page.workers]
    x = mark.at / 1e6
    if names and mark.kind == "start":
        for name in names:
            group = page.workers[name]
            page.bar(x, group, style.GREEN)
            if page.roomy:
                page.beside(x, group.top + 0.22, "starts", style.GREEN)
        return
    if names and mark.kind == "stop":
        return  # the lane shows it
    group_at = page.workers[names[0]] if names else page.flows.get(mark.target)
    y = group_at.top + 0.1 if group_at is not None else -0.45
    page.dot(x, y, "v", 7 if page.roomy else 4, style.RED)
    if page.roomy:
        page.beside(x, y, mark.kind.replace("_", " ") + (f": {mark.detail}" if mark.detail else ""), style.RED)
