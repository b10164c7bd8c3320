"""The search: for each number of slots a worker may have, the fewest workers that meet the targets.

Queueing theory says where to begin. From there the search goes down while pools meet the targets and up while they do not; more
workers of the same slots are taken to be at least as good. Pools that theory proves too small are not simulated: with fewer slots
than the offered load a share of at least 1 - slots / load gets none, whatever the laws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.sizing.load import Load
from sim.sizing.measure import Decision, Effort, Measured, measure
from sim.sizing.targets import Kind, Target
from sim.sizing.theory import allen_cunneen, enough_servers
from sim.sweep.executor import Executor

Progress = Callable[[Measured], None]
TIMEOUTS: Final = (Kind.QUANTILE, Kind.LONG_WAIT, Kind.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a pool costs: so much for each worker, so much for each slot of it."""

    worker: float = 1.0
    slot: float = 0.1

    def of(self, workers: int, slots: int) -> float:
        """The cost of a pool."""
        return workers * (self.worker + slots * self.slot)


@dataclass(slots=True)
class Frontier:
    """For one number of slots: the pools that were simulated, by workers, and the fewest that do (None: none within the range)."""

    slots: int
    pools: dict[int, Measured] = field(default_factory=dict)
    fewest: int | None = None
    proven_short: int = 0
    """With so many workers or fewer there are fewer slots than theory requires."""


def first_guess(load: Load, targets: Sequence[Target]) -> int:
    """How many slots theory takes for enough, for the most demanding target."""
    return max(_guess(load, target) for target in targets)


def _guess(load: Load, target: Target) -> int:
    rate, hold, patience = load.rate, load.hold_s, load.creation_timeout / 1e6
    match target.kind:
        case Kind.QUANTILE | Kind.LONG_WAIT:
            within = min(target.time / 1e6, patience)
            return enough_servers(rate, hold, within, 1 - target.limit, load.spread, patience)
        case Kind.TIMEOUT:
            return enough_servers(rate, hold, patience, 1 - target.limit, load.spread, patience)
        case Kind.MEAN:
            return _for_mean(load, target.limit)
        case Kind.FAILURE:  # no question of slots
            return max(1, math.ceil(load.slots))


def _for_mean(load: Load, limit: float) -> int:
    servers = math.floor(load.slots) + 1
    while allen_cunneen(servers, load.rate, load.hold_s, load.spread) > limit:
        servers += 1
    return servers


def least_slots(load: Load, targets: Sequence[Target]) -> int:
    """With fewer slots the targets cannot be met: who is served takes up slots, and a target limits who is not."""
    shares = [target.limit for target in targets if target.kind in TIMEOUTS]
    return math.ceil(load.slots * (1 - min(shares))) if shares else 1


@dataclass(frozen=True, slots=True)
class Means:
    """With what a search is done: the effort for each pool, who is told after each replication, and who runs them."""

    effort: Effort
    say: Progress
    executor: Executor | None = None

    def measured(self, load: Load, workers: int, slots: int, targets: Sequence[Target]) -> Measured:
        """Simulate a pool until it is decided, or the effort is spent."""
        measured = None
        for measured in measure(load, workers, slots, targets, self.effort, self.executor):
            self.say(measured)
        assert measured is not None
        return measured


def search(load: Load, workers: range, slots: int, targets: Sequence[Target], start: int, means: Means) -> Frontier:
    """Find the fewest workers of so many slots; `start`: slots in all at which to begin.

    Raises:
        ScenarioError: the surroundings of the load are wrong.
    """
    frontier = Frontier(slots, proven_short=(least_slots(load, targets) - 1) // slots)
    low, high = max(workers.start, frontier.proven_short + 1), workers.stop - 1
    at = min(max(low, math.ceil(start / slots)), high)
    if low > high:
        return frontier
    too_few = low - 1
    while True:
        measured = frontier.pools[at] = means.measured(load, at, slots, targets)
        if measured.decision is Decision.MEETS:
            frontier.fewest = at
        else:
            too_few = max(too_few, at)
        following = _next(frontier.fewest, too_few, high)
        if following is None:
            return frontier
        at = following


def _next(fewest: int | None, too_few: int, high: int) -> int | None:
    """Down by a twentieth while it is enough, up by as much while it is not: the guess is near, and halves would be far off."""
    if fewest is None:
        return None if too_few >= high else min(high, too_few + max(1, too_few // 20))
    if fewest - too_few <= 1:
        return None
    # Nothing is known to be too few yet: a step as small as that upwards, for far below is certain to fail and tells nothing.
    return max(too_few + 1, fewest - max(1, fewest // 20))
