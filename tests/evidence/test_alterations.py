"""`conform` says no: histories that are altered as the protocol does not allow are rejected where they were altered."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from sim.evidence.case import read_case
from sim.evidence.conforming import judge
from sim.evidence.result import Verdict
from tests.evidence.cases import CASES, real
from tools.alterations.alteration import Alteration
from tools.alterations.edit import activities, attributes, events_of, kind, links, renumbered
from tools.alterations.kinds import KINDS, alterations
from tools.alterations.simulated import folder
from tools.alterations.table import Outcome, Table, judged

QUICK = ("happy_path", "worker_killed", "graceful_stop", "creation_timeout")
SIMULATED = range(3_000_000, 3_000_012)
SEARCHED = {1_000_018: 18, 1_000_046: 15}
"""Seeds of simulated cases whose alterations need search, and of one in which late runs came first; with how many alterations at least."""


def _chosen() -> list[Alteration]:
    """One of each kind in each of some cases, the same every time."""
    found = []
    for name in QUICK:
        found += list(alterations(real(name), random.Random(f"1 {name}"), each=1))
    return found


ALTERED = _chosen()


def test_there_are_enough_and_of_many_kinds() -> None:
    assert len(ALTERED) >= 55
    assert len({alteration.kind for alteration in ALTERED}) >= 20


@pytest.mark.parametrize("alteration", ALTERED, ids=lambda a: f"{a.case.name}: {a.kind}")
def test_what_was_altered_is_rejected_there(alteration: Alteration) -> None:
    found = judged(alteration, tries=400)
    assert found.outcome is (Outcome.LEGAL if alteration.legal else Outcome.THERE), found.said


def test_every_kind_finds_something_to_alter_in_some_case() -> None:
    """But for slots that are taken twice: the recorded cases in which one could be are not among these."""
    found = {alteration.kind for name in CASES for alteration in alterations(real(name), random.Random(1), 1)}
    assert set(KINDS) - found <= {"a slot taken twice", "a little late"}


def test_an_altered_history_is_well_formed() -> None:
    """Ids without gaps, links to what is before, ids of activities as the SDK gives them."""
    for alteration in ALTERED:
        for run in alteration.case.runs:
            events = events_of(run)
            assert [int(event["eventId"]) for event in events] == list(range(1, len(events) + 1))
            for event in events:
                assert all(0 <= link < int(event["eventId"]) for key, link in links(event).items() if key != "newExecutionRunId")
                if kind(event) == "ActivityTaskScheduled":
                    assert attributes(event)["activityId"] == event["eventId"]
            assert all(int(activity.scheduled["eventId"]) == key for key, activity in activities(events).items())


def test_ids_and_links_are_put_in_order() -> None:
    events = events_of(real("worker_killed").runs[0])
    started = next(event for event in events if kind(event) == "ActivityTaskStarted")
    scheduled = links(started)["scheduledEventId"]
    del events[1]
    new = renumbered(events)
    assert links(started)["scheduledEventId"] == scheduled - 1
    assert new[scheduled] == scheduled - 1
    assert 2 not in new


def test_what_is_not_altered_is_accepted() -> None:
    """The tool's own way of making a case again leaves it what it was."""
    from tools.alterations.alteration import Draft

    for name in QUICK:
        case = real(name)
        again = Draft(case.runs[0], events_of(case.runs[0]), [events_of(case.runs[0])[0]]).made(case, "none").case
        assert judge(again).verdict is Verdict.ACCEPTED


def test_the_table_counts_and_tells_what_is_wrong() -> None:
    table = Table()
    one = judged(ALTERED[0], tries=400)
    table.add(one)
    text = table.markdown("Cases", KINDS)
    assert f"| {ALTERED[0].kind} | 1 | 1 | 0 | 0 | 0 | 0 |" in text
    assert "* " not in text.split("| **all**")[1]


@pytest.mark.parametrize("seed", [3_000_000, 3_000_003])
def test_a_simulated_case_is_a_folder_like_a_recorded_one(seed: int) -> None:
    """In the second one two answers arrive in the same microsecond, and their order is kept."""
    with tempfile.TemporaryDirectory() as scratch:
        place = folder(seed, Path(scratch))
        assert place is not None
        case = read_case(place)
        assert case.log is None
        assert judge(case).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed != min(SEARCHED))) for seed in SEARCHED])
def test_alterations_of_a_simulated_case_are_rejected_there(seed: int, tmp_path: Path) -> None:
    place = folder(seed, tmp_path)
    assert place is not None
    found = [judged(one, tries=400) for one in alterations(read_case(place), random.Random(f"{seed} simulated"), each=1)]
    assert len(found) >= SEARCHED[seed]
    wrong = [one.said for one in found if one.outcome is not (Outcome.LEGAL if one.alteration.legal else Outcome.THERE)]
    assert not wrong


@pytest.mark.slow
def test_alterations_of_simulated_cases_are_never_accepted() -> None:
    table, count = Table(), 0
    for seed in SIMULATED:
        with tempfile.TemporaryDirectory() as scratch:
            place = folder(seed, Path(scratch))
            case = read_case(place) if place is not None else None
        if case is None or judge(case).verdict is not Verdict.ACCEPTED:
            continue
        for alteration in alterations(case, random.Random(seed), each=1):
            table.add(judged(alteration, tries=400))
            count += 1
    assert count >= 80
    assert not list(table.told())
