"""The words around a timeline: its title, the names of its rows, what its colours and signs mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.report.clock import stamp
from sim.report.plots import style
from sim.report.plots.timeline_page import RIGHT, WIDTH, Group, Page, worker_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def words_around(figure: Figure, page: Page, title: str, height: float, run_end: int) -> None:
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
    sizes = {lane.slots for lane in page.line.lanes if worker_name(lane) == group.name}
    size = max(sizes, default=0)
    return "no session worker" if size == 0 else f"{group.note} · {size} slot{'s' if size != 1 else ''}" if page.roomy else f"{size}"


def _facts(page: Page, run_end: int) -> str:
    line = page.line
    shown = len(page.flows)
    everything = len({span.workflow_id for span in line.workflows}) + line.left_out.get("workflows", 0)
    facts = [_many(len({worker_name(lane) for lane in line.lanes}), "worker")]
    facts.append(_many(everything, "workflow") + (f" (the first {shown} drawn)" if shown < everything else ""))
    facts += [_many(len(line.sessions) + line.left_out.get("sessions", 0), "session"), f"the run ends at {stamp(run_end)}"]
    return " · ".join(facts)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _legend(figure: Figure, page: Page, height: float) -> None:
    colour = style.SESSION_COLOURS[0]
    handles: list[Patch | Line2D] = [
        Patch(facecolor=style.light(colour, 0.62), edgecolor=colour, label="session holds a slot"),
        Patch(facecolor=colour, edgecolor="white", label="activity runs"),
        Patch(facecolor="#eceef1", edgecolor="#9aa1ab", hatch="////", label="waits for a slot"),
        Patch(facecolor=style.light(colour, 0.35), edgecolor=colour, label="workflow has the session"),
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
