"""What no choice can change ends the search at once, and a run that misses an event parts from the recording where that was due."""

from __future__ import annotations

import random

import pytest

from sim.evidence.case import Case
from sim.evidence.follow import TOLERANCE, Diverged, Follower
from sim.evidence.rebuild import scenario_of
from sim.evidence.recording import Recording
from sim.evidence.search import SEED, follow, search
from sim.evidence.settled import settled
from sim.history import events as ev
from tests.evidence.cases import real
from tools.alterations.kinds import alterations


def _altered(name: str, kind: str) -> Case:
    return next(one.case for one in alterations(real(name), random.Random(1), 1) if one.kind == kind)


@pytest.mark.parametrize("kind", ["another queue", "two commands swapped", "a run closed otherwise"])
def test_another_command_than_that_of_the_same_history_needs_no_search(kind: str) -> None:
    case = _altered("happy_path", kind)
    found = search(scenario_of(case), Recording(case))
    assert not found.accepted
    assert (found.tries, found.exhausted) == (1, True)


@pytest.mark.parametrize("kind", ["another attempt", "failed instead of completed", "a task before its cause"])
def test_what_other_choices_might_change_is_searched_for(kind: str) -> None:
    case = _altered("happy_path", kind)
    recording = Recording(case)
    first = follow(scenario_of(case), recording, {})
    assert first.diverged is not None
    assert not settled(recording, first.follower.recorder, first.diverged)
    assert search(scenario_of(case), recording).tries > 1


def test_nothing_is_settled_where_the_history_before_is_another() -> None:
    """Something before the command is not as recorded: then the command may be another one because of that."""
    case = _altered("happy_path", "another queue")
    recording = Recording(case)
    first = follow(scenario_of(case), recording, {})
    assert first.diverged is not None
    assert settled(recording, first.follower.recorder, first.diverged)
    events = case.runs[0].history.raw["events"]
    started = next(event for event in events if event["eventType"].endswith("WORKFLOW_TASK_SCHEDULED"))
    started["workflowTaskScheduledEventAttributes"]["attempt"] = 7
    assert not settled(recording, first.follower.recorder, first.diverged)


def test_when_an_event_was_written() -> None:
    """The start of an activity is written with its end, and nothing is written before what stands in front of it."""
    record = next(iter(Recording(real("happy_path")).runs.values()))
    due = [record.due(index) for index in range(len(record.events))]
    assert due == sorted(due)
    starts = [index for index, at in enumerate(record.events) if isinstance(at.event, ev.ActivityTaskStarted)]
    assert starts
    assert all(due[index] == due[index + 1] > record.events[index].time for index in starts)


def test_a_run_without_an_event_parts_where_it_was_due() -> None:
    recording = Recording(real("happy_path"))
    record = next(iter(recording.runs.values()))
    with pytest.raises(Diverged) as caught:
        Follower(recording, SEED).finish()
    assert (caught.value.run, caught.value.event_id, caught.value.due) == (record.name, 1, record.due(0))


@pytest.mark.parametrize(("kind", "late"), [("a timeout behind its deadline", False), ("a timeout before its deadline", True)])
def test_a_late_event_was_due_before(kind: str, late: bool) -> None:
    """A timeout that comes before the recorded time is as far as the run came; of one that is late the run had not what was due."""
    case = _altered("creation_timeout", kind)
    diverged = follow(scenario_of(case), Recording(case), {}).diverged
    assert diverged is not None
    assert diverged.at == (diverged.due + TOLERANCE if late else diverged.due)
