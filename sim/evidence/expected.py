"""What the recording says comes next: when, and by whom, tasks start, calls arrive and attempts end."""

from __future__ import annotations

from typing import Final

from sim.evidence.follow import TOLERANCE, Follower, host_of
from sim.evidence.recording import At, LoggedAttempt, RecordedActivity, Recording, RunRecord, Start, queue_of
from sim.history import events as ev
from sim.history.commands import ScheduleActivity
from sim.history.failures import TimeoutFailure, TimeoutType
from sim.model.inputs import Tag
from sim.protocol import messages as msg

TASK_ENDS: Final = (ev.WorkflowTaskCompleted, ev.WorkflowTaskFailed, ev.WorkflowTaskTimedOut)

TASK_EVENTS: Final = (ev.WorkflowTaskScheduled, ev.WorkflowTaskStarted, *TASK_ENDS)

RUN_ENDS: Final = (
    ev.WorkflowExecutionCompleted, ev.WorkflowExecutionFailed, ev.WorkflowExecutionCanceled, ev.WorkflowExecutionContinuedAsNew,
    ev.WorkflowExecutionTerminated, ev.WorkflowExecutionTimedOut,
)  # fmt: skip

BY_FORCE: Final = "FORCE_CLOSE_COMMAND"
"""Why a workflow task fails whose run is closed under it."""

FIRST_BACKOFF: Final = 1_000_000
"""An activity is tried again no sooner than this, microseconds, unless its policy says otherwise."""

TIMER_LATE: Final = 3_000
"""How late the server's timers usually fire: the recorded lateness of timers has a median of 2.7 ms (P8.6)."""

SIGNAL_TIME: Final = 10_000
"""So long before its signal is written a creation activity has usually started."""


class Expected:
    """Looks things up for a run that has come as far as its follower says."""

    def __init__(self, recording: Recording, follower: Follower) -> None:
        self.recording = recording
        self.follower = follower

    # -- what is meant ------------------------------------------------------------------------------------------------

    def run(self, name: str) -> RunRecord | None:
        return self.recording.runs.get(name)

    def activity(self, run: str, ordinal: int) -> RecordedActivity | None:
        """The recorded activity that is this one."""
        record = self.run(run)
        return record.activities.get(self.follower.scheduled_id(run, ordinal)) if record is not None else None

    def of_tag(self, tag: Tag) -> tuple[RecordedActivity | None, int]:
        """The recorded activity, and the attempt, that a tag of a worker's belongs to."""
        if isinstance(tag, tuple) and len(tag) == 4:
            _, run, ordinal, attempt = tag
            return self.activity(run, ordinal), attempt
        return None, 0

    def logged(self, tag: Tag) -> LoggedAttempt | None:
        """What the worker logged of the attempt that a tag belongs to."""
        if isinstance(tag, tuple) and len(tag) == 4:
            _, run, ordinal, attempt = tag
            return self.recording.attempts.get((run, self.follower.scheduled_id(run, ordinal), attempt))
        return None

    # -- what comes ---------------------------------------------------------------------------------------------------

    def end_of_task(self, run: str, inline: bool = False) -> At | None:
        """The end of the workflow task that is started now, or (`inline`) that comes with the end of that; None when the recording
        lets it time out, or close by force."""
        record = self.run(run)
        if record is None:
            return None
        end = record.after(self.follower.written(run), *TASK_ENDS)
        if inline and end is not None:
            end = record.after(end.event_id, *TASK_ENDS)
        return None if end is None or not _by_worker(end.event) else end

    def is_over(self, task: msg.WorkflowTask) -> bool:
        """Whether a workflow task that a worker was given has ended without it, or another one has started."""
        record = self.run(task.run)
        if record is None:
            return True
        written = record.events[: self.follower.written(task.run)]
        last = next((at for at in reversed(written) if isinstance(at.event, (ev.WorkflowTaskStarted, *TASK_ENDS))), None)
        return last is None or not isinstance(last.event, ev.WorkflowTaskStarted) or abs(last.time - task.now) > TOLERANCE

    def is_seen(self, task: msg.WorkflowTask, identity: str) -> bool:
        """Whether a worker logged that workflow code saw something in this task: it counts from the start of the first one."""
        record = self.run(task.run)
        first = record.after(0, ev.WorkflowTaskStarted) if record is not None else None
        logged = self.recording.seen.get((task.run, identity), ())
        return first is None or any(abs(task.now - first.time - at) <= TOLERANCE for at in logged)

    def signal(self, run: str, ordinal: int) -> At | None:
        """The signal of this creation activity that is written next."""
        record, activity = self.run(run), self.activity(run, ordinal)
        if record is None or activity is None or not isinstance(activity.scheduled.event, ev.ActivityTaskScheduled):
            return None
        written = self.follower.written(run)
        signals = record.signals.get(str(activity.scheduled.event.command.input), [])
        return next((at for at in signals if at.event_id > written), None)

    def answered(self, run: str, activity: RecordedActivity | None, attempt: int) -> At | None:
        """The closing event that this attempt's own answer brings; None when it ends otherwise, or is over."""
        if activity is None or activity.closed is None or not self._is_last(activity, attempt):
            return None
        late = activity.closed.event_id <= self.follower.written(run)
        return None if late or isinstance(activity.closed.event, ev.ActivityTaskTimedOut) else activity.closed

    def _is_last(self, activity: RecordedActivity, attempt: int) -> bool:
        """Whether this attempt is the recorded one: by its number, or because there was no time for another."""
        if activity.attempt == attempt or activity.started is None:
            return activity.attempt == attempt
        return attempt == 1 and activity.started.time - activity.scheduled.time < FIRST_BACKOFF

    def failed_at(self, activity: RecordedActivity | None, attempt: int) -> int | None:
        """When the server learnt that an attempt failed which was tried once more: the next one's start less the backoff."""
        if activity is None or activity.started is None or activity.attempt != attempt + 1:
            return None
        command = command_of(activity)
        assert command.retry_policy is not None
        return activity.started.time - command.retry_policy.backoff(attempt)

    def last_heartbeat(self, activity: RecordedActivity | None) -> int | None:
        """When the server recorded the last heartbeat of an activity that timed out for lack of another."""
        closed = activity.closed if activity is not None else None
        if activity is None or closed is None or not isinstance(closed.event, ev.ActivityTaskTimedOut):
            return None
        failure = closed.event.failure
        if not isinstance(failure, TimeoutFailure) or failure.timeout_type is not TimeoutType.HEARTBEAT:
            return None
        return closed.time - command_of(activity).heartbeat

    def start(self, item: msg.Item, now: int | None = None) -> Start | None:
        """When a task that waits is started, and by whom, if that is told; `now`: when it is asked, to tell of lost starts too."""
        record = self.run(item.run)
        if record is None:
            return None
        if isinstance(item, msg.WorkflowTaskItem):
            at = record.after(self.follower.written(item.run), ev.WorkflowTaskStarted, *TASK_ENDS)
            return Start(at.time, at.event.identity) if at is not None and isinstance(at.event, ev.WorkflowTaskStarted) else None
        activity = self.activity(item.run, item.ordinal)
        if activity is not None and activity.started is not None and self._is_last(activity, item.attempt):
            assert isinstance(activity.started.event, ev.ActivityTaskStarted)
            return Start(activity.started.time, activity.started.event.identity)
        logged = self.logged(("", item.run, item.ordinal, item.attempt))
        if logged is not None and logged.begin is not None:
            begin = self._timed_out_from(activity, item.attempt, logged.begin) if activity is not None else logged.begin
            if begin == logged.begin and activity is not None and self.recording.goes_on(logged.worker, begin):
                # It waited in a process that was stopped, or on the way to it: nothing tells since when, so since it could.
                begin = activity.scheduled.time
            elif begin == logged.begin:
                begin -= self.recording.way
            # A worker may begin with what it was given just before the run closed.
            closed = closed_at(record)
            return Start(begin if closed is None else min(begin, closed - 1), logged.worker)
        if activity is None:
            return None
        return self._bound(item, activity) or (None if now is None else self._lost_start(item, activity, now))

    def is_never_started(self, item: msg.Item) -> bool:
        """Whether the recording tells that nobody starts this task."""
        if isinstance(item, msg.WorkflowTaskItem):
            return self.run(item.run) is not None and self.start(item) is None
        record, activity = self.run(item.run), self.activity(item.run, item.ordinal)
        if record is None or activity is None or activity.started is not None or item.attempt > 1:
            return False
        if activity.closed is None:
            # The run was closed before, if no worker has a trace of it.
            closed = closed_at(record)
            traced = self.recording.case.log is None or self.logged(("", item.run, item.ordinal, item.attempt)) is not None
            return not traced and closed is not None and closed - activity.scheduled.time < FIRST_BACKOFF
        match activity.closed.event:
            case ev.ActivityTaskTimedOut(failure=TimeoutFailure(cause=None)):
                return True
            case ev.ActivityTaskCanceled():
                # Or nobody has a trace of it.
                traced = self.recording.case.log is None or self.logged(("", item.run, item.ordinal, item.attempt)) is not None
                return not traced or activity.closed.time - activity.scheduled.time < FIRST_BACKOFF
            case _:
                return False

    def never_started_until(self, item: msg.Item) -> int | None:
        """When an activity is over whose task nobody starts; None of any other, and of workflow tasks."""
        if isinstance(item, msg.WorkflowTaskItem) or not self.is_never_started(item):
            return None
        return self.over(item.run, self.activity(item.run, item.ordinal))

    def over(self, run: str, activity: RecordedActivity | None) -> int | None:
        """When there is nothing any more that a call about an activity, or about a run (None), could be about."""
        record = self.run(run)
        ends = [activity.closed.time] if activity is not None and activity.closed is not None else []
        closed = closed_at(record) if record is not None else None
        return min([*ends, *([closed] if closed is not None else [])], default=None)

    def _timed_out_from(self, activity: RecordedActivity, attempt: int, begin: int) -> int:
        """When the server started an attempt that began then: what is told of the last attempt's start, less the timeouts and
        backoffs in between, if that comes to just before it began."""
        if activity.started is None or activity.attempt <= attempt:
            return begin
        command = command_of(activity)
        assert command.retry_policy is not None
        start = activity.started.time
        for earlier in range(attempt, activity.attempt):
            start -= command.start_to_close + command.retry_policy.backoff(earlier) + 2 * TIMER_LATE
        return start if 0 <= begin - start <= TOLERANCE else begin

    def _lost_start(self, item: msg.ActivityTaskItem, activity: RecordedActivity, now: int) -> Start | None:
        """When an attempt was started that no worker has a trace of: it ran into its StartToClose timeout, as did those after it, until
        one was not started in time. From the end of that the timeouts and backoffs lead back.

        Who started it is not told.
        """
        closed = activity.closed.event if activity.closed is not None else None
        if not isinstance(closed, ev.ActivityTaskTimedOut) or activity.started is not None or activity.closed is None:
            return None
        command, failure = command_of(activity), closed.failure
        if not isinstance(failure, TimeoutFailure) or not _ran_out(failure.cause) or command.retry_policy is None:
            return None
        start, attempt = activity.closed.time - command.schedule_to_start - TIMER_LATE, item.attempt
        while start > now:
            start -= command.retry_policy.backoff(attempt) + command.start_to_close + TIMER_LATE
            attempt += 1
            if 0 <= start - now <= FIRST_BACKOFF:
                return Start(start, "")
        return None

    def _bound(self, item: msg.ActivityTaskItem, activity: RecordedActivity) -> Start | None:
        """Who starts a creation activity when the history has no start of this attempt: the worker that its signal names, before that.

        Only of a first attempt: the signal came too soon for another one.
        """
        signal = self.signal(item.run, item.ordinal)
        if signal is None or signal.time - activity.scheduled.time >= FIRST_BACKOFF:
            return None
        assert isinstance(signal.event, ev.WorkflowExecutionSignaled)
        worker = self.recording.only_worker_on(host_of(signal.event.identity))
        return Start(max(activity.scheduled.time, signal.time - SIGNAL_TIME), worker) if worker else None

    def _starts_beside(self, item: msg.Item) -> list[Start] | None:
        """All starts from the queue of an activity task; None when it is none, or none of the recording's."""
        activity = self.activity(item.run, item.ordinal) if isinstance(item, msg.ActivityTaskItem) else None
        return None if activity is None else self.recording.activity_starts.get(queue_of(activity), [])

    def others_start(self, item: msg.Item, sticky: bool, since: int, until: int) -> int | None:
        """When the last of the tasks of the same queue is started that are started in this span; None without any, and of a sticky
        queue."""
        if isinstance(item, msg.WorkflowTaskItem):
            starts = [] if sticky else self.recording.task_starts
        else:
            starts = self._starts_beside(item) or []
        return max((start.time for start in starts if since <= start.time <= until), default=None)

    def next_start(self, item: msg.Item, since: int) -> int | None:
        """When the next task of the same queue is started; None when that is not told."""
        return min((start.time for start in self._starts_beside(item) or () if start.time >= since), default=None)

    def next_start_by(self, item: msg.Item, identity: str, since: int) -> int | None:
        """When this worker starts a task of the same queue next; None when that is not told."""
        starts = self._starts_beside(item)
        if starts is None:
            starts = self.recording.task_starts
        return min((start.time for start in starts if start.identity == identity and start.time >= since), default=None)

    def pending_start(self, identity: str) -> int | None:
        """When this worker starts the first of the tasks that are scheduled on its sticky queue now; None without any."""
        starts = []
        for name, record in self.recording.runs.items():
            written = self.follower.written(name)
            last = next((at for at in reversed(record.events[:written]) if isinstance(at.event, TASK_EVENTS)), None)
            if last is not None and isinstance(last.event, ev.WorkflowTaskScheduled) and last.event.sticky:
                at = record.after(written, ev.WorkflowTaskStarted, *TASK_ENDS)
                if at is not None and isinstance(at.event, ev.WorkflowTaskStarted) and at.event.identity == identity:
                    starts.append(at.time)
        return min(starts, default=None)

    def last_start_by(self, identity: str, since: int, until: int) -> int | None:
        """When this worker is given the last task that it is given in this span; None without any."""
        starts = [*self.recording.all_task_starts, *(s for queue in self.recording.activity_starts.values() for s in queue)]
        return max((start.time for start in starts if start.identity == identity and since <= start.time <= until), default=None)


def _ran_out(failure: object) -> bool:
    """Whether an attempt was started and not answered in time."""
    return isinstance(failure, TimeoutFailure) and failure.timeout_type is TimeoutType.START_TO_CLOSE


def _by_worker(end: ev.Event | ev.OtherEvent) -> bool:
    """Whether this end of a workflow task is a worker's answer."""
    by_force = isinstance(end, ev.WorkflowTaskFailed) and end.cause == BY_FORCE
    return not by_force and not isinstance(end, ev.WorkflowTaskTimedOut)


def closed_at(record: RunRecord) -> int | None:
    """When a run was closed: with the workflow task that said so, or by its last event; None while it is open."""
    *before, last = record.events
    if not isinstance(last.event, RUN_ENDS):
        return None
    by_force = isinstance(last.event, ev.WorkflowExecutionTerminated | ev.WorkflowExecutionTimedOut)
    tasks = [at.time for at in before if isinstance(at.event, ev.WorkflowTaskCompleted)]
    return last.time if by_force or not tasks else tasks[-1]


def command_of(activity: RecordedActivity) -> ScheduleActivity:
    """The command that asked for a recorded activity."""
    assert isinstance(activity.scheduled.event, ev.ActivityTaskScheduled)
    return activity.scheduled.event.command
