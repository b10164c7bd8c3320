"""Alterations of times: something happens before it can, or later than it must. What follows keeps its distance.

A recording is followed within 0.1 s, and so are the server's timers; deadlines are exact but for that. So whatever differs by
more than the sum cannot be; what differs by less may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.evidence.calls import CALL_LIMIT
from sim.evidence.case import Case, RecordedRun
from sim.evidence.follow import TOLERANCE
from sim.evidence.steering import LATENESS_LIMIT
from sim.history.proto_json import parse_duration
from tools.alterations.alteration import Draft
from tools.alterations.edit import Event, activities, attributes, events_of, kind, set_time, time_of

CLEAR: Final = TOLERANCE + LATENESS_LIMIT + 100_000
"""What differs by this is surely no matter of tolerance, microseconds."""

LITTLE: Final = 40_000
"""What differs by this is: with the recording's own difference, which is a few milliseconds, it stays below the tolerance."""

COARSE: Final = 1_000_000
"""Timers and deadlines of this length or less may be late by up to as much (P4.3.10): they say nothing of a third of a second."""

LENGTHS: Final = {"START_TO_CLOSE": "startToCloseTimeout", "SCHEDULE_TO_START": "scheduleToStartTimeout",
                  "SCHEDULE_TO_CLOSE": "scheduleToCloseTimeout"}  # fmt: skip

TICKS: Final = 3
"""A session beats three times in its heartbeat timeout."""


def _moved(run: RecordedRun, index: int, by: int, what: str, legal: str = "") -> Draft | None:
    """The event and all behind it, `by` microseconds later; None if it would come before the event in front of it.

    The start of an activity that ends stands where it ends and has its own time, which stays.
    """
    events = events_of(run)
    before = index - 2 if kind(events[index - 1]) == "ActivityTaskStarted" else index - 1
    if time_of(events[index]) + by < time_of(events[before]):
        return None
    if kind(events[index - 1]) == "ActivityTaskStarted" and time_of(events[index]) + by < time_of(events[index - 1]):
        return None
    since = time_of(events[index])
    for event in events[index:]:
        if kind(event) != "ActivityTaskStarted" or time_of(event) >= since:
            set_time(event, time_of(event) + by)
    return Draft(run, events, [events[index]], what, legal)


def _timeouts(run: RecordedRun, heartbeat: bool) -> Iterator[tuple[int, Event]]:
    """Places of activities that timed out, with the timeout's event."""
    for index, event in enumerate(run.history.raw["events"]):
        if kind(event) == "ActivityTaskTimedOut":
            info = attributes(event).get("failure", {}).get("timeoutFailureInfo", {})
            if ("HEARTBEAT" in str(info.get("timeoutType", ""))) == heartbeat:
                yield index, event


def _sharp_timeouts(run: RecordedRun) -> Iterator[int]:
    """Places of timeouts that are no heartbeats' and not coarse."""
    raw = list(run.history.raw["events"])
    for index, event in _timeouts(run, heartbeat=False):
        scheduled = attributes(raw[int(attributes(event)["scheduledEventId"]) - 1])
        name = attributes(event)["failure"]["timeoutFailureInfo"]["timeoutType"].removeprefix("TIMEOUT_TYPE_")
        if parse_duration(scheduled[LENGTHS[name]]) > COARSE:
            yield index


def _is_sharp(run: RecordedRun, fired: Event) -> bool:
    """Whether a workflow's timer is not coarse."""
    started = run.history.raw["events"][int(attributes(fired)["startedEventId"]) - 1]
    return parse_duration(attributes(started)["startToFireTimeout"]) > COARSE


def timeout_too_early(case: Case) -> Iterator[Draft]:
    """StartToClose, ScheduleToStart or ScheduleToClose, before the deadline."""
    for run in case.runs:
        for index in _sharp_timeouts(run):
            yield from _if_possible(_moved(run, index, -CLEAR, f"{CLEAR / 1e6} s early"))


def timeout_too_late(case: Case) -> Iterator[Draft]:
    """The same, behind it."""
    for run in case.runs:
        for index in _sharp_timeouts(run):
            yield from _if_possible(_moved(run, index, CLEAR, f"{CLEAR / 1e6} s late"))


def heartbeat_timeout_too_early(case: Case) -> Iterator[Draft]:
    """A heartbeat timeout sooner after the start than its own length: the start counts as a heartbeat (P4.1.5)."""
    for run in case.runs:
        raw = list(run.history.raw["events"])
        for index, event in _timeouts(run, heartbeat=True):
            activity = activities(raw)[int(attributes(event)["scheduledEventId"])]
            if activity.started is None:
                continue
            earliest = time_of(activity.started) + _length(activity.scheduled)
            by = min(earliest - CLEAR - time_of(event), -CLEAR)
            yield from _if_possible(_moved(run, index, by, f"{-by / 1e6:.3f} s early"))


def heartbeat_timeout_too_late(case: Case) -> Iterator[Draft]:
    """Later than the worker's last beat can have been, and its call, and the timeout: it was lost, and the timeline says when."""
    for run in case.runs:
        raw = list(run.history.raw["events"])
        for index, event in _timeouts(run, heartbeat=True):
            scheduled = activities(raw)[int(attributes(event)["scheduledEventId"])].scheduled
            beat = _length(scheduled) // TICKS
            yield from _if_possible(_moved(run, index, beat + CALL_LIMIT + CLEAR, "a beat and a call late"))


def timer_too_early(case: Case) -> Iterator[Draft]:
    """A workflow's timer; those of a second or less are coarse on the server (P4.3.10) and are left out."""
    for run in case.runs:
        for index, event in enumerate(run.history.raw["events"]):
            if kind(event) == "TimerFired" and _is_sharp(run, event):
                yield from _if_possible(_moved(run, index, -CLEAR, f"{CLEAR / 1e6} s early"))


def timer_too_late(case: Case) -> Iterator[Draft]:
    """The same, later."""
    for run in case.runs:
        for index, event in enumerate(run.history.raw["events"]):
            if kind(event) == "TimerFired" and _is_sharp(run, event):
                yield from _if_possible(_moved(run, index, CLEAR, f"{CLEAR / 1e6} s late"))


def a_little_late(case: Case) -> Iterator[Draft]:
    """A control: what is within the tolerance is allowed."""
    why = "the difference is within the tolerance of times"
    for run in case.runs:
        for index, event in enumerate(run.history.raw["events"]):
            if kind(event) in ("TimerFired", "ActivityTaskTimedOut") and index == len(run.history.raw["events"]) - 5:
                yield from _if_possible(_moved(run, index, LITTLE, f"{LITTLE / 1e3} ms late", why))


def _if_possible(draft: Draft | None) -> Iterator[Draft]:
    if draft is not None:
        yield draft


def _length(scheduled: Event) -> int:
    """The heartbeat timeout of an activity, microseconds."""
    return parse_duration(attributes(scheduled)["heartbeatTimeout"])
