"""Runs jobs on several processes and gives their results in the order in which they were submitted.

    with Executor(processes=2) as executor:
        for job, value in executor.results(Job("package.module:function", data) for data in ...):
            ...

Small jobs travel in batches that take about a fifth of a second. Jobs are taken from their iterator only shortly before they are
run, so what is submitted may depend on results. A process that is killed costs nothing but the batch that it ran, which runs again.
Jobs have to be functions of their data, so it does not matter where and how often they run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Final, TypeAlias

from sim.sweep.jobs import Job, Outcome, resolve, run_batch
from sim.sweep.pools import DaskPool, LocalPool, Pool, ProcessLost, cores

BATCH_SECONDS: Final = 0.2
"""How long a batch should take: long beside what sending it costs, short beside the time between two commits of a store."""
MOST_IN_BATCH: Final = 1_000
AHEAD: Final = 32
"""Batches for each process that may be done or under way while the first of them is not done."""
IN_FLIGHT: Final = 2
"""Batches that each process has got: the one it runs, and the next."""
TRIES: Final = 3
"""A job whose process was lost so often is not tried again."""

Finished: TypeAlias = Callable[[Job, Any], None]


class JobLost(Exception):
    """A job ends the process that runs it. The message names the job, and the usual reason."""


@dataclass(slots=True, eq=False)
class _Batch:
    jobs: list[Job]
    future: Future[Outcome] | None = None
    outcome: Outcome | None = None
    lost: int = 0
    """How often its process was lost."""


class Executor:
    """Processes for jobs. Starting them takes about a second: keep one executor for all that is to be done.

    Args:
        processes: how many processes; 1 runs jobs in this process, 0 as many as there are cores.
        dask: the address of a dask scheduler, to run jobs on its workers instead.
        prepare: a function ("package.module:function") to be called with None once in each local process.

    Raises:
        ClusterError: the cluster cannot be used.
    """

    def __init__(self, processes: int = 1, dask: str = "", prepare: str = "") -> None:
        self._prepare = prepare
        self._pool: Pool | None = DaskPool(dask) if dask else None
        self.processes = self._pool.processes if self._pool is not None else processes or cores()
        """How many jobs run at a time."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(at_once=error is not None)

    def close(self, at_once: bool = False) -> None:
        """End the processes; `at_once`: also in the middle of a job."""
        if self._pool is not None:
            self._pool.close(at_once)
            self._pool = None

    def results(self, jobs: Iterable[Job], total: int | None = None, finished: Finished | None = None) -> Iterator[tuple[Job, Any]]:
        """Run jobs; each with its value, in the order of `jobs`. Whoever stops asking stops the jobs that have not begun.

        Args:
            jobs: taken one by one, `AHEAD` batches a process ahead at most.
            total: how many there will be at most, if known: the last batches are made smaller then, so that all end together.
            finished: called with every result as soon as it is there, in any order, also with those that were under way when
                Ctrl-C was pressed or the caller stopped asking, if they happen to be done.

        Raises:
            JobLost: a job ended its process three times.
            Exception: what a job raised; that of the first job that failed, in the order of submission, after the results before it.
        """
        if self._pool is None and self.processes == 1:
            return _here(iter(jobs), finished)
        if self._pool is None:
            self._pool = LocalPool(self.processes, self._prepare)
        return _Run(self._pool, iter(jobs), total, finished).results()


def _here(jobs: Iterator[Job], finished: Finished | None) -> Iterator[tuple[Job, Any]]:
    for job in jobs:
        value = resolve(job.function)(job.data)
        if finished is not None:
            finished(job, value)
        yield job, value


class _Run:
    """One call of `results`. `_waiting`: batches in the order of submission, the first of which is not yet passed on."""

    def __init__(self, pool: Pool, jobs: Iterator[Job], total: int | None, finished: Finished | None) -> None:
        self._pool = pool
        self._jobs = jobs
        self._left = total
        self._finished = finished
        self._waiting: deque[_Batch] = deque()
        self._over = False
        self._trouble: Exception | None = None
        self._size = 1
        self._each: float | None = None
        """Seconds that a job has taken lately."""

    def results(self) -> Iterator[tuple[Job, Any]]:
        """The results in order."""
        try:
            while True:
                self._submit()
                if not self._waiting:
                    return
                self._await()
                while self._waiting and self._waiting[0].outcome is not None:
                    batch = self._waiting.popleft()
                    yield from self._passed_on(batch)
        finally:
            self._abandon()

    def _passed_on(self, batch: _Batch) -> Iterator[tuple[Job, Any]]:
        assert batch.outcome is not None
        yield from zip(batch.jobs, batch.outcome.values, strict=False)
        if batch.outcome.failure is not None:
            raise batch.outcome.failure

    # ---- submitting ------------------------------------------------------------------------------

    def _submit(self) -> None:
        """Give the processes something to do. What may have ended a process runs alone, so that the blame is certain."""
        suspects = [batch for batch in self._waiting if batch.lost >= TRIES - 1 and batch.outcome is None]
        if suspects:
            if all(batch.future is None for batch in self._waiting):
                self._begin(suspects[0])
            return
        under_way = sum(batch.future is not None for batch in self._waiting)
        for batch in self._waiting:
            if batch.future is None and batch.outcome is None:
                self._begin(batch)
                under_way += 1
        while under_way < IN_FLIGHT * self._pool.processes and len(self._waiting) < AHEAD * self._pool.processes:
            jobs = self._take()
            if not jobs:
                return
            batch = _Batch(jobs)
            self._waiting.append(batch)
            self._begin(batch)
            under_way += 1

    def _take(self) -> list[Job]:
        if self._over:
            return []
        size = self._size
        if self._left is not None:
            size = max(1, min(size, self._left // (IN_FLIGHT * self._pool.processes)))
        jobs = list(islice(self._jobs, size))
        self._over = len(jobs) < size
        if self._left is not None:
            self._left -= len(jobs)
        return jobs

    def _begin(self, batch: _Batch) -> None:
        try:
            batch.future = self._pool.submit(batch.jobs)
        except ProcessLost:
            # A process that had nothing to do was lost; batches that others had got are gone with it, and say so themselves.
            self._pool.restart()
            batch.future = self._pool.submit(batch.jobs)

    # ---- collecting ------------------------------------------------------------------------------

    def _await(self) -> None:
        futures = [batch.future for batch in self._waiting if batch.future is not None]
        wait(futures, return_when=FIRST_COMPLETED)
        lost = self._collect()
        if self._trouble is not None:
            raise self._trouble
        if lost:
            self._pool.restart()
            self._mark_suspects()

    def _collect(self) -> bool:
        """Take in what is done; whether a process was lost."""
        lost = False
        for batch in self._waiting:
            if batch.future is None or not batch.future.done():
                continue
            future, batch.future = batch.future, None
            error = CancelledError() if future.cancelled() else future.exception()
            if error is None:
                self._take_in(batch, future.result())
            elif future.cancelled() or self._pool.lost(error):
                batch.lost += 1
                lost = True
            else:
                batch.outcome = Outcome([], error, 0.0)
        return lost

    def _take_in(self, batch: _Batch, outcome: Outcome) -> None:
        batch.outcome = outcome
        if self._finished is not None:
            for job, value in zip(batch.jobs, outcome.values, strict=False):
                self._offer(self._finished, job, value)
        if outcome.values:
            each = max(outcome.seconds / len(outcome.values), 1e-6)
            self._each = each if self._each is None else 0.7 * self._each + 0.3 * each
            self._size = max(1, min(int(BATCH_SECONDS / self._each), 4 * self._size, MOST_IN_BATCH))

    def _offer(self, finished: Finished, job: Job, value: Any) -> None:
        """Whoever cannot keep a result is offered the others that are there, before that ends the run."""
        try:
            finished(job, value)
        except Exception as error:
            self._trouble = self._trouble or error

    def _mark_suspects(self) -> None:
        """Take batches apart that were lost twice: then it shows which of their jobs it is."""
        parts: deque[_Batch] = deque()
        for batch in self._waiting:
            if batch.lost >= TRIES:
                raise JobLost(
                    f"the process that ran {_spelled(batch.jobs[0])} was killed {batch.lost} times; perhaps it needs more memory "
                    "than there is: use fewer processes, or a smaller scenario"
                )
            if batch.lost == TRIES - 1 and batch.outcome is None and len(batch.jobs) > 1:
                parts.extend(_Batch([job], lost=batch.lost) for job in batch.jobs)
            else:
                parts.append(batch)
        self._waiting = parts

    def _abandon(self) -> None:
        """Keep what is done, and begin nothing that has not begun."""
        for batch in self._waiting:
            future = batch.future
            if future is not None and not future.cancel() and future.done() and future.exception() is None:
                self._take_in(batch, future.result())


def _spelled(job: Job) -> str:
    text = repr(job.data)
    return f"{job.function} with {text if len(text) <= 200 else text[:197] + '...'}"


__all__ = ["Executor", "Finished", "Job", "JobLost", "run_batch"]
