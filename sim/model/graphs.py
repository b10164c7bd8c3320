"""Canonical forms of objects that refer to each other: any graph of dataclasses and containers as one hashable value.

`canon` takes trees. Here an object that is met again becomes a reference, by the number it had when it was first met;
dicts and sets are walked in the order of their keys, so equal graphs have equal forms however they were built.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping
from enum import Enum
from operator import is_
from typing import Any, cast

import msgspec

from sim.model.canon import Frozen, Tagged, by_key, freeze, thaw
from sim.model.renaming import rename


class _Again:
    """Marks a reference to an object met before."""


class _Thing:
    """Marks an object met for the first time."""


_SEQUENCES = (list, deque)


class Graph:
    """A graph in canonical form: one value, equal to that of every equal graph."""

    __slots__ = ("_form", "_hash")

    def __init__(self, root: Any) -> None:
        """Everything that can be reached from `root`.

        Raises TypeError for what is neither plain data nor a dataclass: a function, a generator, a file.
        """
        self._form = _freeze(root, {})
        self._hash = hash(self._form)

    def thaw(self) -> Any:
        """A new graph that has this form."""
        return _thaw(self._form, [])

    def rename(self, names: Mapping[str, str]) -> Graph:
        """The graph with every string that is a key of `names` replaced."""
        # The numbers of things depend on the order of keys: it is kept until all are thawed, and then they are given anew.
        renamed = _renamed(self._form, names)
        return self if renamed is self._form else Graph(_thaw(renamed, []))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self._hash == other._hash and self._form == other._form

    def __repr__(self) -> str:
        return f"Graph({self._form!r})"


_ATOMS = frozenset({int, str, bool, type(None), float, bytes})


def _freeze(value: Any, numbers: dict[int, int]) -> Frozen:
    cls: type = type(value)
    if cls in _ATOMS:
        return cast(Frozen, value)
    if value is None or isinstance(value, (int, float, str, bytes, Enum, msgspec.Struct)):
        return freeze(value)
    if cls is tuple:
        return tuple([_freeze(item, numbers) for item in value])
    if cls in _SEQUENCES:
        return Tagged((cls, getattr(value, "maxlen", None), *[_freeze(item, numbers) for item in value]))
    if cls in (set, frozenset):
        return freeze(value)
    if cls is dict:
        items = by_key((freeze(key), item) for key, item in value.items())
        return Tagged((dict, *[(key, _freeze(item, numbers)) for key, item in items]))
    if dataclasses.is_dataclass(cls):
        if id(value) in numbers:
            return Tagged((_Again, numbers[id(value)]))
        numbers[id(value)] = len(numbers)
        return Tagged((_Thing, cls, *[_freeze(getattr(value, field.name), numbers) for field in dataclasses.fields(cls)]))
    raise TypeError(f"{value!r} of {cls} cannot be part of a canonical form; use plain data and dataclasses")


def _renamed(form: Any, names: Mapping[str, str]) -> Any:
    """`rename`, with everything in its old order. What has no name in it stays the same object."""
    cls = type(form)
    if cls is not tuple and cls is not Tagged:
        return rename(form, names)
    parts = [_renamed(part, names) for part in form]
    return form if all(map(is_, parts, form)) else cls(parts)


def _thaw(form: Any, things: list[Any]) -> Any:
    if type(form) in _ATOMS:
        return form
    if isinstance(form, Tagged):
        kind, *parts = form
        if kind is _Again:
            return things[parts[0]]
        if kind is _Thing:
            return _thing(parts[0], parts[1:], things)
        if kind is dict:
            return {thaw(key): _thaw(item, things) for key, item in parts}
        if kind is list:
            return [_thaw(item, things) for item in parts[1:]]
        if kind is deque:
            return deque((_thaw(item, things) for item in parts[1:]), parts[0])
        return thaw(form)
    if type(form) is tuple:
        return tuple([_thaw(item, things) for item in form])
    return thaw(form)


def _thing(cls: type, parts: list[Any], things: list[Any]) -> Any:
    new: Any = object.__new__(cls)
    things.append(new)
    for field, part in zip(dataclasses.fields(cast(Any, cls)), parts, strict=True):
        object.__setattr__(new, field.name, _thaw(part, things))
    return new
