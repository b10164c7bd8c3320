"""A scenario as the text of a file, as a person would write it: only what differs from what a file need not say.

A writer of TOML in general would spread each step of a program over a table of its own; here tables stand for what the
schema has as tables, and whatever is inside them stands in a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sim.scenario.load import Scenario
from sim.scenario.schema import ScenarioModel

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
WIDEST: Final = 120
"""A list that is longer has a line for each of its values."""


def to_toml(scenario: Scenario) -> str:
    """The text of a TOML file with the same scenario, workflow modules included; what has its default is left out."""
    return dumps(shortened(scenario))


def shortened(scenario: Scenario) -> dict[str, Any]:
    """The tables of a scenario without what has its default, in the order of the schema."""
    content = scenario.model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    for workflow in content.get("workflows", []):
        if not workflow.get("arrival", True):
            del workflow["arrival"]
    for fault in content.get("faults", []):
        if set(fault.get("moment", ())) == {"name"}:
            fault["moment"] = fault["moment"]["name"]
    return {name: content[name] for name in ScenarioModel.model_fields if content.get(name) not in (None, {}, [])}


def dumps(content: Mapping[str, Any]) -> str:
    """TOML: values first, then a `[table]` or `[[tables]]` for each of the others."""
    plain = {key: value for key, value in content.items() if not _has_tables(value)}
    blocks = ["".join(_lines(plain))] if plain else []
    for key, value in content.items():
        if isinstance(value, list) and _has_tables(value):
            blocks += [f"[[{_key(key)}]]\n{''.join(_lines(table))}" for table in value]
        elif isinstance(value, Mapping):
            blocks += _tables(_key(key), value)
    return "\n".join(blocks)


def _tables(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    """A table, and those that it consists of."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping) and any(map(_has_tables, table.values()))}
    plain = {key: value for key, value in table.items() if key not in inner}
    if plain or not inner:
        yield f"[{name}]\n{''.join(_lines(plain))}"
    for key, value in inner.items():
        yield f"[{name}.{_key(key)}]\n{''.join(_lines(value))}"


def _has_tables(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value))


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{_key(key)} = {_value(value)}\n"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any, indent: str = "") -> str:
    """A value; a list that does not fit into a line is spread over several."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() if "\n" in value and not indent:
            return _long_text(value)
        case str():
            return _text(value)
        case int() | float():
            return repr(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v, indent)}" for k, v in value.items()) + " }" if value else "{}"
        case list():
            line = "[" + ", ".join(_value(v, indent or " ") for v in value) + "]"
            if len(line) <= WIDEST or not value:
                return line
            inner = f"{indent}    "
            return "[\n" + "".join(f"{inner}{_value(v, inner)},\n" for v in value) + f"{indent}]"
        case _:
            raise TypeError(f"{value!r} has no form in TOML; expected text, numbers, true and false, lists and tables")


def _text(text: str) -> str:
    """A string in a line. JSON's escapes are TOML's, but for the character that deletes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _long_text(text: str) -> str:
    """A string of several lines, as it stands when it can."""
    if "'''" not in text and not _CONTROL.search(text.replace("\n", "")) and not text.endswith("'"):
        return f"'''\n{text}'''"
    escaped = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\\", "\\\\")).replace('"', '\\"')
    return f'"""\n{escaped}"""'
