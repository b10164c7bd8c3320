"""The search for something smaller, on values that are no scenarios, whose smallest is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.shrink.search import Budget, Search, delete_items, descend, longest, lower

Items = tuple[int, ...]


def search_for(start: Items, holds: Callable[[Items], bool], tries: int = 10_000) -> Search[Items, bool]:
    """Tuples of numbers; shorter ones are smaller, then those with the smaller sum."""
    return Search(start, True, lambda v: True if holds(v) else None, lambda v, _: (len(v), sum(v)), repr, Budget(tries))


def without(items: Items, numbers: Sequence[int]) -> Items:
    gone = set(numbers)
    return tuple(item for i, item in enumerate(items) if i not in gone)


def put(items: Items, number: int, place: int) -> Items:
    return (*items[:place], number, *items[place + 1 :])


def deleting(search: Search[Items, bool]) -> None:
    delete_items(search, search.value, without)


def lowering(search: Search[Items, bool]) -> None:
    for place, number in enumerate(search.value):
        lower(search, number, 0, partial(put, place=place))


@given(st.lists(st.integers(0, 100), max_size=60), st.sets(st.integers(0, 100), max_size=4))
def test_what_has_to_be_there_is_all_that_is_left(items: list[int], needed: set[int]) -> None:
    start = (*items, *sorted(needed))
    search = search_for(start, lambda v: needed <= set(v))
    assert descend(search, [deleting])
    assert sorted(search.value) == sorted(needed)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12), st.integers(0, 500))
def test_the_smallest_sum_above_a_bound_is_found(items: list[int], bound: int) -> None:
    """Holds while any number is above the bound: the smallest such value is the one number next above it."""
    start = (*items, bound + 700)
    search = search_for(start, lambda v: any(item > bound for item in v))
    assert descend(search, [deleting, lowering])
    assert search.value == (bound + 1,)


def test_few_items_among_many_cost_few_tries() -> None:
    needed = {17, 1_003, 1_004, 1_990}
    search = search_for(tuple(range(2_000)), lambda v: needed <= set(v))
    deleting(search)
    assert set(search.value) == needed
    assert search.budget.used < 40 * len(needed)


def test_pairs_that_go_together_are_left_out_together() -> None:
    """An item without its partner does not hold: only runs of two can go."""

    def paired(v: Items) -> bool:
        return 100 in v and all((item ^ 1) in v for item in v if item < 100)

    search = search_for((*range(20), 100), paired)
    descend(search, [deleting])
    assert search.value == (100,)


def test_so_many_as_have_to_stay_do() -> None:
    search = search_for((5, 6, 7, 8), lambda v: True)
    delete_items(search, search.value, without, least=1)
    assert len(search.value) == 1


def test_the_end_is_the_end() -> None:
    """At the end no pass finds anything: a second search from there tries and changes nothing more."""

    def odd(v: Items) -> bool:
        return sum(v) % 7 == 3

    first = search_for((40, 1, 9, 30, 30), odd)
    assert descend(first, [deleting, lowering])
    second = search_for(first.value, odd)
    assert descend(second, [deleting, lowering])
    assert second.value == first.value


def test_the_budget_is_kept_and_the_best_so_far_is_what_there_is() -> None:
    search = search_for(tuple(range(100)), lambda v: {3, 50, 97} <= set(v), tries=12)
    assert not descend(search, [deleting])
    assert search.budget.used == 12
    assert {3, 50, 97} <= set(search.value)
    assert len(search.value) < 100


def test_nothing_is_tried_twice_and_only_what_is_smaller_is_taken() -> None:
    seen: list[Items] = []

    def noting(v: Items) -> bool:
        seen.append(v)
        return True

    search = search_for((2, 2), noting)
    assert not search.consider((1, 1, 1))
    assert not search.consider((1, 1, 1))
    assert search.consider((1,))
    assert seen == [(1, 1, 1), (1,)]


def test_a_detour_counts_only_if_it_leads_to_something_smaller() -> None:
    """2 in the middle may only go when two ones are in its place."""

    def split(v: Items) -> bool:
        return v in ((4, 4), (3, 1, 4), (1, 4))

    search = search_for((4, 4), split)
    assert not search.consider((3, 1, 4))
    assert search.detour((3, 1, 4), lambda aside: delete_items(aside, aside.value, without))
    assert search.value == (1, 4)
    assert not search_for((4, 4), split).detour((3, 1, 4), lambda aside: None)
    assert not search_for((4, 4), split).detour((9, 9), deleting)


@pytest.mark.parametrize("bound", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 100])
def test_the_longest_that_fits(bound: int) -> None:
    assert longest(lambda n: n <= bound) == bound
