"""One workflow run as the history service keeps it (P4.1 to P4.5).

Every input is one transaction: it changes the mutable state, appends or buffers events, schedules workflow tasks, and
ends by writing timer tasks and handing transfer tasks to the shard. The run keeps no history: `journal.log` has what its
code can see, and a recorder outside numbers the events.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from sim.history import events as ev
from sim.history import visible as vis
from sim.history.failures import RetryState, TimeoutFailure, TimeoutType
from sim.model.inputs import Call, Deliver, Fired, Input, Name, Tag, Withdrawn
from sim.model.laws import Law
from sim.model.node import Node, Step
from sim.model.spans import MILLISECOND, SECOND, Drawn, DueBefore, Exactly, Greatest, Left, NotBefore, Overdue, Span, Within
from sim.protocol import activity_requests, task_requests, workflow_requests
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.activity_record import ActivityRecord, Attempt
from sim.protocol.journal import Journal
from sim.protocol.names import activity_queue, run_name, workflow_queue
from sim.protocol.workflow_task import DEFAULT_TIMEOUT, STICKY_SCHEDULE_TO_START, PendingTask, Phase, Stickiness

COARSENESS = 1_001 * MILLISECOND
"""No timer task fires earlier than this after the shard last loaded a queue (P4.3.10)."""

_OF_ATTEMPT = (TimeoutType.HEARTBEAT, TimeoutType.START_TO_CLOSE)

LOAD_BY_OTHERS = Within("load by others", 0, 0)
"""How long it is until then after a load for something else on the shard, such as the server's own workflows: those are not
simulated, so it is nothing by chance; a recording may show up to `COARSENESS` (P4.3.10)."""

LATENESS = Within("timer lateness", 1_500, 4_000)
"""How late a server timer fires: 2 to 5 ms recorded, less the time the recording's own calls took."""
PLAIN_LATENESS = Within("timer lateness", 0, COARSENESS + 4_000)
"""How late a timer is of which nobody keeps what may delay it: see `_arm`."""


HISTORY_SERVICE = "history-service"
"""Who fails a started workflow task when a run is closed by force: not the worker that has it (P1.7.5)."""


class RunSpec(Struct, frozen=True):
    """What a run was started with. `number` counts the runs of a workflow, from 1."""

    workflow_id: str
    number: int
    workflow_type: str
    task_queue: str
    input: object
    shard: Name
    execution_timeout: int = 0
    run_timeout: int = 0
    task_timeout: int = DEFAULT_TIMEOUT
    identity: str = "client"
    continued_from: str = ""
    first_run: str = ""
    first_task_backoff: int = 0
    transaction: Law | None = None
    """How long a transaction keeps the next one waiting; None: not at all."""
    plain: bool = False
    """For drivers without a clock: each deadline has a timer of its own. The server has one for the earliest only, which
    without times is a difference that nobody sees, and a burden to whoever keeps states."""

    @property
    def bound(self) -> int:
        """The run timeout that caps activity timeouts: the least of the two that are set (P2.1)."""
        whole, own = self.execution_timeout, self.run_timeout
        return min(whole, own) if whole and own else whole or own


@dataclass(slots=True)
class Run(Node):
    """A running workflow execution. Closing removes the node: later calls find nobody (NotFound)."""

    spec: RunSpec
    task: PendingTask = field(default_factory=PendingTask)
    sticky: Stickiness = field(default_factory=Stickiness)
    journal: Journal = field(default_factory=Journal)
    activities: dict[int, ActivityRecord] = field(default_factory=dict)
    timers: dict[int, bool] = field(default_factory=dict)
    """Pending workflow timers by ordinal; True when a timer task was written."""
    signals_seen: set[str] = field(default_factory=set)
    cancel_requested: bool = False
    began_at: int = 0
    tasks_done: int = 0
    closed: bool = False
    deadlines_changed: bool = False
    wants_task: bool = False
    """Something happened in this transaction that workflow code should see."""
    locked: bool = False
    """A transaction is being written: what comes meanwhile waits for it."""
    waiting: list[Deliver] = field(default_factory=list)

    @staticmethod
    def retries() -> frozenset[str]:
        return frozenset({"retry", "task"})

    def shields(self) -> Iterable[Hashable]:
        """Attempts whose deadline the server will see pass, which is before their worker does."""
        for record in self.activities.values():
            if record.phase is Attempt.STARTED and not record.paused:
                yield ("close", run_name(self.spec.workflow_id, self.spec.number), record.ordinal, record.attempt)

    # -- inputs -------------------------------------------------------------------------------------------------------

    def handle(self, event: Input, step: Step) -> None:
        if type(event) is Deliver:
            if self.locked:
                self.waiting.append(event)
                return
            self._take(event, step)
        elif type(event) is Fired:
            assert isinstance(event.tag, tuple)
            if event.tag == ("unlock",):
                self.locked = False
                if not self.waiting:
                    return
                self._take(self.waiting.pop(0), step)
            else:
                self._fired(event.tag, step)
        elif type(event) is Withdrawn:
            return  # every call was answered at once
        else:
            raise TypeError(f"a run cannot take {event}")
        if not self.closed:
            self.commit(step)

    def _take(self, event: Deliver, step: Step) -> None:
        _HANDLERS[type(event.message)](self, event.message, event.call, step)
        if self.spec.transaction is not None and not self.closed:
            self.locked = True
            step.arm(("unlock",), Drawn("transaction", self.spec.transaction))

    def commit(self, step: Step) -> None:
        """End the transaction."""
        journal = self.journal
        if self.wants_task:
            self.wants_task = False
            if self.task.phase is Phase.NONE:
                self.schedule_task(step)
        if journal.buffer and self.task.phase is not Phase.STARTED:
            self.task.overtaken = True
            journal.flush()
        if journal.fresh:
            journal.emit(step)
        if self.deadlines_changed:
            self.deadlines_changed = False
            self._write_timers(step)

    def begin(self, message: msg.Began, call: Call | None, step: Step) -> None:
        """The first transaction of the run."""
        spec = self.spec
        self.began_at = step.stamp()
        backoff = spec.first_task_backoff
        if step.wants(obs.WorkflowStarted):
            step.emit(obs.WorkflowStarted(step.me, spec.workflow_id, spec.workflow_type, spec.task_queue, spec.bound))
        self.journal.direct(
            step,
            ev.WorkflowExecutionStarted(
                spec.workflow_type, spec.task_queue, spec.input, spec.execution_timeout, spec.run_timeout, spec.task_timeout,
                spec.identity, spec.continued_from, spec.first_run or step.me, backoff,
            ),
        )  # fmt: skip
        step.deadline(("life",), Exactly(SECOND + backoff))
        if spec.bound:
            step.arm(("run",), Exactly(spec.bound), late=LATENESS)
        if backoff:
            self._arm(("backoff",), Exactly(backoff), step)
        else:
            self.schedule_task(step)

    def _fired(self, tag: tuple[object, ...], step: Step) -> None:
        if not self.spec.plain and not step.choose("timer read ahead", (False, True), (1, 0)):
            # The timer queue was loaded for it, before what follows is written (P4.3.10); the shard only hears of that later.
            # A load for something else on the shard, at most a second before, may have brought it along: never by chance here,
            # where all that happens on the shard is known, but in a recording.
            step.mark("load")
            step.send(self.spec.shard, msg.TimerQueueLoaded())
        match tag:
            case ("written", ordinal, kind):
                self._activity_timer(ordinal, TimeoutType(kind), step)  # type: ignore[arg-type]
            case ("retry", ordinal):
                record = self.activities[ordinal]  # type: ignore[index]
                if record.phase is Attempt.BACKING_OFF and not record.paused:
                    record.phase = Attempt.UNSTARTED
                    self.offer_activity(record, step)
            case ("user timers", ordinal):
                self._user_timers(ordinal, step)  # type: ignore[arg-type]
            case ("sticky",):
                self._sticky_timeout(step)
            case ("task",):
                self._task_timeout(step)
            case ("backoff",):
                if self.waits_for_first_task:
                    self.schedule_task(step)
            case ("run",):
                self.force_close(step, ev.WorkflowExecutionTimedOut(), "TIMED_OUT")
            case _:
                raise TypeError(f"a run has no timer {tag}")

    def clause(self, event: Input) -> str:
        match event:
            case Fired(tag=("written", ordinal, kind)):
                return f"the {TimeoutType(kind).value} timeout of {self._activity(ordinal)} is due"  # type: ignore[arg-type]
            case Fired(tag=("retry", ordinal)):
                return f"{self._activity(ordinal)} is tried again"  # type: ignore[arg-type]
            case Fired(tag=tuple(tag)):
                return _TIMERS.get(str(tag[0]), "")
            case _:
                return ""

    def _activity(self, ordinal: int) -> str:
        record = self.activities.get(ordinal)
        return record.command.activity_type if record is not None else f"activity {ordinal}"

    # -- timers -------------------------------------------------------------------------------------------------------

    def _arm(self, tag: Tag, span: Span, step: Step) -> None:
        """Write a timer task."""
        by_shard = NotBefore(span, self.spec.shard, "load", COARSENESS)
        step.arm(tag, Greatest(NotBefore(by_shard, step.me, "load", COARSENESS), LOAD_BY_OTHERS), late=LATENESS)

    def _write_timers(self, step: Step) -> None:
        """Write a timer task for the earliest deadline of the activities, and of the timers, unless it has one."""
        if self.spec.plain:
            self._arm_all(step)
            return
        tags: list[Tag] = [("due", ordinal, kind) for ordinal, record in self.activities.items() for kind in record.deadlines()]
        if tags:
            first = tags[0] if len(tags) == 1 else step.earliest(tags)
            assert isinstance(first, tuple)
            _, ordinal, kind = first
            written = self.activities[ordinal].written
            if kind not in written:
                written.add(kind)
                self._arm(("written", ordinal, kind), Left(first), step)
        if self.timers:
            ordinals = list(self.timers)
            soonest = ordinals[0] if len(ordinals) == 1 else step.earliest([("user", o) for o in ordinals])[1]  # type: ignore[index]
            if not self.timers[soonest]:
                self.timers[soonest] = True
                self._arm(("user timers", soonest), Left(("user", soonest)), step)

    def _arm_all(self, step: Step) -> None:
        """Arm a timer for every deadline, and none besides."""
        for ordinal, record in self.activities.items():
            running = set(record.deadlines())
            for kind in sorted(record.written - running):
                step.disarm(("written", ordinal, kind))
            # Those that are armed already as well: a heartbeat has moved what is left.
            for kind in sorted(running):
                what = "beat" if kind is TimeoutType.HEARTBEAT else "end"
                beaten_by = ((what, step.me, ordinal, record.attempt),) if kind in _OF_ATTEMPT else ()
                step.arm(("written", ordinal, kind), Left(record.due(kind)), beaten_by, PLAIN_LATENESS)
            record.written = running
        for ordinal, written in self.timers.items():
            if not written:
                self.timers[ordinal] = True
                step.arm(("user timers", ordinal), Left(("user", ordinal)), late=PLAIN_LATENESS)

    def _activity_timer(self, ordinal: int, kind: TimeoutType, step: Step) -> None:
        """A written timer fired: process all deadlines that have passed, in the order (deadline, event id, type)."""
        if ordinal in self.activities and kind is TimeoutType.HEARTBEAT:
            self.deadlines_changed = True
            self.activities[ordinal].written.discard(kind)
        if self.spec.plain:
            self.deadlines_changed = True
            record = self.activities[ordinal]
            record.written.discard(kind)
            self._time_out(record, kind, step)
            return
        passed = [(r, k) for r in self.activities.values() for k in r.deadlines() if step.holds(Overdue(r.due(k)))]
        self.deadlines_changed |= bool(passed)
        while passed:
            tags = [record.due(k) for record, k in passed]
            record, k = passed.pop(tags.index(step.earliest(tags)))
            if self.activities.get(record.ordinal) is record and k in record.deadlines() and not self.closed:
                self._time_out(record, k, step)
                # A closed activity has no timers left; one that is retried has others than before.
                still_open = self.activities.get(record.ordinal) is record
                passed = [(r, other) for r, other in passed if r is not record or (still_open and other in r.deadlines())]

    def _time_out(self, record: ActivityRecord, kind: TimeoutType, step: Step) -> None:
        started = record.phase is Attempt.STARTED
        details = record.details
        message = f"activity {kind.value} timeout"
        # Only an event names the failure before it as the cause, and the details of the last heartbeat; what is kept for the next
        # attempt does not (P4.3.9).
        failure = TimeoutFailure(kind, message, None)
        state = record.decide(step, failure)
        if state is RetryState.IN_PROGRESS:
            self.retry(record, failure, step)
            return
        failure = TimeoutFailure(kind, message, record.last_failure, details)
        if state is RetryState.TIMEOUT and kind is not TimeoutType.SCHEDULE_TO_START:
            failure = TimeoutFailure(
                TimeoutType.SCHEDULE_TO_CLOSE,
                "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying",
                record.last_failure,
                details,
            )
        event = ev.ActivityTaskTimedOut(record.ordinal, failure, state, started)
        self.close_activity(record, event, vis.ActivityFailed(record.ordinal, failure, state), f"{kind.value} timeout", state.value, step)

    def _user_timers(self, ordinal: int, step: Step) -> None:
        self.deadlines_changed = True
        due = [o for o in self.timers if o == ordinal or (not self.spec.plain and step.holds(Overdue(("user", o))))]
        while due:
            first = due[0]
            for other in due[1:]:
                if step.holds(DueBefore(("user", other), ("user", first))):
                    first = other
            due.remove(first)
            del self.timers[first]
            step.disarm(("user", first))
            step.disarm(("user timers", first))
            self.journal.hold(step, ev.TimerFired(first), vis.TimerFired(first), closes=False)
            self.attention()

    # -- activities ---------------------------------------------------------------------------------------------------

    def offer_activity(self, record: ActivityRecord, step: Step) -> None:
        """Hand an attempt to matching directly: the timer queue does so for retries."""
        command = record.command
        item = msg.ActivityTaskItem(step.me, record.ordinal, record.attempt, command.schedule_to_start)
        step.send(activity_queue(command.task_queue), msg.AddTask(item))

    def retry(self, record: ActivityRecord, failure: object, step: Step) -> None:
        """The attempt ended and is tried again: no event, only a later attempt."""
        attempt, command = record.attempt, record.command
        backoff = record.retry(step, failure)  # type: ignore[arg-type]
        self.deadlines_changed = True
        if step.wants(obs.AttemptRetried):
            why = _name(failure)
            step.emit(obs.AttemptRetried(step.me, command.ordinal, attempt, command.activity_type, command.session, why, backoff))

    def close_activity(self, record: ActivityRecord, event: ev.Event, visible: vis.Visible, how: str, retry_state: str, step: Step) -> None:
        """Delete the record and buffer its last events: the start (late, P4.1.2) and the closing one."""
        command = record.command
        if record.phase is Attempt.STARTED:
            started = ev.ActivityTaskStarted(command.ordinal, record.attempt, record.identity, record.last_failure)
            self.journal.hold(step, started, None, closes=False, time=record.started_at)
        self.journal.hold(step, event, visible, closes=True)
        self.drop_activity(record, how, step, retry_state)
        self.attention()

    def drop_activity(self, record: ActivityRecord, how: str, step: Step, retry_state: str = "") -> None:
        """Delete a record and its timers."""
        command = record.command
        record.forget(step)
        del self.activities[command.ordinal]
        self.deadlines_changed = True
        if step.wants(obs.ActivityClosed):
            step.emit(obs.ActivityClosed(step.me, command.ordinal, command.activity_type, command.session, how, retry_state))

    # -- workflow tasks -----------------------------------------------------------------------------------------------

    @property
    def waits_for_first_task(self) -> bool:
        """Whether the backoff of a new run is not over, and nothing has scheduled a workflow task before (P1.7.2)."""
        return bool(self.spec.first_task_backoff) and self.task.serial == 0

    def attention(self) -> None:
        """Something happened that workflow code should see: it needs a workflow task, unless one is pending.

        It is scheduled at the end of the transaction, behind everything that happens in it: of several timers that have run out it
        is the last (P4.3.2).
        """
        self.wants_task = True

    def write_scheduled(self, step: Step) -> None:
        """The next workflow task is pending; its event is written, unless it is transient."""
        task, spec = self.task, self.spec
        if self.journal.buffer:
            # It brings new events, so it is not transient (P4.5.7).
            task.attempt = 1
            self.journal.flush()
        task.schedule(self.tasks_done, step.stamp())
        task.sticky = bool(self.sticky.queue) and not task.transient
        if not task.transient:
            name = self.sticky.name if task.sticky else spec.task_queue
            self.journal.direct(step, ev.WorkflowTaskScheduled(name, task.sticky, spec.task_queue, spec.task_timeout, 1))

    def schedule_task(self, step: Step) -> None:
        """Schedule a workflow task, on the sticky queue if there is one."""
        self.write_scheduled(step)
        normal = workflow_queue(self.spec.task_queue)
        item = msg.WorkflowTaskItem(step.me, self.task.serial)
        if self.task.sticky:
            step.arm(("sticky",), Exactly(STICKY_SCHEDULE_TO_START), late=LATENESS)
            step.send(self.spec.shard, msg.Transfer(self.sticky.queue, item, normal))
        else:
            step.send(self.spec.shard, msg.Transfer(normal, item))

    def start_task(self, step: Step, request: str, identity: str) -> msg.WorkflowTask:
        """Record the start and give the task."""
        task, spec = self.task, self.spec
        if task.transient and task.overtaken:
            task.attempt = 1
            self.journal.direct(step, ev.WorkflowTaskScheduled(spec.task_queue, False, spec.task_queue, spec.task_timeout, 1))
        task.phase = Phase.STARTED
        task.request, task.identity = request, identity
        task.upto = len(self.journal.log)
        task.now = step.stamp()
        if not task.transient:
            self.journal.direct(step, ev.WorkflowTaskStarted(identity, request == task_requests.INLINE))
        if step.wants(obs.WorkflowTaskTaken):
            step.emit(obs.WorkflowTaskTaken(step.me, identity))
        step.disarm(("sticky",))
        step.arm(("task",), Exactly(task.timeout(spec.task_timeout)), late=LATENESS)
        return msg.WorkflowTask(
            step.me, spec.workflow_id, spec.workflow_type, spec.task_queue, spec.input, task.serial, task.attempt,
            self.journal.log, task.upto, self.tasks_done, task.now,
        )  # fmt: skip

    def _sticky_timeout(self, step: Step) -> None:
        if self.task.phase is not Phase.SCHEDULED:
            return
        self.journal.direct(step, ev.WorkflowTaskTimedOut("SCHEDULE_TO_START"))
        self.sticky.clear()
        self.task.end(self.task.attempt)
        self.schedule_task(step)

    def _task_timeout(self, step: Step) -> None:
        task = self.task
        if not task.transient:
            self.journal.direct(step, ev.WorkflowTaskTimedOut("START_TO_CLOSE"))
        if step.wants(obs.WorkflowTaskTaken):
            step.emit(obs.WorkflowTaskTaken(step.me, ""))
        had_sticky = bool(self.sticky.queue)
        self.sticky.clear()
        task.end(task.attempt + (not had_sticky))
        self.schedule_task(step)

    def fail_task(self, step: Step, failed: ev.WorkflowTaskFailed, attempt: int) -> None:
        """Write WTF, clear stickiness, schedule the next task as this attempt."""
        self.journal.direct(step, failed)
        step.disarm(("task",))
        self.sticky.clear()
        self.task.end(attempt)
        self.schedule_task(step)

    # -- closing ------------------------------------------------------------------------------------------------------

    def force_close(self, step: Step, event: ev.Event, status: str) -> None:
        """Terminate or time out: a started task is failed first, unless it is transient (P1.7.5)."""
        if self.task.phase is Phase.STARTED and not self.task.transient:
            self.journal.direct(step, ev.WorkflowTaskFailed("FORCE_CLOSE_COMMAND", HISTORY_SERVICE))
        self.journal.flush()
        self.journal.direct(step, event)
        self.close(step, status)

    def close(self, step: Step, status: str, outcome: object = None, next_run: Name = "") -> None:
        """The closing event is written: what is still buffered is dropped, the node goes."""
        self.closed = True
        self.journal.buffer.clear()
        self.journal.emit(step)
        for late in self.waiting:
            if late.call is not None:
                step.reply(late.call, msg.Refused(msg.Code.NOT_FOUND, "workflow execution already completed"))
        step.emit(obs.WorkflowClosed(step.me, self.spec.workflow_id, status, outcome, next_run))
        step.send(self.spec.shard, msg.RunClosed(self.spec.workflow_id, next_run))
        step.retire(step.me)


def _name(failure: object) -> str:
    match failure:
        case TimeoutFailure(timeout_type=kind):
            return f"{kind.value} timeout"
        case _:
            return str(getattr(failure, "type", "") or getattr(failure, "message", failure))


_TIMERS = {
    "backoff": "the wait before the first workflow task is over",
    "run": "the workflow has lasted as long as it may",
    "sticky": "the workflow task has waited on the sticky queue as long as it may",
    "task": "the workflow task has lasted as long as it may",
    "unlock": "its lock is free",
    "user timers": "a timer of the workflow is due",
}
"""What it says of them, by the first word of their tags."""

_HANDLERS: dict[type, Callable[..., None]] = {
    msg.Began: Run.begin,
    msg.RecordTaskStarted: task_requests.record_started,
    msg.RespondWorkflowTaskCompleted: task_requests.completed,
    msg.RespondWorkflowTaskFailed: task_requests.failed,
    msg.GetWorkflowExecutionHistory: task_requests.history,
    msg.RecordActivityTaskHeartbeat: activity_requests.heartbeat,
    msg.RespondActivityTaskCompleted: activity_requests.completed,
    msg.RespondActivityTaskFailed: activity_requests.failed,
    msg.RespondActivityTaskCanceled: activity_requests.canceled,
    msg.PauseActivity: activity_requests.pause,
    msg.SignalWorkflowExecution: workflow_requests.signal,
    msg.SignalWorkflow: workflow_requests.client_signal,
    msg.RequestCancelWorkflow: workflow_requests.request_cancel,
    msg.TerminateWorkflow: workflow_requests.terminate,
}
"""The transaction for each message: called as (run, message, call, step)."""
