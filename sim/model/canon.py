"""Canonical forms: any plain data as one hashable value, and back.

`freeze` turns the values that nodes are made of (numbers, strings, enums, tuples, lists, deques, sets, dicts, frozen
structs and slotted dataclasses) into nested tuples without any trace of insertion order or identity; `thaw` is its
inverse. A dataclass field with `metadata={"cache": True}` is left out and comes back as its default: a cache may be
dropped at any time.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from typing import Any, cast
from weakref import WeakKeyDictionary

import msgspec

from sim.model.inputs import Call

Frozen = Hashable
_ATOMS = (int, str, bytes, bool, type(None), Enum, float)


class Tagged(tuple[Any, ...]):
    """(class, parts...) of something that was not a plain tuple.

    The class in front also keeps it apart from every tuple of data, to which it would otherwise be equal.
    """

    __slots__ = ()


_PLAIN = frozenset({int, str, bytes, bool, type(None), float})
_LIVE: dict[int, tuple[Frozen, Any]] = {}
"""By the identity of a canonical form without any mutable part: the form itself (so that it stays), and its live value.

What cannot change need not be copied, neither on the way in nor on the way out; most of a node's state is such.
"""
_CANONICAL: dict[Frozen, Frozen] = {}

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
    cls: type = type(value)
    if cls in _PLAIN or isinstance(value, _ATOMS):
        return cast(Frozen, value)
    if isinstance(value, Call):
        return Call(value.caller, value.tag)
    if cls is tuple:
        return tuple(map(freeze, value))
    if cls is Tagged:
        return cast(Tagged, value)
    if isinstance(value, msgspec.Struct):
        if id(value) in _LIVE:
            return value
        parts = [freeze(getattr(value, name)) for name in value.__struct_fields__]
        return _kept(cast(Frozen, cls(*parts)), parts)
    if cls in _LISTS and getattr(value, "maxlen", None) is None:
        return Tagged((cls, *map(freeze, value)))
    if cls in _SETS:
        return Tagged((cls, *sorted(map(freeze, value), key=sort_key)))
    if cls is dict:
        items = sorted(((freeze(k), freeze(v)) for k, v in value.items()), key=lambda item: sort_key(item[0]))
        return Tagged((dict, *items))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [freeze(getattr(value, name)) for name in state_fields(cls)]
        form = Tagged((cls, *parts))
        return _kept(form, parts) if cls.__dataclass_params__.frozen else form  # type: ignore[attr-defined]
    if isinstance(value, Hashable) and not isinstance(value, tuple):
        return value
    raise TypeError(
        f"{value!r} of {cls} cannot be part of a node's state: use numbers, strings, tuples, lists, sets, dicts, "
        "unbounded deques, frozen structs and dataclasses (and no subclasses of the containers)"
    )


def _kept(form: Frozen, parts: list[Frozen]) -> Frozen:
    """The form, or the one that is equal to it and known already, if none of its parts can change."""
    if not all(map(_is_constant, parts)):
        return form
    known = _CANONICAL.get(form)
    if known is None:
        _CANONICAL[form] = form
        _LIVE[id(form)] = (form, thaw(form))
        return form
    # 1 and True are equal, and not the same.
    same = all(map(_is_same, _parts(known), parts))
    return known if same else form


def _parts(form: Any) -> list[Frozen]:
    return list(form[1:]) if isinstance(form, Tagged) else [getattr(form, name) for name in form.__struct_fields__]


def _is_same(one: Frozen, other: Frozen) -> bool:
    """Whether two equal forms are of the same types throughout."""
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, msgspec.Struct):
        return False
    return not isinstance(one, tuple) or all(map(_is_same, one, cast(tuple[Frozen, ...], other)))


def _is_constant(form: Frozen) -> bool:
    if id(form) in _LIVE or isinstance(form, (*_ATOMS, Call)):
        return True
    if type(form) is tuple:
        return all(map(_is_constant, form))
    # Other hashables are kept as they are.
    return not isinstance(form, (tuple, msgspec.Struct))


def thaw(value: Frozen) -> Any:
    """The live value whose canonical form is `value`."""
    if type(value) in _PLAIN:
        return value
    live = _LIVE.get(id(value))
    if live is not None:
        return live[1]
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
    for name, part in zip(state_fields(cls), parts, strict=True):
        put(new, name, thaw(part))
    for name, default in _caches(cls):
        put(new, name, default())
    return new


_CACHES: dict[type, list[tuple[str, Callable[[], Any]]]] = {}


def _caches(cls: type) -> list[tuple[str, Callable[[], Any]]]:
    """The fields of a dataclass that are no state, and what makes their defaults."""
    found = _CACHES.get(cls)
    if found is None:
        known = set(state_fields(cls))
        found = _CACHES[cls] = [(f.name, _default_of(f)) for f in dataclasses.fields(cls) if f.name not in known]
    return found


def _default_of(field: dataclasses.Field[Any]) -> Callable[[], Any]:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return lambda: field.default


def rename(value: Frozen, names: Mapping[str, str]) -> Frozen:
    """`value` with every string that is a key of `names` replaced, in canonical form again."""
    if isinstance(value, str):
        return value if isinstance(value, Enum) else names.get(value, value)
    if id(value) in _LIVE:
        known = _RENAMED.setdefault(names, {}) if isinstance(names, Hashable) else {}
        found = known.get(id(value))
        if found is None:
            found = _rename(value, names)
            # Most constants have no name in them: they stay the same object.
            found = known[id(value)] = value if found == value else freeze(thaw(found))
        return found
    return _rename(value, names)


_RENAMED: WeakKeyDictionary[Any, dict[int, Frozen]] = WeakKeyDictionary()
"""By renaming, where that is hashable: constants by their identity, and what becomes of them."""


def _rename(value: Frozen, names: Mapping[str, str]) -> Frozen:
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
