"""The state machines of the session protocol, as its files describe them: for whoever paints on them what a search has seen."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import pairwise
from typing import Final

from sim.checker.coverage import GONE, NEW, Machine, Transition
from sim.protocol.activity_record import ActivityRecord
from sim.protocol.queue import TaskQueue
from sim.protocol.run import Run
from sim.protocol.worker.attempts import AttemptOnWorker, Cause
from sim.protocol.worker.completion import CompletionAttempt
from sim.protocol.worker.creation import CreationAttempt
from sim.protocol.worker.node import Worker
from sim.protocol.worker.pollers import State
from sim.protocol.worker.stop import Stage
from sim.protocol.worker.user_activity import UserAttempt
from sim.protocol.workflow_task import Phase
from sim.workflow import seen
from sim.workflow.session_info import SessionState

States = Mapping[Hashable, str]
OPEN, FAILED, CLOSED = (state.value for state in SessionState)


def _ways(*texts: str) -> frozenset[Transition]:
    """Transitions from lines like `a > b > c`."""
    found: set[Transition] = set()
    for text in texts:
        found.update(pairwise(part.strip() for part in text.split(">")))
    return frozenset(found)


# -- sessions, as workflow code sees them ----------------------------------------------------------------------------------


def _session(observation: object) -> Transition | None:
    match observation:
        case seen.SessionAsked():
            return NEW, "asked for"
        case seen.SessionCreated():
            return "asked for", OPEN
        case seen.SessionNotCreated(refused=True):
            return NEW, GONE
        case seen.SessionNotCreated():
            return "asked for", GONE
        case seen.SessionStateChanged(before=before, after=after):
            return before, after
        case _:
            return None


SESSION: Final = Machine(
    "session", Worker, told=_session,
    transitions=_ways(f"{NEW} > asked for > {OPEN} > {FAILED} > {CLOSED}", f"{OPEN} > {CLOSED}", f"asked for > {GONE}", f"{NEW} > {GONE}"),
)  # fmt: skip


# -- the server ------------------------------------------------------------------------------------------------------------


def _workflow_task(run: Run) -> States:
    task = run.task
    if task.phase is Phase.NONE:
        return {}
    queue = " on the sticky queue" if task.sticky else " on the normal queue"
    return {task.serial: "scheduled" + queue if task.phase is Phase.SCHEDULED else "started"}


def _record(record: ActivityRecord) -> str:
    state = "paused" if record.paused else record.phase.value
    return f"{state}, cancel requested" if record.cancel_requested else state


WORKFLOW_TASK: Final = Machine(
    "workflow task", Run, _workflow_task,
    _ways(
        f"{NEW} > scheduled on the sticky queue > started > {GONE}", f"{NEW} > scheduled on the normal queue > started",
        f"scheduled on the sticky queue > {GONE}", f"scheduled on the normal queue > {GONE}", f"{NEW} > started",
    ),
)  # fmt: skip
ACTIVITY: Final = Machine(
    "activity", Run, lambda run: {ordinal: _record(record) for ordinal, record in run.activities.items()},
    _ways(
        f"{NEW} > unstarted > started > {GONE}", f"unstarted > {GONE}", f"started > started, cancel requested > {GONE}",
        "started > backing off > unstarted", "backing off > started", f"backing off > {GONE}",
        "unstarted > paused > unstarted", "started > paused > started", "backing off > paused", f"paused > {GONE}",
    ),
)  # fmt: skip


def _polls(queue: TaskQueue) -> States:
    found: dict[Hashable, str] = dict.fromkeys(queue.open, "waits")
    return found | {starting.poll.tag: "is given a task" for starting in queue.starting.values()}


POLL: Final = Machine(
    "poll at a task queue", TaskQueue, _polls,
    _ways(f"{NEW} > waits > is given a task > {GONE}", f"{NEW} > is given a task > waits", f"waits > {GONE}"),
)  # fmt: skip


# -- the worker ------------------------------------------------------------------------------------------------------------


def _attempts(worker: Worker, kind: type[AttemptOnWorker]) -> Iterable[tuple[Hashable, AttemptOnWorker]]:
    return ((key, attempt) for key, attempt in worker.attempts.items() if isinstance(attempt, kind))


def _creation(attempt: CreationAttempt) -> str:
    if not attempt.begun:
        return "held back"
    return "answers" if attempt.responding else attempt.phase.value


def _creations(worker: Worker) -> States:
    return {key: _creation(attempt) for key, attempt in worker.attempts.items() if isinstance(attempt, CreationAttempt)}


def _user(attempt: UserAttempt) -> str:
    if attempt.responding:
        return "answers"
    if attempt.final is not None:
        return "sends its last heartbeat"
    return "waits for its heartbeat" if attempt.blocked else "works" if attempt.begun else "held back"


def _users(worker: Worker) -> States:
    return {key: _user(attempt) for key, attempt in worker.attempts.items() if isinstance(attempt, UserAttempt)}


def _completions(worker: Worker) -> States:
    return {key: "answers" if attempt.responding else "runs" for key, attempt in _attempts(worker, CompletionAttempt)}


def _contexts(worker: Worker) -> States:
    return {key: attempt.cause.value if attempt.cause else "alive" for key, attempt in worker.attempts.items()}


CREATION: Final = Machine(
    "creation activity", Worker, _creations,
    _ways(
        f"{NEW} > signalling > loop > heartbeating > loop > answers > {GONE}", "signalling > answers", "heartbeating > answers",
        f"signalling > {GONE}", f"loop > {GONE}", f"heartbeating > {GONE}", f"{NEW} > answers", f"{NEW} > held back > signalling",
    ),
)  # fmt: skip
USER: Final = Machine(
    "activity of a user", Worker, _users,
    _ways(
        f"{NEW} > works > answers > {GONE}", "works > waits for its heartbeat > works", f"works > {GONE}", f"{NEW} > held back > works",
        "works > sends its last heartbeat > answers", "waits for its heartbeat > answers", f"waits for its heartbeat > {GONE}",
    ),
)  # fmt: skip
COMPLETION: Final = Machine("completion activity", Worker, _completions, _ways(f"{NEW} > runs > answers > {GONE}"))
CONTEXT: Final = Machine(
    "context of an attempt", Worker, _contexts,
    _ways(f"{NEW} > alive > {GONE}", *(f"alive > {cause.value} > {GONE}" for cause in Cause), f"alive > {GONE}"),
)  # fmt: skip
POLLER: Final = Machine(
    "poller", Worker, lambda worker: {poller.tag: poller.state.value for poller in worker.pollers.pollers},
    _ways(
        f"{State.BLOCKED.value} > {State.POLLING.value} > {State.BLOCKED.value} > {State.STOPPED.value}",
        f"{State.POLLING.value} > {State.BACKING_OFF.value} > {State.POLLING.value} > {State.STOPPED.value}",
        f"{State.BACKING_OFF.value} > {State.BLOCKED.value}", f"{State.BACKING_OFF.value} > {State.STOPPED.value}",
    ),
    first=State.BLOCKED.value,
)  # fmt: skip
STOP: Final = Machine(
    "stop of a worker", Worker, lambda worker: {"stop": worker.stop.stage.value}, _ways(" > ".join(stage.value for stage in Stage)),
    chain=tuple(stage.value for stage in Stage), first=Stage.RUNNING.value,
)  # fmt: skip


def _bucket(worker: Worker) -> States:
    bucket = worker.bucket
    free = "all free" if bucket.free >= bucket.size else "none free" if bucket.free <= 0 else "some free"
    return {"tokens": f"{free}, closed" if bucket.closed else free}


BUCKET: Final = Machine(
    "token bucket", Worker, _bucket,
    _ways(
        "all free > some free > none free > some free > all free", "all free > none free > all free",
        "all free > all free, closed", "some free > some free, closed > all free, closed", "none free > none free, closed",
        "none free, closed > some free, closed", "none free, closed > all free, closed",
    ),
    first="all free",
)  # fmt: skip
CALL: Final = Machine(
    "call of a worker", Worker,
    lambda worker: {tag: "tried once more" if call.tries else "under way" for tag, call in worker.calls.open.items()},
    _ways(f"{NEW} > under way > {GONE}", f"under way > tried once more > {GONE}"),
)  # fmt: skip

MACHINES: Final = (
    SESSION, WORKFLOW_TASK, ACTIVITY, POLL, CREATION, USER, COMPLETION, CONTEXT, POLLER, STOP, BUCKET, CALL,
)  # fmt: skip
"""All of them, from what users see to what carries it."""
