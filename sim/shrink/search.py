"""The search for something smaller: a value, what was seen when it was tried, and a measure that every step has to lower.

The theory is that of Hypothesis' shrinker (D. R. MacIver, A. F. Donaldson, "Test-case reduction via test-case generation", ECOOP
2020) and of delta debugging (A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input", 2002): *passes* propose
candidates, a candidate is taken when it still holds and its measure is below that of the best value so far, and passes are
repeated until a whole round of them takes nothing. A measure is a tuple of natural numbers, compared from the left, so there
is no endless descent: the search ends by itself, at a value that no pass can lower, or when its budget is spent.

Nothing here knows what a value is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

V = TypeVar("V")
"""What is made smaller."""
E = TypeVar("E")
"""What was seen when a value was tried."""

Measure = tuple[int, ...]

PAIRS: Final = 50
"""In lists that are not longer two neighbours are tried together where one alone has to stay."""


@dataclass(slots=True)
class Budget:
    """How often something may be tried: `most` times, and only until `stop` says so; `used` counts."""

    most: int
    used: int = 0
    stop: Callable[[], bool] = lambda: False

    @property
    def spent(self) -> bool:
        return self.used >= self.most or self.stop()


class Search(Generic[V, E]):
    """The best value so far. It changes by `consider` alone, and only downwards."""

    def __init__(
        self,
        value: V,
        evidence: E,
        attempt: Callable[[V], E | None],
        measure: Callable[[V, E], Measure],
        key: Callable[[V], str],
        budget: Budget,
    ) -> None:
        """
        Args:
            value: where to begin; it holds.
            evidence: what was seen of it.
            attempt: tries a value: what was seen, None when it does not hold (or is no possible value).
            measure: what has to become less.
            key: the same for equal values.
            budget: how often `attempt` may be called.
        """
        self.value = value
        self.evidence = evidence
        self.budget = budget
        self._attempt = attempt
        self._measure = measure
        self._key = key
        self._tried: set[str] = {key(value)}

    @property
    def measure(self) -> Measure:
        """The best value's measure."""
        return self._measure(self.value, self.evidence)

    def consider(self, candidate: V) -> bool:
        """Try a candidate: whether it is the best value now. One that was tried before is not tried again."""
        key = self._key(candidate)
        if key in self._tried or self.budget.spent:
            return False
        self._tried.add(key)
        self.budget.used += 1
        evidence = self._attempt(candidate)
        if evidence is None or self._measure(candidate, evidence) >= self.measure:
            return False
        self.value, self.evidence = candidate, evidence
        return True

    def detour(self, start: V, then: Callable[[Search[V, E]], None]) -> bool:
        """Go on from a value that need not be smaller: whether what `then` makes of it is the best value now."""
        if self.budget.spent:
            return False
        self.budget.used += 1
        evidence = self._attempt(start)
        if evidence is None:
            return False
        aside = Search(start, evidence, self._attempt, self._measure, self._key, self.budget)
        then(aside)
        if aside.measure >= self.measure:
            return False
        self.value, self.evidence = aside.value, aside.evidence
        self._tried.add(self._key(self.value))
        return True


Pass = Callable[[Search[V, E]], None]
"""Proposes candidates to a search."""


def descend(search: Search[V, E], passes: Sequence[Pass[V, E]]) -> bool:
    """Repeat the passes until a round of them changes nothing: whether that was reached within the budget."""
    while not search.budget.spent:
        before = search.measure
        for one in passes:
            one(search)
        if search.measure == before:
            return not search.budget.spent
    return False


def delete_items(search: Search[V, E], items: Sequence[object], without: Callable[[V, Sequence[int]], V], least: int = 0) -> None:
    """Leave out items of a list, from its end, in runs as long as will do.

    All at once is tried first. Then, from the end: one item, and as long as that holds two, three, four, eight, ... of them.
    So k items that have to stay among n cost some 2 k log n tries instead of n, and afterwards no single item can be left out
    if leaving out more never makes it hold again. In short lists neighbours are tried together, too: what begins something and
    what ends it.

    Args:
        search: its value has the list.
        items: the list.
        without: the value with the items of these numbers left out, of the value as it is at the call.
        least: so many items have to stay.
    """
    start, count = search.value, len(items)
    if count > least == 0 and search.consider(without(start, range(count))):
        return
    gone: frozenset[int] = frozenset()
    end = count
    while end > 0 and not search.budget.spent:
        fits = partial(_fits, search, without, start, gone, end, min(end, count - len(gone) - least))
        length = longest(fits)
        if not length and count <= PAIRS and fits(2):
            length = 2
        gone |= set(range(end - length, end))
        end -= length + 1


def _fits(
    search: Search[V, E], without: Callable[[V, Sequence[int]], V], start: V, gone: frozenset[int], end: int, most: int, length: int
) -> bool:
    """Whether so many items before the item `end` can be left out, too."""
    return length <= most and search.consider(without(start, sorted(gone | set(range(end - length, end)))))


def longest(fits: Callable[[int], bool]) -> int:
    """The largest number that fits, found by looking at one, two, three, four, eight, ... and then by halving; 0 always fits."""
    low = 0
    for small in (1, 2, 3, 4):
        if not fits(small):
            return low
        low = small
    high = 8
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


def lower(search: Search[V, E], number: int, least: int, put: Callable[[V, int], V]) -> None:
    """Make a whole number smaller: the least there may be, by halving the way to it, then one by one.

    Args:
        search: its value has the number.
        number: the number as it is.
        least: the smallest that may be tried.
        put: the value with another number.
    """
    if number <= least or search.consider(put(search.value, least)):
        return
    low = least  # does not hold
    while number - low > 1 and not search.budget.spent:
        middle = (low + number) // 2
        if search.consider(put(search.value, middle)):
            number = middle
        else:
            low = middle
    if number - 1 > least:
        search.consider(put(search.value, number - 1))


__all__ = ["Budget", "Measure", "Pass", "Search", "delete_items", "descend", "longest", "lower"]
