"""A repair keeps what it is made for, all of them together do, and without it that is broken again."""

from __future__ import annotations

import pytest

from sim.workflow.repairs import ALL, Repair
from tests.properties.scenarios_broken import BROKEN
from tests.repairs.promises import BEYOND, COVERED, EVERY, KEPT, Scenario, alone, broken, without

CASES = [(repair, scenario, name) for repair, kept in KEPT.items() for scenario, name in kept]
IDS = [f"{repair.name.lower()}-{scenario.__name__}-{name}" for repair, scenario, name in CASES]


def test_every_repair_has_a_promise() -> None:
    assert list(KEPT) == list(Repair)


def test_every_broken_promise_is_kept_somewhere_or_beyond_repair() -> None:
    kept = {name for found in KEPT.values() for _, name in found}
    assert kept | set(BEYOND) == set(BROKEN)
    assert kept & set(BROKEN) == kept


@pytest.mark.parametrize(("repair", "scenario", "name"), CASES, ids=IDS)
def test_alone_it_keeps_the_promise(repair: Repair, scenario: Scenario, name: str) -> None:
    assert name in broken(scenario, ())
    assert name not in broken(scenario, alone(repair))


@pytest.mark.parametrize(("repair", "scenario", "name"), CASES, ids=IDS)
def test_it_is_the_repair_that_does_it(repair: Repair, scenario: Scenario, name: str) -> None:
    covered = COVERED.get((repair, name), repair)
    assert name in broken(scenario, without(repair, covered))


@pytest.mark.parametrize("scenario", EVERY.values(), ids=EVERY)
def test_together_they_keep_all_but_what_is_beyond_repair(scenario: Scenario) -> None:
    assert broken(scenario, ALL) == {name for name, scenarios in BEYOND.items() if scenario in scenarios}


CONSEQUENCES = {
    (Repair.SIGNAL_UNTIL_KNOWN, "killed_after_its_signal_answer_was_lost"): {"failure_is_failure"},
    (Repair.SIGNAL_UNTIL_KNOWN, "killed_after_its_signal_answer_was_lost_between"): {"failure_is_failure"},
    (Repair.SLOT_UNTIL_IDLE, "killed_after_its_signal_answer_was_lost"): {"failure_is_failure"},
}
"""A loss that nobody noticed is noticed now, and then it is told as the original tells losses."""


@pytest.mark.slow
@pytest.mark.parametrize("repair", Repair, ids=lambda repair: repair.name.lower())
def test_alone_it_breaks_nothing_else(repair: Repair) -> None:
    for name, scenario in EVERY.items():
        assert broken(scenario, alone(repair)) - broken(scenario, ()) <= CONSEQUENCES.get((repair, name), set()), name
