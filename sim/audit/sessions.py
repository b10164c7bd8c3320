"""The sessions of a run: found by what a session is made of (P1.2), with what became of each.

Nothing needs to be known of the workflow. A session begins with a creation activity; the signal of that session's name binds
it; what is scheduled on the queue that the signal names belongs to it; a completion activity there completes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sim.audit.facts import Activity, Binding, Run
from sim.history.failures import TimeoutType
from sim.properties.completion_frees_slot import call_budget
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY, CREATION_QUEUE_SUFFIX

SECOND = 1_000_000


class End(StrEnum):
    """How a session ended. OPEN: nothing ended it, though its run may be over."""

    COMPLETED = "completed"
    FAILED = "failed"
    CREATION_FAILED = "creation failed"
    CANCELLED = "cancelled"
    OPEN = "open"


@dataclass(slots=True)
class Session:
    """A session as its history tells it. Times are microseconds since 1970, None for what did not happen."""

    run: Run
    name: str
    session_id: str
    creation: Activity
    bindings: list[Binding] = field(default_factory=list)
    """The first is the one that counts; a further one is a further attempt of the creation activity (P2.4f)."""
    activities: list[Activity] = field(default_factory=list)
    """Those of users."""
    completion: Activity | None = None
    created_at: int | None = None
    """When the workflow had it."""
    ended_at: int | None = None
    end: End = End.OPEN
    cancelled_completion: bool = False
    overwritten: bool = False
    """Its creation activity failed, and CompleteSession made it Closed all the same (P1.5.6)."""

    @property
    def bound(self) -> Binding | None:
        """The signal that bound it; None when it never came to be."""
        return self.bindings[0] if self.bindings and self.created_at is not None else None

    @property
    def queue(self) -> str:
        return self.bindings[0].queue if self.bindings else ""

    @property
    def recreated(self) -> bool:
        return not self.creation.command.task_queue.endswith(CREATION_QUEUE_SUFFIX)

    @property
    def heartbeat(self) -> int:
        """H, microseconds."""
        return self.creation.command.heartbeat

    @property
    def interval(self) -> int:
        """I: how often its creation activity sends heartbeats (P3.6.1)."""
        return min(self.heartbeat // 3, 10 * SECOND)

    @property
    def budget(self) -> int:
        """b: how long one of these calls may take (P3.6.3)."""
        return call_budget(min(self.heartbeat, self.creation.command.start_to_close or self.heartbeat))

    @property
    def moved(self) -> bool:
        """Whether an attempt on another worker than the one it is bound to signalled."""
        return any(binding.queue != self.queue for binding in self.bindings)

    @property
    def tried_again(self) -> bool:
        """Whether another attempt of its creation began after the one that bound it."""
        started = self.creation.started_at
        return len(self.bindings) > 1 or bool(self.bindings and started is not None and started > self.bindings[0].at + _EARLY)

    @property
    def attempts(self) -> int:
        """Attempts of its creation activity, as far as the history tells: at least so many."""
        creation = self.creation
        if creation.attempt:
            return creation.attempt
        # An unstarted attempt that timed out carries the failure of the one before as its cause (P4.3.9).
        again = getattr(creation.failure, "cause", None) is not None
        return max(len(self.bindings), 2 if again else 1)

    @property
    def attempts_known(self) -> bool:
        """Whether there were exactly so many."""
        return bool(self.creation.attempt) or (self.creation.outcome != "" and self.attempts == 1)

    @property
    def last_heard(self) -> int | None:
        """When the server last heard of the worker that held its slot, if the way in which it failed tells."""
        creation, lost = self.creation, self.end in (End.FAILED, End.CREATION_FAILED) or self.overwritten
        if not lost or creation.closed_at is None or creation.started_at is None:
            return None
        if creation.timeout is TimeoutType.HEARTBEAT:
            return max(creation.started_at, creation.closed_at - self.heartbeat)
        if self.gave_up:
            return creation.closed_at - self.budget - self.interval
        return creation.closed_at if creation.outcome == "failed" else None

    @property
    def shut_down(self) -> bool:
        """Whether its worker itself reported the end (P2.2f)."""
        return self.creation.outcome == "failed" and getattr(self.creation.failure, "type", "") == "SessionWorkerShutdown"

    @property
    def since_signal(self) -> int:
        """From the last signal to the creation activity's end: heartbeats tick from the signal on (P2.2e)."""
        signals = [binding.at for binding in self.bindings]
        return (self.creation.closed_at or 0) - signals[-1] if signals else 0

    @property
    def gave_up(self) -> bool:
        """Whether its worker's report came just when the budget of a heartbeat call was used up (P3.6.5)."""
        late = self.since_signal - self.budget
        return self.shut_down and late >= self.interval - _EARLY and self._on_a_tick(late)

    @property
    def stopped(self) -> bool:
        """Whether its worker's report came before any heartbeat call could have used up its budget: then it stopped."""
        return self.shut_down and not self.told and self.since_signal < self.interval + self.budget - _EARLY

    @property
    def told(self) -> bool:
        """Whether its worker's report came just after a heartbeat, so that the server's answer ended it (P2.4l)."""
        return self.shut_down and not self.gave_up and self.since_signal >= self.interval - _EARLY and self._on_a_tick(self.since_signal)

    def _on_a_tick(self, since: int) -> bool:
        if not self.interval:
            return False
        phase = since % self.interval
        return phase <= min(_LATE, self.interval // 20) or self.interval - phase <= _EARLY

    @property
    def detection(self) -> int | None:
        """From the last sign of life of its worker to the moment in which the workflow knew that the session was lost."""
        heard = self.last_heard
        return None if heard is None or self.ended_at is None else self.ended_at - heard

    @property
    def lost_between(self) -> tuple[int, int] | None:
        """Between which times its worker went: the heartbeat after the last one never came."""
        heard = self.last_heard
        if heard is None or self.creation.timeout is not TimeoutType.HEARTBEAT or not self.bindings:
            return None
        here = self.bindings[-1].queue == self.queue
        seen = [a.closed_at for a in self.activities if here and a.reported and a.closed_at and a.close_id < self.creation.close_id]
        return max([heard, *seen]), max([heard + self.interval, *seen])

    @property
    def slot_freed_at(self) -> int | None:
        """When its slot on the worker that it is bound to was free, at the latest; None when the history does not tell.

        A token is back before the worker reports the end of the attempt that held it (P2.2g); a further attempt begins a
        second or more after the one before has ended (P2.3).
        """
        creation = self.creation
        if self.tried_again:
            return self.bindings[1].at if len(self.bindings) > 1 else creation.started_at
        if creation.timeout is TimeoutType.START_TO_CLOSE or creation.reported:
            return creation.closed_at
        return None

    @property
    def unstarted_when_lost(self) -> list[Activity]:
        """Activities that were scheduled for its worker when that was not heard of any more, and of which no start is told."""
        heard = self.last_heard
        if heard is None or self.end is not End.FAILED:
            return []
        return [a for a in self.activities if a.scheduled_at >= heard and a.started_at is None]

    @property
    def without_slot(self) -> list[tuple[Activity, int]]:
        """Activities that ran on after the slot was free, and for how long (microseconds), by their worker's own report."""
        freed = self.slot_freed_at
        if freed is None:
            return []
        return [(a, until - max(freed, a.started_at or 0)) for a, until in self._reported() if until > freed]

    @property
    def surely_without_slot(self) -> list[tuple[Activity, int]]:
        """Those of `without_slot` that cannot be a report that came late.

        Reports of one worker come in their order, but for calls that are tried again: so one that comes well after the report
        of the slot's end tells of an attempt that ended after it. A timeout is nobody's report: there the whole budget of a
        call counts.
        """
        late = RESPOND_BUDGET if self.creation.timeout is not None else TRIED_AGAIN
        freed = self.slot_freed_at or 0
        return [(a, span) for a, span in self.without_slot if span > late or (a.started_at or 0) > freed + TRIED_AGAIN]

    @property
    def after_failure(self) -> list[tuple[Activity, int]]:
        """Activities whose worker reported them when the workflow had the session for failed, and how long after that."""
        if self.end is not End.FAILED or self.ended_at is None:
            return []
        return [(a, until - self.ended_at) for a, until in self._reported() if until > self.ended_at]

    def _reported(self) -> list[tuple[Activity, int]]:
        return [(a, a.closed_at) for a in self.activities if a.reported and a.closed_at is not None]

    @property
    def left_running(self) -> list[Activity]:
        """Activities that had no end in the history when the session was over: they may run on."""
        if self.end is End.OPEN and self.run.status == "":
            return []
        return [a for a in self.activities if a.outcome == ""]


RESPOND_BUDGET = 10 * SECOND
"""How long the report of an attempt may take to arrive (P3.9)."""

TRIED_AGAIN = 2 * SECOND
"""How long it takes to try a call again twice, which happens beside others (P3.9.3)."""

_EARLY = 20_000
"""The server records a signal before its worker's ticker starts, and clocks differ."""

_LATE = 150_000
"""A report takes a call to arrive."""


def sessions_of(run: Run) -> list[Session]:
    """The sessions of a run, in the order in which they were asked for."""
    found: list[Session] = []
    for activity in run.activities.values():
        if activity.command.activity_type == CREATION_ACTIVITY:
            found.append(Session(run, f"{run.name}/s{len(found) + 1}", _told_id(activity), activity))
    if not found:
        return found
    _bind(run, found)
    for session in found:
        _judge_creation(session)
    for activity in run.activities.values():
        if activity.command.activity_type == COMPLETION_ACTIVITY:
            _take_completion(found, activity)
    for session in found:
        if session.bound is not None:
            _judge_end(session)
    for activity in run.activities.values():
        if activity.of_user:
            owner = _owner(found, activity)
            if owner is not None:
                owner.activities.append(activity)
    return found


def _told_id(activity: Activity) -> str:
    """The session id is the activity's one argument; "" when it is encrypted."""
    value = activity.command.input
    return value if isinstance(value, str) else ""


def _bind(run: Run, sessions: list[Session]) -> None:
    """Give every signal to its session; one whose id cannot be read takes the first signal that suits nobody else."""
    by_id = {session.session_id: session for session in sessions if session.session_id}
    for binding in run.bindings:
        session = by_id.get(binding.session_id)
        if session is None:
            session = next(
                (s for s in sessions if not s.session_id and s.creation.event_id < binding.event_id and _waits(s, binding)), None
            )
            if session is None:
                continue
            session.session_id = binding.session_id
            by_id[binding.session_id] = session
        session.bindings.append(binding)


def _waits(session: Session, binding: Binding) -> bool:
    close_id = session.creation.close_id
    return not close_id or close_id > binding.event_id


def _judge_creation(session: Session) -> None:
    """Which came first in the history: the signal, the end of the creation activity, or its cancellation (P1.2.8)."""
    run, creation = session.run, session.creation
    signal = session.bindings[0].event_id if session.bindings else 0
    first = min((i for i in (signal, creation.close_id, creation.cancel_id) if i), default=0)
    if first == 0:
        if run.closed_at is not None:
            session.end, session.ended_at = End.CREATION_FAILED, run.closed_at
    elif first == signal:
        task = run.noticed(signal)
        session.created_at = task.started_at if task is not None else session.bindings[0].at
    elif first == creation.cancel_id:
        session.end, session.ended_at = End.CANCELLED, creation.cancel_at
    else:
        task = run.noticed(creation.close_id)
        session.end = End.CREATION_FAILED
        session.ended_at = task.started_at if task is not None else creation.closed_at


def _take_completion(sessions: list[Session], completion: Activity) -> None:
    """A completion activity names its session; else it is that of the oldest one on its queue that has none."""
    told = _told_id(completion)
    queue = completion.command.task_queue
    mine = [s for s in sessions if s.bound is not None and s.completion is None and s.bindings[0].event_id < completion.event_id]
    session = next((s for s in mine if s.session_id == told), None) or next((s for s in mine if not told and s.queue == queue), None)
    if session is not None:
        session.completion = completion


def _judge_end(session: Session) -> None:
    """What ended a session that had come to be (P1.2.11, P1.5)."""
    run, creation, completion = session.run, session.creation, session.completion
    failure = creation.close_id if creation.outcome in ("failed", "timed out") and not _resolved_before(session) else 0
    noticed = run.noticed(failure) if failure else None
    completed_first = completion is not None and (not failure or noticed is None or noticed.completed_id >= completion.asked_in)
    if completion is not None and completed_first:
        _judge_completion(session, completion)
        session.overwritten = bool(failure)
    elif failure:
        session.end = End.FAILED
        session.ended_at = noticed.started_at if noticed is not None else creation.closed_at
    elif creation.cancel_id:
        session.end, session.ended_at = End.CANCELLED, creation.cancel_at
    elif _cancelled_with(session):
        session.end, session.ended_at = End.CANCELLED, run.cancel_at


def _resolved_before(session: Session) -> bool:
    """Whether the creation activity's future was resolved with CanceledError when it failed: nobody sees the failure (P1.7.9)."""
    creation = session.creation
    return bool(creation.cancel_id and creation.cancel_id < creation.close_id) or _cancelled_with(session)


def _cancelled_with(session: Session) -> bool:
    """Whether the workflow's cancellation came before the creation activity's end, in the same workflow task."""
    run, creation = session.run, session.creation
    if not run.cancel_id or not creation.close_id or run.cancel_id > creation.close_id:
        return False
    return run.noticed(run.cancel_id) == run.noticed(creation.close_id)


def _judge_completion(session: Session, completion: Activity) -> None:
    """Completed, unless the context of the completion was cancelled already: then no worker heard of it (P1.5.9)."""
    run = session.run
    session.end = End.COMPLETED
    session.cancelled_completion = bool(completion.cancel_id) and same_task(run, completion)
    if session.cancelled_completion:
        session.end, session.ended_at = End.CANCELLED, completion.cancel_at
        return
    task = run.noticed(completion.close_id) if completion.close_id else None
    if task is not None:
        session.ended_at = task.started_at
    elif run.closed_at is not None:
        session.ended_at = run.closed_at
    else:
        session.end = End.OPEN


def same_task(run: Run, activity: Activity) -> bool:
    """Whether an activity was cancelled by the workflow task that asked for it."""
    later = next((task.completed_id for task in run.tasks if task.completed_id > activity.asked_in), None)
    return later is None or activity.cancel_id < later


def _owner(sessions: list[Session], activity: Activity) -> Session | None:
    """The session on whose queue an activity was scheduled: of several the one bound last that was not over."""
    mine = [s for s in sessions if s.bound is not None and s.queue == activity.command.task_queue]
    mine = [s for s in mine if s.bindings[0].event_id < activity.event_id]
    alive = [s for s in mine if s.completion is None or s.completion.event_id > activity.event_id]
    return (alive or mine or [None])[-1]  # type: ignore[list-item]
