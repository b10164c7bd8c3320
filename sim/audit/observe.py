"""What a history tells, as the observations that a simulated run would have emitted: so properties and pictures take both.

Two things are not in a history and are put in by a rule: when a slot was free (`Slots`), and since when a worker object
existed (from its first signal on). Faults are never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sim.audit.facts import Activity
from sim.audit.sessions import End, Session
from sim.audit.words import cause_of, outcome_of
from sim.audit.workers import Worker, Workers
from sim.history.failures import TimeoutType
from sim.properties.base import Listener
from sim.protocol import observations as obs
from sim.protocol.worker.attempts import Cause
from sim.workflow import seen

Seen = tuple[int, str, Any]
"""Time (microseconds since 1970), node, observation."""

WORKFLOW = "history/workflow"
"""The node that stands for whoever runs workflow code: which worker that was decides nothing."""

REPORT = 10_000_000
"""How long a worker may have taken to report an attempt: the budget of that call (P3.9). It surely ran until then."""


class Emitter:
    """What judges and pictures listen to: whatever it is told to emit."""

    def __init__(self) -> None:
        self.by_class: dict[type, list[Listener]] = {}

    def listen(self, kind: type, listener: Listener) -> None:
        self.by_class.setdefault(kind, []).append(listener)

    def emit(self, time: int, node: str, observation: Any) -> None:
        for listener in self.by_class.get(type(observation), ()):
            listener(time, node, observation)


class Slots(Enum):
    """When slots are taken to be free."""

    LATEST = "not before they were surely free"
    LIKELY = "as far as one can tell"


@dataclass(frozen=True, slots=True)
class Scenery:
    """What observations of a run need to know of the others."""

    workers: Workers
    nodes: Mapping[str, str]
    """Queue -> node of the worker object."""
    limit: int


def nodes_of(workers: Workers) -> dict[str, str]:
    """A node for every worker object; those that call themselves the same are lives of one worker in pictures."""
    return {queue: f"{worker.name}.{number}/{worker.name}" for number, (queue, worker) in enumerate(workers.by_queue.items(), 1)}


def worker_started(worker: Worker, scenery: Scenery) -> Seen:
    """A worker object appears with its first signal."""
    started = obs.WorkerStarted(worker.name, worker.host, "", worker.queue, scenery.limit or max(1, worker.most(False)[0]), True)
    return worker.first_at, scenery.nodes[worker.queue], started


def workflow_worker() -> Seen:
    """Whoever runs workflow code appears before everything."""
    return 0, WORKFLOW, obs.WorkerStarted("history", "", "", "", 0, False)


def observations(sessions: Sequence[Session], scenery: Scenery, slots: Slots) -> list[Seen]:
    """What a run's history tells, in the order of time. `sessions`: all of the run, one at least."""
    run = sessions[0].run
    found: list[Seen] = [
        (run.began, run.name, obs.WorkflowStarted(run.name, run.workflow_id, run.workflow_type, run.task_queue, run.bound)),
        (run.began, run.name, obs.WorkflowTaskTaken(run.name, "history")),
    ]
    if run.cancel_at is not None:
        found.append((run.cancel_at, run.name, obs.WorkflowCancelRequested(run.name, run.workflow_id)))
    for session in sessions:
        found.extend(_of_session(session, scenery, slots))
        for activity in session.activities:
            found.extend(_of_activity(session, activity, scenery, slots))
    if run.closed_at is not None:
        found.append((run.closed_at, run.name, obs.WorkflowClosed(run.name, run.workflow_id, run.status)))
    elif slots is Slots.LATEST:
        # Whoever judges has to come to an end where the history does; a picture shows what goes on.
        found.append((run.last_at, run.name, obs.WorkflowClosed(run.name, run.workflow_id, "")))
    found.sort(key=_time)
    return found


def _time(one: Seen) -> int:
    return one[0]


def _of_session(session: Session, scenery: Scenery, slots: Slots) -> Iterator[Seen]:
    run, creation, command = session.run.name, session.creation, session.creation.command
    asked = seen.SessionAsked(
        run, session.name, command.task_queue, session.recreated, command.schedule_to_start, command.start_to_close, command.heartbeat
    )  # fmt: skip
    yield creation.scheduled_at, WORKFLOW, asked
    scheduled = obs.ActivityScheduled(run, command.ordinal, command.activity_type, command.task_queue, session.name)
    yield creation.scheduled_at, run, scheduled
    started = min((t for t in (creation.started_at, *(b.at for b in session.bindings)) if t is not None), default=None)
    if started is not None:
        recorded = obs.AttemptRecorded(run, command.ordinal, 1, command.activity_type, session.name, creation.identity)
        yield started, run, recorded
    yield from _slots(session, scenery, slots)
    if session.bound is not None and session.created_at is not None:
        yield session.created_at, WORKFLOW, seen.SessionCreated(run, session.name, session.queue, session.bound.host)
    if creation.closed_at is not None:
        how = f"{creation.timeout.value} timeout" if creation.timeout is not None else _how(session)
        yield creation.closed_at, run, obs.ActivityClosed(run, command.ordinal, command.activity_type, session.name, how)
    yield from _end(session, scenery)


def _how(session: Session) -> str:
    return "failed: SessionWorkerShutdown" if session.shut_down else session.creation.outcome


def _slots(session: Session, scenery: Scenery, slots: Slots) -> Iterator[Seen]:
    """Every attempt that signalled took a slot; when it was back depends on the rule."""
    for number, binding in enumerate(session.bindings, 1):
        worker, node = scenery.workers.by_queue[binding.queue], scenery.nodes[binding.queue]
        yield binding.at, node, obs.TokenTaken(worker.name, session.name, session.run.name, number, 0)
        free: int | None
        if number < len(session.bindings):
            free = session.bindings[number].at
        elif slots is Slots.LATEST:
            free = session.slot_freed_at if number == 1 else _end_of_attempt(session)
        else:
            free = next((h.likely_until for h in worker.held if h.session is session and h.began == binding.at), None)
        if free is not None:
            yield max(free, binding.at), node, obs.TokenReturned(worker.name, session.name, session.run.name, number, 1)


def _end_of_attempt(session: Session) -> int | None:
    creation = session.creation
    return creation.closed_at if creation.reported or creation.timeout is TimeoutType.START_TO_CLOSE else None


def _end(session: Session, scenery: Scenery) -> Iterator[Seen]:
    run, ended = session.run.name, session.ended_at
    if session.completion is not None:
        yield session.completion.scheduled_at, WORKFLOW, seen.SessionCompleteCalled(run, session.name, "Open")
    if ended is None:
        return
    if session.bound is None:
        yield ended, WORKFLOW, seen.SessionNotCreated(run, session.name, _error(session))
    elif session.end is End.FAILED:
        yield ended, WORKFLOW, seen.SessionStateChanged(run, session.name, "Open", "Failed", cause_of(session))
    elif session.completion is not None:
        before = "Failed" if session.overwritten else "Open"
        yield ended, WORKFLOW, seen.SessionStateChanged(run, session.name, before, "Closed", "")
    else:
        # The workflow asked for the end: that its slot goes is no loss.
        creation = session.creation.command
        done = obs.AttemptContextDone("", run, creation.ordinal, 1, creation.activity_type, session.name, Cause.CANCELED.value)
        yield ended, scenery.nodes[session.queue], done


def _error(session: Session) -> str:
    return f"CanceledError: {cause_of(session)}" if session.end is End.CANCELLED else cause_of(session)


def _of_activity(session: Session, activity: Activity, scenery: Scenery, slots: Slots) -> Iterator[Seen]:
    """An attempt is known when its end is; that it ran is certain when its worker reported it."""
    run, command, began = session.run.name, activity.command, activity.started_at
    kind, ordinal, name = command.activity_type, command.ordinal, session.name
    yield activity.scheduled_at, run, obs.ActivityScheduled(run, ordinal, kind, command.task_queue, name, command.schedule_to_start)
    if began is not None and (activity.reported or slots is Slots.LIKELY):
        worker, node = scenery.workers.by_queue[command.task_queue], scenery.nodes[command.task_queue]
        if activity.identity != worker.identity:
            # Nobody else should take anything from this queue; whoever did has no queue that is known.
            node = f"{activity.identity}.?/{activity.identity}"
        ended = activity.closed_at if activity.closed_at is not None else began
        if slots is Slots.LATEST:
            ended = max(began, ended - REPORT)
        yield began, node, obs.AttemptBegan(activity.identity, run, ordinal, activity.attempt, kind, name)
        outcome = outcome_of(activity)
        yield ended, node, obs.AttemptEnded(activity.identity, run, ordinal, activity.attempt, kind, name, outcome)
    if activity.closed_at is not None:
        yield activity.closed_at, run, obs.ActivityClosed(run, ordinal, kind, name, outcome_of(activity))
