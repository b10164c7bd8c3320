"""Failing runs made smaller: the same property, as little as the checker found, always the same."""

from __future__ import annotations

import pickle
from functools import cache

import pytest

from sim import Scenario, Shrunk, Tape, replay, run, shrink
from sim.model.draws import NO_CHANCE
from sim.shrink import NotBroken, deviations
from tests.shrink.blown_up import DEVIATIONS, blown_up, finding

NAMES = list(DEVIATIONS)
CROWDS = [pytest.param(name, marks=[] if name == "activity_needs_slot" else pytest.mark.slow) for name in NAMES]


@cache
def crowd(name: str) -> Tape:
    return blown_up(name)


@cache
def small(name: str) -> Shrunk:
    return shrink(finding(name), name, seeds=3)


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_shrinks_to_the_confirmed_finding(name: str) -> None:
    """At most three deviations more than in the shortest way that the checker confirmed."""
    found = shrink(crowd(name), name, seeds=3)
    before = deviations(crowd(name))
    assert before is not None
    assert before.total > 100
    assert found.before == before
    assert found.complete
    assert found.deviations.total <= DEVIATIONS[name] + 3
    assert [suspect.guilty for suspect in found.suspects] == [True]
    again = replay(found.tape)
    assert again.identical
    assert again.result.properties == {name: "broken"}
    scenario = Scenario.from_dict(found.tape.scenario)
    assert sum(section.count for section in scenario.model.workers) <= 2
    assert sum(section.count or 1 for section in scenario.model.workflows) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_smaller_run_breaks_the_same_property(name: str) -> None:
    found = small(name)
    again = replay(found.tape)
    assert again.identical
    assert again.result.properties == {name: "broken"}
    assert again.result.as_expected
    assert not again.result.unused_deviations
    assert found.tape.seed == NO_CHANCE


@pytest.mark.parametrize("name", NAMES)
def test_its_deviations_are_counted_alike_whoever_counts(name: str) -> None:
    found = small(name)
    assert deviations(found.tape) == found.deviations
    assert len(found.tape.deviations) == found.deviations.choices


@pytest.mark.parametrize("name", NAMES)
def test_the_fault_that_is_left_is_guilty(name: str) -> None:
    found = small(name)
    assert [suspect.guilty for suspect in found.suspects] == [True]
    assert found.guilty == found.suspects
    assert found.suspects[0].absent.broken == 0


def test_the_same_tape_gives_the_same_result() -> None:
    assert shrink(finding("exclusive_work"), "exclusive_work", seeds=3) == small("exclusive_work")


def test_a_result_can_be_sent_to_another_process() -> None:
    found = small("failure_is_failure")
    assert pickle.loads(pickle.dumps(found)) == found


def test_what_is_shrunk_shrinks_no_further() -> None:
    found = small("failure_is_failure")
    again = shrink(found.tape, seeds=0)
    assert again.broken == "failure_is_failure"
    assert again.tape == found.tape


def test_a_budget_is_kept() -> None:
    found = shrink(crowd("activity_needs_slot"), tries=5, seeds=0)
    assert found.tries == 5
    assert not found.complete
    assert replay(found.tape).result.properties == {"activity_needs_slot": "broken"}


def test_a_search_that_is_stopped_gives_what_it_found() -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 12

    found = shrink(crowd("activity_needs_slot"), "activity_needs_slot", stop=stop)
    assert not found.complete
    assert 0 < found.tries < 12
    assert replay(found.tape).result.properties == {"activity_needs_slot": "broken"}
    assert found.suspects[0].present.runs == 0


def test_what_is_demanded_stays() -> None:
    """In less time no workflow ends, which says nothing about this one: it takes 20 s until it hears that its worker is gone."""
    program = [
        {"op": "create", "as": "s", "creation": "1m", "execution": "1h"},
        {"op": "act", "in": "s", "work": {"name": "work", "ms": 5000}},
    ]
    scenario = Scenario.from_dict(
        {
            "workers": [{"name": "w", "count": 2}],
            "workflows": [{"id": "job", "program": program}],
            "faults": [{"kind": "kill", "target": "@busy", "at": "2s", "for": "2s"}],
            "fuzz": {"quiet_after": "4s", "finish_within": "10s"},
        }
    )
    tape = run(scenario, 3).tape
    found = shrink(tape, "workflows_finish", seeds=0)
    smaller = Scenario.from_dict(found.tape.scenario).model
    assert smaller.fuzz is not None
    assert (smaller.fuzz.quiet_after, smaller.fuzz.finish_within) == (4_000_000, 10_000_000)
    assert [fault.kind for fault in smaller.faults] == ["kill"]


def test_a_run_that_breaks_nothing_is_refused() -> None:
    scenario = Scenario.load("scenarios/file_processing.toml")
    tape = run(scenario, 1).tape
    with pytest.raises(NotBroken, match="breaks no property"):
        shrink(tape)
    with pytest.raises(NotBroken, match="one_binding: it is held"):
        shrink(tape, "one_binding")
    with pytest.raises(ValueError, match="there is no property one_bindings"):
        shrink(tape, "one_bindings")


def test_a_run_under_a_seed_has_as_many_faults_as_happen() -> None:
    tape = finding("exclusive_work")
    counted = deviations(tape)
    assert counted is not None
    assert counted.faults == 1
    assert counted.choices > 50  # nearly every length of time is another than its law's median


def test_a_mistake_of_workflow_code_is_not_expected() -> None:
    """What the real protocol is known to break is, so that the scenario shows it; a duty that is not done is to be mended."""
    program = [{"op": "create", "as": "s", "creation": "1m", "execution": "1h"}, {"op": "act", "in": "s", "activity": "encode"}]
    forgetful = {
        "name": "forgetful", "workers": [{"name": "w"}], "activities": {"encode": {}},
        "workflows": [{"id": "job", "program": program}], "properties": {"enable": ["session_is_completed"]},
    }  # fmt: skip
    mistaken = shrink(run(Scenario.from_dict(forgetful), 1).tape, seeds=0).tape
    assert mistaken.scenario["properties"]["enable"] == ["session_is_completed"]
    assert not run(Scenario.from_dict(mistaken.scenario), mistaken.seed).as_expected
    found = small("failure_is_failure").tape
    assert run(Scenario.from_dict(found.scenario), found.seed, deviations=found.deviations).as_expected
