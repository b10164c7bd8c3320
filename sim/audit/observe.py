"""What a history tells, as the observations that a simulated run would have emitted: so properties and pictures take both.

Some things are not in a history and are put in by a rule (`Rule`): how long an attempt really ran, when a slot was free, since
when a worker object existed (from its first signal on). Faults are never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sim.audit.facts import Activity
from sim.audit.sessions import RESPOND_BUDGET, End, Session
from sim.audit.words import cause_of, outcome_of
from sim.audit.workers import Worker, Workers
from sim.protocol import observations as obs
from sim.protocol.worker.attempts import Cause
from sim.workflow import seen
from sim.workflow.sessions import YEAR

Seen = tuple[int, str, Any]
"""Time (microseconds since 1970), node, observation."""

WORKFLOW = "history/workflow"
"""The node that stands for whoever runs workflow code: which worker that was decides nothing."""


class Rule(Enum):
    """What is put in where a history is silent."""

    CERTAIN = "for verdicts: an attempt ran only as long as it surely did"
    LIKELY = "for pictures: as it will have been"


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


def observations(sessions: Sequence[Session], scenery: Scenery, rule: Rule) -> list[Seen]:
    """What a run's history tells, in the order of time. `sessions`: all of the run, one at least."""
    run = sessions[0].run
    found: list[Seen] = [
        (run.began, run.name, obs.WorkflowStarted(run.name, run.workflow_id, run.workflow_type, run.task_queue, run.bound)),
        (run.began, run.name, obs.WorkflowTaskTaken(run.name, "history")),
    ]
    if run.cancel_at is not None:
        found.append((run.cancel_at, run.name, obs.WorkflowCancelRequested(run.name, run.workflow_id)))
    for session in sessions:
        found.extend(_of_session(session, scenery))
        for activity in session.activities:
            found.extend(_of_activity(session, activity, scenery, rule))
    if run.closed_at is not None:
        found.append((run.closed_at, run.name, obs.WorkflowClosed(run.name, run.workflow_id, run.status)))
    elif rule is Rule.CERTAIN:
        # Whoever judges has to come to an end where the history does; a picture shows what goes on.
        found.append((run.last_at, run.name, obs.WorkflowClosed(run.name, run.workflow_id, "")))
    found.sort(key=_time)
    return found


def _time(one: Seen) -> int:
    return one[0]


def _of_session(session: Session, scenery: Scenery) -> Iterator[Seen]:
    run, creation, command = session.run.name, session.creation, session.creation.command
    # ExecutionTimeout begins anew with an attempt that comes after the one that bound the session (P2.4f).
    execution = YEAR if session.tried_again else command.start_to_close or command.schedule_to_close or YEAR
    asked = seen.SessionAsked(
        run, session.name, command.task_queue, session.recreated, command.schedule_to_start, execution, command.heartbeat
    )  # fmt: skip
    yield creation.scheduled_at, WORKFLOW, asked
    scheduled = obs.ActivityScheduled(run, command.ordinal, command.activity_type, command.task_queue, session.name)
    yield creation.scheduled_at, run, scheduled
    started = [t for t in (creation.started_at, *(b.at for b in session.bindings)) if t is not None]
    if started:
        recorded = obs.AttemptRecorded(run, command.ordinal, 1, command.activity_type, session.name, creation.identity)
        yield min(started), run, recorded
    yield from _slots(session, scenery)
    if session.bound is not None and session.created_at is not None:
        yield session.created_at, WORKFLOW, seen.SessionCreated(run, session.name, session.queue, session.bound.host)
    if creation.closed_at is not None:
        how = f"{creation.timeout.value} timeout" if creation.timeout is not None else _how(session)
        yield creation.closed_at, run, obs.ActivityClosed(run, command.ordinal, command.activity_type, session.name, how)
    yield from _end(session, scenery)


def _how(session: Session) -> str:
    return "failed: SessionWorkerShutdown" if session.shut_down else session.creation.outcome


def _slots(session: Session, scenery: Scenery) -> Iterator[Seen]:
    """Every attempt that signalled took a slot."""
    for number, binding in enumerate(session.bindings, 1):
        worker, node = scenery.workers.by_queue[binding.queue], scenery.nodes[binding.queue]
        yield binding.at, node, obs.TokenTaken(worker.name, session.name, session.run.name, number, 0)
        free = scenery.workers.likely_freed(session, binding.at)
        if free is not None:
            yield max(free, binding.at), node, obs.TokenReturned(worker.name, session.name, session.run.name, number, 1)


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


def _of_activity(session: Session, activity: Activity, scenery: Scenery, rule: Rule) -> Iterator[Seen]:
    """An attempt is known when its end is; that it ran is certain when its worker reported it."""
    run, command, began = session.run.name, activity.command, activity.started_at
    kind, ordinal, name = command.activity_type, command.ordinal, session.name
    yield activity.scheduled_at, run, obs.ActivityScheduled(run, ordinal, kind, command.task_queue, name, command.schedule_to_start)
    if began is not None and (activity.reported or rule is Rule.LIKELY):
        worker, node = scenery.workers.by_queue[command.task_queue], scenery.nodes[command.task_queue]
        if activity.identity != worker.identity:
            # Nobody else should take anything from this queue; whoever did has no queue that is known.
            node = f"{activity.identity}.?/{activity.identity}"
        ended = activity.closed_at if activity.closed_at is not None else began
        if rule is Rule.CERTAIN:
            ended = max(began, ended - RESPOND_BUDGET)
        yield began, node, obs.AttemptBegan(activity.identity, run, ordinal, activity.attempt, kind, name)
        outcome = outcome_of(activity)
        yield ended, node, obs.AttemptEnded(activity.identity, run, ordinal, activity.attempt, kind, name, outcome)
    if activity.closed_at is not None:
        yield activity.closed_at, run, obs.ActivityClosed(run, ordinal, kind, name, outcome_of(activity))
