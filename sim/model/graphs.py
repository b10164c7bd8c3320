"""Canonical forms of objects that refer to each other: any graph of dataclasses and containers as one hashable value.

`canon` takes trees. Here an object that is met again becomes a reference, by the number it had when it was first met;
dicts and sets are walked in the order of their keys, so equal graphs have equal forms however they were built.

As there, what has to be done to a value is looked up by its class, in tables that are filled when a class is first met.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from itertools import islice
from operator import is_, lt
from typing import Any, cast

import msgspec

from sim.model.canon import NO_ENTRIES, PLAIN, SETS, ByClass, Frozen, Tagged, freeze, getter, in_order, putter, ranks_of, thaw
from sim.model.renaming import NAMELESS, rename


class _Again:
    """Marks a reference to an object met before."""


class _Thing:
    """Marks an object met for the first time."""


_ATOMS: set[type] = {int, str, bool, type(None), float, bytes}
"""Classes whose values are their own forms; enums come in when they are met."""
Numbers = dict[int, int]
"""By the identity of an object that was met: its number."""


class Forms:
    """How graphs are written down. `blanks`: by dataclass, fields whose values do not count: what is there reads 0."""

    def __init__(self, blanks: Mapping[type, Collection[str]] | None = None) -> None:
        self._blanks = blanks or {}
        self._freezers = ByClass(self._freezer)

    def __call__(self, root: Any) -> Frozen:
        """The form of everything that can be reached from `root`.

        Raises TypeError for what is neither plain data nor a dataclass: a function, a generator, a file.
        """
        return cast(Frozen, root if type(root) in _ATOMS else self._freezers[type(root)](root, {}))

    def _freezer(self, cls: type) -> Callable[[Any, Numbers], Frozen]:
        if cls is tuple:
            return lambda value, numbers: tuple(self._all(value, numbers))
        if cls is list:
            return lambda value, numbers: Tagged((list, None, *self._all(value, numbers)))
        if cls is deque:
            return lambda value, numbers: Tagged((deque, value.maxlen, *self._all(value, numbers)))
        if cls is dict:
            return self._dict
        if dataclasses.is_dataclass(cls):
            return self._thing_freezer(cls)
        if issubclass(cls, Enum):
            _ATOMS.add(cls)
        elif not issubclass(cls, (*_ATOMS, msgspec.Struct, *SETS)):
            return _refuse
        return lambda value, numbers: freeze(value)

    def _all(self, values: Iterable[Any], numbers: Numbers) -> list[Frozen]:
        freezers = self._freezers
        return [value if type(value) in _ATOMS else freezers[type(value)](value, numbers) for value in values]

    def _dict(self, value: dict[Any, Any], numbers: Numbers) -> Frozen:
        if not value:
            return NO_ENTRIES
        keys = [key if type(key) in _ATOMS else freeze(key) for key in value]
        items = in_order([*zip(keys, value.values(), strict=True)], keys)
        freezers = self._freezers
        return Tagged((dict, *[(k, v if type(v) in _ATOMS else freezers[type(v)](v, numbers)) for k, v in items]))

    def _thing_freezer(self, cls: type) -> Callable[[Any, Numbers], Frozen]:
        names = _names(cls)
        fields, blank = getter(names), [names.index(name) for name in self._blanks.get(cls, ())]

        def freezer(value: Any, numbers: Numbers) -> Frozen:
            known = numbers.get(id(value))
            if known is not None:
                return Tagged((_Again, known))
            numbers[id(value)] = len(numbers)
            if not blank:
                return Tagged((_Thing, cls, *self._all(fields(value), numbers)))
            parts = [*fields(value)]
            for number in blank:
                if parts[number]:
                    parts[number] = 0
            return Tagged((_Thing, cls, *self._all(parts, numbers)))

        return freezer


_AS_IT_IS = Forms()


class Graph:
    """A graph in canonical form: one value, equal to that of every equal graph."""

    __slots__ = ("_form", "_hash")

    def __init__(self, root: Any, forms: Forms = _AS_IT_IS) -> None:
        """Everything that can be reached from `root`. Raises TypeError as `Forms` does."""
        self._form = forms(root)
        self._hash = hash(self._form)

    def thaw(self) -> Any:
        """A new graph that has this form."""
        return _thaw(self._form, [])

    def rename(self, names: Mapping[str, str]) -> Graph:
        """The graph with every string that is a key of `names` replaced."""
        try:
            renamed = _renamed(self._form, names)
        except _OtherOrder:
            # The numbers of things depend on the order of keys: it is kept until all are thawed, and then they are given anew.
            return Graph(_thaw(_renamed(self._form, names, in_any_order=True), []))
        return self if renamed is self._form else Graph._of(renamed)

    @classmethod
    def _of(cls, form: Frozen) -> Graph:
        """The graph of a form that is canonical."""
        new = cls.__new__(cls)
        new._form, new._hash = form, hash(form)
        return new

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self._hash == other._hash and self._form == other._form

    def __repr__(self) -> str:
        return f"Graph({self._form!r})"


def _refuse(value: Any, numbers: Numbers) -> Frozen:
    raise TypeError(f"{value!r} of {type(value)} cannot be part of a canonical form; use plain data and dataclasses")


def _names(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


class _OtherOrder(Exception):
    """Under their new names keys are in another order."""


def _renamed(form: Any, names: Mapping[str, str], in_any_order: bool = False) -> Any:
    """`rename`, with everything in its old order. What has no name in it stays the same object.

    Raises _OtherOrder when that is not the order of the new names, unless it may be.
    """
    cls = type(form)
    if cls is not tuple and cls is not Tagged:
        return rename(form, names)
    parts = [part if type(part) in NAMELESS else _renamed(part, names, in_any_order) for part in form]
    if all(map(is_, parts, form)):
        return form
    if cls is Tagged and not in_any_order:
        if form[0] is dict:
            _keep_order([item[0] for item in islice(parts, 1, None)])
        elif form[0] in SETS:
            _keep_order(parts[1:])
    return cls(parts)


def _keep_order(keys: list[Frozen]) -> None:
    """Raises _OtherOrder unless each key comes before the next."""
    if len(keys) > 1:
        ranks = ranks_of(keys)
        if not all(map(lt, ranks, islice(ranks, 1, None))):
            raise _OtherOrder


# -- thawing ------------------------------------------------------------------------------------------------------------


def _thaw(form: Any, things: list[Any]) -> Any:
    cls = type(form)
    if cls in PLAIN:
        return form
    if cls is Tagged:
        return _MAKERS[form[0]](form, things)
    return tuple(_thaw_all(form, things)) if cls is tuple else thaw(form)


def _thaw_all(forms: Iterable[Any], things: list[Any]) -> list[Any]:
    return [form if type(form) in PLAIN else _thaw(form, things) for form in forms]


def _maker(cls: type) -> Callable[[Any, list[Any]], Any]:
    """What makes the value of a form with this class in front."""
    if cls is _Again:
        return lambda form, things: things[form[1]]
    if cls is _Thing:
        return lambda form, things: _THINGS[form[1]](form, things)
    if cls is list:
        return lambda form, things: _thaw_all(islice(form, 2, None), things)
    if cls is deque:
        return lambda form, things: deque(_thaw_all(islice(form, 2, None), things), form[1])
    return _thaw_dict if cls is dict else lambda form, things: thaw(form)


def _thaw_dict(form: Any, things: list[Any]) -> dict[Any, Any]:
    if len(form) == 1:
        return {}
    return {
        key if type(key) in PLAIN else thaw(key): item if type(item) in PLAIN else _thaw(item, things)
        for key, item in islice(form, 1, None)
    }


def _thing_maker(cls: Any) -> Callable[[Any, list[Any]], Any]:
    puts = [putter(cls, name) for name in _names(cls)]

    def make(form: Any, things: list[Any]) -> Any:
        new: Any = object.__new__(cls)
        things.append(new)
        for put, part in zip(puts, islice(form, 2, None), strict=True):
            put(new, part if type(part) in PLAIN else _thaw(part, things))
        return new

    return make


_MAKERS = ByClass(_maker)
_THINGS = ByClass(_thing_maker)
