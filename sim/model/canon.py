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
from typing import Any, cast

import msgspec

from sim.model.inputs import Call

Frozen = Hashable
_ATOMS = (int, str, bytes, bool, type(None), Enum, float)


class Tagged(tuple[Any, ...]):
    """(class, parts...) of something that was not a plain tuple.

    The class in front also keeps it apart from every tuple of data, to which it would otherwise be equal.
    """

    __slots__ = ()


_LISTS = (list, deque)
_SETS = (set, frozenset)


_STATE_FIELDS: dict[type, tuple[str, ...]] = {}


def state_fields(cls: type) -> tuple[str, ...]:
    """Names of the fields of a dataclass that are state, in order; caches are not."""
    names = _STATE_FIELDS.get(cls)
    if names is None:
        names = _STATE_FIELDS[cls] = tuple(f.name for f in dataclasses.fields(cls) if not f.metadata.get("cache"))
    return names


def sort_key(value: Frozen) -> tuple[str, str]:
    """A total order over frozen values of mixed types, the same in every process; numbers are in their own order.

    A table by ordinals thus comes back from its canonical form in the order in which it was filled.
    """
    text = f"{value + (1 << 63):020d}" if type(value) is int else repr(value)
    return (type(value).__name__, text)


def freeze(value: Any) -> Frozen:
    """The canonical, hashable form of `value`; what is in that form already stays as it is.

    Raises TypeError for what is not plain data, or would not come back from `thaw` as it was.
    """
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, Call):
        return Call(value.caller, value.tag)
    cls: type = type(value)
    if cls is tuple:
        return tuple(map(freeze, value))
    if cls is Tagged:
        return cast(Tagged, value)
    if isinstance(value, msgspec.Struct):
        return cast(Frozen, cls(*(freeze(getattr(value, name)) for name in value.__struct_fields__)))
    if cls in _LISTS and getattr(value, "maxlen", None) is None:
        return Tagged((cls, *map(freeze, value)))
    if cls in _SETS:
        return Tagged((cls, *sorted(map(freeze, value), key=sort_key)))
    if cls is dict:
        items = sorted(((freeze(k), freeze(v)) for k, v in value.items()), key=lambda item: sort_key(item[0]))
        return Tagged((dict, *items))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Tagged((cls, *(freeze(getattr(value, name)) for name in state_fields(cls))))
    if isinstance(value, Hashable) and not isinstance(value, tuple):
        return value
    raise TypeError(
        f"{value!r} of {cls} cannot be part of a node's state: use numbers, strings, tuples, lists, sets, dicts, "
        "unbounded deques, frozen structs and dataclasses (and no subclasses of the containers)"
    )


def thaw(value: Frozen) -> Any:
    """The live value whose canonical form is `value`."""
    if isinstance(value, Tagged):
        kind, *parts = value
        if kind is dict:
            return {thaw(k): thaw(v) for k, v in parts}
        if kind in _LISTS or kind in _SETS:
            return kind(thaw(p) for p in parts)
        return thaw_dataclass(kind, parts)
    if isinstance(value, tuple):
        return tuple(thaw(p) for p in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(thaw(getattr(value, name)) for name in value.__struct_fields__))
    return value


def thaw_dataclass(cls: type, parts: list[Frozen]) -> Any:
    """A new object of this dataclass with these frozen values in its state fields; caches start at their defaults."""
    new: Any = object.__new__(cls)
    # The plain setattr of a frozen dataclass refuses; its values are no less data than those of others.
    put = object.__setattr__
    given = dict(zip(state_fields(cls), parts, strict=True))
    for field in dataclasses.fields(cls):
        if field.name in given:
            put(new, field.name, thaw(given[field.name]))
        elif field.default_factory is not dataclasses.MISSING:
            put(new, field.name, field.default_factory())
        else:
            put(new, field.name, field.default)
    return new


def rename(value: Frozen, names: Mapping[str, str]) -> Frozen:
    """`value` with every string that is a key of `names` replaced, in canonical form again."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return names.get(value, value)
    if isinstance(value, Tagged):
        kind, *parts = value
        renamed = [rename(p, names) for p in parts]
        if kind in _SETS:
            renamed.sort(key=sort_key)
        elif kind is dict:
            # By value too: a renaming that makes names equal must not let their old order show.
            renamed.sort(key=lambda item: (sort_key(item[0]), sort_key(item[1])))  # type: ignore[index]
        return Tagged((kind, *renamed))
    if isinstance(value, tuple):
        return tuple(rename(p, names) for p in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(rename(getattr(value, name), names) for name in value.__struct_fields__))
    return value
