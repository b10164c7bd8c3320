"""Passes over single values: defaults instead of settings, lengths of time instead of laws, rounder and smaller numbers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sim.model.draws import MIDDLE
from sim.model.durations import format_duration, parse_duration
from sim.scenario.values import read_law
from sim.shrink.faults import Shrinking
from sim.shrink.measure import MILLISECONDS, at, digits, is_law
from sim.shrink.programs import Table, chunks
from sim.shrink.sketch import PROTOCOL

Path = tuple[str | int, ...]

_POINTS: Final = frozenset({"at", "start", "start_at", "after"})
"""Keys of points in time: they may be 0. A length of time of 0 mostly means that there is none, which is another thing."""

_LEFT_ALONE: Final = frozenset({"schema_version", "name", "until", "modules", "workers", "workflows", "faults", *PROTOCOL})
"""Keys that the passes for settings leave as they are: others change them, or nobody may."""

_NEEDED: Final = frozenset({
    "name", "id", "workflow", "program", "kind", "target", "at", "op", "max_concurrent_session_execution_size", "quiet_after",
    "finish_within",
})  # fmt: skip
"""Keys that tables cannot do without, that have passes of their own, or that say what is demanded: of less time any run has too little."""


def drop_settings(search: Shrinking) -> None:
    """The default instead of what the scenario says: whole tables first, then keys."""
    for path in list(_settings(search.value.tables)):
        tables = search.value.tables
        if _is_there(tables, path):
            search.consider(search.value.changed(**_without(tables, path)))


def _settings(tables: Table) -> Iterator[Path]:
    """Places of everything that may be left out; a table before what is in it."""
    for key in tables:
        if key in ("workers", "workflows", "faults"):
            for number, table in enumerate(tables[key]):
                yield from _inside(table, (key, number))
        elif key not in _LEFT_ALONE:
            if not _says_protocol(tables[key]):
                yield (key,)
            yield from _inside(tables[key], (key,))


def _inside(value: Any, path: Path) -> Iterator[Path]:
    for number, inner in enumerate(value) if isinstance(value, list) else ():
        yield from _inside(inner, (*path, number))
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key not in _NEEDED and key not in PROTOCOL:
            yield (*path, key)
            yield from _inside(inner, (*path, key))


def _says_protocol(value: Any) -> bool:
    return isinstance(value, dict) and not PROTOCOL.isdisjoint(value)


def _is_there(tables: Table, path: Path) -> bool:
    try:
        at(tables, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _without(tables: Table, path: Path) -> Table:
    """The top-level table with that place left out, and the tables that are empty then."""
    changed = copy.deepcopy({path[0]: tables[str(path[0])]})
    holder = at(changed, path[:-1])
    del holder[path[-1]]
    while len(path) > 1 and isinstance(holder, dict) and not holder and isinstance(path[-2], str):
        path = path[:-1]
        holder = at(changed, path[:-1])
        del holder[path[-1]]
    return {str(key): value for key, value in changed.items()} or {str(path[0]): None}


def simpler_laws(search: Shrinking) -> None:
    """A length of time instead of a law: its median, as round as can be."""
    for path in list(_laws(search.value.tables, ())):
        law = read_law(at(search.value.tables, path))
        median = law.sample(MIDDLE)
        for us in dict.fromkeys((*(us for us in rounder(median) if us), median)):
            if search.consider(search.value.changed(**_put(search.value.tables, path, format_duration(us)))):
                break


def _laws(value: Any, path: Path) -> Iterator[Path]:
    match value:
        case dict():
            if is_law(value):
                yield path
                return
            for key, inner in value.items():
                yield from _laws(inner, (*path, key))
        case list():
            for number, inner in enumerate(value):
                yield from _laws(inner, (*path, number))


def shorter_inputs(search: Shrinking) -> None:
    """Lists in what workflows are started with get shorter. What their code then makes of them decides, as with any candidate."""
    for path in _lists(search.value.tables):
        found = at(search.value.tables, path) if _is_there(search.value.tables, path) else None
        items: list[Any] = found if isinstance(found, list) else []
        for chunk in chunks(len(items), 0):
            rest = [item for number, item in enumerate(items) if number not in chunk]
            if search.consider(search.value.changed(**_put(search.value.tables, path, rest))):
                break


def _lists(tables: Table) -> list[Path]:
    found: list[Path] = []

    def inside(value: Any, path: Path) -> None:
        if isinstance(value, list) and value:
            found.append(path)
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, one in inner:
            inside(one, (*path, key))

    for number, workflow in enumerate(tables.get("workflows", ())):
        inside(workflow.get("input"), ("workflows", number, "input"))
    return found


def rounder_values(search: Shrinking) -> None:
    """Rounder times, smaller numbers."""
    for path in list(_values(search.value.tables, ())):
        if not _is_there(search.value.tables, path):
            continue
        for value in _lower_values(at(search.value.tables, path), _key(path)):
            if search.consider(search.value.changed(**_put(search.value.tables, path, value))):
                break


def _values(value: Any, path: Path) -> Iterator[Path]:
    """Places of times and numbers."""
    match value:
        case dict():
            for key, inner in value.items():
                if key not in PROTOCOL and (path or key not in ("schema_version", "name", "until", "modules")):
                    yield from _values(inner, (*path, key))
        case list():
            for number, inner in enumerate(value):
                yield from _values(inner, (*path, number))
        case bool():
            return
        case int() | float() | str() if _key(path) not in _NEEDED - {"at"}:
            yield path


def _key(path: Path) -> str:
    """The last part of a place that is a key."""
    return next(part for part in reversed(path) if isinstance(part, str))


def _lower_values(value: object, key: str) -> Iterator[object]:
    """Values that are simpler than this one, the simplest first."""
    least = 0 if key in _POINTS else 1
    match value:
        case str():
            try:
                us = parse_duration(value)
            except ValueError:
                return
            yield from (format_duration(n) for n in rounder(us) if n >= least)
        case int() if key in MILLISECONDS:
            yield from (n for n in rounder(value) if n >= least)
        case int():
            # As with times, 0 mostly means without a limit.
            yield from (n for n in dict.fromkeys((1, 2, 3, value // 2, value - 1)) if 1 <= n < value)
        case float():
            yield from (n for n in (0.0, 1.0, 0.5, round(value, 1), round(value, 2)) if n != value)
        case _:
            return


def rounder(number: int) -> list[int]:
    """Numbers with fewer significant digits, those with fewest first, and of these the nearest."""
    found, unit = {0} if number else set(), 10
    while unit <= number:
        found |= {number // unit * unit, -(-number // unit) * unit}
        unit *= 10
    return sorted((n for n in found if digits(n) < digits(number)), key=lambda n: (digits(n), abs(n - number)))


def _put(tables: Table, path: Path, value: object) -> Mapping[str, Any]:
    """The top-level table with another value at a place."""
    changed = copy.deepcopy({path[0]: tables[str(path[0])]})
    at(changed, path[:-1])[path[-1]] = value
    return {str(key): inner for key, inner in changed.items()}
