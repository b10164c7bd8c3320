"""What a case's histories and log tell, by the simulator's names and in its time: where a run that follows them has to go.

Runs are called as the simulator calls them, activities by the id of their ActivityTaskScheduled event, times are
microseconds of the rebuilt scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from sim.evidence.case import Case
from sim.evidence.rebuild import offset_of
from sim.history import events as ev
from sim.history.temporal_reader import History
from sim.model.spans import SECOND
from sim.protocol.names import run_name

CLOSING: Final = (ev.ActivityTaskCompleted, ev.ActivityTaskFailed, ev.ActivityTaskTimedOut, ev.ActivityTaskCanceled)


GOES_ON: Final = ("SIGCONT", "network released", "network released (down)", "network released (both)")
"""Happenings of a case after which a worker takes up what was sent to it meanwhile."""

MOST_AT_ONCE: Final = 10
"""More than this many calls are not answered in one microsecond."""


@dataclass(frozen=True, slots=True)
class At:
    """An event of a recorded run: its id, its time, what it says, and the id of the ActivityTaskScheduled that it is about."""

    event_id: int
    time: int
    event: ev.Event | ev.OtherEvent
    scheduled: int = 0


@dataclass(slots=True)
class RecordedActivity:
    """An activity: when and how it started (its last attempt) and ended, as far as its history tells."""

    scheduled: At
    started: At | None = None
    closed: At | None = None
    cancel_requested: At | None = None

    @property
    def attempt(self) -> int:
        """The last attempt, if it was started; 0 when that is not known."""
        started = self.started.event if self.started is not None else None
        return started.attempt if isinstance(started, ev.ActivityTaskStarted) else 0


@dataclass(slots=True)
class RunRecord:
    """One recorded run. `events` in the order of the history, `[0]` being event 1."""

    name: str
    history: History
    events: tuple[At, ...]
    activities: dict[int, RecordedActivity] = field(default_factory=dict)
    signals: dict[str, list[At]] = field(default_factory=dict)
    """By the signal's name."""

    def after(self, event_id: int, *kinds: type) -> At | None:
        """The first event of these kinds behind the one with this id."""
        return next((at for at in self.events[event_id:] if isinstance(at.event, kinds)), None)

    def due(self, index: int) -> int:
        """When the event at this index was written: no sooner than those before, and the start of an activity with its end (P4.1.5)."""
        last = index + 1 if isinstance(self.events[index].event, ev.ActivityTaskStarted) else index
        return max(at.time for at in self.events[: last + 1])

    def creation(self, signal: str) -> int:
        """The ActivityTaskScheduled event of the creation activity that sends this signal; 0 if none does."""
        commands = ((key, activity.scheduled.event) for key, activity in self.activities.items())
        return next((key for key, event in commands if isinstance(event, ev.ActivityTaskScheduled) and event.command.input == signal), 0)


@dataclass(frozen=True, slots=True)
class Start:
    """A task is started at this time by the worker of this identity."""

    time: int
    identity: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a worker logged: from `begin` to `end`, microseconds of the scenario. `got`: the poll brought a task."""

    worker: str
    method: str
    begin: int
    end: int
    queue: str
    error: str
    got: bool

    @property
    def length(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """An attempt that a worker logged; times of the scenario, None for what it did not log. `error`: with which it ended."""

    worker: str
    begin: int | None
    end: int | None
    error: str = ""


Key = tuple[str, int, int]
"""(run, id of the ActivityTaskScheduled event, attempt)."""


class Recording:
    """A case in the simulator's names and time. `offset`: the scenario's time at t0."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.offset = offset_of(case)
        self.runs: dict[str, RunRecord] = {}
        self.names: dict[str, str] = {}
        """Of the runs, by their recorded ids."""
        for run in case.runs:
            name = run_name(run.workflow_id, run.number)
            self.names[run.history.run_id] = name
            self.runs[name] = self._record(name, run.history)
        self.activity_starts: dict[str, list[Start]] = {}
        """Starts of activity tasks by the recorded name of their queue; those that only a log has, when the attempt began."""
        self.task_starts: list[Start] = []
        """Starts of workflow tasks from the normal queue."""
        self.all_task_starts: list[Start] = []
        """Starts of workflow tasks from whichever queue."""
        for record in self.runs.values():
            self._collect_starts(record)
        self.calls: dict[tuple[str, str, str], list[Call]] = {}
        """By worker, method and (of polls) kind of queue, in order of their begins."""
        self.attempts: dict[Key, LoggedAttempt] = {}
        self.way = 0
        """How long after its start an attempt usually began on its worker."""
        self.seen: dict[tuple[str, str], list[int]] = {}
        """By run and worker: how long after the start of its first task workflow code saw something, each time."""
        self.stops: dict[str, list[int]] = {}
        """When workers had stopped, by identity."""
        if case.log is not None:
            self._read_log(case.log)

    def time(self, us_since_1970: int) -> int:
        """A server's time in the scenario's."""
        return us_since_1970 - self.case.t0 + self.offset

    def goes_on(self, identity: str, time: int) -> bool:
        """Whether a worker's process, or what is sent to it, has gone on just before this time."""
        worker, since = identity.partition("'")[0], time - self.offset - SECOND
        ends = [h.at for h in self.case.timeline if h.who == worker and h.what in GOES_ON]
        return any(since <= at <= time - self.offset for at in ends)

    def only_worker_on(self, host: str) -> str:
        """The identity of the worker on a host, "" if there are several, or it was started several times."""
        there = [name for name in self.case.workers if self.case.host(name) == host]
        starts = [h for h in self.case.timeline if h.what == "start worker" and h.who in there]
        return there[0] if len(there) == len(starts) == 1 else ""

    def _record(self, name: str, history: History) -> RunRecord:
        events = tuple(_apart(At(event.event_id, self.time(event.time), event.event, event.links.scheduled) for event in history.events))
        record = RunRecord(name, history, events)
        for at, read in zip(events, history.events, strict=True):
            match at.event:
                case ev.ActivityTaskScheduled():
                    record.activities[at.event_id] = RecordedActivity(at)
                case ev.ActivityTaskStarted():
                    record.activities[read.links.scheduled].started = at
                case ev.ActivityTaskCancelRequested():
                    record.activities[read.links.scheduled].cancel_requested = at
                case ev.ActivityTaskCompleted() | ev.ActivityTaskFailed() | ev.ActivityTaskTimedOut() | ev.ActivityTaskCanceled():
                    record.activities[read.links.scheduled].closed = at
                case ev.WorkflowExecutionSignaled(name=signal):
                    record.signals.setdefault(signal, []).append(at)
        return record

    def _collect_starts(self, record: RunRecord) -> None:
        for activity in record.activities.values():
            if activity.started is not None and isinstance(activity.started.event, ev.ActivityTaskStarted):
                start = Start(activity.started.time, activity.started.event.identity)
                self.activity_starts.setdefault(queue_of(activity), []).append(start)
        sticky = False
        for at in record.events:
            if isinstance(at.event, ev.WorkflowTaskScheduled):
                sticky = at.event.sticky
            elif isinstance(at.event, ev.WorkflowTaskStarted):
                self.all_task_starts.append(Start(at.time, at.event.identity))
                if not sticky:
                    self.task_starts.append(self.all_task_starts[-1])

    # -- the log ------------------------------------------------------------------------------------------------------

    def _read_log(self, rows: tuple[Mapping[str, Any], ...]) -> None:
        names = self.names
        times: dict[Key, dict[str, Any]] = {}
        for row in rows:
            at = self.offset + round(row["t"] * SECOND)
            worker = str(row.get("worker", ""))
            if row["ev"] == "rpc":
                begin = at - round(float(row.get("ms", 0)) * 1000)
                call = Call(
                    worker,
                    str(row.get("method", "")),
                    begin,
                    at,
                    str(row.get("queue", "")),
                    str(row.get("error", "")),
                    bool(row.get("got")),
                )
                self.calls.setdefault((worker, call.method, kind_of_queue(call.queue)), []).append(call)
            elif row["ev"] == "workflow_saw" and row.get("run") in names:
                self.seen.setdefault((names[row["run"]], worker), []).append(int(row["saw"].get("ms", 0)) * 1000)
            elif row["ev"] == "worker_stopped":
                self.stops.setdefault(worker, []).append(at)
            elif row["ev"] in ("activity_start", "activity_end") and row.get("run") in names:
                key = (names[row["run"]], int(row["activity"]), int(row["attempt"]))
                attempt = times.setdefault(key, {"worker": worker, "error": ""})
                attempt[row["ev"]] = at
                attempt["error"] = str(row.get("error", "")) or attempt["error"]
        for calls in self.calls.values():
            calls.sort(key=lambda call: call.begin)
        for key, found in times.items():
            self.attempts[key] = LoggedAttempt(found["worker"], found.get("activity_start"), found.get("activity_end"), found["error"])
        self.way = self._usual_way()
        for key, logged in self.attempts.items():
            self._add_start(key, logged)

    def _usual_way(self) -> int:
        """How long after its start an attempt usually began on its worker, of those of which both are told."""
        ways = []
        for (run, event_id, attempt), logged in self.attempts.items():
            activity = self.runs[run].activities.get(event_id)
            if activity is not None and activity.started is not None and activity.attempt == attempt and logged.begin is not None:
                ways.append(logged.begin - activity.started.time)
        return max(0, int(median(ways))) if ways else 0

    def _add_start(self, key: Key, logged: LoggedAttempt) -> None:
        """Add the start of an attempt that its history does not tell of."""
        run, event_id, number = key
        activity = self.runs[run].activities.get(event_id)
        if activity is not None and activity.attempt != number and logged.begin is not None:
            self.activity_starts.setdefault(queue_of(activity), []).append(Start(logged.begin - self.way, logged.worker))


def _apart(events: Iterable[At]) -> Iterator[At]:
    """What came one after the other at the same microsecond, a microsecond apart, so that choices can bring it about in this order."""
    last = 0
    for at in events:
        if isinstance(at.event, (*CLOSING, ev.WorkflowExecutionSignaled)):
            if last - MOST_AT_ONCE < at.time <= last:
                at = At(at.event_id, last + 1, at.event, at.scheduled)
            last = at.time
        yield at


def queue_of(activity: RecordedActivity) -> str:
    """The recorded name of an activity's task queue."""
    scheduled = activity.scheduled.event
    assert isinstance(scheduled, ev.ActivityTaskScheduled)
    return scheduled.command.task_queue


def kind_of_queue(queue: str) -> str:
    """A task queue's name without what is drawn in it: a worker has one sticky queue and one of its resource."""
    return "@" if "@" in queue else ":" if ":" in queue else queue
