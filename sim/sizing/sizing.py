"""Sizing: the cheapest pool of workers that meets targets under a load, with intervals, the frontier, and what breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from sim import frames
from sim.sizing.breaking import Broken, what_breaks
from sim.sizing.load import Load
from sim.sizing.measure import Decision, Effort, Measured, quantile_of
from sim.sizing.search import Costs, Frontier, Means, Progress, first_guess, least_slots, search
from sim.sizing.targets import Target
from sim.sweep.executor import Executor
from sim.sweep.statistics import Interval

if TYPE_CHECKING:
    from pandas import DataFrame


WIDER: Final = 1.2
"""What is proposed where ranges were too narrow: so much of what theory takes for enough."""


@dataclass(frozen=True, slots=True)
class Point:
    """A pool that was simulated, as a row of the frontier. `enough`: it meets the targets with the fewest workers for its slots."""

    workers: int
    slots: int
    cost: float
    decision: str
    by: str
    sessions: int
    enough: bool


COLUMNS: frames.Columns[Point] = (
    frames.count("workers", lambda p: p.workers),
    frames.count("slots", lambda p: p.slots),
    frames.count("capacity", lambda p: p.workers * p.slots),
    frames.number("cost", lambda p: p.cost),
    frames.text("decision", lambda p: p.decision),
    frames.text("by", lambda p: p.by),
    frames.count("sessions", lambda p: p.sessions),
    frames.flag("enough", lambda p: p.enough),
)


@dataclass(slots=True)
class SizeResult:
    """The answer. `pool`: the cheapest that was shown to meet all targets, None if none was. `guess`: slots by theory.

    `least`: with fewer slots the targets cannot be met, whatever the laws. `workers`, `slots`: the ranges that were allowed.
    """

    load: Load
    targets: tuple[Target, ...]
    costs: Costs
    guess: int
    least: int
    workers: range
    slots: range
    pool: Measured | None
    frontiers: list[Frontier]
    breaks: list[Broken] = field(default_factory=list)

    @property
    def points(self) -> list[Point]:
        """All pools that were simulated, in the order of slots and workers."""
        found = []
        for frontier in self.frontiers:
            for workers, m in sorted(frontier.pools.items()):
                by = "" if m.by is None else str(m.by)
                cost = self.costs.of(workers, m.slots)
                found.append(Point(workers, m.slots, cost, m.decision.value, by, m.sessions, workers == frontier.fewest))
        return found

    @property
    def most(self) -> int:
        """Slots of the largest pool that was allowed."""
        return self.workers[-1] * self.slots[-1]

    @property
    def advice(self) -> str:
        """Why there is no answer, and what to change; empty when there is one."""
        if self.pool is not None:
            return ""
        each = self.slots[-1]
        wider = ceil(WIDER * max(self.guess, self.least) / each)
        pools = f"--workers {self.workers[0]}..{max(wider, self.workers[-1] + 1)} (of up to {each} slots)"
        if self.least > self.most:
            return (
                f"None can be: the largest has {self.most:,} slots ({self.workers[-1]} workers of {each}), and with fewer than "
                f"{self.least:,} slots the targets cannot be met, whatever the laws; theory takes some {self.guess:,} for enough. "
                f"Allow more, such as {pools}, or have fewer arrivals, shorter holds, or weaker targets."
            )
        if undecided(self):
            return "Some are undecided: more --sessions (of a run) or --runs would tell."
        return f"The largest has {self.most:,} slots; theory takes some {self.guess:,} for enough. Allow more, such as {pools}."

    def intervals(self) -> dict[str, Interval]:
        """What the pool was found to do, with 95 % intervals: each target's quantity in its own unit, and the slots in use."""
        if self.pool is None:
            return {}
        found = {}
        for number, target in enumerate(self.targets):
            found[target.text] = self.pool.interval(number, 0.025)
            share = quantile_of(target)
            if share is not None:
                found[f"p{100 * share:g}(creation wait), s"] = self.pool.quantile(share)
        found["slots in use"] = self.pool.used()
        return found

    def to_json(self) -> dict[str, Any]:
        """The object that `session-sim size --json` prints, without `files`."""
        answer = None if self.pool is None else {"workers": self.pool.workers, "slots": self.pool.slots}
        return {
            "answer": answer,
            "intervals": {name: interval.plain() for name, interval in self.intervals().items()},
            "frontier": [
                {
                    "workers": p.workers, "slots": p.slots, "cost": round(p.cost, 6), "decision": p.decision, "by": p.by or None,
                    "sessions": p.sessions, "enough": p.enough,
                }
                for p in self.points
            ],
            "breaks": [{"change": b.change, "decision": b.decision.value, "by": b.by or None} for b in self.breaks],
            "offered_load": round(self.load.slots, 6),
            "guess": self.guess,
            "least_slots": self.least,
            "advice": self.advice or None,
            "targets": [target.text for target in self.targets],
        }  # fmt: skip

    def to_frame(self) -> DataFrame:
        """The pools that were simulated as a pandas frame. Raises ImportError when pandas is missing."""
        return frames.frame(COLUMNS, self.points)


def size(
    load: Load,
    workers: range,
    slots: range,
    targets: Sequence[Target],
    effort: Effort | None = None,
    costs: Costs | None = None,
    breaks: bool = True,
    say: Progress = lambda measured: None,
    jobs: int = 1,
) -> SizeResult:
    """Find the cheapest pool that meets the targets under a load.

    Args:
        load: what comes, and how long it stays.
        workers, slots: how many workers there may be, and slots of each.
        targets: all of them have to be met.
        effort: how much is simulated.
        costs: what a worker and a slot cost.
        breaks: whether to find out what would break the answer.
        say: called after every replication.
        jobs: processes; 1 runs all in this one, 0 takes as many as there are cores. The answer does not depend on it.

    Raises:
        ValueError: there is no target.
        ScenarioError: the surroundings of the load are wrong.
    """
    if not targets:
        raise ValueError("there is no target; expected at least one, such as p99(creation wait) < 1m")
    costs = costs or Costs()
    guess = first_guess(load, targets)
    with Executor(jobs) as executor:
        means = Means(effort or Effort(), say, executor)
        frontiers = _frontiers(load, workers, slots, targets, guess, means)
        enough = [f.pools[f.fewest] for f in frontiers if f.fewest is not None]
        pool = min(enough, key=lambda m: (costs.of(m.workers, m.slots), m.capacity), default=None)
        result = SizeResult(load, tuple(targets), costs, guess, least_slots(load, targets), workers, slots, pool, frontiers)
        if pool is not None and breaks:
            result.breaks = what_breaks(load, pool, targets, means)
    return result


def _frontiers(load: Load, workers: range, slots: range, targets: Sequence[Target], guess: int, means: Means) -> list[Frontier]:
    """From the most slots a worker: what was enough slots in all for one number of them is near what is for the next."""
    frontiers: list[Frontier] = []
    start = guess
    for number in reversed(slots):
        frontiers.append(search(load, workers, number, targets, start, means))
        fewest = frontiers[-1].fewest
        start = start if fewest is None else fewest * number
    return frontiers[::-1]


def undecided(result: SizeResult) -> list[Point]:
    """Pools about which the effort did not suffice."""
    return [p for p in result.points if p.decision == Decision.OPEN.value]
