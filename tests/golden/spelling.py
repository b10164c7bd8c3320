"""Events in words: short, as the protocol's scenarios write them, and with their key attributes."""

from __future__ import annotations

from sim.history import events as ev
from sim.history.failures import ActivityFailure, Failure, TimeoutFailure
from sim.history.recorder import Recorded, RecordedRun
from sim.protocol import observations as obs
from sim.protocol.names import HOST_QUEUE_SUFFIX
from sim.workflow.seen import SessionStateChanged
from sim.workflow.sessions import CREATION_ACTIVITY, CREATION_QUEUE_SUFFIX, FRAMEWORK_ACTIVITIES

SHORT = {
    ev.WorkflowExecutionStarted: "WES",
    ev.WorkflowTaskStarted: "WTSt",
    ev.WorkflowTaskCompleted: "WTC",
    ev.MarkerRecorded: "Mk",
    ev.TimerStarted: "TimerStarted",
    ev.TimerFired: "TimerFired",
    ev.TimerCanceled: "TimerCanceled",
    ev.WorkflowExecutionCancelRequested: "WECR",
    ev.WorkflowExecutionCompleted: "WEC",
    ev.WorkflowExecutionCanceled: "WECan",
    ev.WorkflowExecutionTerminated: "WETerm",
    ev.WorkflowExecutionTimedOut: "WETO",
    ev.WorkflowExecutionContinuedAsNew: "WECAN",
}


def short_form(run: RecordedRun, recorded: Recorded) -> str:
    """`ATTO(6, Heartbeat, NON_RETRYABLE_FAILURE)`: what a line of the protocol's section 7 says of an event."""
    event, scheduled = recorded.event, recorded.links.scheduled
    match event:
        case ev.WorkflowTaskScheduled():
            return f"WTSch({'sticky' if event.sticky else 'Q'})"
        case ev.WorkflowTaskFailed():
            return f"WTF({event.cause})"
        case ev.WorkflowTaskTimedOut():
            return f"WTTO({event.timeout_type})"
        case ev.ActivityTaskScheduled():
            return f"ATSch({activity(event)}, {queue(event.command.task_queue)})"
        case ev.ActivityTaskStarted():
            return _call("ATSt", scheduled, _attempt(event.attempt), _after(event.last_failure))
        case ev.ActivityTaskCompleted():
            return f"ATC({scheduled})"
        case ev.ActivityTaskFailed():
            return _call("ATF", scheduled, failure(event.failure), event.retry_state.name)
        case ev.ActivityTaskTimedOut():
            return _call("ATTO", scheduled, "" if event.started else "st 0", failure(event.failure), event.retry_state.name)
        case ev.ActivityTaskCanceled():
            return _call("ATCan", scheduled, "" if event.started else "st 0")
        case ev.ActivityTaskCancelRequested():
            return f"ATCR({scheduled})"
        case ev.WorkflowExecutionSignaled():
            return f"WESig({_signaller(event)})"
        case ev.WorkflowExecutionFailed():
            return f"WEF({failure(event.failure)})"
        case _:
            return SHORT[type(event)]


def _call(name: str, *arguments: object) -> str:
    return f"{name}({', '.join(str(a) for a in arguments if a != '')})"


def _attempt(attempt: int) -> str:
    return f"attempt {attempt}" if attempt > 1 else ""


def _after(last: Failure | None) -> str:
    return f"after {failure(last)}" if last is not None else ""


def activity(event: ev.ActivityTaskScheduled) -> str:
    """SCA, SKA, or the name that the program gives its work."""
    command = event.command
    if command.activity_type in FRAMEWORK_ACTIVITIES:
        return "SCA" if command.activity_type == CREATION_ACTIVITY else "SKA"
    work = command.input
    return str(work.get("name") or "U") if isinstance(work, dict) else "U"


def queue(name: str) -> str:
    """Q, C(Q), R with its worker: R_A, and R_A.2 for the second life of A's process; or H with its host's resource id; with a demand
    C(Q, gpu=1), and D(Q, gpu=1) for those that have waited long enough to wait at a door."""
    if name.endswith(HOST_QUEUE_SUFFIX):
        return "H_" + name.partition("/")[0]
    if "@" in name:
        return "R_" + name.partition("@")[0].removesuffix(".1")
    if name.startswith("q/"):
        # Of a demand, and of those that have waited: C(Q, gpu=1), D(Q, gpu=1).
        demand = name.removeprefix("q/").removesuffix(CREATION_QUEUE_SUFFIX)
        return f"D(Q, {demand.removesuffix('/waiting')})" if demand.endswith("/waiting") else f"C(Q, {demand})"
    return "C(Q)" if name.endswith(CREATION_QUEUE_SUFFIX) else "Q" if name == "q" else name


def failure(what: Failure | None) -> str:
    """A failure and its causes in a few words."""
    match what:
        case None:
            return "nothing"
        case TimeoutFailure():
            text = what.timeout_type.value
        case ActivityFailure():
            text = "ActivityError"
        case _:
            text = getattr(what, "type", "") or what.message
    return text + (f"/{failure(what.cause)}" if what.cause is not None else "")


def _signaller(event: ev.WorkflowExecutionSignaled) -> str:
    bound = getattr(event.payload, "task_queue", "")
    return queue(bound) if bound else event.name


# -- at length -------------------------------------------------------------------------------------------------------------


def long_form(run: RecordedRun, recorded: Recorded) -> str:
    """The event's type and key attributes."""
    event = recorded.event
    return " ".join(part for part in (type(event).__name__, _links(event, recorded), *_attributes(run, recorded)) if part)


def _links(event: ev.Event, recorded: Recorded) -> str:
    links = recorded.links
    if isinstance(event, ev.TimerFired | ev.TimerCanceled):
        return f"st={links.started}"
    if isinstance(event, ev.WorkflowTaskStarted | ev.ActivityTaskStarted | ev.ActivityTaskCancelRequested):
        return f"sch={links.scheduled}"
    if links.scheduled:
        return f"sch={links.scheduled} st={links.started}"
    return ""


def _attributes(run: RecordedRun, recorded: Recorded) -> list[str]:
    event = recorded.event
    match event:
        case ev.WorkflowExecutionStarted():
            wait = f"first task after {event.first_task_backoff / 1e6:.1f} s" if event.first_task_backoff else ""
            return [event.workflow_type, f"continues {event.continued_from}" if event.continued_from else "", wait]
        case ev.WorkflowTaskScheduled():
            return ["sticky" if event.sticky else "normal", _attempt(event.attempt)]
        case ev.WorkflowTaskStarted() | ev.WorkflowTaskCompleted():
            return [f"by {event.identity}"]
        case ev.WorkflowTaskFailed():
            return [event.cause]
        case ev.WorkflowTaskTimedOut():
            return [event.timeout_type]
        case ev.ActivityTaskScheduled():
            return _of_scheduled(event)
        case ev.ActivityTaskStarted():
            return [f"attempt {event.attempt}", f"by {event.identity}", _after(event.last_failure)]
        case ev.ActivityTaskCompleted():
            return [f"by {event.identity}"]
        case ev.ActivityTaskFailed():
            final = "non-retryable" if getattr(event.failure, "non_retryable", False) else ""
            return [final, failure(event.failure), event.retry_state.name]
        case ev.ActivityTaskTimedOut():
            return [failure(event.failure), event.retry_state.name]
        case ev.ActivityTaskCanceled():
            return [str(event.details or ""), f"by {event.identity}"]
        case ev.WorkflowExecutionSignaled():
            return [event.name, _signaller(event) if "@" in str(getattr(event.payload, "task_queue", "")) else ""]
        case ev.TimerStarted():
            return [f"{event.duration / 1e6:g} s"]
        case ev.WorkflowExecutionFailed():
            return [failure(event.failure)]
        case ev.WorkflowExecutionContinuedAsNew():
            return [event.new_run.removeprefix("server/run/")]
        case _:
            return []


def _of_scheduled(event: ev.ActivityTaskScheduled) -> list[str]:
    command, policy = event.command, event.command.retry_policy
    assert policy is not None
    timeouts = {
        "close": command.schedule_to_close,
        "start": command.schedule_to_start,
        "work": command.start_to_close,
        "hb": command.heartbeat,
    }
    retry = f"retry {policy.initial_interval / 1e6:g}s/{policy.backoff_coefficient_milli / 1000:g}/{policy.maximum_interval / 1e6:g}s"
    if policy.maximum_attempts or policy.non_retryable_error_types:
        retry += f"/{policy.maximum_attempts}"
    return [
        activity(event),
        f"on {queue(command.task_queue)}",
        *(f"{key}={value / 1e6:g}s" for key, value in timeouts.items() if value),
        retry,
        f"not {','.join(policy.non_retryable_error_types)}" if policy.non_retryable_error_types else "",
    ]


def note_form(what: object) -> str:
    """What workers, sessions and faults have to say beside the history."""
    match what:
        case obs.TokenTaken():
            return f"{what.identity} takes a token for {what.session}, attempt {what.attempt}; {what.free} left"
        case obs.TokenReturned():
            return f"{what.identity} returns the token of {what.session}, attempt {what.attempt}; {what.free} left"
        case obs.ResourcesTaken() | obs.ResourcesReturned() | obs.SessionWaits() | obs.SessionTurnedAway():
            return what.sentence()
        case obs.AttemptRetried():
            return f"attempt {what.attempt} of activity {what.ordinal} ended: {what.why}; the next in {what.backoff / 1e6:g} s"
        case obs.WorkerStopped():
            return f"{what.identity} has stopped"
        case obs.FaultHappened():
            return f"* {what.kind} {what.target} {what.detail}".rstrip()
        case SessionStateChanged():
            return f"session {what.session}: {what.before} -> {what.after}"
        case _:
            raise TypeError(f"no words for {what}")
