"""The completion of workflow tasks: commands become events, or the task fails (P4.5.5, P4.5.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.history import commands as cmd
from sim.history import events as ev
from sim.history import visible as vis
from sim.model.inputs import Call
from sim.model.node import Step
from sim.model.spans import SECOND, Exactly, Overdue
from sim.protocol import activity_requests
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.activity_record import ActivityRecord, Attempt, is_rejected, normalised
from sim.protocol.names import activity_queue, run_name
from sim.protocol.workflow_task import Phase

if TYPE_CHECKING:
    from sim.protocol.run import Run

NOT_FOUND = msg.Refused(msg.Code.NOT_FOUND, "Workflow task not found.")
UNHANDLED = "UNHANDLED_COMMAND"
INLINE = "inline"
"""The request of a task that comes with the answer to the completion of the one before."""

_NO_TIMEOUT = "BadScheduleActivityAttributes: a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity."
CLOSING = (cmd.CompleteWorkflow, cmd.FailWorkflow, cmd.CancelWorkflow, cmd.ContinueAsNew)


def record_started(run: Run, message: msg.RecordTaskStarted, call: Call, step: Step) -> None:
    """Matching gives a task of this run to a worker."""
    item = message.item
    if isinstance(item, msg.ActivityTaskItem):
        activity_requests.start(run, item, message.request, message.identity, call, step)
    elif run.task.phase is not Phase.SCHEDULED or run.task.serial != item.serial:
        step.reply(call, NOT_FOUND)
    else:
        step.reply(call, run.start_task(step, message.request, message.identity))


def history(run: Run, message: msg.GetWorkflowExecutionHistory, call: Call, step: Step) -> None:
    """The whole history. What is past the start of the asked task tells the worker that the task is over (P3.2.6)."""
    current = run.task.phase is Phase.STARTED and run.task.serial == message.serial
    step.reply(call, msg.Ok() if current else NOT_FOUND)


def failed(run: Run, message: msg.RespondWorkflowTaskFailed, call: Call, step: Step) -> None:
    """The worker's code failed. Only the first attempt's failure is recorded (P4.5.7)."""
    task = run.task
    if task.phase is not Phase.STARTED or task.serial != message.serial:
        step.reply(call, NOT_FOUND)
        return
    step.reply(call, msg.Ok())
    if not task.transient:
        run.fail_task(step, ev.WorkflowTaskFailed(message.cause, task.identity, message.message), attempt=2)


def completed(run: Run, message: msg.RespondWorkflowTaskCompleted, call: Call, step: Step) -> None:
    """Commit the commands of a task, or refuse them all."""
    task = run.task
    if task.phase is not Phase.STARTED or task.serial != message.serial:
        step.reply(call, NOT_FOUND)
        return
    refusal = _reason_to_refuse(run, message.commands)
    if refusal is not None:
        _refuse(run, refusal, call, step)
        return
    _write_completion(run, message, step)
    force = False
    for command in message.commands:
        force |= _carry_out(run, command, message, step)
        if run.closed:
            step.reply(call, msg.WorkflowTaskAccepted())
            return
    if run.journal.buffer or force:
        step.reply(call, msg.WorkflowTaskAccepted(_inline_task(run, message.identity, step)))
    else:
        step.reply(call, msg.WorkflowTaskAccepted())


def _reason_to_refuse(run: Run, commands: tuple[cmd.Command, ...]) -> ev.WorkflowTaskFailed | None:
    identity = run.task.identity
    if any(isinstance(c, CLOSING) for c in commands) and _is_unseen(run, commands):
        return ev.WorkflowTaskFailed(UNHANDLED, identity)
    for position, command in enumerate(commands):
        if isinstance(command, cmd.ScheduleActivity) and is_rejected(command):
            return ev.WorkflowTaskFailed("BAD_SCHEDULE_ACTIVITY_ATTRIBUTES", identity, _NO_TIMEOUT, command.activity_type, position)
    return None


def _is_unseen(run: Run, commands: tuple[cmd.Command, ...]) -> bool:
    """Whether anything is buffered that these commands leave there: a timer that they cancel takes its firing back (P4.5.6)."""
    canceled = {c.ordinal for c in commands if isinstance(c, cmd.CancelTimer)}
    buffered = [entry.written.event for entry in run.journal.buffer]
    return any(not isinstance(event, ev.TimerFired) or event.ordinal not in canceled for event in buffered)


def _refuse(run: Run, refusal: ev.WorkflowTaskFailed, call: Call, step: Step) -> None:
    """Fail the task. A transient task's failure is not recorded: it runs into its timeout (P4.5.7)."""
    unhandled = refusal.cause == UNHANDLED
    if unhandled or not run.task.transient:
        if run.task.transient:
            _write_transient(run, step)
        run.fail_task(step, refusal, attempt=1 if unhandled else 2)
        run.task.refused_close = unhandled
    step.reply(call, msg.Refused(msg.Code.INVALID_ARGUMENT, refusal.cause))


def _write_transient(run: Run, step: Step) -> None:
    """Write what was held back, with the times at which it happened: workflow code has seen the start's."""
    task, spec = run.task, run.spec
    scheduled = ev.WorkflowTaskScheduled(spec.task_queue, False, spec.task_queue, spec.task_timeout, task.attempt)
    run.journal.direct(step, scheduled, time=task.scheduled)
    run.journal.direct(step, ev.WorkflowTaskStarted(task.identity), time=task.now)


def _write_completion(run: Run, message: msg.RespondWorkflowTaskCompleted, step: Step) -> None:
    task = run.task
    if task.transient:
        _write_transient(run, step)
    run.journal.direct(step, ev.WorkflowTaskCompleted(message.identity), vis.TaskBegan(task.now))
    step.disarm(("task",))
    task.end(attempt=1)
    run.tasks_done += 1
    run.sticky.queue, run.sticky.name = message.sticky_queue, message.sticky_name


def _inline_task(run: Run, identity: str, step: Step) -> msg.WorkflowTask:
    """The next task, started at once and returned to the same worker."""
    run.write_scheduled(step)
    return run.start_task(step, INLINE, identity)


def _carry_out(run: Run, command: cmd.Command, message: msg.RespondWorkflowTaskCompleted, step: Step) -> bool:
    """Turn one command into events; True when it makes a new workflow task necessary."""
    match command:
        case cmd.ScheduleActivity():
            _schedule(run, command, step)
        case cmd.RequestCancelActivity(ordinal):
            return _request_cancel(run, ordinal, message.identity, step)
        case cmd.StartTimer(ordinal, duration, summary):
            run.journal.direct(step, ev.TimerStarted(ordinal, duration, summary), vis.Asked(command))
            run.timers[ordinal] = False
            run.deadlines_changed = True
            step.deadline(("user", ordinal), Exactly(duration))
        case cmd.CancelTimer(ordinal):
            _cancel_timer(run, ordinal, message.identity, step)
        case cmd.RecordMarker(ordinal, value):
            run.journal.direct(step, ev.MarkerRecorded(ordinal, value), vis.Asked(command))
        case cmd.CompleteWorkflow(result):
            run.journal.direct(step, ev.WorkflowExecutionCompleted(result))
            run.close(step, "COMPLETED", result)
        case cmd.FailWorkflow(failure):
            run.journal.direct(step, ev.WorkflowExecutionFailed(failure))
            run.close(step, "FAILED", failure)
        case cmd.CancelWorkflow(details):
            run.journal.direct(step, ev.WorkflowExecutionCanceled(details))
            run.close(step, "CANCELED")
        case cmd.ContinueAsNew():
            _continue_as_new(run, command, step)
    return False


def _schedule(run: Run, asked: cmd.ScheduleActivity, step: Step) -> None:
    command = normalised(asked, run.spec.bound)
    assert command.retry_policy is not None
    expires = step.stamp() + command.schedule_to_close if command.schedule_to_close else 0
    record = ActivityRecord(command, command.retry_policy, expires)
    run.activities[command.ordinal] = record
    run.journal.direct(step, ev.ActivityTaskScheduled(command), vis.Asked(asked))
    record.scheduled(step)
    run.deadlines_changed = True
    if step.wants(obs.ActivityScheduled):
        step.emit(
            obs.ActivityScheduled(
                step.me, command.ordinal, command.activity_type, command.task_queue, command.session, command.schedule_to_start
            )
        )
    item = msg.ActivityTaskItem(step.me, command.ordinal, 1, command.schedule_to_start)
    step.send(run.spec.shard, msg.Transfer(activity_queue(command.task_queue), item))


def _request_cancel(run: Run, ordinal: int, identity: str, step: Step) -> bool:
    """P4.1.7. An unstarted activity is closed in the same transaction; a started one is only flagged."""
    run.journal.direct(step, ev.ActivityTaskCancelRequested(ordinal), vis.Asked(cmd.RequestCancelActivity(ordinal)))
    record = run.activities.get(ordinal)
    if record is None:
        return False
    record.cancel_requested = True
    if record.phase is Attempt.STARTED:
        return False
    event = ev.ActivityTaskCanceled(ordinal, "ACTIVITY_ID_NOT_STARTED", identity, started=False)
    run.journal.hold(step, event, vis.ActivityCanceled(ordinal, "ACTIVITY_ID_NOT_STARTED"), closes=True)
    run.drop_activity(record, "canceled before it started", step)
    return True


def _cancel_timer(run: Run, ordinal: int, identity: str, step: Step) -> None:
    """A timer whose firing is still buffered is cancelled all the same: the firing is taken back."""
    buffer = run.journal.buffer
    run.journal.buffer = [b for b in buffer if not (isinstance(b.written.event, ev.TimerFired) and b.written.event.ordinal == ordinal)]
    run.timers.pop(ordinal, None)
    step.disarm(("user", ordinal))
    step.disarm(("user timers", ordinal))
    run.deadlines_changed = True
    run.journal.direct(step, ev.TimerCanceled(ordinal, identity), vis.Asked(cmd.CancelTimer(ordinal)))


def _continue_as_new(run: Run, command: cmd.ContinueAsNew, step: Step) -> None:
    """Close this run and begin the next; a run that lived under a second makes the next one wait (P1.7.2)."""
    from sim.protocol.run import Run, RunSpec  # a run begins its successor: the one place where this part needs the whole

    spec = run.spec
    name = run_name(spec.workflow_id, spec.number + 1)
    run.journal.direct(step, ev.WorkflowExecutionContinuedAsNew(name, command.workflow_type, spec.task_queue, command.input))
    backoff = 0
    if not step.holds(Overdue(("life",))):
        backoff = max(1_000, SECOND + spec.first_task_backoff - (step.stamp() - run.began_at))
    successor = RunSpec(
        spec.workflow_id, spec.number + 1, command.workflow_type, spec.task_queue, command.input, spec.shard, spec.execution_timeout,
        spec.run_timeout, spec.task_timeout, spec.identity, step.me, spec.first_run or step.me, backoff, spec.transaction, spec.plain,
    )  # fmt: skip
    step.spawn(name, Run(successor))
    step.send(name, msg.Began())
    run.close(step, "CONTINUED_AS_NEW", None, name)
