"""Graphs of objects that refer to each other, written down and made again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model.graphs import Forms, Graph


@dataclass(slots=True, eq=False)
class Room:
    name: str
    since: int | None = None
    guests: dict[str, Guest] = field(default_factory=dict)
    past: deque[int] = field(default_factory=lambda: deque(maxlen=3))


@dataclass(slots=True, eq=False)
class Guest:
    name: str
    room: Room | None
    bags: list[Any] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)


def hotel(*guests: str) -> dict[str, Room]:
    """Two rooms; all guests are in the first one, in this order."""
    first, second = Room("a", 7, past=deque([1, 2], 3)), Room("b")
    for name in guests:
        first.guests[name] = Guest(name, first, [(name, second)], {name, "x"})
    return {"a": first, "b": second}


def test_what_comes_back_refers_as_it_did() -> None:
    back = Graph(hotel("g1", "g2")).thaw()
    first, second = back["a"], back["b"]
    assert first.guests["g1"].room is first.guests["g2"].room is first
    assert first.guests["g1"].bags[0][1] is second
    assert (first.past, first.past.maxlen, second.guests, first.guests["g2"].marks) == (deque([1, 2]), 3, {}, {"g2", "x"})


def test_each_thaw_is_its_own() -> None:
    graph = Graph(hotel("g1"))
    graph.thaw()["a"].guests.clear()
    graph.thaw()["b"].guests["new"] = None
    assert graph == Graph(hotel("g1"))


def test_the_order_of_entries_does_not_count() -> None:
    assert Graph(hotel("g1", "g2")) == Graph(hotel("g2", "g1"))
    assert hash(Graph(hotel("g1", "g2"))) == hash(Graph(hotel("g2", "g1")))
    assert Graph(hotel("g1")) != Graph(hotel("g2"))


def test_who_is_whom_counts() -> None:
    shared, apart = [Room("a")] * 2, [Room("a"), Room("a")]
    assert Graph(shared) != Graph(apart)


def test_other_names() -> None:
    # The names change places in the order of keys, and with them the numbers of what is met.
    renamed = Graph(hotel("g1", "g2")).rename({"g1": "g9", "x": "y"})
    assert renamed == Graph(_marked(hotel("g9", "g2")))
    assert renamed.thaw()["a"].guests["g9"].bags[0][0] == "g9"


@given(st.lists(st.sampled_from(["g1", "g2", "g3", "x"]), unique=True), st.permutations(["g1", "g2", "g3", "x"]))
def test_other_names_give_what_was_made_with_them(guests: list[str], names: list[str]) -> None:
    # Sometimes keys stay in order, sometimes those of a set or a dict do not.
    others = dict(zip(["g1", "g2", "g3", "x"], names, strict=True))
    expected = hotel(*(others[name] for name in guests))
    for guest in expected["a"].guests.values():
        guest.marks = {guest.name, others["x"]}
    assert Graph(hotel(*guests)).rename(others) == Graph(expected)


def _marked(rooms: dict[str, Room]) -> dict[str, Room]:
    for guest in rooms["a"].guests.values():
        guest.marks = {guest.name, "y"}
    return rooms


def test_a_name_that_is_nowhere_leaves_the_graph_as_it_is() -> None:
    graph = Graph(hotel("g1"))
    assert graph.rename({"nobody": "somebody"}) is graph


def test_blanks_read_0_where_anything_is() -> None:
    forms = Forms({Room: ("since",)})
    one, other = hotel("g1"), hotel("g1")
    other["a"].since = 8
    assert Graph(one) != Graph(other)
    assert Graph(one, forms) == Graph(other, forms)
    back = Graph(one, forms).thaw()
    assert (back["a"].since, back["b"].since) == (0, None)
    assert one["a"].since == 7


def test_a_blank_that_is_no_field_is_refused() -> None:
    with pytest.raises(ValueError, match="until"):
        Graph(hotel(), Forms({Room: ("until",)}))


def test_functions_are_refused() -> None:
    with pytest.raises(TypeError, match="dataclasses"):
        Graph(Guest("g", None, [(n for n in "ab")]))
