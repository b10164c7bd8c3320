"""Campaigns find the planted bugs of typed resources, and without them break nothing of what those promise."""

from __future__ import annotations

import pytest

from sim import fuzz
from sim.protocol.mutants import Mutant
from tests.fuzz.typed import typed_resources

PROMISED = ("resource_limit", "all_or_none", "no_starvation_by_others")


@pytest.mark.parametrize(
    ("mutant", "name"),
    [
        (Mutant.RESOURCE_TYPE_FORGOTTEN, "resource_limit"),
        (Mutant.RESOURCES_KEPT_ON_FAILURE, "resource_limit"),
        (Mutant.PARTIAL_GRANT, "all_or_none"),
        (Mutant.LINE_NOT_KEPT, "no_starvation_by_others"),
    ],
)
def test_a_planted_bug_is_found(mutant: Mutant, name: str) -> None:
    assert name in [row.name for row in fuzz(typed_resources(mutant), 10, guarded=0).broken]


@pytest.mark.slow
def test_what_typed_resources_promise_holds() -> None:
    result = fuzz(typed_resources(), 200, guarded=0)
    verdicts = {row.name: row.verdict for row in result.properties}
    assert {name: verdicts[name] for name in PROMISED} == dict.fromkeys(PROMISED, "held")
    for name in ("slot_limit", "token_conservation", "fenced_writes", "no_two_incarnations"):
        assert verdicts[name] in ("held", "not exercised")


def test_a_task_that_comes_late_takes_room_until_its_claim_is_refused() -> None:
    """A worker that was out of reach gets the creation task of a session that another has by then: it decides before it claims."""
    row = next(row for row in fuzz(typed_resources(), 1, seed=122, guarded=0).properties if row.name == "one_binding")
    assert row.verdict == "broken"
    assert row.violation == "a takes the slot of both-1/1/s1, whose activities go to b.1@host-b"


def test_who_starts_while_its_network_is_held_is_out_of_reach() -> None:
    """A machine is cut off and lost, and starts anew before the cut is over: until then nobody there can take its session up."""
    row = next(row for row in fuzz(typed_resources(), 1, seed=25, guarded=0).properties if row.name == "reattach_in_time")
    assert row.exercised
    assert row.verdict == "held"
