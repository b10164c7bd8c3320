"""Proto JSON whose fields have the names of the .proto files (`event_id`) instead of those of JSON (`eventId`).

Both are proto JSON: whoever writes it chooses. Keys of maps are names that somebody gave, and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

MAPS: Final = ("fields", "indexed_fields", "details")
"""Fields that are maps. A message that stands under one of these names has no field of two words."""


def in_json_names(message: Mapping[str, Any]) -> dict[str, Any]:
    """The same message with the names of JSON, down to the values of its payloads in base64, which are text."""
    return {_json_name(key): _within(value, key in MAPS) for key, value in message.items()}


def _within(value: Any, is_map: bool) -> Any:
    if isinstance(value, list):
        return [_within(one, False) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _within(one, False) for key, one in value.items()} if is_map else in_json_names(value)


@cache
def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


__all__ = ["in_json_names"]
