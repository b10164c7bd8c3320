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
    for name in ("slot_limit", "token_conservation", "one_binding", "fenced_writes", "no_two_incarnations"):
        assert verdicts[name] in ("held", "not exercised")
