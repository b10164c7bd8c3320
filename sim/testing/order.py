"""Workflow code that goes by the order of a set: it does something else in each process, where texts have another hash.

Nothing can refuse that, and the runs of one process are all alike. So where a workflow's code has a set that is more than looked into, some
seeds are run once more in a fresh process, with another PYTHONHASHSEED.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from sim.fuzz.guard import check
from sim.fuzz.schedulers import Schedule
from sim.fuzz.subject import play
from sim.scenario.fuzzing import Ground

GUARDED: Final = 2
"""Seeds that are run again."""


def difference(ground: Ground, first: int, runs: int) -> str:
    """What these runs do otherwise in another process, and which line may be why; "" if they do not, or have no set to go by."""
    places = list(sets_in(ground.scenario.model.modules))
    if not places:
        return ""
    seeds = range(first, first + min(runs, GUARDED))
    guarded = check(ground, {seed: play(ground, seed, Schedule()).digest for seed in seeds}, Schedule())
    if not guarded.differing:
        return ""
    return (
        f"another process does something else ({guarded.difference}); the order of a set is another in each (PYTHONHASHSEED), "
        f"sorted(...) gives it one: {'; '.join(places)}"
    )


def sets_in(modules: Mapping[str, str]) -> Iterator[str]:
    """`file.py, line 3`: where the code of workflows has a set and not only asks what is in it."""
    for file, source in modules.items():
        tree = ast.parse(source)
        asked = {id(other) for node in ast.walk(tree) if isinstance(node, ast.Compare) for other in _asked(node)}
        lines = {node.lineno for node in ast.walk(tree) if id(node) not in asked and _is_set(node)}  # type: ignore[attr-defined]
        yield from (f"{file}, line {line}" for line in sorted(lines))


def _asked(node: ast.Compare) -> Iterator[ast.expr]:
    for how, other in zip(node.ops, node.comparators, strict=True):
        if isinstance(how, ast.In | ast.NotIn):
            yield other


def _is_set(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)
