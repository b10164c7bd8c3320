"""What the unaltered protocol does not keep is found out, scenario by scenario; what it keeps, it keeps in all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from sim.properties import ALL, VerdictKind
from tests.properties.scenarios_broken import BROKEN, Verdicts

CASES = [(name, scenario) for name, scenarios in BROKEN.items() for scenario, _ in scenarios]
IDS = [f"{name}-{scenario.__name__}" for name, scenario in CASES]
KEPT = [name for name in ALL if name not in BROKEN]
played = cache(lambda scenario: scenario())


@pytest.mark.parametrize(("name", "scenario"), CASES, ids=IDS)
def test_breaks(name: str, scenario: Callable[[], Verdicts]) -> None:
    assert played(scenario)[name].kind is VerdictKind.BROKEN


@pytest.mark.parametrize("scenario", dict.fromkeys(s for _, s in CASES), ids=lambda s: s.__name__)
def test_the_rest_is_kept(scenario: Callable[[], Verdicts]) -> None:
    broken = {name: played(scenario)[name].violations for name in KEPT if played(scenario)[name].kind is VerdictKind.BROKEN}
    assert not broken
