"""Scenarios written as TOML, as a person would: short tables on one line, programs a step a line, code as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

WIDTH: Final = 120
"""Lists and tables that fit on a line of this width stay on one."""

_LISTS: Final = ("workers", "workflows", "faults")
"""Keys whose tables have a head of their own, in this order, before all others; `modules` comes last."""


def to_toml(tables: Mapping[str, Any]) -> str:
    """The TOML text of a scenario's tables, as `Scenario.to_dict` gives them or with less in them.

    Raises:
        TypeError: there is a value that TOML does not have, such as null.
    """
    lines = [f"{_key(key)} = {_value(value)}" for key, value in tables.items() if not _has_head(key, value)]
    for key in sorted((key for key, value in tables.items() if _has_head(key, value)), key=_place):
        if key in _LISTS:
            for table in tables[key]:
                lines += ["", f"[[{key}]]", *_entries(table)]
        elif key == "modules":
            lines += ["", "[modules]", *(f"{_key(name)} = {_text(text)}" for name, text in tables[key].items())]
        else:
            lines += _table(_key(key), tables[key])
    return "\n".join(lines).lstrip("\n") + "\n"


def _has_head(key: str, value: Any) -> bool:
    listed = key in _LISTS and isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping) or (listed and bool(value))


def _place(key: str) -> int:
    order = ("cluster", "network", "latencies", "workers", "activities", "workflows", "faults", "properties", "expect", "modules")
    return order.index(key) if key in order else order.index("properties")


def _table(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    """A table with a head; tables in it get heads of their own if they do not fit on a line."""
    plain = {key: value for key, value in table.items() if not (isinstance(value, Mapping) and len(_value(value)) > WIDTH - 20)}
    if plain or not table:
        yield from ("", f"[{name}]", *_entries(plain))
    for key in table:
        if key not in plain:
            yield from _table(f"{name}.{_key(key)}", table[key])


def _entries(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in table.items()]


def _key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else _quoted(key)


def _value(value: Any, indent: str = "") -> str:
    match value:
        case str():
            return _quoted(value)
        case bool() | int() | float():
            return json.dumps(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(str(key))} = {_value(inner, indent)}" for key, inner in value.items()) + " }" if value else "{}"
        case Sequence():
            return _list([_value(one, f"{indent}    ") for one in value], indent, any(isinstance(one, Mapping) for one in value))
        case _:
            raise TypeError(f"TOML has no way to write {value!r}; expected text, numbers, lists and tables")


def _list(items: Sequence[str], indent: str, tables: bool) -> str:
    line = "[" + ", ".join(items) + "]"
    if (len(line) <= WIDTH and not tables) or len(items) < 1:
        return line
    return "[\n" + "".join(f"{indent}    {item},\n" for item in items) + f"{indent}]"


def _quoted(text: str) -> str:
    """A string on one line. TOML's escapes are JSON's, and DEL has to be escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(text: str) -> str:
    """A string of several lines, as it stands if it can."""
    if "'''" in text or "\r" in text or any(ord(c) < 32 and c not in "\n\t" for c in text) or "\x7f" in text or "\n" not in text:
        return _quoted(text)
    return f"'''\n{text}'''"


__all__ = ["to_toml"]
