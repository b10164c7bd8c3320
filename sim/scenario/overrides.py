"""Overrides: `--set workers.w1.count=3`, applied to a scenario's tables before they are checked."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from sim.scenario.problems import Key, Problem, did_you_mean

Override: TypeAlias = str | tuple[str, Any]

_PART: Final = re.compile(r'"([^"]*)"|([^."\[\]]+)|\[(\d+)\]')
_NAMES: Final = ("name", "id", "kind")


def apply_overrides(content: dict[str, Any], overrides: Sequence[Override]) -> list[Problem]:
    """Set keys of `content`; what could not be set comes back.

    An override is KEY=VALUE as on the command line, or (key, value) with a value as TOML would give it. A table of a list is
    named by its number from 0, by its name, id or kind, or by `*` for all of them. A value on the command line is written as in
    TOML; what is not TOML is taken as text.
    """
    problems = []
    for override in overrides:
        path, value = _parted(override)
        if value is None:
            problems.append(Problem((), f"the override {override!r} has no value; expected KEY=VALUE, such as workers.w1.count=3"))
            continue
        parts = [a or b or c for a, b, c in _PART.findall(path.strip())]
        if not parts:
            problems.append(Problem((), f"the override {override!r} has no key; expected KEY=VALUE, such as workers.w1.count=3"))
            continue
        problems.extend(_set(content, parts, copy.deepcopy(value), ()))
    return problems


def _parted(override: Override) -> tuple[str, Any]:
    """Key and value; a value that is missing is None, which TOML does not have."""
    if not isinstance(override, str):
        return override
    path, equals, value = override.partition("=")
    return path, read_value(value.strip()) if equals else None


def read_value(text: str) -> Any:
    """A value as TOML reads it, else the text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _set(here: Any, parts: Sequence[str], value: Any, key: Key) -> list[Problem]:
    first, rest = parts[0], parts[1:]
    if isinstance(here, list):
        indices = _indices(here, first)
        if not indices:
            known = [str(item.get(name)) for item in here if isinstance(item, dict) for name in _NAMES if name in item]
            return [Problem((*key, first), f"an override names it, but there is none; {did_you_mean(first, [*known, '*'])}")]
        problems = []
        for index in indices:
            if rest:
                problems.extend(_set(here[index], rest, value, (*key, index)))
            else:
                here[index] = value
        return problems
    if not isinstance(here, dict):
        return [Problem(key, f"an override sets a key of it, but it is {here!r} and not a table")]
    if not rest:
        here[first] = value
        return []
    return _set(here.setdefault(first, {}), rest, value, (*key, first))


def _indices(items: list[Any], part: str) -> list[int]:
    if part == "*":
        return list(range(len(items)))
    if part.isdigit():
        return [int(part)] if int(part) < len(items) else []
    for name in _NAMES:
        found = [i for i, item in enumerate(items) if isinstance(item, dict) and item.get(name) == part]
        if found:
            return found
    return []
