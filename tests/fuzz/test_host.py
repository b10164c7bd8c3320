"""Campaigns find the planted bugs of host sessions, and without them break nothing of what those promise."""

from __future__ import annotations

import pytest

from sim import fuzz
from sim.properties import OF_VARIANTS
from sim.protocol.mutants import Mutant
from sim.workflow.variants import Variant
from tests.fuzz.host import host_sessions

SEEDS, MORE_SEEDS = 50, 100


@pytest.mark.parametrize(
    ("mutant", "name"),
    [
        (Mutant.FENCE_NOT_CHECKED, "fenced_writes"),
        (Mutant.EPOCH_COMPARED_WRONGLY, "fenced_writes"),
        (Mutant.EPOCH_NOT_RENEWED, "no_two_incarnations"),
        (Mutant.TOKEN_KEPT_ON_REATTACH, "token_conservation"),
    ],
)
def test_a_planted_bug_is_found(mutant: Mutant, name: str) -> None:
    assert name in [row.name for row in fuzz(host_sessions(mutant), SEEDS, guarded=0).broken]


def test_what_host_sessions_promise_holds() -> None:
    verdicts = {row.name: row.verdict for row in fuzz(host_sessions(), MORE_SEEDS, guarded=0).properties}
    promised = (*OF_VARIANTS[Variant.HOST], "token_conservation", "slot_limit", "one_binding", "recreate_same_worker", "closed_is_final")
    assert {name: verdicts[name] for name in OF_VARIANTS[Variant.HOST]} == dict.fromkeys(OF_VARIANTS[Variant.HOST], "held")
    assert not [name for name in promised if verdicts[name] == "broken"]
