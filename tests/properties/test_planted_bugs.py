"""A property that cannot fail says nothing: each notices a planted bug, and is silent without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.properties import ALL, OF_VARIANTS, VerdictKind
from sim.protocol.mutants import Mutant, Mutants
from sim.workflow.variants import Variant
from tests.properties.scenarios_host import HOST_MORE, HOST_PLANTED
from tests.properties.scenarios_planted import MORE, PLANTED, Verdicts

CASES = [(name, bug, scenario) for name, (bug, scenario) in (PLANTED | HOST_PLANTED).items()] + MORE + HOST_MORE
IDS = [f"{name}-{bug.name.lower()}" for name, bug, _ in CASES]


def test_every_property_has_a_planted_bug() -> None:
    assert list(PLANTED) == list(ALL)
    assert list(HOST_PLANTED) == list(OF_VARIANTS[Variant.HOST])


def test_every_planted_bug_is_used() -> None:
    assert {bug for _, bug, _ in CASES} == set(Mutant)


@pytest.mark.parametrize(("name", "bug", "scenario"), CASES, ids=IDS)
def test_notices(name: str, bug: Mutant, scenario: Callable[[Mutants], Verdicts]) -> None:
    verdict = scenario((bug,))[name]
    assert verdict.kind is VerdictKind.BROKEN
    assert 1 <= len(verdict.violations) <= 10


@pytest.mark.parametrize(("name", "bug", "scenario"), CASES, ids=IDS)
def test_is_silent_without_it(name: str, bug: Mutant, scenario: Callable[[Mutants], Verdicts]) -> None:
    verdict = scenario(())[name]
    assert verdict.kind is VerdictKind.HELD, verdict.violations
