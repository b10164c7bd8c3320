"""Why a session ended, in words."""

from __future__ import annotations

from sim.audit.facts import Activity
from sim.audit.sessions import End, Session, same_task
from sim.history.failures import ApplicationFailure, Failure, TimeoutFailure, TimeoutType

STOPPED = "its worker stopped, and said so (SessionWorkerShutdown)"


def span(microseconds: int) -> str:
    """A length of time as people write it: to the millisecond below a minute, "2 min 5 s" above."""
    seconds = microseconds / 1e6
    if abs(seconds) < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def cause_of(session: Session) -> str:
    """Why it ended, or why it is open."""
    match session.end:
        case End.CREATION_FAILED:
            return _creation(session)
        case End.FAILED:
            return _failure(session)
        case End.CANCELLED:
            return _cancelled(session)
        case End.COMPLETED:
            return _completed(session)
        case End.OPEN:
            return _open(session)


def _creation(session: Session) -> str:
    creation = session.creation
    if creation.outcome == "":
        return f"the run ended {session.run.status} while it waited"
    if creation.outcome == "failed":
        return f"its creation activity failed: {message_of(creation.failure)}"
    where = f"the queue of one worker ({creation.command.task_queue})" if session.recreated else "the queue for creations"
    match creation.timeout:
        case TimeoutType.SCHEDULE_TO_START:
            before = getattr(creation.failure, "cause", None)
            again = f"; the attempt before had failed: {message_of(before)}" if before is not None else ""
            gone = "; the worker is gone, or has no activity slot free" if session.recreated else "; no worker with a free slot polled it"
            return f"nobody took it from {where} within CreationTimeout ({span(creation.command.schedule_to_start)}){again or gone}"
        case TimeoutType.HEARTBEAT:
            who = creation.identity or "the worker that took it"
            return f"{who} took it and was lost before its signal: no heartbeat for {span(session.heartbeat)}"
        case TimeoutType.START_TO_CLOSE:
            return f"ExecutionTimeout ({span(creation.command.start_to_close)}) passed before the signal came"
        case _:
            return f"the run's own timeout left no time for another attempt: {message_of(creation.failure)}"


def _failure(session: Session) -> str:
    creation = session.creation
    if session.shut_down:
        return _shut_down(session)
    if creation.outcome == "failed":
        return f"its creation activity failed: {message_of(creation.failure)}"
    match creation.timeout:
        case TimeoutType.HEARTBEAT:
            return _no_heartbeat(session)
        case TimeoutType.START_TO_CLOSE:
            return f"ExecutionTimeout ({span(creation.command.start_to_close)}) passed"
        case TimeoutType.SCHEDULE_TO_START:
            waited = span(creation.command.schedule_to_start)
            last = message_of(getattr(creation.failure, "cause", None))
            return (
                f"the attempt of the creation activity that bound it failed ({last}), and no worker took the next within {waited};"
                f" the worker it is bound to may be well"
            )
        case _:
            return f"its creation activity timed out: {message_of(creation.failure)}"


def _no_heartbeat(session: Session) -> str:
    heard = session.last_heard
    assert heard is not None
    after = heard - session.bindings[-1].at
    beats = f"the last came {span(after)} after the signal" if after > session.interval // 2 else "none came after the signal"
    text = f"no heartbeat for {span(session.heartbeat)} ({beats}): its worker was killed, frozen, cut off, or stopped without a word"
    if session.moved:
        text += f"; that is {session.creation.identity or 'another worker'}, which held the slot, not the one it was bound to"
    return text


def _shut_down(session: Session) -> str:
    """A worker says the same words when it stops and when it gives up; the moment tells them apart."""
    if session.gave_up:
        after = span(session.budget + session.interval)
        return (
            f"its worker gave it up {span(session.since_signal)} after the signal: a heartbeat call got no answer within its"
            f" {span(session.budget)} ({after} after the last one that did)"
        )
    if session.told:
        return "its worker ended it right after a heartbeat: an operator paused or reset its creation activity"
    if session.stopped:
        return STOPPED
    return (
        f"its worker reported the end (SessionWorkerShutdown) {span(session.since_signal)} after the signal: it stopped, or a heartbeat"
        f" call got no answer within its {span(session.budget)} and the report came late"
    )


def _cancelled(session: Session) -> str:
    run, creation = session.run, session.creation
    last = max(creation.cancel_id, session.completion.cancel_id if session.completion is not None else 0)
    asked = run.cancel_id and (not last or run.cancel_id < last)
    who = "the workflow's cancellation was requested" if asked else "the workflow cancelled the context"
    if session.bound is None and same_task(run, creation):
        return "it was asked for on a context that was cancelled already, such as that of a session that is over (P1.3.4)"
    if session.bound is None:
        return f"{who} while it waited for a worker"
    if session.cancelled_completion:
        return f"{who}; CompleteSession came too late to reach the worker"
    return who


def _completed(session: Session) -> str:
    completion = session.completion
    assert completion is not None
    text = "CompleteSession"
    if completion.outcome == "":
        text += f", which the end of the run ({session.run.status}) cut short"
    elif completion.outcome != "completed":
        text += f"; nobody carried it out: {message_of(completion.failure)}"
        if completion.timeout is TimeoutType.SCHEDULE_TO_START:
            text += ", so the worker was gone, or had no activity slot free"
    if session.overwritten:
        text += f". Its creation activity had failed ({message_of(session.creation.failure)}), which nobody saw"
    return text


def _open(session: Session) -> str:
    run = session.run
    if session.completion is not None:
        return "CompleteSession was called and has not returned"
    if session.bound is None:
        return "waits for a worker"
    return f"the run ended {run.status} and did not complete it" if run.status else ""


def message_of(failure: Failure | None) -> str:
    """A failure in a line."""
    if failure is None:
        return "unknown"
    if isinstance(failure, TimeoutFailure):
        inner = f", after {message_of(failure.cause)}" if failure.cause is not None else ""
        return f"{failure.timeout_type.value} timeout{inner}"
    if isinstance(failure, ApplicationFailure) and failure.type and failure.type not in failure.message:
        return f"{failure.message} ({failure.type})"
    return failure.message or type(failure).__name__


def outcome_of(activity: Activity) -> str:
    """What became of an activity, as one or a few words."""
    if activity.outcome == "timed out" and activity.timeout is not None:
        return f"timed out ({activity.timeout.value})"
    if activity.outcome == "failed":
        return f"failed: {message_of(activity.failure)}"
    if activity.outcome == "" and activity.cancel_id:
        return "to be cancelled, no end in the history"
    return activity.outcome or "no end in the history"
