"""Scenarios that have been loaded once in this process: jobs bring a scenario's text, and most jobs bring the same."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

from sim.scenario.load import Scenario

KEPT: Final = 64
"""Scenarios that a process keeps."""


def text_of(scenario: Scenario) -> str:
    """The scenario in a form that stands alone, workflow modules included: what `prepared` takes, in any process."""
    return json.dumps(scenario.to_dict(), sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=KEPT)
def prepared(text: str) -> Scenario:
    """The scenario of this text, read and checked once in each process.

    Raises:
        ScenarioError: the text is of something else.
    """
    return Scenario.from_dict(json.loads(text))
