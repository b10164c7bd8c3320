"""Planted bugs: each promise that the checker watches is broken by one, found by a search of a small cluster, and kept without it."""

from __future__ import annotations

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.result import Verdict
from sim.properties.automaton import in_ticks, timeless
from sim.properties.pending import SENTENCES
from sim.protocol.mutants import Mutant
from sim.shrink.measure import Deviations
from tools.planted.bugs import TARGETS, VERSIONS
from tools.planted_checked import IN_THE_END, NOT_ASKED, PLANTED, UNTIMED, WINDOWS, Found, Planted, page, searched


def those(time: str) -> list[Planted]:
    return [planted for planted in PLANTED if planted.time == time]


def test_every_promise_that_is_watched_has_a_bug() -> None:
    found = {time: {planted.promise for planted in those(time) if planted.sign is None} for time in (UNTIMED, WINDOWS, IN_THE_END)}
    assert found[UNTIMED] | {"exclusive_work"} == set(timeless())
    assert found[UNTIMED] | found[WINDOWS] == set(in_ticks())
    assert found[IN_THE_END] < set(SENTENCES)


def test_every_bug_is_looked_for_or_cannot_be() -> None:
    """Of those of the original protocol; a variant's have tests of their own."""
    looked_for = [planted.bug for planted in PLANTED]
    assert {bug for bug in looked_for if isinstance(bug, Mutant)} == set(TARGETS)
    versions = {bug for bug in looked_for if not isinstance(bug, Mutant)}
    assert versions | set(NOT_ASKED) == {old for old, _, _ in VERSIONS}
    assert not versions & set(NOT_ASKED)


def name_of(planted: Planted) -> str:
    return f"{planted.promise}-{planted.name}"


def is_quick(planted: Planted) -> bool:
    return planted.time == WINDOWS and planted.workers == 1


SEARCHED = [
    *(pytest.param(planted, marks=pytest.mark.slow, id=name_of(planted)) for planted in PLANTED if not is_quick(planted)),
    *(pytest.param(planted, id=name_of(planted)) for planted in PLANTED if is_quick(planted)),
]


@pytest.mark.parametrize("planted", SEARCHED)
def test_a_planted_bug_is_found(planted: Planted) -> None:
    found, without = searched(planted, True, confirmed=False), searched(planted, False, confirmed=False)
    assert found.verdict is Verdict.BROKEN
    assert found.steps is not None
    assert without.verdict is (Verdict.BROKEN if planted.anyway else Verdict.HELD)


def test_the_table_says_what_was_found_and_how() -> None:
    rows = [
        (PLANTED[0], Found(Verdict.BROKEN, 7, Deviations(1, 2)), Found(Verdict.HELD)),
        (PLANTED[5], Found(Verdict.BROKEN, 6), Found(Verdict.BROKEN, 11)),
    ]
    table = "\n".join(page(rows))
    assert "| a recreated session takes no token | `slot_limit` | untimed | 1 x 1 x 1, no fault | 7 | yes | 1 + 2 | held |" in table
    assert "| 6 | no |  | 11 steps: an ExecutionTimeout that passes is enough |" in table
    assert f"* SDK 1.46.0: {NOT_ASKED['1.46.0']}." in table
