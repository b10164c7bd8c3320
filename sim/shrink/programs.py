"""Smaller programs than a given one: what can be left out of its steps, or be made simpler. Pure; nothing is run here.

This is the reducing half of delta debugging (A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input",
2002): of every list of steps, chunks of half, a quarter, and so on down to single steps are left out; what needs something
that is left out goes with it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Final

Table = dict[str, Any]
Steps = list[Table]

_STEP: Final = (
    "op", "as", "in", "work", "stc", "creation", "execution", "signal", "fut", "times", "ms", "steps", "branches", "queue",
)  # fmt: skip
"""What stays of a step; anything else is a refinement that may not matter."""

_WORK: Final = ("name", "ms")
"""What stays of what an activity does."""

_PLAIN: Final = {"times": 1, "attempts": 1}
"""Values that are simpler than any other."""


def size(value: object) -> int:
    """How much a table says: its values, at all depths."""
    match value:
        case dict():
            return 1 + sum(map(size, value.values()))
        case list():
            return 1 + sum(map(size, value))
        case _:
            return 1


def chunks(length: int, least: int) -> Iterator[range]:
    """What may be left out of a list of which so many items have to stay: all, halves, quarters, ..., single ones."""
    width = length
    while width:
        for start in range(0, length, width):
            chunk = range(start, min(start + width, length))
            if length - len(chunk) >= least:
                yield chunk
        width //= 2


def numbered(chunk: range) -> str:
    """The items of a chunk in words, counted from 1."""
    return str(chunk[0] + 1) if len(chunk) == 1 else f"{chunk[0] + 1} to {chunk[-1] + 1}"


def shorter_programs(steps: Sequence[Table]) -> Iterator[tuple[str, Steps]]:
    """Programs with fewer steps, at any depth, and with the steps of a loop or a branch in the place of the whole."""
    for path, inner in _lists(list(steps)):
        for chunk in chunks(len(inner), 0 if path else 1):
            rest = [step for i, step in enumerate(inner) if i not in chunk]
            program = _consistent(_replaced(list(steps), path, rest))
            if program:
                yield f"without steps {numbered(chunk)}{_place(path)}", program
        for i, step in enumerate(inner):
            for what, instead in _unfolded(step):
                yield what + _place(path), _consistent(_replaced(list(steps), path, [*inner[:i], *instead, *inner[i + 1 :]]))


Path = tuple[tuple[int, str, int], ...]
"""Where a list of steps is: step number, the key in it, and the branch's number (-1 for a list that is no branch)."""


def _lists(steps: Steps, path: Path = ()) -> Iterator[tuple[Path, Steps]]:
    """All lists of steps, the outer ones first."""
    yield path, steps
    for i, step in enumerate(steps):
        if "steps" in step:
            yield from _lists(step["steps"], (*path, (i, "steps", -1)))
        for number, branch in enumerate(step.get("branches", [])):
            yield from _lists(branch, (*path, (i, "branches", number)))


def _replaced(steps: Steps, path: Path, new: Steps) -> Steps:
    """The program with another list at a place; a loop, branch or parallel of nothing goes."""
    if not path:
        return copy.deepcopy(new)
    (i, key, number), *rest = path
    step = copy.deepcopy(steps[i])
    if number < 0:
        step[key] = _replaced(step[key], tuple(rest), new)
    else:
        step[key][number] = _replaced(step[key][number], tuple(rest), new)
        step[key] = [branch for branch in step[key] if branch]
    return [*copy.deepcopy(steps[:i]), *([step] if step[key] else []), *copy.deepcopy(steps[i + 1 :])]


def _unfolded(step: Table) -> Iterator[tuple[str, Steps]]:
    """What may stand in the place of a step that has others inside."""
    if step["op"] in ("until_ok", "continue_as_new"):
        yield f"the steps of {step['op']} instead of it", step["steps"]
    if step["op"] == "parallel":
        for number, branch in enumerate(step["branches"]):
            yield f"branch {number + 1} instead of parallel", branch


def _place(path: Path) -> str:
    return "".join(f" in {key} of step {i + 1}" for i, key, _ in path)


_DEFINES: Final = {"create": "as", "recreate": "as", "disconnected": "as", "start": "fut", "token": "as"}


def _uses(step: Table) -> set[str]:
    """Which contexts, futures and tokens a step needs, by kind and name."""
    used = {f"in {step['in']}"} if step.get("in") else set()
    if step["op"] == "wait":
        used.add(f"fut {step['fut']}")
    if step["op"] == "recreate":
        used.add(f"token {step['signal']}")
    return used


def _made(step: Table) -> str:
    key = _DEFINES.get(step["op"])
    if key is None:
        return ""
    kind = "fut" if key == "fut" else "token" if step["op"] == "token" else "in"
    return f"{kind} {step.get(key, '')}"


def _consistent(steps: Steps) -> Steps:
    """Without the steps that need what no step before them, or around them, makes."""
    return _checked(steps, set())


def _checked(steps: Steps, known: set[str]) -> Steps:
    kept = []
    for step in steps:
        if not _uses(step) <= known:
            continue
        if "steps" in step:
            # The next run knows the saved tokens only.
            inner = {name for name in known if name.startswith("token")} if step["op"] == "continue_as_new" else known
            step = {**step, "steps": _checked(step["steps"], inner)}
            if not step["steps"]:
                continue
        if "branches" in step:
            # Each branch knows what was before; what a branch makes may be used later.
            branches = [(branch_known := set(known), _checked(branch, branch_known)) for branch in step["branches"]]
            step = {**step, "branches": [branch for _, branch in branches if branch]}
            known.update(*(names for names, _ in branches))
            if not step["branches"]:
                continue
        if made := _made(step):
            known.add(made)
        kept.append(step)
    return kept


def simpler_programs(steps: Sequence[Table]) -> Iterator[tuple[str, Steps]]:
    """Programs with the same steps, one of which is simpler."""
    program = list(steps)
    for path, inner in _lists(program):
        for i, step in enumerate(inner):
            for what, plain in plainer_step(step):
                yield f"step {i + 1}{_place(path)}: {what}", _replaced(program, path, [*inner[:i], plain, *inner[i + 1 :]])


def plainer(item: Table, kept: Sequence[str]) -> Iterator[tuple[str, Table]]:
    """A table without what refines it: all of it, then one key after the other."""
    more = [key for key in item if key not in kept]
    if len(more) > 1:
        yield f"without {', '.join(more)}", {key: value for key, value in item.items() if key in kept}
    for key in more:
        if key not in _PLAIN:
            yield f"without {key}", {name: value for name, value in item.items() if name != key}
    for key, plain in _PLAIN.items():
        if item.get(key, plain) != plain:
            yield f"{key} = {plain}", {**item, key: plain}


def plainer_step(step: Table) -> Iterator[tuple[str, Table]]:
    yield from plainer(step, _STEP)
    if "work" in step:
        for what, work in plainer(step["work"], _WORK):
            # Heartbeats and the timeout for them belong together.
            rest = {key: value for key, value in step.items() if key != "hb" or "beat_ms" in work}
            yield f"work {what}", {**rest, "work": work}
    for key in ("work", None):
        holder = step if key is None else step.get(key, {})
        if isinstance(holder.get("ms"), int) and holder["ms"] >= 2000:
            shorter = {**holder, "ms": 1000}
            yield "ms = 1000", shorter if key is None else {**step, key: shorter}


__all__ = ["Steps", "Table", "chunks", "numbered", "plainer", "shorter_programs", "simpler_programs", "size"]
