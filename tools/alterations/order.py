"""Alterations of what happened and in which order."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final

from sim.evidence.case import Case, RecordedRun
from tools.alterations.alteration import Draft
from tools.alterations.edit import CLOSING, Event, attributes, events_of, kind, links, number

CAUSES: Final = (*CLOSING, "TimerFired", "WorkflowExecutionSignaled", "WorkflowExecutionCancelRequested")
"""Events of which each has a workflow task scheduled behind it, if none is."""


def _by_command(event: Event) -> int:
    """The workflow task whose command wrote an event; 0 for others."""
    return links(event).get("workflowTaskCompletedEventId", 0)


def _says(event: Event) -> str:
    """What an event says, without what it is called."""
    found = {k: v for k, v in attributes(event).items() if k not in ("activityId", "timerId", "startedEventId")}
    return f"{kind(event)} {found}"


def commands_swapped(case: Case) -> Iterator[Draft]:
    """Two events that one workflow task commanded: they stand in the order of the commands, which is the program's."""
    for run in case.runs:
        raw = run.history.raw["events"]
        for index in range(len(raw) - 1):
            one, other = raw[index], raw[index + 1]
            if not _by_command(one) or _by_command(one) != _by_command(other) or _says(one) == _says(other):
                continue
            # An event that names the other, or that closes the run, has to stand behind.
            if number(one) in links(other).values() or kind(other).startswith("WorkflowExecution"):
                continue
            yield _swapped(run, index)


def cause_behind_its_task(case: Case) -> Iterator[Draft]:
    """A workflow task that stands before the only thing for which it can have been scheduled."""
    for run in case.runs:
        for index in _only_causes(run):
            if kind(run.history.raw["events"][index]) not in CLOSING:
                yield _swapped(run, index)


def _swapped(run: RecordedRun, index: int) -> Draft:
    """Times stay where they are, so that they are in order."""
    events = events_of(run)
    one, other = events[index], events[index + 1]
    one["eventTime"], other["eventTime"] = other["eventTime"], one["eventTime"]
    events[index], events[index + 1] = other, one
    return Draft(run, events, [one, other], f"{kind(one)} <-> {kind(other)}")


def _only_causes(run: RecordedRun) -> Iterator[int]:
    """Places of events behind which a workflow task is scheduled, and nothing before them can be its reason."""
    raw = run.history.raw["events"]
    for index in range(1, len(raw) - 1):
        if kind(raw[index]) in CAUSES and kind(raw[index + 1]) == "WorkflowTaskScheduled":
            before = raw[index - 1] if kind(raw[index - 1]) != "ActivityTaskStarted" else raw[index - 2]
            # A completed task and its commands leave nothing to do; whatever else came before has had its task.
            if kind(before) == "WorkflowTaskCompleted" or _by_command(before):
                yield index


def dropped(case: Case) -> Iterator[Draft]:
    """An event is missing that nothing else refers to."""
    for run in case.runs:
        raw = run.history.raw["events"]
        named = {value for event in raw for value in links(event).values()}
        for index, event in enumerate(raw):
            inputs = kind(event) == "WorkflowExecutionSignaled" and not str(attributes(event).get("identity", "")).endswith("@")
            # Of activities and workflow tasks the end belongs to the start: without it the history would not be one.
            if number(event) in named or index == 0 or inputs or kind(event) in CLOSING or kind(event).startswith("WorkflowTask"):
                continue
            if index + 1 < len(raw) and _says(raw[index + 1]) == _says(event):
                continue
            yield _without(run, [index])


def end_dropped(case: Case) -> Iterator[Draft]:
    """An activity's end, and its start, which is written with it, are missing; the task that was scheduled for it is there."""
    for run in case.runs:
        raw = run.history.raw["events"]
        for index in _only_causes(run):
            if kind(raw[index]) in CLOSING:
                started = kind(raw[index - 1]) == "ActivityTaskStarted"
                yield _without(run, [index - 1, index] if started else [index])


def _without(run: RecordedRun, places: list[int]) -> Draft:
    events = events_of(run)
    what = " and ".join(kind(events[place]) for place in places)
    for place in reversed(places):
        del events[place]
    last = places[0] >= len(events)
    return Draft(run, events, [] if last else [events[places[0]]], f"{what} dropped", end=last)


def doubled(case: Case) -> Iterator[Draft]:
    """An event is there twice."""
    for run in case.runs:
        for index, event in enumerate(run.history.raw["events"]):
            if kind(event) in ("MarkerRecorded", "ActivityTaskScheduled", "TimerStarted", "ActivityTaskCancelRequested"):
                events = events_of(run)
                events.insert(index + 1, copy.deepcopy(events[index]))
                yield Draft(run, events, [events[index + 1]], f"{kind(event)} doubled")
