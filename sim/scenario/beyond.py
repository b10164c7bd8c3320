"""What else is wrong, when some values are wrong by themselves: so that nobody has to mend a scenario in two rounds."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sim.scenario.checks import check
from sim.scenario.problems import Key, Problem
from sim.scenario.schema import ScenarioModel


def beyond(content: Mapping[str, Any], context: dict[str, Any], wrong: Sequence[Key]) -> list[Problem]:
    """The problems of a scenario as a whole, leaving out the keys that are known to be wrong.

    Only what cannot be a consequence of those is reported: nothing about a table that has one of them, and no name that
    another table should have given.
    """
    rest = copy.deepcopy(dict(content))
    for key in wrong:
        if not _leave_out(rest, key):
            return []
    try:
        model = ScenarioModel.model_validate(rest, context=context)
    except ValidationError:
        return []
    tables = [key[:2] for key in wrong]
    return [p for p in check(model) if p.key[:2] not in tables and p.key[-1:] not in (("target",), ("task_queue",))]


def _leave_out(content: Any, key: Key) -> bool:
    """Remove a key; False when it is not there (it is missing) or no table has it."""
    for part in key[:-1]:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return False
    if not key or not isinstance(content, dict) or key[-1] not in content:
        return False
    del content[key[-1]]
    return True
