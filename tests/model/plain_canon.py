"""Canonical forms said as simply as can be: what `sim.model.canon` has to agree with, which goes by tables and keeps what it knows."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Any, cast

import msgspec

from sim.model.canon import Frozen, Tagged, state_fields
from sim.model.inputs import Call
from sim.model.words import Words

_ATOMS = (int, str, bytes, bool, type(None), Enum, float)
_LISTS = (list, deque)
_SETS = (set, frozenset)


def sort_key(value: Frozen) -> tuple[str, str]:
    text = f"{value + (1 << 63):020d}" if type(value) is int else repr(value)
    return (type(value).__name__, text)


def freeze(value: Any) -> Frozen:
    cls: type = type(value)
    if isinstance(value, (*_ATOMS, Tagged)):
        return cast(Frozen, value)
    if isinstance(value, Call):
        return Call(value.caller, value.tag)
    if cls is tuple:
        return tuple(map(freeze, value))
    if isinstance(value, msgspec.Struct):
        return cast(Frozen, cls(*(freeze(getattr(value, name)) for name in value.__struct_fields__)))
    if cls in _LISTS and getattr(value, "maxlen", None) is None:
        return Tagged((cls, *map(freeze, value)))
    if cls in _SETS:
        return Tagged((cls, *sorted(map(freeze, value), key=sort_key)))
    if cls is dict:
        return Tagged((dict, *sorted(((freeze(k), freeze(v)) for k, v in value.items()), key=lambda item: sort_key(item[0]))))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Tagged((cls, *(freeze(getattr(value, name)) for name in state_fields(cls))))
    if isinstance(value, Hashable) and not isinstance(value, tuple):
        return value
    raise TypeError(f"{value!r} of {cls} cannot be part of a node's state")


def thaw(value: Frozen) -> Any:
    if isinstance(value, Tagged):
        kind, *parts = value
        if kind is dict:
            return {thaw(k): thaw(v) for k, v in parts}
        if kind in _LISTS or kind in _SETS:
            return kind(thaw(part) for part in parts)
        new: Any = object.__new__(kind)
        for name, part in zip(state_fields(kind), parts, strict=True):
            object.__setattr__(new, name, thaw(part))
        for field in dataclasses.fields(kind):
            if field.name not in state_fields(kind):
                made = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
                object.__setattr__(new, field.name, made)
        return new
    if isinstance(value, tuple):
        return tuple(thaw(part) for part in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(thaw(getattr(value, name)) for name in value.__struct_fields__))
    return value


def rename(value: Frozen, names: Mapping[str, str]) -> Frozen:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else names.get(value, value)
    if isinstance(value, bytes):
        return names.in_bytes(value) if isinstance(names, Words) else value
    if isinstance(value, Tagged):
        kind, *parts = value
        renamed: list[Any] = [rename(part, names) for part in parts]
        if kind in _SETS:
            renamed.sort(key=sort_key)
        elif kind is dict:
            renamed.sort(key=lambda item: (sort_key(item[0]), sort_key(item[1])))
        return Tagged((kind, *renamed))
    if isinstance(value, tuple):
        return tuple(rename(part, names) for part in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(rename(getattr(value, name), names) for name in value.__struct_fields__))
    return value
