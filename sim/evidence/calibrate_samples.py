"""What recordings tell of latencies: samples by name, each by a rule that is stated where it is taken.

All values are microseconds. A quantity that only a worker's log can tell is missing where there is none.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from sim.evidence.calllog import Call, CallLog, Ran, read_log
from sim.evidence.casefile import CASE, CaseError
from sim.history import events as ev
from sim.history.commands import ScheduleActivity
from sim.history.failures import TimeoutFailure, TimeoutType
from sim.history.files import Left, histories
from sim.history.temporal_reader import History, HistoryError, ReadEvent
from sim.model.spans import SECOND
from sim.protocol.shard import BURST
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY, CREATION_QUEUE_SUFFIX, FRAMEWORK_ACTIVITIES

LONGEST_DISPATCH: Final = 60_000
"""A task that waits longer for its start than a read of the transfer queue at its limit may take waited for a poll (P4.6.11)."""

INLINE: Final = 500
"""A workflow task that starts sooner was given to its worker in the same transaction, past the transfer queue (P4.5.5)."""

COLD: Final = 500_000
"""So long after the start of a worker calls take longer than later: recorded medians are 8 to 9 ms then, and 5 to 6 ms later."""

SOON: Final = 100_000
"""An answer or a start that belongs to an event comes within so long, where nothing is done to the worker."""

Samples = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Recording:
    """Histories that were recorded together, and what their workers logged."""

    name: str
    histories: tuple[History, ...]
    log: CallLog | None = None


@dataclass(slots=True)
class Pair:
    """Two results that one worker sent of one run at about the same time: did the later one come first, and how much apart were they?"""

    overtaken: bool
    gap: int


@dataclass(slots=True)
class Gathered:
    """All samples of some recordings."""

    samples: Samples = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    moments: list[list[tuple[int, str, int]]] = field(default_factory=list)
    """Of each recording: when a value was taken, of which quantity, and the value."""

    def add(self, name: str, value: int, at: int | None = None) -> None:
        """Take a value down; `at`: when it was taken, if it is one of those that a busy machine makes long."""
        if value >= 0:
            self.samples.setdefault(name, []).append(value)
            if at is not None:
                if not self.moments:
                    self.moments.append([])
                self.moments[0].append((at, name, value))

    def join(self, other: Gathered) -> None:
        """Take over what another has."""
        for name, values in other.samples.items():
            self.samples.setdefault(name, []).extend(values)
        self.pairs.extend(other.pairs)
        self.moments.extend(other.moments)


def read_recordings(paths: Iterable[str | Path], damaged: list[HistoryError | CaseError] | None = None) -> list[Recording]:
    """Case folders (also folders of such), and other histories, which count as one recording.

    Args:
        paths: folders and files; "-" is standard input.
        damaged: what is wrong with those that cannot be used goes there, and the others are read; without it, it is raised.

    Raises:
        HistoryError: a history cannot be read.
        CaseError: a case or a log cannot be read.
    """
    left = Left()
    errors: list[HistoryError | CaseError] = []
    found: list[Recording] = []
    bare: list[History] = []
    for path in paths:
        place = Path(path)
        cases = sorted(file.parent for file in place.rglob(CASE)) if str(path) != "-" and os.path.isdir(place) else []
        if cases:
            for case in cases:
                try:
                    found.append(Recording(str(case.name), tuple(histories([case])), read_log(case)))
                except (HistoryError, CaseError) as error:
                    errors.append(error)
        else:
            bare += histories([path], left)
    errors += left.damaged
    if errors and damaged is None:
        raise errors[0]
    if damaged is not None:
        damaged += errors
    return [*found, Recording("histories", tuple(bare))] if bare else found


def gather(recordings: Iterable[Recording]) -> Gathered:
    """The samples of all of these together."""
    everything = Gathered()
    for recording in recordings:
        everything.join(_Gatherer(recording).gather())
    return everything


# -- one recording -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Activity:
    command: ScheduleActivity
    scheduled: ReadEvent
    started: ReadEvent | None = None
    closed: ReadEvent | None = None


@dataclass(slots=True)
class _Run:
    history: History
    activities: dict[int, _Activity]

    @classmethod
    def of(cls, history: History) -> _Run:
        activities: dict[int, _Activity] = {}
        for read in history.events:
            match read.event:
                case ev.ActivityTaskScheduled(command):
                    activities[command.ordinal] = _Activity(command, read)
                case ev.ActivityTaskStarted(ordinal=ordinal):
                    activities[ordinal].started = read
                case (
                    ev.ActivityTaskCompleted(ordinal=ordinal) | ev.ActivityTaskFailed(ordinal=ordinal)
                    | ev.ActivityTaskTimedOut(ordinal=ordinal) | ev.ActivityTaskCanceled(ordinal=ordinal)
                ):  # fmt: skip
                    activities[ordinal].closed = read
        return cls(history, activities)


_ANSWERS: Final[Mapping[type, str]] = {
    ev.WorkflowTaskCompleted: "RespondWorkflowTaskCompleted",
    ev.ActivityTaskCompleted: "RespondActivityTaskCompleted",
    ev.ActivityTaskFailed: "RespondActivityTaskFailed",
    ev.WorkflowExecutionSignaled: "SignalWorkflowExecution",
}
"""Which call brings an event, so that the event's time parts the call in two."""


class _Gatherer:
    """Takes the samples of one recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.runs = [_Run.of(history) for history in recording.histories]
        self.log = recording.log
        self.found = Gathered()
        self.calls: dict[tuple[str, str], list[Call]] = {}
        for call in self.log.ordinary_calls() if self.log is not None else ():
            self.calls.setdefault((call.worker, call.method), []).append(call)
        writes = [r.time for run in self.runs for r in run.history.events if isinstance(r.event, _TRANSFERRED)]
        self.writes = sorted(writes)

    def gather(self) -> Gathered:
        for run in self.runs:
            self._dispatches(run)
            self._timers(run)
            self._pairs(run)
            if self.log is None:
                self._legs_together(run)
            else:
                self._legs(run)
                self._workflow_tasks(run)
                self._activity_tasks(run)
            self._lengths(run)
        if self.log is not None:
            self._meetings()
        self._arrivals()
        return self.found

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _containing(self, method: str, worker: str | None, at: int) -> list[Call]:
        """Calls of this method that were under way at a time; of any worker when it is not known which."""
        return [
            call for (who, what), calls in self.calls.items() if what == method and worker in (None, who)
            for call in calls if call.begin <= at <= call.end
        ]  # fmt: skip

    def _add_leg(self, name: str, took: int, at: int) -> None:
        """A call's way, or its answer's: those of the time after a worker's start are kept apart."""
        assert self.log is not None
        last = bisect_left(self.log.started, at) - 1
        cold = last >= 0 and at - self.log.started[last] < COLD
        self.found.add(f"cold.{name.partition('.')[0]}" if cold else name, took, at)

    def _legs(self, run: _Run) -> None:
        """The event that a call brings parts it into way and way back, where only one such call was under way."""
        for read in run.history.events:
            method = _ANSWERS.get(type(read.event))
            if method is None or (isinstance(read.event, ev.WorkflowExecutionSignaled) and not isinstance(read.event.payload, dict)):
                continue
            worker = None if isinstance(read.event, ev.WorkflowExecutionSignaled) else read.event.identity  # type: ignore[union-attr]
            calls = self._containing(method, worker, read.time)
            if len(calls) == 1:
                self._add_leg(f"request.{method}", read.time - calls[0].begin, read.time)
                self._add_leg(f"response.{method}", calls[0].end - read.time, read.time)

    def _legs_together(self, run: _Run) -> None:
        """Without a log only sums are known: from the server's start of a task to what the worker answered to it."""
        for begun, read, _ in _tasks(run):
            self.found.add("sum.workflow_task", read.time - begun.time, read.time)
        for read in run.history.events:
            if isinstance(read.event, ev.WorkflowExecutionSignaled):
                self._signalled(run, read)
        for activity in run.activities.values():
            if activity.command.activity_type == COMPLETION_ACTIVITY and _completed(activity):
                assert activity.started is not None
                assert activity.closed is not None
                self.found.add("sum.request.RespondActivityTaskCompleted", activity.closed.time - activity.started.time)

    def _signalled(self, run: _Run, read: ReadEvent) -> None:
        """The signal of a session's first attempt: its start is known from the end of the activity."""
        assert isinstance(read.event, ev.WorkflowExecutionSignaled)
        for activity in run.activities.values():
            begun = activity.started
            mine = activity.command.activity_type == CREATION_ACTIVITY and activity.command.input == read.event.name
            if not mine or begun is None or not isinstance(begun.event, ev.ActivityTaskStarted):
                continue
            if begun.event.attempt == 1 and begun.time < read.time:
                self.found.add("sum.request.SignalWorkflowExecution", read.time - begun.time)

    # -- the server ----------------------------------------------------------------------------------------------------

    def _dispatches(self, run: _Run) -> None:
        """From a task's write to its start, where a poll waited, the run did nothing else, and its reads were below the limit.

        On a worker's own queues that is `transfer_read`; on those that workers share (`dispatch`) something comes on top.
        """
        waiting: dict[int, ReadEvent] = {}
        times = sorted(read.time for read in run.history.events)
        for read in run.history.events:
            if isinstance(read.event, ev.WorkflowTaskScheduled):
                waiting[read.event_id] = read
            elif isinstance(read.event, ev.WorkflowTaskStarted) and read.links.scheduled in waiting:
                written = waiting[read.links.scheduled]
                assert isinstance(written.event, ev.WorkflowTaskScheduled)
                name = "transfer_read" if written.event.sticky else "dispatch"
                self._dispatch(name, written, read, "PollWorkflowTaskQueue", read.event.identity, times)
        for activity in run.activities.values():
            begun = activity.started
            if begun is None or not isinstance(begun.event, ev.ActivityTaskStarted) or begun.event.attempt > 1:
                continue
            name = "transfer_read" if "@" in activity.command.task_queue else "dispatch"
            self._dispatch(name, activity.scheduled, begun, "PollActivityTaskQueue", begun.event.identity, times)

    def _dispatch(
        self, name: str, written: ReadEvent, begun: ReadEvent, method: str, worker: str, times: Sequence[int]
    ) -> None:  # fmt: skip
        took = begun.time - written.time
        recent = bisect_left(self.writes, written.time) - bisect_left(self.writes, written.time - SECOND)
        between = bisect_left(times, begun.time) - bisect_left(times, written.time + 1)
        if not INLINE < took <= LONGEST_DISPATCH or recent >= BURST or between > 0:
            return
        if self.log is None:
            # Whether a poll waited is not known; on a worker's own queue one nearly always does.
            if name == "transfer_read":
                self.found.add(name, took, written.time)
            return
        polls = [c for c in self.calls.get((worker, method), ()) if c.got and c.begin <= begun.time <= c.end <= begun.time + SOON]
        if any(poll.begin < written.time for poll in polls):
            self.found.add(name, took, written.time)

    def _meetings(self) -> None:
        """From a creation poll to the start that ends it, where the task had been waiting when the poll was opened.

        One poll in four lies in the task's own partition and gets it at once: those are the smallest, and left out.
        """
        values = []
        for run in self.runs:
            for activity in run.activities.values():
                begun = activity.started
                if begun is None or not isinstance(begun.event, ev.ActivityTaskStarted) or begun.event.attempt > 1:
                    continue
                if activity.command.task_queue.endswith(CREATION_QUEUE_SUFFIX):
                    polls = self._containing("PollActivityTaskQueue", begun.event.identity, begun.time)
                    mine = [p for p in polls if p.got and p.queue == activity.command.task_queue and p.end < begun.time + SOON]
                    if len(mine) == 1 and mine[0].begin > activity.scheduled.time + LONGEST_DISPATCH:
                        values.append(begun.time - mine[0].begin)
        for value in sorted(values)[len(values) // 4 :]:
            self.found.add("meeting", value)

    def _timers(self, run: _Run) -> None:
        """How late timers of a second and more fired: workflow timers, and timeouts of first attempts that never started (P4.3.10)."""
        begun = {r.event.ordinal: r for r in run.history.events if isinstance(r.event, ev.TimerStarted)}
        tasks = {r.event_id: r for r in run.history.events if isinstance(r.event, ev.WorkflowTaskScheduled)}
        for read in run.history.events:
            match read.event:
                case ev.TimerFired(ordinal) if ordinal in begun:
                    timer = begun[ordinal]
                    assert isinstance(timer.event, ev.TimerStarted)
                    if timer.event.duration >= SECOND:
                        self.found.add("timer_lateness", read.time - timer.time - timer.event.duration)
                case ev.WorkflowTaskTimedOut("SCHEDULE_TO_START") if read.links.scheduled in tasks:
                    self.found.add("timer_lateness", read.time - tasks[read.links.scheduled].time - 5 * SECOND)
                case ev.ActivityTaskTimedOut(ordinal, TimeoutFailure(TimeoutType.SCHEDULE_TO_START, cause=None), started=False):
                    activity = run.activities[ordinal]
                    self.found.add("timer_lateness", read.time - activity.scheduled.time - activity.command.schedule_to_start)
                case _:
                    pass

    def _pairs(self, run: _Run) -> None:
        """The results of a session's completion and creation activity: both are sent within a fraction of a millisecond (P3.5)."""
        creations = {str(a.command.input): a for a in run.activities.values() if a.command.activity_type == CREATION_ACTIVITY}
        for activity in run.activities.values():
            if activity.command.activity_type != COMPLETION_ACTIVITY:
                continue
            creation = creations.get(str(activity.command.input))
            if creation is None or not (_completed(activity) and _completed(creation)):
                continue
            assert activity.closed is not None
            assert creation.closed is not None
            gap = creation.closed.time - activity.closed.time
            if abs(gap) < SOON:
                self.found.pairs.append(Pair(gap < 0, abs(gap)))

    # -- the worker ----------------------------------------------------------------------------------------------------

    def _workflow_tasks(self, run: _Run) -> None:
        """From a poll's return with a workflow task to the call that completes it, and the poll's way back."""
        for begun, read, identity in _tasks(run):
            polls = self.calls.get((identity, "PollWorkflowTaskQueue"), ())
            mine = [p for p in polls if p.got and p.begin <= begun.time <= p.end < read.time]
            answers = self._containing("RespondWorkflowTaskCompleted", identity, read.time)
            if len(mine) == 1 and len(answers) == 1:
                self._add_leg("response.PollWorkflowTaskQueue", mine[0].end - begun.time, begun.time)
                self.found.add("workflow_task", answers[0].begin - mine[0].end, mine[0].end)

    def _activity_tasks(self, run: _Run) -> None:
        """From a poll's return with an activity task to the function's start, and what goroutines take to their calls."""
        assert self.log is not None
        server = {
            (str(a.scheduled.event_id), a.started.event.attempt): a.started.time for a in run.activities.values()
            if a.started is not None and isinstance(a.started.event, ev.ActivityTaskStarted)
        }  # fmt: skip
        mine = [r for r in self.log.ran if r.run_id == run.history.run_id and self.log.ordinary(r.worker, r.begin, r.begin)]
        for ran in mine:
            polls = [
                p for p in self.calls.get((ran.worker, "PollActivityTaskQueue"), ())
                if p.got and p.queue == ran.queue and ran.begin - SOON <= p.end <= ran.begin
            ]  # fmt: skip
            if len(polls) != 1:
                continue
            self.found.add("activity_start", ran.begin - polls[0].end)
            at = server.get((ran.activity_id, ran.attempt))
            if at is not None and polls[0].begin <= at:
                self._add_leg("response.PollActivityTaskQueue", polls[0].end - at, at)
        self._goroutines(run, mine)

    def _goroutines(self, run: _Run, ran: Sequence[Ran]) -> None:
        """From the completion activity's start to its call, and to the call of the creation activity that it woke."""
        ended = {r.activity_id: r for r in ran if r.end is not None and not r.failed}
        sessions = [a for a in run.activities.values() if a.command.activity_type == CREATION_ACTIVITY]
        ids = {str(a.command.input): str(a.scheduled.event_id) for a in sessions}
        for activity in run.activities.values():
            completion = ended.get(str(activity.scheduled.event_id))
            creation = ended.get(ids.get(str(activity.command.input), ""))
            if activity.command.activity_type != COMPLETION_ACTIVITY or completion is None or creation is None:
                continue
            calls = self.calls.get((completion.worker, "RespondActivityTaskCompleted"), ())
            for name, end in (("goroutine_answer", completion.end), ("goroutine_wake_up", creation.end)):
                assert end is not None
                after = [c.begin for c in calls if end <= c.begin < end + SOON]
                if after and end >= completion.begin:
                    self.found.add(name, min(after) - completion.begin)

    # -- the load ------------------------------------------------------------------------------------------------------

    def _lengths(self, run: _Run) -> None:
        """How long activity functions ran, of types whose argument does not say it (as that of a program's `DoWork` does)."""
        if self.log is not None:
            types = {str(a.scheduled.event_id): a.command for a in run.activities.values()}
            for ran in self.log.ran:
                command = types.get(ran.activity_id)
                if (
                    ran.run_id == run.history.run_id
                    and command is not None
                    and ran.end is not None
                    and not ran.failed
                    and _of_user(command)
                ):
                    self.found.add(f"activities.{command.activity_type}", ran.end - ran.begin)
            return
        for activity in run.activities.values():
            if _of_user(activity.command) and _completed(activity):
                assert activity.started is not None
                assert activity.closed is not None
                self.found.add(f"activities.{activity.command.activity_type}", activity.closed.time - activity.started.time)

    def _arrivals(self) -> None:
        """From one start to the next of a workflow type; runs that continue others were not asked for by anybody."""
        starts: dict[str, list[int]] = {}
        for run in self.runs:
            first = run.history.events[0]
            if isinstance(first.event, ev.WorkflowExecutionStarted) and not first.event.continued_from:
                starts.setdefault(first.event.workflow_type, []).append(first.time)
        for kind, times in starts.items():
            for earlier, later in pairwise(sorted(times)):
                self.found.add(f"arrivals.{kind}", later - earlier)


_TRANSFERRED: Final = (ev.WorkflowTaskScheduled, ev.ActivityTaskScheduled)


def _tasks(run: _Run) -> Iterator[tuple[ReadEvent, ReadEvent, str]]:
    """Workflow tasks that were completed: their start, their completion, and which worker had them."""
    started: dict[int, ReadEvent] = {}
    for read in run.history.events:
        if isinstance(read.event, ev.WorkflowTaskStarted):
            started[read.event_id] = read
        elif isinstance(read.event, ev.WorkflowTaskCompleted) and read.links.started in started:
            yield started[read.links.started], read, read.event.identity


def _completed(activity: _Activity) -> bool:
    return activity.started is not None and activity.closed is not None and isinstance(activity.closed.event, ev.ActivityTaskCompleted)


def _of_user(command: ScheduleActivity) -> bool:
    says = isinstance(command.input, dict) and "ms" in command.input
    return command.activity_type not in FRAMEWORK_ACTIVITIES and not says
