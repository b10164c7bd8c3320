"""Canonical forms: any plain data as one hashable value, and back.

`freeze` turns the values that nodes are made of (numbers, strings, enums, tuples, lists, deques, sets, dicts, frozen
structs and slotted dataclasses) into nested tuples without any trace of insertion order or identity; `thaw` is its
inverse. A dataclass field with `metadata={"cache": True}` is left out and comes back as its default: a cache may be
dropped at any time.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Hashable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec

from sim.model.inputs import Call

Frozen = Hashable
_ATOMS = (int, str, bytes, bool, type(None), Enum, float)


class Tagged(tuple[Any, ...]):
    """(kind, parts...) of something that was not a plain tuple; its class keeps it apart from tuples of data."""

    __slots__ = ()


@lru_cache(maxsize=None)
def state_fields(cls: type) -> tuple[str, ...]:
    """Names of the fields of a dataclass that are state, in order; caches are not."""
    return tuple(f.name for f in dataclasses.fields(cls) if not f.metadata.get("cache"))


def sort_key(value: Frozen) -> tuple[str, str]:
    """A total order over frozen values of mixed types, the same in every process."""
    return (type(value).__name__, repr(value))


def freeze(value: Any) -> Frozen:
    """The canonical, hashable form of `value`. Raises TypeError for what is not plain data."""
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, Call):
        return Call(value.caller, value.tag)
    if isinstance(value, tuple):
        return tuple(map(freeze, value))
    if isinstance(value, msgspec.Struct):
        return type(value)(*(freeze(getattr(value, name)) for name in value.__struct_fields__))
    if isinstance(value, list):
        return Tagged(("list", *map(freeze, value)))
    if isinstance(value, deque):
        return Tagged(("deque", *map(freeze, value)))
    if isinstance(value, (set, frozenset)):
        return Tagged((type(value).__name__, *sorted(map(freeze, value), key=sort_key)))
    if isinstance(value, dict):
        items = sorted(((freeze(k), freeze(v)) for k, v in value.items()), key=lambda item: sort_key(item[0]))
        return Tagged(("dict", *items))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Tagged((type(value), *(freeze(getattr(value, name)) for name in state_fields(type(value)))))
    if isinstance(value, Hashable):
        return value
    raise TypeError(f"{value!r} of {type(value)} cannot be part of a node's state: use numbers, strings, tuples, lists, sets, dicts, structs")


def thaw(value: Frozen) -> Any:
    """The live value whose canonical form is `value`."""
    if isinstance(value, Tagged):
        kind, *parts = value
        if isinstance(kind, type):
            return thaw_dataclass(kind, parts)
        match kind:
            case "dict":
                return {thaw(k): thaw(v) for k, v in parts}
            case "list":
                return [thaw(p) for p in parts]
            case "deque":
                return deque(thaw(p) for p in parts)
            case "set":
                return {thaw(p) for p in parts}
            case "frozenset":
                return frozenset(thaw(p) for p in parts)
    if isinstance(value, tuple):
        return tuple(thaw(p) for p in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(thaw(getattr(value, name)) for name in value.__struct_fields__))
    return value


def thaw_dataclass(cls: type, parts: list[Frozen]) -> Any:
    new = cls.__new__(cls)
    given = dict(zip(state_fields(cls), parts, strict=True))
    for field in dataclasses.fields(cls):
        if field.name in given:
            setattr(new, field.name, thaw(given[field.name]))
        elif field.default_factory is not dataclasses.MISSING:
            setattr(new, field.name, field.default_factory())
        else:
            setattr(new, field.name, field.default)
    return new


def rename(value: Frozen, names: Mapping[str, str]) -> Frozen:
    """`value` with every string that is a key of `names` replaced, in canonical form again."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return names.get(value, value)
    if isinstance(value, Tagged):
        kind, *parts = value
        renamed = [rename(p, names) for p in parts]
        if kind in ("set", "frozenset"):
            renamed.sort(key=sort_key)
        elif kind == "dict":
            renamed.sort(key=lambda item: sort_key(item[0]))  # type: ignore[index]
        return Tagged((kind, *renamed))
    if isinstance(value, tuple):
        return tuple(rename(p, names) for p in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(rename(getattr(value, name), names) for name in value.__struct_fields__))
    return value
