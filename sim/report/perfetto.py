"""A run as a Chrome trace: opens in ui.perfetto.dev and in chrome://tracing.

Processes are workers, threads are their slots, slices are sessions and activities, instants are faults, counters are slots
in use. A process of its own has the workflows. Times are microseconds, which is the format's unit too.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sim.report.timeline_parts import Timeline

WORKFLOWS: Final = 1
FIRST_WORKER: Final = 10

Event = dict[str, Any]


def trace(line: Timeline) -> dict[str, Any]:
    """The trace as JSON data: `{"traceEvents": [...], "displayTimeUnit": "ms"}`."""
    pids = {lane.node: FIRST_WORKER + i for i, lane in enumerate(line.lanes)}
    events = [*_names(line, pids), *_workers(line, pids), *_workflows(line), *_faults(line, pids)]
    events += [_counter("slots in use", time, {"used": value}) for time, value in line.used]
    events += [_counter("slots of live workers", time, {"slots": value}) for time, value in line.capacity]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def dumps(line: Timeline) -> str:
    """The trace as JSON text; the same bytes for the same run."""
    return json.dumps(trace(line), separators=(",", ":"), sort_keys=True)


def _counter(name: str, time: int, values: dict[str, int]) -> Event:
    return {"ph": "C", "pid": WORKFLOWS, "name": name, "ts": time, "args": values}


def _meta(kind: str, pid: int, tid: int, value: object) -> Event:
    key = "sort_index" if kind.endswith("sort_index") else "name"
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {key: value}}


def _slice(name: str, pid: int, tid: int, began: int, ended: int, category: str, **args: object) -> Event:
    kept = {key: value for key, value in args.items() if value not in ("", None)}
    return {"ph": "X", "name": name, "cat": category, "pid": pid, "tid": tid, "ts": began, "dur": ended - began, "args": kept}


def _names(line: Timeline, pids: dict[str, int]) -> list[Event]:
    events = [_meta("process_name", WORKFLOWS, 0, "workflows"), _meta("process_sort_index", WORKFLOWS, 0, 10_000)]
    for lane in line.lanes:
        events.append(_meta("process_name", pids[lane.node], 0, f"{lane.name} ({lane.host}, {lane.slots} slots)"))
        rows = sorted({hold.row for hold in line.holds if hold.node == lane.node})
        events += [_meta("thread_name", pids[lane.node], row + 1, f"slot {row + 1}") for row in rows]
    return events


def _workers(line: Timeline, pids: dict[str, int]) -> list[Event]:
    events: list[Event] = []
    rows: dict[tuple[str, str], int] = {}
    for hold in line.holds:
        if hold.node in pids:
            rows[hold.node, hold.session] = hold.row + 1
            ended = line.end if hold.ended is None else hold.ended
            state = "lost" if hold.lost else "held" if hold.ended is None else "given back"
            events.append(_slice(hold.session, pids[hold.node], hold.row + 1, hold.began, ended, "session", slot=state))
    for bar in line.attempts:
        if bar.node in pids:
            ended = line.end if bar.ended is None else bar.ended
            tid = rows.get((bar.node, bar.session), 0)
            what = {"outcome": bar.outcome, "attempt": bar.attempt, "session": bar.session}
            events.append(_slice(bar.name, pids[bar.node], tid, bar.began, ended, "activity", **what))
    for lane in line.lanes:
        if lane.ended is not None:
            events.append(_instant(lane.end, pids[lane.node], lane.ended))
    return events


def _workflows(line: Timeline) -> list[Event]:
    threads: dict[str, int] = {}
    of_run: dict[str, int] = {}
    events: list[Event] = []
    for span in line.workflows:
        tid = threads.setdefault(span.workflow_id, len(threads) + 1)
        of_run[span.run] = tid
        ended = line.end if span.ended is None else span.ended
        events.append(_slice(span.workflow_id, WORKFLOWS, tid, span.began, ended, "workflow", status=span.status))
    events += [_meta("thread_name", WORKFLOWS, tid, name) for name, tid in threads.items()]
    for session in line.sessions:
        tid = of_run.get(session.run, 0)
        ended = line.end if session.ended is None else session.ended
        created = ended if session.created is None else session.created
        events.append(_slice(f"{session.session}: waits", WORKFLOWS, tid, session.asked, created, "wait"))
        if session.created is not None:
            events.append(_slice(session.session, WORKFLOWS, tid, created, ended, "session", end=session.end, why=session.why))
    return events


def _instant(name: str, pid: int | None, time: int) -> Event:
    scope = "g" if pid is None else "p"
    return {"ph": "i", "name": name, "cat": "fault", "s": scope, "pid": WORKFLOWS if pid is None else pid, "tid": 0, "ts": time}


def _faults(line: Timeline, pids: dict[str, int]) -> list[Event]:
    def pid(place: str) -> int | None:
        return next((number for node, number in pids.items() if node.partition("/")[0] == place), None)

    ends = ("kill", "lose_machine", "exit")
    events = [_instant(f"{mark.kind} {mark.target}", pid(mark.place), mark.at) for mark in line.marks if mark.kind not in ends]
    for fault in line.intervals:
        ended = line.end if fault.ended is None else fault.ended
        name = " ".join(word for word in (fault.kind, fault.target, fault.detail) if word)
        where = pid(fault.place)
        # Faults do not nest with sessions, so they have a track of their own.
        events.append(_slice(name, WORKFLOWS if where is None else where, 999_999, fault.began, ended, "fault"))
    return events
