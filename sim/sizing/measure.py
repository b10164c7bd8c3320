"""Simulates one pool under a load until its targets are decided: a sequential test over replications.

Sessions of one run are not independent of each other; runs of different seeds are, and so, nearly, are batches of a run that last five
relaxation times of the queue and more. Each batch gives one value per target, and after every replication each target's interval is
looked at. An interval is the wider of Student's over the batches and, for shares, that of Clopper and Pearson over all sessions: the
former knows how sessions cling together, the latter what it means that none was bad yet. The error of 5 % is divided among all looks
and both sides (Bonferroni), so that looking often does not make wrong decisions likely.

Seeds are the same for every pool, and draws are keyed: pools meet the same arrivals and holds (common random numbers).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Final, NamedTuple

from sim.scenario.run import run
from sim.sizing.journeys import NOT_YET, Journey, Journeys
from sim.sizing.load import Load, scenario_of
from sim.sizing.targets import Kind, Target
from sim.sizing.theory import relaxation
from sim.sweep.executor import Executor
from sim.sweep.jobs import Job
from sim.sweep.statistics import Interval, mean_interval, proportion_interval

FUNCTION: Final = "sim.sizing.measure:replicate"
ALPHA: Final = 0.05
BATCHES: Final = 5
"""Of a replication at most."""
SESSION_S: Final = 3e-3
HEARTBEAT_S: Final = 3e-5
"""What a session, and each of its heartbeats, takes of a core: roughly, to say beforehand how long a search takes."""
MOST_BETWEEN_S: Final = 10.0
"""Seconds between heartbeats at most (P3.6.1)."""
APART: Final = 5
"""Relaxation times that a batch lasts at least, if there is more than one."""


class Decision(Enum):
    """Whether a pool meets all its targets."""

    MEETS = "meets"
    FAILS = "fails"
    OPEN = "undecided"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is simulated: sessions that count in each replication, and replications at most."""

    sessions: int = 1_000
    replications: int = 10
    first_seed: int = 1

    def __post_init__(self) -> None:
        if self.sessions < BATCHES or self.replications < 1:
            raise ValueError(f"{self.sessions} sessions, {self.replications} runs; expected at least {BATCHES} sessions and 1 run")

    @property
    def alpha(self) -> float:
        """The error of one side of one look."""
        return ALPHA / 2 / self.replications


@dataclass(frozen=True, slots=True)
class Batch:
    """Some sessions in a row: of each target its value, and its bad sessions (0 for a mean); waits in seconds of those with a session."""

    values: tuple[float, ...]
    bad: tuple[int, ...]
    sessions: int
    waits: tuple[float, ...]
    used: float
    """Slots in use, mean."""


@dataclass(slots=True)
class Measured:
    """A pool of workers, what was simulated of it, and what that decides."""

    workers: int
    slots: int
    targets: tuple[Target, ...]
    effort: Effort
    replications: int = 0
    batches: list[Batch] = field(default_factory=list)
    decision: Decision = Decision.OPEN
    by: Target | None = None
    """The first target that fails."""

    @property
    def capacity(self) -> int:
        """Slots in all."""
        return self.workers * self.slots

    @property
    def sessions(self) -> int:
        """That count, over all batches."""
        return sum(b.sessions for b in self.batches)

    def interval(self, number: int, alpha: float) -> Interval:
        """What is held to the limit of the target of this number, with `alpha` on either side."""
        level = 1 - 2 * alpha
        values = [b.values[number] for b in self.batches]
        if inf in values:
            return Interval(inf, min(values), inf, len(values), level)
        mean = mean_interval(values, level)
        if not self.targets[number].is_share:
            return _positive(mean)
        share = proportion_interval(sum(b.bad[number] for b in self.batches), self.sessions, level)
        return Interval(mean.estimate, max(0.0, min(share.low, mean.low)), min(1.0, max(share.high, mean.high)), mean.n, level)

    def quantile(self, share: float) -> Interval:
        """The wait that `share` of all sessions do not exceed, seconds, with its 95 % interval over batches."""
        values = [_quantile(b, share) for b in self.batches]
        if inf in values:
            return Interval(sorted(values)[len(values) // 2], min(values), inf, len(values))
        return _positive(mean_interval(values))

    def used(self) -> Interval:
        """Slots in use, with the 95 % interval."""
        return _positive(mean_interval([b.used for b in self.batches]))

    def decide(self) -> None:
        """Look at what there is."""
        verdicts = [self._verdict(number) for number in range(len(self.targets))]
        if Decision.FAILS in verdicts:
            self.decision, self.by = Decision.FAILS, self.targets[verdicts.index(Decision.FAILS)]
        elif all(verdict is Decision.MEETS for verdict in verdicts):
            self.decision = Decision.MEETS

    def _verdict(self, number: int) -> Decision:
        interval, limit = self.interval(number, self.effort.alpha), self.targets[number].limit
        if interval.high < limit:
            return Decision.MEETS
        return Decision.FAILS if interval.low > limit else Decision.OPEN


def _positive(interval: Interval) -> Interval:
    return Interval(interval.estimate, max(0.0, interval.low), interval.high, interval.n, interval.level)


class Task(NamedTuple):
    """One replication of a pool, for any process."""

    load: Load
    workers: int
    slots: int
    targets: tuple[Target, ...]
    effort: Effort
    seed: int


def measure(
    load: Load, workers: int, slots: int, targets: Sequence[Target], effort: Effort, executor: Executor | None = None
) -> Iterator[Measured]:
    """Simulate a pool; after each replication what is known is given, until it is decided or the effort is spent.

    With an executor of several processes replications run ahead; what counts is the shortest prefix, in the order of seeds, that
    decides, so that the answer does not depend on how many there are.

    Raises:
        ScenarioError: the surroundings of the load are wrong.
    """
    measured = Measured(workers, slots, tuple(targets), effort)
    seeds = range(effort.first_seed, effort.first_seed + effort.replications)
    jobs = (Job(FUNCTION, Task(load, workers, slots, measured.targets, effort, seed)) for seed in seeds)
    results = (executor or Executor()).results(jobs, effort.replications)
    for _, batches in results:
        measured.batches += batches
        measured.replications += 1
        measured.decide()
        yield measured
        if measured.decision is not Decision.OPEN:
            return


def replicate(task: Task) -> list[Batch]:
    """One replication of a pool, in batches."""
    load, workers, slots, targets, effort, seed = task
    warm_up = warming(load, workers * slots)
    watcher = Journeys()
    run(scenario_of(load, workers, slots, warm_up + effort.sessions), seed, properties=(), observers=[watcher], elide=True)
    size = effort.sessions // batches_of(load, workers * slots, effort.sessions)
    starts = range(warm_up, warm_up + effort.sessions - size + 1, size)
    return [_batch(watcher.all, watcher.all[start : start + size], targets) for start in starts]


def _batch(everybody: Sequence[Journey], counted: Sequence[Journey], targets: Sequence[Target]) -> Batch:
    return Batch(
        tuple(target.value(counted) for target in targets),
        tuple(sum(map(target.bad, counted)) if target.is_share else 0 for target in targets),
        len(counted),
        tuple(j.wait / 1e6 for j in counted if j.wait != NOT_YET),
        _used(everybody, counted),
    )


def takes(load: Load, servers: int, sessions: int) -> tuple[int, float]:
    """How many sessions a run of a pool has if so many count, and roughly how many seconds of one core it takes."""
    number = warming(load, servers) + sessions
    beats = load.hold_s / min(load.heartbeat_timeout / 3e6, MOST_BETWEEN_S)
    return number, number * (SESSION_S + HEARTBEAT_S * beats)


def forgets(load: Load, servers: int) -> float:
    """How long a pool takes to forget, seconds: its relaxation time, at least a hold and at most ten (then it is at its limit)."""
    hold = load.hold_s
    lasts = relaxation(servers, load.rate, hold) if load.slots < servers else 10 * hold
    return min(max(lasts, hold), 10 * hold)


def batches_of(load: Load, servers: int, sessions: int) -> int:
    """Into how many batches a replication may be divided."""
    return max(1, min(BATCHES, int(sessions / (load.rate * APART * forgets(load, servers)))))


def warming(load: Load, servers: int) -> int:
    """How many sessions come before those that count: those of three times what the pool takes to forget its start."""
    return round(load.rate * 3 * forgets(load, servers))


def _used(everybody: Sequence[Journey], counted: Sequence[Journey]) -> float:
    since, until = counted[0].arrived, counted[-1].arrived
    area = 0
    for j in everybody:
        if j.begun == NOT_YET:
            continue
        end = j.freed if j.freed != NOT_YET else j.closed if j.closed != NOT_YET else until
        area += max(0, min(end, until) - max(j.begun, since))
    return area / max(1, until - since)


def _quantile(batch: Batch, share: float) -> float:
    """Of all sessions; who got none waited for ever."""
    rank = -(-batch.sessions * round(share * 1e6) // 1_000_000)
    ordered = sorted(batch.waits)
    return ordered[max(rank, 1) - 1] if rank <= len(ordered) else inf


def quantile_of(target: Target) -> float | None:
    """The share that a target about a quantile names."""
    return 1 - target.limit if target.kind is Kind.QUANTILE else None
