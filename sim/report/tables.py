"""The lists of a timeline and of a story as tables: which columns their frames have.

Points of time are since the run's start. What had not happened when the run ended is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sim import frames
from sim.frames import Columns, Rows

if TYPE_CHECKING:
    from sim.model.inputs import Name
    from sim.report.story import Line
    from sim.report.timeline_parts import AttemptBar, Hold, Interval, Lane, Mark, SessionSpan, SlotsFrom, WorkflowSpan


class WorkerRows(Rows["Lane"]):
    """Worker objects, one for every life of a process."""

    columns: ClassVar[Columns[Lane]] = (
        frames.text("worker", lambda w: w.name),
        frames.text("node", lambda w: w.node),
        frames.text("process", lambda w: w.process),
        frames.text("host", lambda w: w.host),
        frames.count("slots", lambda w: w.slots),
        frames.seconds("began_at_s", lambda w: w.began),
        frames.seconds("stopping_at_s", lambda w: w.stopping),
        frames.seconds("stopped_at_s", lambda w: w.stopped),
        frames.seconds("ended_at_s", lambda w: w.ended),
        frames.text("end", lambda w: w.end or "alive"),
    )


class HoldRows(Rows["Hold"]):
    """Slots in use."""

    columns: ClassVar[Columns[Hold]] = (
        frames.text("worker", lambda h: h.worker),
        frames.text("node", lambda h: h.node),
        frames.text("session", lambda h: h.session),
        frames.count("row", lambda h: h.row),
        frames.seconds("began_at_s", lambda h: h.began),
        frames.seconds("ended_at_s", lambda h: h.ended),
        frames.between("duration_s", lambda h: h.began, lambda h: h.ended),
        frames.flag("lost", lambda h: h.lost),
    )


class SessionRows(Rows["SessionSpan"]):
    """Sessions as their workflows know them."""

    columns: ClassVar[Columns[SessionSpan]] = (
        frames.text("session", lambda s: s.session),
        frames.text("workflow_id", lambda s: _workflow(s.run)),
        frames.text("run", lambda s: s.run),
        frames.flag("recreated", lambda s: s.recreated),
        frames.seconds("asked_at_s", lambda s: s.asked),
        frames.seconds("created_at_s", lambda s: s.created),
        frames.between("wait_s", lambda s: s.asked, lambda s: s.created),
        frames.text("worker", lambda s: s.worker),
        frames.count("attempts", lambda s: s.attempts),
        frames.seconds("lost_at_s", lambda s: s.lost),
        frames.seconds("ended_at_s", lambda s: s.ended),
        frames.between("duration_s", lambda s: s.created, lambda s: s.ended),
        frames.text("end", lambda s: s.end or "open"),
        frames.text("why", lambda s: s.why),
        frames.between("detection_s", lambda s: s.lost, lambda s: s.ended if s.end == "failed" else None),
    )


class AttemptRows(Rows["AttemptBar"]):
    """Attempts of users' activities."""

    columns: ClassVar[Columns[AttemptBar]] = (
        frames.text("activity", lambda a: a.name),
        frames.count("attempt", lambda a: a.attempt),
        frames.text("workflow_id", lambda a: _workflow(a.run)),
        frames.text("run", lambda a: a.run),
        frames.text("session", lambda a: a.session),
        frames.text("worker", lambda a: a.worker),
        frames.text("node", lambda a: a.node),
        frames.seconds("began_at_s", lambda a: a.began),
        frames.seconds("ended_at_s", lambda a: a.ended),
        frames.between("duration_s", lambda a: a.began, lambda a: a.ended),
        frames.text("outcome", lambda a: a.outcome or "running"),
    )


class RunRows(Rows["WorkflowSpan"]):
    """Runs of workflows."""

    columns: ClassVar[Columns[WorkflowSpan]] = (
        frames.text("workflow_id", lambda w: w.workflow_id),
        frames.text("run", lambda w: w.run),
        frames.seconds("began_at_s", lambda w: w.began),
        frames.seconds("ended_at_s", lambda w: w.ended),
        frames.between("duration_s", lambda w: w.began, lambda w: w.ended),
        frames.text("status", lambda w: w.status or "RUNNING"),
    )


class MarkRows(Rows["Mark"]):
    """Faults that happened at a moment."""

    columns: ClassVar[Columns[Mark]] = (
        frames.seconds("at_s", lambda m: m.at),
        frames.text("kind", lambda m: m.kind),
        frames.text("target", lambda m: m.target),
        frames.text("place", lambda m: m.place),
        frames.text("detail", lambda m: m.detail),
    )


class IntervalRows(Rows["Interval"]):
    """Faults that lasted."""

    columns: ClassVar[Columns[Interval]] = (
        frames.text("kind", lambda i: i.kind),
        frames.text("target", lambda i: i.target),
        frames.text("place", lambda i: i.place),
        frames.text("detail", lambda i: i.detail),
        frames.seconds("began_at_s", lambda i: i.began),
        frames.seconds("ended_at_s", lambda i: i.ended),
        frames.between("duration_s", lambda i: i.began, lambda i: i.ended),
    )


class HeartbeatRows(Rows["tuple[int, Name, str]"]):
    """Heartbeats of sessions that reached the server."""

    columns: ClassVar[Columns[tuple[int, Name, str]]] = (
        frames.seconds("at_s", lambda h: h[0]),
        frames.text("session", lambda h: h[2]),
        frames.text("node", lambda h: h[1]),
    )


class SlotRows(Rows["SlotsFrom"]):
    """Slots over time: a row says how many there are from then on."""

    columns: ClassVar[Columns[SlotsFrom]] = (
        frames.seconds("at_s", lambda s: s.at),
        frames.count("used", lambda s: s.used),
        frames.count("capacity", lambda s: s.capacity),
    )


class LineRows(Rows["Line"]):
    """Lines of a story."""

    columns: ClassVar[Columns[Line]] = (
        frames.seconds("at_s", lambda line: line.time),
        frames.text("weight", lambda line: line.weight.name.lower()),
        frames.text("text", lambda line: line.text),
        frames.text("sessions", lambda line: " ".join(line.sessions)),
    )


def _workflow(run: str) -> str:
    """The workflow's id in a run's name."""
    return run.split("/")[2]
