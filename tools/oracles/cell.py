"""One row of the table: a simulated queue of sessions without faults, and the same arrivals and holds in an ideal queue.

The ideal queue is driven by what the simulation drew, so that luck is common to both and their difference is the protocol's. Its
holds are longer by the protocol's own occupation of a slot, which the simulation measures; theory knows the mean for those holds.
Hence the estimate of the mean wait: theory + mean of (simulated - ideal), whose interval is far narrower than that
of the simulated waits alone (a control variate with coefficient 1; A. M. Law, Simulation Modeling and Analysis, chapter 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, inf
from statistics import fmean
from typing import Final

import numpy as np
from scipy import stats

from sim.model.laws import Exponential, Law, LogNormal
from sim.scenario.run import run
from sim.sizing import recursion
from sim.sizing.journeys import NOT_YET, Journey, Journeys
from sim.sizing.load import LONGEST, Load, scenario_of, squared_variation
from sim.sizing.theory import Spread, Waiting, allen_cunneen

SECOND: Final = 1_000_000
BATCHES: Final = 10
"""Of each seed's sessions; their means are nearly independent."""
PARTS: Final = 30
"""Of all sessions of a cell, for the protocol's own times, which hardly depend on each other."""
CUSTOMERS: Final = 5_000_000
"""Of the ideal queue by itself."""

LEAST_READ: Final = 50
MOST_READ: Final = 150
"""Microseconds that the transfer queue's read of a creation activity takes."""

READ: Final = (LEAST_READ + MOST_READ) // 2

QUIET: Final = {
    "cluster": {"partitions": 1, "history_shards": 64},
    "network": {"request": {"uniform": ["50us", "150us"]}, "response": {"uniform": ["50us", "150us"]}},
    "latencies": {"transfer_read": {"uniform": [f"{LEAST_READ}us", f"{MOST_READ}us"]}, "timer_lateness": {"uniform": ["50us", "150us"]}},
}  # fmt: skip
"""A cluster that is quick, so that holds of seconds are thousands of times the protocol's own. 64 shards: their limits of 20 reads
a second (P4.6.11) are no part of the question."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`load`: offered load a slot. `patience_s`: CreationTimeout, None for none. `law`: of holds, microseconds."""

    workers: int
    slots: int
    load: float
    law: Law
    patience_s: float | None = None

    @property
    def servers(self) -> int:
        """Slots in all."""
        return self.workers * self.slots

    @property
    def exact(self) -> bool:
        """Whether theory is exact, but for what the overhead's shape changes."""
        return isinstance(self.law, Exponential)

    @property
    def rate(self) -> float:
        """Arrivals a second."""
        return self.load * self.servers / (self.law.mean() / SECOND)

    def load_of_sessions(self) -> Load:
        """The load as the simulator takes it."""
        timeout = LONGEST if self.patience_s is None else round(self.patience_s * SECOND)
        return Load(Exponential(round(SECOND / self.rate)), self.law, timeout, 3600 * SECOND, surroundings=QUIET)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with the half-width of its 95 % interval."""

    mean: float
    reach: float


@dataclass(frozen=True, slots=True)
class Overhead:
    """Where sessions spend time beside waiting and working, mean seconds.

    `before`: first workflow task and transfer queue, until the creation activity can be given to a worker: not on a slot.
    `starting`: from its recorded start to the work (signal, workflow task, transfer queue, dispatch). `ending`: from the end of
    the work to the free slot (its report, workflow task, completion activity). `turning`: until the freed slot's next poll has a
    waiting session. The last three occupy a slot.
    """

    before: Estimate
    starting: Estimate
    ending: Estimate
    turning: Estimate

    @property
    def on_slot(self) -> float:
        """Seconds of a slot that a session takes beside its work."""
        return self.starting.mean + self.ending.mean + self.turning.mean


@dataclass(frozen=True, slots=True)
class Row:
    """A cell and what came out; waits in seconds, of those who were served. `longest`: the longest of them.

    `pure`: theory without the protocol's overhead. `theory`: with it, as a part of the hold. `ideal`: the ideal queue with draws of
    its own. `raw`: the simulated mean by itself; `simulated`: by the control variate. `p`: of the hypothesis that simulated and
    theory are equal; None where theory is an approximation. `*_lost`: shares of creations that timed out.
    """

    cell: Cell
    sessions: int
    longest: float
    overhead: Overhead
    pure: float
    theory: float
    ideal: Estimate
    raw: Estimate
    simulated: Estimate
    p: float | None
    theory_lost: float
    simulated_lost: Estimate
    p_lost: float | None

    @property
    def error(self) -> float:
        """Simulated less theory, over theory; 0 when both are too small to matter."""
        return (self.simulated.mean - self.theory) / self.theory if self.theory > 1e-6 else 0.0

    @property
    def width(self) -> float:
        """Half-width of the interval over theory."""
        return self.simulated.reach / self.theory if self.theory > 1e-6 else 0.0


def measured(cell: Cell, seeds: Sequence[int], sessions: int, warm_up: int) -> Row:
    """Simulate a cell: `sessions` of each seed count, after `warm_up` others."""
    journeys = [_simulated(cell, seed, sessions + warm_up) for seed in seeds]
    counted = [j for one in journeys for j in one[warm_up:]]
    overhead = _overhead(counted)
    ideal = [_ideal(cell, one, overhead.on_slot) for one in journeys]
    pairs = [pair for one, waits in zip(journeys, ideal, strict=True) for pair in _batches(one, waits, warm_up)]
    exact = ideal_mean(cell, overhead.on_slot, CUSTOMERS, seed=1)
    theory, lost = _theory(cell, overhead.on_slot)
    by_pairs, p = _difference([pair.served for pair in pairs])
    base, reach = (theory, by_pairs.reach) if cell.exact else (exact.mean, hypot(by_pairs.reach, exact.reach))
    lost_by_pairs, p_lost = _difference([pair.lost for pair in pairs])
    return Row(
        cell=cell,
        sessions=len(counted),
        longest=max((j.queueing for j in counted if not j.timed_out), default=0) / SECOND,
        overhead=overhead,
        pure=_theory(cell, 0.0)[0],
        theory=theory,
        ideal=exact,
        raw=_raw(pairs),
        simulated=Estimate(base + by_pairs.mean, reach),
        p=p if cell.exact else None,
        theory_lost=lost,
        simulated_lost=Estimate(lost + lost_by_pairs.mean, lost_by_pairs.reach),
        p_lost=p_lost if cell.patience_s is not None else None,
    )


def _simulated(cell: Cell, seed: int, sessions: int) -> list[Journey]:
    watcher = Journeys()
    run(scenario_of(cell.load_of_sessions(), cell.workers, cell.slots, sessions), seed, properties=(), observers=[watcher], elide=True)
    lost = [j for j in watcher.all if j.closed == NOT_YET or not (j.timed_out or j.created != NOT_YET)]
    if lost:
        raise RuntimeError(
            f"{len(lost)} of {sessions} sessions neither came to be nor timed out, the first arrived at {lost[0].arrived} us"
        )
    return watcher.all


def _overhead(journeys: Sequence[Journey]) -> Overhead:
    made = [j for j in journeys if j.freed != NOT_YET]
    # Who was given a slot that had just become free waited for it: what it had been free for is the time of the poll.
    turning = [j.idle_before for j in made if 0 <= j.idle_before < j.queueing]
    return Overhead(
        _of_parts([j.queued - j.arrived + READ for j in made]),
        _of_parts([j.worked - j.begun for j in made]),
        _of_parts([j.freed - j.done for j in made]),
        _of_parts(turning),
    )


def _of_parts(times: Sequence[int]) -> Estimate:
    """The mean of times in microseconds, in seconds; its interval is that of the means of some parts in a row."""
    if len(times) < 2 * PARTS:
        return Estimate(fmean(times) / SECOND if times else 0.0, inf if times else 0.0)
    means = [float(part.mean()) / SECOND for part in np.array_split(np.array(times), PARTS)]
    return Estimate(fmean(means), _reach(means))


def _ideal(cell: Cell, journeys: Sequence[Journey], extra_s: float) -> list[int]:
    """The waits of the ideal queue on the same arrivals and works; who left early never worked, so its work is the mean."""
    mean, extra = cell.law.mean(), extra_s * SECOND
    holds = (round((j.work if j.done != NOT_YET else mean) + extra) for j in journeys)
    patience = None if cell.patience_s is None else round(cell.patience_s * SECOND)
    return list(recursion.waits((j.queued + READ for j in journeys), holds, cell.servers, patience))


def _wait(journey: Journey) -> int:
    """What a session waited for a slot: not for the read of its creation activity, which comes first and takes READ on average."""
    return journey.queueing - READ if journey.queueing > MOST_READ else 0


@dataclass(frozen=True, slots=True)
class _Pair:
    """Of a batch: (simulated, ideal), mean wait of the served in seconds, and share of the lost."""

    served: tuple[float, float]
    lost: tuple[float, float]


def _batches(journeys: Sequence[Journey], ideal: Sequence[int], warm_up: int) -> list[_Pair]:
    size = (len(journeys) - warm_up) // BATCHES
    pairs = []
    for start in range(warm_up, warm_up + BATCHES * size, size):
        ours, theirs = journeys[start : start + size], ideal[start : start + size]
        waits = [_wait(j) / SECOND for j in ours if not j.timed_out]
        ideals = [w / SECOND for w in theirs if w != recursion.LEFT]
        pairs.append(_Pair((fmean(waits), fmean(ideals)), (1 - len(waits) / size, 1 - len(ideals) / size)))
    return pairs


def _raw(pairs: Sequence[_Pair]) -> Estimate:
    values = [pair.served[0] for pair in pairs]
    return Estimate(fmean(values), _reach(values))


def _difference(pairs: Sequence[tuple[float, float]]) -> tuple[Estimate, float]:
    values = [ours - ideal for ours, ideal in pairs]
    if len(set(values)) == 1:  # nobody waited, in either
        return Estimate(values[0], 0.0), 1.0 if values[0] == 0 else 0.0
    return Estimate(fmean(values), _reach(values)), float(stats.ttest_1samp(values, 0.0).pvalue)


def _reach(values: Sequence[float]) -> float:
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def _theory(cell: Cell, extra_s: float) -> tuple[float, float]:
    """Mean wait of the served, seconds, and share of the lost, with holds longer by so much.

    What is added is always the same, so that holds vary a little less than exponential ones: without patience that is a factor by
    Allen and Cunneen (exact for one slot), with it nothing that could be seen.
    """
    mean = cell.law.mean() / SECOND
    hold = mean + extra_s
    if cell.patience_s is None:
        spread = Spread(holds=squared_variation(cell.law) * (mean / hold) ** 2)
        return allen_cunneen(cell.servers, cell.rate, hold, spread), 0.0
    queue = Waiting(cell.servers, cell.rate, hold, cell.patience_s)
    return queue.mean_served, queue.lost


def ideal_mean(cell: Cell, extra_s: float, customers: int, seed: int) -> Estimate:
    """The ideal queue's mean wait by itself, of many customers with draws of NumPy: whether theory and recursion agree."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(SECOND / cell.rate, customers)).astype(np.int64).tolist()
    if isinstance(cell.law, LogNormal):
        works = cell.law.median * np.exp(cell.law.sigma_milli / 1000 * rng.standard_normal(customers))
    else:
        works = rng.exponential(cell.law.mean(), customers)
    holds = (works + extra_s * SECOND).astype(np.int64).tolist()
    patience = None if cell.patience_s is None else round(cell.patience_s * SECOND)
    waits = np.array(list(recursion.waits(arrivals, holds, cell.servers, patience)))[customers // 20 :]
    values = [float(part[part != recursion.LEFT].mean()) / SECOND for part in np.array_split(waits, 40)]
    return Estimate(fmean(values), _reach(values))
