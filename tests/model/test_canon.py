"""Canonical forms: equal data gives equal forms, different data different ones, and everything comes back."""

from __future__ import annotations

from collections import deque, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model.canon import Frozen, Tagged, freeze, sort_key, thaw
from sim.model.inputs import Call
from sim.model.laws import Exponential, Uniform
from sim.model.renaming import rename


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Pair(msgspec.Struct, frozen=True):
    left: Any
    right: Any


@dataclass(slots=True)
class Box:
    content: Any
    known: dict[str, int] = field(default_factory=dict, metadata={"cache": True})
    size: int = field(default=-1, metadata={"cache": True})


@dataclass(frozen=True, slots=True)
class Sealed:
    content: Any


ATOMS = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.binary(max_size=3) | st.sampled_from(Colour)
# Python takes 1 and True for the same key; nodes do not mix them, and neither do the keys here.
KEYS = st.integers() | st.text(max_size=3) | st.sampled_from(Colour) | st.tuples(st.integers(), st.text(max_size=2))
KEYS = KEYS | st.frozensets(st.integers(), max_size=3) | st.builds(Pair, st.integers(), st.text(max_size=2))


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.lists(inner, max_size=4)
    sets = st.sets(KEYS, max_size=4)
    structs = st.builds(Pair, inner, inner) | st.builds(Box, inner) | st.builds(Sealed, inner)
    return few | few.map(tuple) | few.map(deque) | sets | sets.map(frozenset) | st.dictionaries(KEYS, inner, max_size=4) | structs


DATA = st.recursive(ATOMS, _containers, max_leaves=12)


def rebuilt(value: Any) -> Any:
    """Equal data, with sets and dicts filled in the opposite order, and nothing shared."""
    match value:
        case dict():
            return {rebuilt(k): rebuilt(v) for k, v in reversed(value.items())}
        case set() | frozenset():
            return type(value)(rebuilt(v) for v in sorted(value, key=repr, reverse=True))
        case list() | tuple() | deque():
            return type(value)(rebuilt(v) for v in value)
        case Pair(left, right):
            return Pair(rebuilt(left), rebuilt(right))
        case Box() | Sealed():
            return type(value)(rebuilt(value.content))
        case _:
            return value


def typed(value: Any) -> Any:
    """A form in which data of different types differ, written independently of `freeze`."""
    match value:
        case dict():
            return ("dict", frozenset((typed(k), typed(v)) for k, v in value.items()))
        case set() | frozenset():
            return (type(value).__name__, frozenset(map(typed, value)))
        case list() | tuple() | deque():
            return (type(value).__name__, tuple(map(typed, value)))
        case Pair(left, right):
            return ("Pair", typed(left), typed(right))
        case Box() | Sealed():
            return (type(value).__name__, typed(value.content))
        case _:
            return (type(value).__name__, value)


@given(DATA)
def test_round_trip(value: Any) -> None:
    back = thaw(freeze(value))
    assert typed(back) == typed(value)
    assert freeze(back) == freeze(value)


@given(DATA)
def test_what_is_frozen_stays_as_it_is(value: Any) -> None:
    frozen = freeze(value)
    assert freeze(frozen) == frozen
    assert freeze((frozen, [frozen])) == (frozen, Tagged((list, frozen)))
    assert isinstance(hash(frozen), int)


@given(DATA)
def test_insertion_order_leaves_no_trace(value: Any) -> None:
    assert freeze(rebuilt(value)) == freeze(value)
    assert repr(freeze(rebuilt(value))) == repr(freeze(value))


@given(DATA, DATA)
def test_different_data_has_different_forms(one: Any, other: Any) -> None:
    if freeze(one) == freeze(other) and repr(freeze(one)) == repr(freeze(other)):
        assert typed(one) == typed(other)


@pytest.mark.parametrize("value", [[1], {1}, frozenset({1}), {1: 2}, deque([1])])
def test_a_container_is_not_equal_to_a_tuple_that_looks_like_its_form(value: Any) -> None:
    name, *parts = freeze(value)  # type: ignore[misc]
    assert freeze(value) not in (freeze((name.__name__, *parts)), freeze(tuple(parts)), freeze(("Tagged", *parts)))


@given(DATA)
def test_the_live_value_does_not_share_with_the_form(value: Any) -> None:
    live = [value]
    frozen = freeze(live)
    live.append(1)
    thaw(frozen).append(2)
    assert len(thaw(frozen)) == 1


def test_caches_are_left_out_and_come_back_empty() -> None:
    box = Box(1, known={"a": 1}, size=7)
    assert freeze(box) == freeze(Box(1)) == Tagged((Box, 1))
    back = thaw(freeze(box))
    assert (back.content, back.known, back.size) == (1, {}, -1)
    assert thaw(freeze(box)).known is not back.known


def test_laws_come_back() -> None:
    laws = [Uniform(1, 2), Exponential(5)]
    assert thaw(freeze(laws)) == laws


def test_the_serial_of_a_call_is_no_state() -> None:
    assert freeze([Call("a", "t", 9)]) == freeze([Call("a", "t")])
    assert thaw(freeze(Call("a", "t", 9))) == Call("a", "t")


Point = namedtuple("Point", "x y")


class Names(dict[str, int]):
    pass


class Counter:
    """Two of these are never equal, and one would be shared by all states."""

    def __init__(self) -> None:
        self.count = 0


@pytest.mark.parametrize("value", [bytearray(b"a"), Point(1, 2), deque([1], maxlen=3), Names(a=1), Counter()])
def test_what_would_not_come_back_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be part of a node's state"):
        freeze({"deep": [value]})


@pytest.mark.parametrize("value", [Decimal("1.5"), len, freeze, int, Counter, frozenset({1})])
def test_values_functions_and_classes_are_data(value: Any) -> None:
    assert thaw(freeze([value])) == [value]


@given(st.lists(DATA, max_size=6))
def test_sort_key_orders_mixed_values_the_same_from_any_start(values: list[Any]) -> None:
    forms: list[Frozen] = [freeze(v) for v in values]
    backwards = forms[::-1]
    assert [repr(f) for f in sorted(forms, key=sort_key)] == [repr(f) for f in sorted(backwards, key=sort_key)]


NAMES = {"a": "b", "b": "c", "c": "a"}
BACK = {new: old for old, new in NAMES.items()}


@given(DATA)
def test_renaming_back_gives_the_same(value: Any) -> None:
    frozen = freeze(value)
    assert rename(rename(frozen, NAMES), BACK) == frozen
    assert rename(frozen, {}) == frozen


def test_renaming_goes_everywhere_but_into_enums() -> None:
    value = {"a": ["a", ("b", {"c"})], "b": Pair("a", Colour.RED)}
    assert thaw(rename(freeze(value), NAMES)) == {"b": ["b", ("c", {"a"})], "c": Pair("b", Colour.RED)}


def test_names_made_equal_do_not_show_their_old_order() -> None:
    votes = [{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "c": 2}]
    first, second = (rename(freeze(v), {"a": "@", "b": "*", "c": "*"}) for v in votes)
    assert first == second
