"""What clocks do is among what ticks allow: simulations followed through worlds whose clock moves in ticks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.model.windows import Ticks, Window
from tools.agreement.scopes import ONE_FAULT, Scope
from tools.agreement.ticking import in_ticks

SECOND = 1_000_000
SMALL = [Scope((1, 1, 1)), Scope((1, 1, 1), {"crashes": 1}), Scope((1, 1, 1), {"cancels": 1})]


@pytest.mark.parametrize("unit", [2, 5])
@pytest.mark.parametrize("scope", SMALL, ids=str)
def test_every_run_is_one_of_ticks(scope: Scope, unit: int) -> None:
    result = in_ticks(scope, range(100, 116), unit * SECOND)
    assert result.astray == []
    assert result.ended > 12


FAULTS = [fault for fault in ONE_FAULT if fault != "slow"]


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1, 5])
@pytest.mark.parametrize("scope", [Scope(size, {fault: 1}) for size in ((1, 1, 1), (2, 1, 2)) for fault in FAULTS], ids=str)
def test_many_runs_with_every_fault(scope: Scope, unit: int) -> None:
    result = in_ticks(scope, range(200, 260), unit * SECOND)
    assert result.astray == []
    assert result.ended > 30


# -- planted disagreements ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hasty(Ticks):
    """Timers fire a tick too early: what needs ceil(d / u) ticks at most gets floor(d / u)."""

    def window(self, *args: Any) -> Window:
        found = Ticks.window(self, *args)
        return Window(found.lo, found.lo if found.hi is not None else None)


@dataclass(frozen=True, slots=True)
class Slow(Ticks):
    """Every timer takes a tick longer."""

    def window(self, *args: Any) -> Window:
        found = Ticks.window(self, *args)
        return Window(found.lo + 1, None if found.hi is None else found.hi + 1)


@pytest.mark.parametrize("wrong", [Hasty, Slow])
def test_ticks_that_are_wrong_are_noticed(wrong: type[Ticks]) -> None:
    scope = SMALL[1]
    world = replace(scope.world(2 * SECOND), ticks=wrong(2 * SECOND))
    assert in_ticks(scope, range(100, 108), 2 * SECOND, world).astray
