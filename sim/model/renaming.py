"""New names in canonical forms: what a state is after its nodes were given each other's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from itertools import islice
from operator import is_
from typing import Any, cast

import msgspec

from sim.model.canon import (
    CONSTANTS,
    SETS,
    STRUCT_FIELDS,
    ByClass,
    Frozen,
    Tagged,
    freeze,
    in_order,
    itself,
    ranks_of,
    sort_key,
    thaw,
)
from sim.model.words import Texts, Words

NAMELESS: set[type] = {int, bool, type(None), float}
"""Classes whose values stay as they are whatever is renamed; more come in."""


class _Renaming:
    """Plain new names in the form of `Words`."""

    __slots__ = ("constants", "texts")

    def __init__(self, names: Mapping[str, str]) -> None:
        self.texts = Texts(itself, names)
        self.constants: dict[int, Frozen] = {}

    def in_bytes(self, data: bytes) -> bytes:
        """What becomes of bytes."""
        return data


_Names = Words | _Renaming


def rename(value: Frozen, names: Mapping[str, str]) -> Frozen:
    """`value` with every string that is a key of `names` replaced, in canonical form again. `Words` are also found within strings.

    What has none of them in it stays the same object.
    """
    cls: type = type(value)
    if cls in NAMELESS:
        return value
    return cast(Frozen, _RENAMERS[cls](value, names if isinstance(names, Words) else _Renaming(names)))


def _renamer(cls: type) -> Callable[[Any, _Names], Frozen]:
    if issubclass(cls, str) and not issubclass(cls, Enum):
        return lambda value, names: names.texts[value]
    if issubclass(cls, bytes):
        return lambda value, names: names.in_bytes(value)
    if issubclass(cls, Tagged):
        return _rename_tagged
    if issubclass(cls, tuple) and not issubclass(cls, Enum):
        return _rename_tuple
    if issubclass(cls, msgspec.Struct):
        return _struct_renamer(cls)
    NAMELESS.add(cls)
    return lambda value, names: cast(Frozen, value)


_RENAMERS = ByClass(_renamer)


def _rename_parts(parts: Iterable[Any], names: _Names) -> list[Any]:
    texts = names.texts
    return [texts[part] if type(part) is str else part if type(part) in NAMELESS else _RENAMERS[type(part)](part, names) for part in parts]


def _rename_tuple(value: tuple[Any, ...], names: _Names) -> Frozen:
    parts = _rename_parts(value, names)
    return value if all(map(is_, parts, value)) else tuple(parts)


def _rename_tagged(value: Tagged, names: _Names) -> Frozen:
    if id(value) not in CONSTANTS:
        return _renamed_tagged(value, names)
    found = names.constants.get(id(value))
    return found if found is not None else _renamed_constant(value, _renamed_tagged(value, names), names)


def _renamed_tagged(value: Tagged, names: _Names) -> Frozen:
    parts = _rename_parts(islice(value, 1, None), names)
    if all(map(is_, parts, islice(value, 1, None))):
        return value
    if value[0] in SETS:
        parts = in_order(parts, parts)
    elif value[0] is dict and len(parts) > 1:
        ranks = ranks_of([part[0] for part in parts])
        if len(set(ranks)) == len(ranks):
            parts = [parts[i] for i in sorted(range(len(parts)), key=ranks.__getitem__)]
        else:
            # By value too: a renaming that makes names equal must not let their old order show.
            parts.sort(key=lambda item: (sort_key(item[0]), sort_key(item[1])))
    return Tagged((value[0], *parts))


def _struct_renamer(cls: type) -> Callable[[Any, _Names], Frozen]:
    fields = STRUCT_FIELDS[cls]

    def renamed(value: Any, names: _Names) -> Frozen:
        old = fields(value)
        parts = _rename_parts(old, names)
        return cast(Frozen, value if all(map(is_, parts, old)) else cls(*parts))

    def renamer(value: Any, names: _Names) -> Frozen:
        if id(value) not in CONSTANTS:
            return renamed(value, names)
        found = names.constants.get(id(value))
        return found if found is not None else _renamed_constant(value, renamed(value, names), names)

    return renamer


def _renamed_constant(value: Frozen, found: Frozen, names: _Names) -> Frozen:
    # Most constants have no name in them: they stay the same object.
    names.constants[id(value)] = found = value if found == value else freeze(thaw(found))
    return found
