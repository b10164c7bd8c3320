"""Campaigns of random faults: many seeds of one scenario, what broke, what was covered, and what that says.

from sim import Scenario, fuzz

result = fuzz(Scenario.load("scenarios/jobqueue_small.toml"), runs=200)
print([row.name for row in result.broken], result.coverage.new_states())
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from sim.fuzz.campaign import fuzz
from sim.fuzz.result import Coverage, FuzzResult, Guarded, Properties, PropertyRow, Runs, Shrunk
from sim.scenario.load import Scenario

__all__ = ["Coverage", "FuzzResult", "Guarded", "Properties", "PropertyRow", "Runs", "Shrunk", "fuzz"]


class _Package(ModuleType):
    """`from sim import fuzz` may give this package, as importing any part of it binds its name; so it can be called."""

    def __call__(self, scenario: Scenario, runs: int = 1000, **options: Any) -> FuzzResult:
        return fuzz(scenario, runs, **options)


sys.modules[__name__].__class__ = _Package
