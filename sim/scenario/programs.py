"""Programs as data: which steps there are and what each needs, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sim.model.durations import parse_duration
from sim.scenario.problems import Key, Problem, did_you_mean

_SESSION: Final = {
    "as": str, "in": str, "creation": "duration", "execution": "duration", "heartbeat": "duration", "queue": str,
    "survive_restart": bool, "grace": "duration",
}  # fmt: skip
_ACTIVITY: Final = {
    "in": str, "work": dict, "activity": str, "queue": str, "stc": "duration", "sts": "duration", "schtc": "duration", "hb": "duration",
    "attempts": int, "wait_for_cancellation": bool,
}  # fmt: skip

STEPS: Final[Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]]] = {
    "create": (_SESSION, ("as", "creation", "execution")),
    "recreate": ({**_SESSION, "signal": str}, ("as", "signal", "creation", "execution")),
    "token": ({"in": str, "as": str}, ("in", "as")),
    "act": (_ACTIVITY, ()),
    "start": ({**_ACTIVITY, "fut": str}, ("fut",)),
    "wait": ({"fut": str, "in": str}, ("fut",)),
    "complete": ({"in": str}, ("in",)),
    "defer_complete": ({"in": str}, ("in",)),
    "sleep": ({"ms": int, "in": str}, ("ms",)),
    "info": ({"in": str}, ()),
    "await": ({"signal": str}, ("signal",)),
    "disconnected": ({"in": str, "as": str}, ("as",)),
    "until_ok": ({"times": int, "ms": int, "steps": list}, ("times", "steps")),
    "parallel": ({"branches": list}, ("branches",)),
    "continue_as_new": ({"steps": list}, ("steps",)),
}
"""Step -> (its keys with their types, the keys it cannot do without). Every step may have `ignore`."""

WORK: Final = {"name": str, "ms": int, "beat_ms": int, "obey": bool, "fail": str}
_FAILS: Final = ("", "retryable", "non_retryable", "panic")
_NAMES: Final = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "a list of steps",
    "duration": "a duration",
}


def check_program(steps: Sequence[Mapping[str, Any]], key: Key) -> list[Problem]:
    """Everything that is wrong with a program found under `key`."""
    return [problem for i, step in enumerate(steps) for problem in _check_step(step, (*key, i))]


def _check_step(step: object, key: Key) -> list[Problem]:
    if not isinstance(step, Mapping):
        return [Problem(key, f'is {step!r}; expected a step, such as {{ op = "sleep", ms = 1000 }}')]
    op = step.get("op")
    if op is None:
        return [Problem((*key, "op"), 'is missing; expected what the step does, such as op = "create"')]
    if not isinstance(op, str) or op not in STEPS:
        return [Problem((*key, "op"), f"is {op!r}, and there is no such step; {did_you_mean(str(op), list(STEPS))}")]
    keys, needed = STEPS[op]
    problems = [Problem((*key, name), f"is missing; the step {op!r} needs {', '.join(needed)}") for name in needed if name not in step]
    for name, value in step.items():
        if name in ("op", "ignore"):
            continue
        if name not in keys:
            problems.append(Problem((*key, name), f"the step {op!r} has no such key; {did_you_mean(name, [*keys, 'ignore'])}"))
        else:
            problems.extend(_check_value(op, name, value, keys[name], (*key, name)))
    return problems


def _check_value(op: str, name: str, value: object, kind: Any, key: Key) -> list[Problem]:
    if kind == "duration":
        try:
            parse_duration(value if isinstance(value, str) else str(value))
        except ValueError as error:
            return [Problem(key, str(error))]
        return []
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return [Problem(key, f"is {value!r}; expected {_NAMES[kind]}")]
    if kind is int and value < 0:
        return [Problem(key, f"is {value}; expected at least 0")]
    if name == "work":
        return _check_work(value, key)
    if name == "steps":
        return check_program(value, key)
    if name == "branches":
        return [p for i, branch in enumerate(value) for p in _check_branch(branch, (*key, i))]
    return []


def _check_branch(branch: object, key: Key) -> list[Problem]:
    if not isinstance(branch, list):
        return [Problem(key, f"is {branch!r}; expected a list of steps")]
    return check_program(branch, key)


def _check_work(work: Mapping[str, Any], key: Key) -> list[Problem]:
    problems = []
    for name, value in work.items():
        if name not in WORK:
            problems.append(Problem((*key, name), f"there is no such key; {did_you_mean(name, list(WORK))}"))
        elif not isinstance(value, WORK[name]):
            problems.append(Problem((*key, name), f"is {value!r}; expected {_NAMES[WORK[name]]}"))
        elif name == "fail" and value not in _FAILS:
            problems.append(Problem((*key, name), f"is {value!r}; expected retryable, non_retryable or panic"))
        elif isinstance(value, int) and value < 0:
            problems.append(Problem((*key, name), f"is {value}; expected at least 0"))
    return problems
