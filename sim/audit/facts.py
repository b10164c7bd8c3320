"""One run as its history tells it: activities with their ends, signals of creation activities, workflow tasks.

All times are microseconds since 1970 by the server's clock, all ids are event ids, 0 for none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sim.history import events as ev
from sim.history.commands import ScheduleActivity
from sim.history.failures import Failure, TimeoutFailure, TimeoutType
from sim.history.temporal_reader import History, ReadEvent
from sim.workflow.sessions import FRAMEWORK_ACTIVITIES


@dataclass(slots=True)
class Activity:
    """An activity of a run. Its attempts that were tried again left no event (P4.1.2): what is known is the last one's."""

    event_id: int
    scheduled_at: int
    command: ScheduleActivity
    asked_in: int
    """The completion of the workflow task that asked for it."""
    attempt: int = 0
    """Of the attempt that closed it; 0 when that was not started, or nothing closed it."""
    started_at: int | None = None
    identity: str = ""
    last_failure: Failure | None = None
    cancel_id: int = 0
    cancel_at: int = 0
    close_id: int = 0
    closed_at: int | None = None
    outcome: str = ""
    """completed, failed, timed out, canceled, or "" while nothing closed it."""
    failure: Failure | None = None

    @property
    def of_user(self) -> bool:
        return self.command.activity_type not in FRAMEWORK_ACTIVITIES

    @property
    def timeout(self) -> TimeoutType | None:
        """Which timeout closed it, if one did."""
        return self.failure.timeout_type if self.outcome == "timed out" and isinstance(self.failure, TimeoutFailure) else None

    @property
    def reported(self) -> bool:
        """Whether a worker's word closed it, so that it ran until then (or shortly before)."""
        return self.started_at is not None and self.outcome in ("completed", "failed", "canceled")


@dataclass(slots=True)
class Binding:
    """The signal of an attempt of a creation activity: from then on, at the latest, it holds a slot of this worker."""

    event_id: int
    at: int
    session_id: str
    queue: str
    host: str
    sender: str


@dataclass(slots=True)
class Task:
    """A workflow task that was completed: what it saw are the events before its start."""

    started_id: int
    started_at: int
    completed_id: int


@dataclass(slots=True)
class Run:
    """A run of a workflow. `name` is "WORKFLOW/N", N counting the runs of that id."""

    source: str
    workflow_id: str
    run_id: str
    events: int
    began: int
    last_at: int
    workflow_type: str = ""
    task_queue: str = ""
    bound: int = 0
    """The lesser of run and execution timeout, 0 without any."""
    continued_from: str = ""
    name: str = ""
    closed_at: int | None = None
    status: str = ""
    """As Temporal spells it; "" while the run is open."""
    cancel_id: int = 0
    cancel_at: int | None = None
    sdk: str = ""
    activities: dict[int, Activity] = field(default_factory=dict)
    """By ordinal."""
    bindings: list[Binding] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    def noticed(self, event_id: int) -> Task | None:
        """The completed workflow task that saw this event first; None when none has."""
        index = bisect_right(self.tasks, event_id, key=_started_id)
        return self.tasks[index] if index < len(self.tasks) else None


def _started_id(task: Task) -> int:
    return task.started_id


def facts_of(history: History) -> Run:
    """What a history tells of its run."""
    events = history.events
    last_at = max([event.time for event in events])
    run = Run(history.source, history.workflow_id, history.run_id, len(events), events[0].time, last_at)
    started: dict[int, int] = {}
    for read in events:
        taker = _TAKERS.get(type(read.event))
        if taker is not None:
            taker(run, read, read.event)
        elif type(read.event) is ev.WorkflowTaskStarted:
            started[read.event_id] = read.time
        elif type(read.event) is ev.WorkflowTaskCompleted:
            began = read.links.started
            run.tasks.append(Task(began, started.get(began, read.time), read.event_id))
            if not run.sdk:
                _introduce(run, read)
    return run


def _introduce(run: Run, read: ReadEvent) -> None:
    said = (read.raw.get("workflowTaskCompletedEventAttributes") or {}).get("sdkMetadata") or {}
    run.sdk = f"{said.get('sdkName', '')} {said.get('sdkVersion', '')}".strip()


def _started(run: Run, read: ReadEvent, event: ev.WorkflowExecutionStarted) -> None:
    run.workflow_type, run.task_queue, run.continued_from = event.workflow_type, event.task_queue, event.continued_from
    run.bound = min((t for t in (event.run_timeout, event.execution_timeout) if t), default=0)


def _signaled(run: Run, read: ReadEvent, event: ev.WorkflowExecutionSignaled) -> None:
    """Nothing but a creation activity sends such a payload, under its session's id (P1.2.5)."""
    payload = event.payload
    if isinstance(payload, dict) and payload.keys() >= {"Taskqueue", "HostName", "ResourceID"}:
        binding = Binding(read.event_id, read.time, event.name, str(payload["Taskqueue"]), str(payload["HostName"]), event.identity)
        run.bindings.append(binding)


def _scheduled(run: Run, read: ReadEvent, event: ev.ActivityTaskScheduled) -> None:
    run.activities[event.command.ordinal] = Activity(read.event_id, read.time, event.command, read.links.completed)


def _attempt(run: Run, read: ReadEvent, event: ev.ActivityTaskStarted) -> None:
    activity = run.activities[event.ordinal]
    activity.attempt, activity.started_at, activity.identity = event.attempt, read.time, event.identity
    activity.last_failure = event.last_failure


def _cancel_requested(run: Run, read: ReadEvent, event: ev.ActivityTaskCancelRequested) -> None:
    activity = run.activities[event.ordinal]
    activity.cancel_id, activity.cancel_at = read.event_id, read.time


def _closes(outcome: str) -> Callable[[Run, ReadEvent, Any], None]:
    def take(run: Run, read: ReadEvent, event: Any) -> None:
        activity = run.activities[event.ordinal]
        activity.close_id, activity.closed_at, activity.outcome = read.event_id, read.time, outcome
        activity.failure = getattr(event, "failure", None)

    return take


def _ends(status: str) -> Callable[[Run, ReadEvent, Any], None]:
    def take(run: Run, read: ReadEvent, event: Any) -> None:
        run.closed_at, run.status = read.time, status

    return take


def _run_cancel_requested(run: Run, read: ReadEvent, event: ev.WorkflowExecutionCancelRequested) -> None:
    run.cancel_id, run.cancel_at = read.event_id, read.time


_TAKERS: Final[dict[type, Callable[[Run, ReadEvent, Any], None]]] = {
    ev.WorkflowExecutionStarted: _started,
    ev.WorkflowExecutionSignaled: _signaled,
    ev.WorkflowExecutionCancelRequested: _run_cancel_requested,
    ev.ActivityTaskScheduled: _scheduled,
    ev.ActivityTaskStarted: _attempt,
    ev.ActivityTaskCancelRequested: _cancel_requested,
    ev.ActivityTaskCompleted: _closes("completed"),
    ev.ActivityTaskFailed: _closes("failed"),
    ev.ActivityTaskTimedOut: _closes("timed out"),
    ev.ActivityTaskCanceled: _closes("canceled"),
    ev.WorkflowExecutionCompleted: _ends("COMPLETED"),
    ev.WorkflowExecutionFailed: _ends("FAILED"),
    ev.WorkflowExecutionCanceled: _ends("CANCELED"),
    ev.WorkflowExecutionTerminated: _ends("TERMINATED"),
    ev.WorkflowExecutionTimedOut: _ends("TIMED_OUT"),
    ev.WorkflowExecutionContinuedAsNew: _ends("CONTINUED_AS_NEW"),
}
