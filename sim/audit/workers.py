"""The workers that histories tell of: worker objects by their resource-specific queues (P3.1.3), and how full they were."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from sim.audit.facts import Run
from sim.audit.sessions import SECOND, End, Session
from sim.history.failures import TimeoutType


@dataclass(slots=True)
class Held:
    """A slot that a session held on a worker. Times are microseconds since 1970.

    `surely_until`: it held it up to then, whatever happened; `likely_until`: when it was free, as far as one can tell.
    """

    session: Session
    began: int
    surely_until: int
    likely_until: int | None


@dataclass(slots=True)
class Worker:
    """A worker object. `identity`: what it calls itself; until an activity of it has ended only its signal's sender is known."""

    queue: str
    host: str
    identity: str = ""
    sender: str = ""
    first_at: int = 0
    last_at: int = 0
    signals: list[int] = field(default_factory=list)
    reports: list[int] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    """In the order in which the histories were read."""
    failed: int = 0
    stops: list[int] = field(default_factory=list)
    """When sessions ended that only a stop can have ended."""

    @property
    def name(self) -> str:
        return self.identity or self.sender or self.queue

    def saw(self, at: int) -> None:
        """The histories tell of it at this time."""
        self.first_at = min(self.first_at or at, at)
        self.last_at = max(self.last_at, at)

    def stopped_at(self, at: int) -> bool:
        """Whether it stopped at about this time: all its sessions end with it."""
        return any(abs(stop - at) < SECOND for stop in self.stops)

    def heard_after(self, at: int, signals_only: bool = False) -> int | None:
        """When it was heard of next after this time: by the signal of another session, or by a report."""
        found = [_next(self.signals, at), None if signals_only else _next(self.reports, at)]
        return min((t for t in found if t is not None), default=None)

    def most(self, surely: bool) -> tuple[int, int]:
        """The most slots in use at a time, and since when: for sure, or likely."""
        spans = [(h.began, max(h.began + 1, h.surely_until if surely else (h.likely_until or 1 << 62))) for h in self.held]
        changes = sorted([*((began, 1) for began, _ in spans), *((until, -1) for _, until in spans)])
        used, most, since = 0, 0, 0
        for at, change in changes:
            used += change
            if used > most:
                most, since = used, at
        return most, since


def _next(times: list[int], at: int) -> int | None:
    index = bisect_right(times, at)
    return times[index] if index < len(times) else None


class Workers:
    """All workers of some histories, by queue."""

    def __init__(self) -> None:
        self.by_queue: dict[str, Worker] = {}
        self._freed: dict[tuple[str, int], int | None] = {}

    def finish(self) -> None:
        """To be called when all runs are taken in: they come workflow after workflow, not in the order of time."""
        for worker in self.by_queue.values():
            worker.signals.sort()
            worker.reports.sort()

    def likely_freed(self, session: Session, began: int) -> int | None:
        """When the slot that a session took at this time was free, as far as one can tell; None when it is held still."""
        return self._freed[session.name, began]

    def take_in(self, run: Run, sessions: Iterable[Session]) -> None:
        """Learn from a run's signals and from what ran on the queues that they name."""
        known = self.by_queue
        for binding in run.bindings:
            worker = known.get(binding.queue)
            if worker is None:
                worker = known[binding.queue] = Worker(binding.queue, binding.host, sender=binding.sender)
            worker.signals.append(binding.at)
            worker.saw(binding.at)
        for activity in run.activities.values():
            worker = known.get(activity.command.task_queue)
            if worker is None or activity.started_at is None:
                continue
            worker.identity = worker.identity or activity.identity
            worker.saw(activity.started_at)
            if activity.reported and activity.closed_at is not None:
                worker.reports.append(activity.closed_at)
                worker.saw(activity.closed_at)
        for session in sessions:
            self._slots(session)

    def _slots(self, session: Session) -> None:
        creation, signals = session.creation, session.bindings
        if not signals:
            return
        last = signals[-1]
        own = creation.started_at is not None and creation.started_at <= last.at
        holder = self.by_queue[last.queue]
        if own and not holder.identity:
            holder.identity = creation.identity
        if own and creation.reported and creation.closed_at is not None:
            holder.reports.append(creation.closed_at)
            holder.saw(creation.closed_at)
        for binding, following in pairwise(signals):
            self._hold(binding.queue, Held(session, binding.at, binding.at, following.at))
        self._hold(last.queue, Held(session, last.at, max(last.at, _surely_until(session)), _likely_until(session)))
        if session.stopped and creation.closed_at is not None:
            holder.stops.append(creation.closed_at)
        if session.end is End.FAILED:
            self.by_queue[signals[0].queue].failed += 1

    def _hold(self, queue: str, held: Held) -> None:
        self.by_queue[queue].held.append(held)
        self._freed[held.session.name, held.began] = held.likely_until

    def of(self, queue: str) -> Worker | None:
        """The worker object behind a queue."""
        return self.by_queue.get(queue)


def _surely_until(session: Session) -> int:
    """Up to when the last attempt that signalled had its slot for certain.

    An attempt that completes or is cancelled was there to be told so (P2.2f): by the completion activity, or after the cancel
    request. Of any other the server heard a heartbeat later than H before the end, or that would have timed out.
    """
    creation, completion, run = session.creation, session.completion, session.run
    if creation.started_at is not None and creation.started_at > session.bindings[-1].at:
        return 0
    if creation.outcome == "completed" and completion is not None and completion.started_at is not None:
        return completion.started_at
    if creation.outcome == "canceled":
        return creation.cancel_at
    end = creation.closed_at if creation.closed_at is not None else (run.closed_at or run.last_at)
    return min(end - session.heartbeat, creation.cancel_at) if creation.cancel_id else end - session.heartbeat


def _likely_until(session: Session) -> int | None:
    """When its slot was free, as far as one can tell; None when it is held still."""
    creation, completion, run = session.creation, session.completion, session.run
    if creation.closed_at is not None:
        return session.last_heard if creation.timeout is TimeoutType.HEARTBEAT and session.last_heard else creation.closed_at
    if completion is not None and completion.outcome == "completed":
        return completion.closed_at
    # The next heartbeat tells the worker that the run is over (P3.7).
    return run.closed_at + session.interval // 2 if run.closed_at is not None else None
