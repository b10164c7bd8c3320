"""Canonical forms: any plain data as one hashable value, and back.

`freeze` turns the values that nodes are made of (numbers, strings, enums, tuples, lists, deques, sets, dicts, frozen
structs and slotted dataclasses) into nested tuples without any trace of insertion order or identity; `thaw` is its
inverse. A dataclass field with `metadata={"cache": True}` is left out and comes back as its default: a cache may be
dropped at any time.

A search freezes and thaws more than it does anything else. So what has to be done to a value is looked up by its class,
in tables that are filled when a class is first met, and what is in its canonical form as it is takes no call at all.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from enum import Enum
from itertools import islice
from operator import attrgetter, is_
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType
from typing import Any, TypeVar, cast

import msgspec

from sim.model.inputs import Call

T = TypeVar("T")
Frozen = Hashable
_ATOMS = (int, str, bytes, bool, type(None), Enum, float)


class Tagged(tuple[Any, ...]):
    """(class, parts...) of something that was not a plain tuple.

    The class in front also keeps it apart from every tuple of data, to which it would otherwise be equal.
    """

    __slots__ = ()


PLAIN: set[type] = {int, str, bytes, bool, type(None), float}
"""Classes whose values are their own canonical forms, and the live values of these. More come in when they are met: enums, functions."""
CONSTANTS: dict[int, tuple[Frozen, Any]] = {}
"""By the identity of a canonical form without any mutable part: the form itself (so that it stays), and its live value.

What cannot change need not be copied, neither on the way in nor on the way out; most of a node's state is such.
"""
_FORMS: dict[int, Frozen] = {}
"""The way back: by the identity of such a form, or of its live value, that form."""
_CANONICAL: dict[Frozen, Frozen] = {}

_LISTS = (list, deque)
SETS = (set, frozenset)


_STATE_FIELDS: dict[type, tuple[str, ...]] = {}


def state_fields(cls: type) -> tuple[str, ...]:
    """Names of the fields of a dataclass that are state, in order; caches are not."""
    names = _STATE_FIELDS.get(cls)
    if names is None:
        names = _STATE_FIELDS[cls] = tuple(f.name for f in dataclasses.fields(cls) if not f.metadata.get("cache"))
    return names


# -- order ------------------------------------------------------------------------------------------------------------


def sort_key(value: Frozen) -> tuple[str, str]:
    """A total order over frozen values of mixed types, the same in every process; numbers are in their own order.

    A table by ordinals thus comes back from its canonical form in the order in which it was filled.
    """
    text = f"{value + (1 << 63):020d}" if type(value) is int else repr(value)
    return (type(value).__name__, text)


def in_order(items: list[T], keys: Sequence[Frozen]) -> list[T]:
    """The items in the order that `sort_key` gives to these keys, one for each."""
    if len(items) < 2:
        return items
    return [items[i] for i in sorted(range(len(items)), key=ranks_of(keys).__getitem__)]


def by_key(items: Iterable[tuple[Frozen, T]]) -> list[tuple[Any, T]]:
    """Pairs in the order that `sort_key` gives to the first of each."""
    pairs = list(items)
    return in_order(pairs, [pair[0] for pair in pairs])


def ranks_of(keys: Sequence[Frozen]) -> Sequence[Any]:
    """Something that is in the same order as the sort keys, and quicker to come by where all are of one class."""
    if len(set(map(type, keys))) > 1:
        return [*map(sort_key, keys)]
    if type(keys[0]) is not int:
        return [*map(repr, keys)]
    numbers = cast(Sequence[int], keys)
    return numbers if min(numbers) >= -(1 << 63) and max(numbers) < 1 << 63 else [*map(sort_key, keys)]


# -- by class ---------------------------------------------------------------------------------------------------------


class ByClass(dict[type, Callable[..., Any]]):
    """What is done to values of a class, made when the class is first met."""

    def __init__(self, make: Callable[[type], Callable[..., Any]]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, cls: type) -> Callable[..., Any]:
        found = self[cls] = self._make(cls)
        return found


def itself(value: Any) -> Any:
    return value


def getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of these attributes."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])


# -- freezing ---------------------------------------------------------------------------------------------------------


def freeze(value: Any) -> Frozen:
    """The canonical, hashable form of `value`; what is in that form already stays as it is.

    Raises TypeError for what is not plain data, or would not come back from `thaw` as it was.
    """
    cls: type = type(value)
    return cast(Frozen, value if cls in PLAIN else _FREEZERS[cls](value))


def freeze_fields(value: Any) -> list[Frozen]:
    """The canonical forms of the fields of a dataclass that are state."""
    return [part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in _FIELDS[type(value)](value)]


def _freezer(cls: type) -> Callable[[Any], Frozen]:
    if issubclass(cls, _ATOMS):
        return _left_as_it_is(cls)
    if issubclass(cls, Call):
        return lambda value: Call(value.caller, value.tag)
    if issubclass(cls, msgspec.Struct):
        return _struct_freezer(cls)
    known: dict[type, Callable[[Any], Frozen]] = {
        Tagged: itself,
        tuple: _freeze_tuple,
        list: _freeze_list,
        deque: _freeze_deque,
        dict: _freeze_dict,
    }
    if cls in known or cls in SETS:
        return known.get(cls, _freeze_set)
    if dataclasses.is_dataclass(cls):
        return _frozen_freezer(cls) if cls.__dataclass_params__.frozen else _dataclass_freezer(cls)  # type: ignore[attr-defined]
    return _left_as_it_is(cls) if _is_a_value(cls) else _refuse


def _is_a_value(cls: type) -> bool:
    """Whether two of a class are equal when they say the same: other objects are one in all states, and what happens to it in one
    would happen in all."""
    if issubclass(cls, tuple) or not issubclass(cls, Hashable):
        return False
    return cls.__hash__ is not object.__hash__ or issubclass(cls, (type, FunctionType, BuiltinFunctionType))


_FREEZERS = ByClass(_freezer)
_FIELDS = ByClass(lambda cls: getter(state_fields(cls)))


def _left_as_it_is(cls: type) -> Callable[[Any], Frozen]:
    PLAIN.add(cls)
    return itself


def _freeze_tuple(value: tuple[Any, ...]) -> Frozen:
    parts = [part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in value]
    return value if all(map(is_, parts, value)) else tuple(parts)


def _freeze_list(value: Iterable[Any]) -> Frozen:
    return Tagged((type(value), *[part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in value]))


def _freeze_deque(value: deque[Any]) -> Frozen:
    return _freeze_list(value) if value.maxlen is None else _refuse(value)


def _freeze_set(value: Iterable[Any]) -> Frozen:
    parts = [part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in value]
    return Tagged((type(value), *in_order(parts, parts)))


def _freeze_dict(value: dict[Any, Any]) -> Frozen:
    if not value:
        return NO_ENTRIES
    keys = [key if type(key) in PLAIN else _FREEZERS[type(key)](key) for key in value]
    parts = [part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in value.values()]
    return Tagged((dict, *in_order([*zip(keys, parts, strict=True)], keys)))


NO_ENTRIES: Frozen = Tagged((dict,))


def _dataclass_freezer(cls: type) -> Callable[[Any], Frozen]:
    fields = _FIELDS[cls]

    def freezer(value: Any) -> Frozen:
        return Tagged((cls, *[part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in fields(value)]))

    return freezer


def _frozen_freezer(cls: type) -> Callable[[Any], Frozen]:
    fields = _FIELDS[cls]

    def freezer(value: Any) -> Frozen:
        known = _FORMS.get(id(value))
        if known is not None:
            return known
        parts = [part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in fields(value)]
        return _kept(Tagged((cls, *parts)), parts)

    return freezer


def _struct_freezer(cls: type[msgspec.Struct]) -> Callable[[Any], Frozen]:
    fields = getter(cls.__struct_fields__)

    def freezer(value: Any) -> Frozen:
        known = _FORMS.get(id(value))
        if known is not None:
            return known
        parts = [part if type(part) in PLAIN else _FREEZERS[type(part)](part) for part in fields(value)]
        return _kept(cast(Frozen, cls(*parts)), parts)

    return freezer


def _refuse(value: Any) -> Frozen:
    raise TypeError(
        f"{value!r} of {type(value)} cannot be part of a node's state: use numbers, strings, tuples, lists, sets, dicts, "
        "unbounded deques, frozen structs and dataclasses (no other objects, and no subclasses of the containers)"
    )


def _kept(form: Frozen, parts: list[Frozen]) -> Frozen:
    """The form, or the one that is equal to it and known already, if none of its parts can change."""
    for part in parts:
        if type(part) not in PLAIN and not _is_constant(part):
            return form
    known = _CANONICAL.get(form)
    if known is None:
        _CANONICAL[form] = form
        live = thaw(form)
        CONSTANTS[id(form)] = (form, live)
        _FORMS[id(form)] = _FORMS[id(live)] = form
        return form
    # 1 and True are equal, and not the same.
    same = all(map(_is_same, _parts(known), parts))
    return known if same else form


def _parts(form: Any) -> Iterable[Frozen]:
    return form[1:] if isinstance(form, Tagged) else STRUCT_FIELDS[type(form)](form)


STRUCT_FIELDS = ByClass(lambda cls: getter(cast(type[msgspec.Struct], cls).__struct_fields__))


def _is_same(one: Frozen, other: Frozen) -> bool:
    """Whether two equal forms are of the same types throughout."""
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, msgspec.Struct):
        return False
    return not isinstance(one, tuple) or all(map(_is_same, one, cast(tuple[Frozen, ...], other)))


def _is_constant(form: Frozen) -> bool:
    if type(form) in PLAIN or id(form) in CONSTANTS or isinstance(form, Call):
        return True
    if type(form) is tuple:
        return all(map(_is_constant, form))
    # Other hashables are kept as they are.
    return not isinstance(form, (tuple, msgspec.Struct))


# -- thawing ----------------------------------------------------------------------------------------------------------


def thaw(value: Frozen) -> Any:
    """The live value whose canonical form is `value`."""
    cls: type = type(value)
    return value if cls in PLAIN else _THAWERS[cls](value)


def thaw_dataclass(cls: type, parts: Iterable[Frozen]) -> Any:
    """A new object of this dataclass with these frozen values in its state fields; caches start at their defaults."""
    return _BUILDERS[cls]([part if type(part) in PLAIN else _THAWERS[type(part)](part) for part in parts])


def _thawer(cls: type) -> Callable[[Any], Any]:
    if issubclass(cls, Tagged):
        return lambda value: _UNTAGGERS[value[0]](value)
    if issubclass(cls, tuple) and not issubclass(cls, Enum):
        return _thaw_tuple
    return _struct_thawer(cls) if issubclass(cls, msgspec.Struct) else itself


def _thaw_tuple(value: tuple[Any, ...]) -> Any:
    parts = [part if type(part) in PLAIN else _THAWERS[type(part)](part) for part in value]
    return value if all(map(is_, parts, value)) else tuple(parts)


def _struct_thawer(cls: type) -> Callable[[Any], Any]:
    fields = STRUCT_FIELDS[cls]

    def thawer(value: Any) -> Any:
        known = CONSTANTS.get(id(value))
        if known is not None:
            return known[1]
        return cls(*[part if type(part) in PLAIN else _THAWERS[type(part)](part) for part in fields(value)])

    return thawer


def _untagger(cls: type) -> Callable[[Any], Any]:
    """What makes a value of this class of its form with the class in front."""
    if cls is dict:
        return _thaw_dict
    if cls is list:
        return _thaw_list
    if cls in _LISTS or cls in SETS:
        return lambda value: cls(_thaw_list(value))
    build = _BUILDERS[cls]

    def untagger(value: Any) -> Any:
        known = CONSTANTS.get(id(value))
        if known is not None:
            return known[1]
        return build([part if type(part) in PLAIN else _THAWERS[type(part)](part) for part in islice(value, 1, None)])

    return untagger


def _thaw_list(value: Iterable[Any]) -> list[Any]:
    return [part if type(part) in PLAIN else _THAWERS[type(part)](part) for part in islice(value, 1, None)]


def _thaw_dict(value: tuple[Any, ...]) -> dict[Any, Any]:
    if len(value) == 1:
        return {}
    return {
        key if type(key) in PLAIN else _THAWERS[type(key)](key): part if type(part) in PLAIN else _THAWERS[type(part)](part)
        for key, part in islice(value, 1, None)
    }


_THAWERS = ByClass(_thawer)
_UNTAGGERS = ByClass(_untagger)


def _builder(cls: type) -> Callable[[Sequence[Any]], Any]:
    """What makes an object of a dataclass of its state fields."""
    names, puts, caches = state_fields(cls), [putter(cls, name) for name in state_fields(cls)], _caches(cls)
    if _may_be_called(cls, names):
        size = len(names)

        def call(parts: Sequence[Any]) -> Any:
            if len(parts) != size:
                raise ValueError(f"{cls} has {size} state fields, got {len(parts)}")
            return cls(*parts)

        return call

    def build(parts: Sequence[Any]) -> Any:
        new: Any = object.__new__(cls)
        for put, part in zip(puts, parts, strict=True):
            put(new, part)
        for put, default in caches:
            put(new, default())
        return new

    return build


_NEW, _SET = inspect.getattr_static(object, "__new__"), inspect.getattr_static(object, "__setattr__")


def _may_be_called(cls: type, names: Sequence[str]) -> bool:
    """Whether calling the class with its state fields, in order, puts them where they belong and does nothing else."""
    params: Any = cls.__dict__.get("__dataclass_params__")
    if params is None or not params.init or hasattr(cls, "__post_init__") or inspect.getattr_static(cls, "__new__", None) is not _NEW:
        return False
    if not params.frozen and inspect.getattr_static(cls, "__setattr__") is not _SET:
        return False
    if not all(field.init for field in dataclasses.fields(cast(Any, cls))):
        return False
    try:
        taken = list(inspect.signature(cls).parameters.values())
    except ValueError:
        # Compiled classes do not say.
        return False
    positional = [p.name for p in taken if p.kind is p.POSITIONAL_OR_KEYWORD]
    return positional[: len(names)] == list(names) and all(p.default is not p.empty for p in taken if p.name not in names)


def putter(cls: type, name: str) -> Callable[[Any, Any], None]:
    """What puts a value into a field. The plain setattr of a frozen dataclass refuses; its values are no less data than others'."""
    slot = inspect.getattr_static(cls, name, None)
    if isinstance(slot, MemberDescriptorType):
        return slot.__set__
    return lambda new, value: object.__setattr__(new, name, value)


_BUILDERS = ByClass(_builder)


def _caches(cls: type) -> list[tuple[Callable[[Any, Any], None], Callable[[], Any]]]:
    """The fields of a dataclass that are no state: what puts something there, and what makes their defaults."""
    known = set(state_fields(cls))
    return [(putter(cls, f.name), _default_of(f)) for f in dataclasses.fields(cast(Any, cls)) if f.name not in known]


def _default_of(field: dataclasses.Field[Any]) -> Callable[[], Any]:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return lambda: field.default
