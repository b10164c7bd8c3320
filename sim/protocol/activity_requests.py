"""What is asked of a run about its activities: starts, heartbeats, results, pauses (P4.1.4 to P4.1.6, P4.3.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.history import events as ev
from sim.history import visible as vis
from sim.history.failures import RetryState
from sim.model.inputs import Call
from sim.model.node import Step
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.activity_record import ActivityRecord, Attempt
from sim.workflow.sessions import CREATION_ACTIVITY

if TYPE_CHECKING:
    from sim.protocol.run import Run

NOT_FOUND = msg.Refused(msg.Code.NOT_FOUND, "activity not found or already closed")


def start(run: Run, item: msg.ActivityTaskItem, request: str, identity: str, call: Call, step: Step) -> None:
    """Matching gives the activity to a worker. Neither the scheduled time nor the attempt is checked (P4.1.4)."""
    record = run.activities.get(item.ordinal)
    if record is None or record.paused or (record.phase is Attempt.STARTED and (record.request != request or not request)):
        step.reply(call, NOT_FOUND)
        return
    if record.phase is not Attempt.STARTED:
        if record.phase is Attempt.BACKING_OFF:
            step.disarm(record.retry_tag)
        record.start(step, request, identity)
        run.deadlines_changed = True
        command = record.command
        if step.wants(obs.AttemptRecorded):
            step.emit(obs.AttemptRecorded(step.me, command.ordinal, record.attempt, command.activity_type, command.session, identity))
    task = msg.ActivityTask(
        step.me, run.spec.workflow_id, record.ordinal, record.attempt, record.command, record.expires, record.starts_by
    )  # fmt: skip
    step.reply(call, task)


def _held_by(run: Run, ordinal: int, attempt: int) -> ActivityRecord | None:
    """The record, if it is started with this attempt (P4.1.5)."""
    record = run.activities.get(ordinal)
    if record is None or record.phase is not Attempt.STARTED or record.attempt != attempt:
        return None
    return record


def heartbeat(run: Run, message: msg.RecordActivityTaskHeartbeat, call: Call, step: Step) -> None:
    """No event, no workflow task: only the deadline moves, and another may be the earliest; the answer says what was asked meanwhile."""
    record = _held_by(run, message.ordinal, message.attempt)
    if record is None:
        step.reply(call, NOT_FOUND)
        return
    record.beat(step, message.details)
    run.deadlines_changed = True
    if record.command.activity_type == CREATION_ACTIVITY and step.wants(obs.HeartbeatRecorded):
        step.emit(obs.HeartbeatRecorded(step.me, record.ordinal, record.command.session))
    step.reply(call, msg.HeartbeatAnswer(record.cancel_requested, record.paused))


def completed(run: Run, message: msg.RespondActivityTaskCompleted, call: Call, step: Step) -> None:
    """Accepted also when a cancellation was requested."""
    record = _held_by(run, message.ordinal, message.attempt)
    if record is None:
        step.reply(call, NOT_FOUND)
        return
    event = ev.ActivityTaskCompleted(message.ordinal, message.result, message.identity)
    run.close_activity(record, event, vis.ActivityCompleted(message.ordinal, message.result), "completed", "", step)
    step.reply(call, msg.Ok())


def failed(run: Run, message: msg.RespondActivityTaskFailed, call: Call, step: Step) -> None:
    """Retried if the policy says so, else closed."""
    record = _held_by(run, message.ordinal, message.attempt)
    if record is None:
        step.reply(call, NOT_FOUND)
        return
    state = record.decide(step, message.failure)
    if state is RetryState.IN_PROGRESS:
        run.retry(record, message.failure, step)
    else:
        event = ev.ActivityTaskFailed(message.ordinal, message.failure, message.identity, state)
        visible = vis.ActivityFailed(message.ordinal, message.failure, state)
        why = getattr(message.failure, "type", "") or getattr(message.failure, "message", "")
        run.close_activity(record, event, visible, f"failed: {why}", state.value, step)
    step.reply(call, msg.Ok())


def canceled(run: Run, message: msg.RespondActivityTaskCanceled, call: Call, step: Step) -> None:
    """Only accepted when a cancellation was requested; else the activity stays started (P2.3)."""
    record = _held_by(run, message.ordinal, message.attempt)
    if record is None:
        step.reply(call, NOT_FOUND)
    elif not record.cancel_requested:
        step.reply(call, msg.Refused(msg.Code.INVALID_ARGUMENT, "activity cancellation was not requested"))
    else:
        event = ev.ActivityTaskCanceled(message.ordinal, message.details, message.identity, started=True)
        run.close_activity(record, event, vis.ActivityCanceled(message.ordinal, message.details), "canceled", "", step)
        step.reply(call, msg.Ok())


def pause(run: Run, message: msg.PauseActivity, call: Call | None, step: Step) -> None:
    """An operator pauses or unpauses activities; a paused one has no timers, and is not handed out (P2.4l)."""
    for record in run.activities.values():
        if record.command.activity_type != message.activity_type or record.paused is message.paused:
            continue
        record.paused = message.paused
        run.deadlines_changed = True
        if message.paused:
            record.forget_written(step)
        elif record.phase is not Attempt.STARTED:
            record.phase = Attempt.UNSTARTED
            run.offer_activity(record, step)
    if call is not None:
        step.reply(call, msg.Ok())
