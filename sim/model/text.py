"""Text as people and programs hand it over: with or without a byte order mark, damaged, nested without end.

What is wrong is said as what follows the name of the file: `FILE: is not UTF-8 text: ...`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from typing import Any, Final

DEEPEST: Final = 100
"""Nothing that this program reads is nested deeper than this."""

_WRONG: Final = (TypeError, ValueError, RecursionError)
_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")


def decoded(data: bytes) -> str:
    """The text of a file's bytes, without a byte order mark. Raises ValueError where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        byte = data[error.start]
        raise ValueError(f"is not UTF-8 text: line {line}, column {column} has the byte 0x{byte:02x}; expected a text file") from None


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of TOML. Raises ValueError with the place and what is wrong there."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not TOML: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(_beyond(text, error)) from None


def parse_json(text: str) -> Any:
    """The value of JSON. Raises ValueError with the place and what is wrong there."""
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as error:
        raise ValueError(f"has the text {error.object[error.start]!r}, half a character; expected whole ones") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error})") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(_beyond(text, error)) from None


def too_deep(value: object) -> tuple[str | int, ...] | None:
    """Where tables and lists are nested deeper than anything that is meant; None where they are not."""
    layer: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    for _ in range(DEEPEST):
        following: list[tuple[tuple[str | int, ...], object]] = []
        for key, here in layer:
            if isinstance(here, dict):
                following += [((*key, str(name)), inner) for name, inner in here.items() if isinstance(inner, dict | list)]
            elif isinstance(here, list):
                following += [((*key, index), inner) for index, inner in enumerate(here) if isinstance(inner, dict | list)]
        layer = following
        if not layer:
            return None
    return layer[0][0]


def as_json(value: object) -> object:
    """The value, if JSON has it; else as much as JSON has of it, and the rest as text: objects, numbers without end, sets."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except _WRONG:
        return _plain(value, 0)
    return value


def _plain(value: Any, depth: int) -> object:
    """The same of what JSON has."""
    if depth > DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {_key(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except _WRONG:
        return _told(value)
    return value


def _key(key: object) -> str:
    return _told(key)


def _told(value: object) -> str:
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except _WRONG:
        return f"<{type(value).__name__}>"


def _beyond(text: str, error: Exception) -> str:
    """What goes beyond the bounds of readers: the nesting, or the digits of a number."""
    most = sys.get_int_max_str_digits()
    number = re.search(rf"[0-9][0-9_]{{{most},}}", text) if isinstance(error, ValueError) else None
    if number is not None:
        return f"has a number of {number.end() - number.start()} digits in line {_line(text, number.start())}; expected at most {most}"
    depth = 0
    for place, character in enumerate(text):
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth > DEEPEST:
            return f"is nested more than {DEEPEST} deep in line {_line(text, place)}; expected a few levels"
    return f"cannot be read ({error}); expected a few levels of nesting and ordinary numbers"


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
