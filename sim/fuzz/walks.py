"""Many walks through a system without a clock: which promises broke, how often, and what the schedule's bound says.

A walk sees one order of events of very many, a check all of them. Walks are for what is too large to check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from sim.model.chains import width
from sim.model.explorer import Invariant
from sim.model.instant import seen_of
from sim.model.pctcp import Pctcp, bound, bound_of_any_order
from sim.model.promises import Exercised
from sim.model.system import System
from sim.model.walks import Followed, Scheduler, Uniform, Walk, shorter, walk
from sim.model.world import State
from sim.sweep.statistics import proportion_interval, zero_failures

Order: TypeAlias = Literal["pctcp", "uniform"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
MOST: Final = 1_000
"""Steps of a walk at most."""
DEPTH: Final = 3
"""Bugs that need the order of three events are many, those that need more are few (Burckhardt and others 2010, table 1)."""
TRIALS: Final = 20
"""So many even walks say beforehand how many events there are."""
KEPT: Final = 5
"""Walks that are kept of those that break a promise."""
TRIAL_SEED: Final = -1
"""The seed of the first of them; the others count down from there."""


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """A promise in all walks, or a goal: of a goal, `broken` counts the walks that reach it.

    `at_least`, `at_most`: the share that breaks it, with 95 % confidence, of walks that put it to the test.

    `ways`: seeds and choices of the walks that break it after the fewest steps, up to there, for `again`.
    """

    name: str
    walks: int
    broken: int = 0
    at_least: float = 0.0
    at_most: float = 1.0
    first_seed: int | None = None
    ways: tuple[tuple[int, tuple[int, ...]], ...] = ()
    goal: bool = False

    @property
    def steps(self) -> int | None:
        """Of the shortest of them."""
        return len(self.ways[0][1]) if self.ways else None

    @property
    def verdict(self) -> str:
        """In a word, as everywhere."""
        if self.goal:
            return "held" if self.broken else "not exercised"
        return "broken" if self.broken else "held" if self.walks else "not exercised"


@dataclass(frozen=True, slots=True)
class WalksResult:
    """`events`, `width`: the most that there were in a walk. `expected`: how many events the schedule was made for (N of its bound).

    `longer`: walks in which more arrived; `cut`: walks that did not end within `most` steps.
    """

    order: Order
    walks: int
    first_seed: int
    depth: int
    expected: int
    most: int
    events: int
    width: int
    longer: int
    cut: int
    promises: tuple[PromiseRow, ...]

    @property
    def bound(self) -> float | None:
        """How likely a walk shows a bug of this depth at least, in orders of events like these; None: nothing is known."""
        return bound(self.width, self.expected, self.depth) if self.order == "pctcp" else None

    @property
    def bound_of_any_order(self) -> float | None:
        """The same as the paper has it, for events with any number of causes."""
        return bound_of_any_order(self.width, self.expected, self.depth) if self.order == "pctcp" else None

    @property
    def missed(self) -> float | None:
        """How likely that all walks together do not show such a bug, at most."""
        return (1 - self.bound) ** self.walks if self.bound is not None else None

    def to_json(self) -> dict[str, Any]:
        """The object that `session-sim check --walks --json` prints, without its ways."""
        return {
            "walks": self.walks, "first_seed": self.first_seed, "schedule": self.order, "depth": self.depth,
            "expected_events": self.expected, "most_events": self.events, "width": self.width, "walks_with_more_events": self.longer,
            "most_steps": self.most, "did_not_end": self.cut, "bound": self.bound, "bound_of_any_order": self.bound_of_any_order,
            "probability_of_missing": self.missed,
        }  # fmt: skip


@dataclass(slots=True)
class _Sums:
    """What the walks come to so far."""

    events: int = 0
    width: int = 0
    longer: int = 0
    cut: int = 0
    exercised: dict[str, int] = field(default_factory=dict)
    broken: dict[str, list[Walk]] = field(default_factory=dict)
    """All walks that broke a promise, the rest of them cut off."""

    def add(self, one: Walk, expected: int) -> None:
        """Take a walk in."""
        self.events = max(self.events, len(one.events))
        self.width = max(self.width, width(one.events))
        self.longer += len(one.events) > expected
        self.cut += not one.ended
        for name in _exercised(one) | set(one.broken):
            self.exercised[name] = self.exercised.get(name, 0) + 1
        for name, steps in one.broken.items():
            self.broken.setdefault(name, []).append(replace(one, choices=one.choices[:steps], strides=(), events=()))


def walks(
    system: System, number: int, *, seed: int = 1, order: Order = "pctcp", depth: int = DEPTH, events: int | None = None,
    most: int = MOST, tell: Callable[[int], None] = lambda done: None,
) -> WalksResult:  # fmt: skip
    """Walk through a system many times.

    Args:
        system: what happens, and its promises.
        number: how many walks.
        seed: of the first; the others follow.
        order: who decides what happens next.
        depth: of the bugs that `pctcp` is to find: how many events have to be in order.
        events: how many arrive in a walk at most, as far as one knows; by default as many as in some even walks beforehand.
        most: steps after which a walk is cut off.
        tell: called with the number of finished walks.

    Raises:
        ValueError: there is no such order, or `depth` and `events` do not go together.
    """
    if order not in ORDERS:
        raise ValueError(f"there is no schedule {order!r} for walks; expected {' or '.join(ORDERS)}")
    expected = events if events is not None else _usual(system, depth, most)
    sums, watched = _Sums(), _watched(system)
    for nth in range(number):
        scheduler: Scheduler = Uniform(seed + nth) if order == "uniform" else Pctcp(seed + nth, depth, expected)
        sums.add(walk(system.world, scheduler, seed + nth, most, watched), expected)
        tell(nth + 1)
    rows = tuple(_row(name, system, sums, number) for name in watched)
    return WalksResult(order, number, seed, depth, expected, most, sums.events, sums.width, sums.longer, sums.cut, rows)


def again(system: System, row: PromiseRow, nth: int = 0) -> Walk:
    """A walk that breaks a promise, without what it does not need for that: the shortest, or the next of them.

    Raises IndexError when there are not so many.
    """
    seed, choices = row.ways[nth]
    promise = _watched(system)[row.name]
    taken = walk(system.world, Followed(choices), seed, len(choices), {row.name: promise})
    return shorter(system.world, taken, row.name, promise)


def _watched(system: System) -> dict[str, Invariant]:
    """What is looked for: states that break a promise, and states that reach a goal."""
    return {**system.invariants, **{name: _Not(goal) for name, goal in system.goals.items()}}


@dataclass(frozen=True, slots=True)
class _Not:
    """The opposite of a predicate."""

    goal: Invariant

    def __call__(self, state: State) -> bool:
        return not self.goal(state)


def _usual(system: System, depth: int, most: int) -> int:
    trials = (walk(system.world, Uniform(TRIAL_SEED - nth), TRIAL_SEED - nth, most) for nth in range(TRIALS))
    return max(depth, *(len(one.events) for one in trials))


def _row(name: str, system: System, sums: _Sums, number: int) -> PromiseRow:
    broken, goal = sums.broken.get(name, []), name in system.goals
    tested = sums.exercised.get(name, 0) if name in system.exercised else number
    if not broken:
        return PromiseRow(name, tested, at_most=zero_failures(tested).high, goal=goal)
    share = proportion_interval(len(broken), tested)
    shortest = sorted(broken, key=lambda one: len(one.choices))[:KEPT]
    ways = tuple((one.seed, one.choices) for one in shortest)
    return PromiseRow(name, tested, len(broken), share.low, share.high, broken[0].seed, ways, goal)


def _exercised(one: Walk) -> set[str]:
    return {seen.name for stride in one.strides for seen in seen_of(stride.outcome) if isinstance(seen, Exercised)}


__all__ = ["ORDERS", "Order", "PromiseRow", "WalksResult", "again", "walks"]
