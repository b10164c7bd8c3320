"""Hand-written sequences of `Wrote`, after runs of a real server: what a faithful history service would emit."""

from __future__ import annotations

from msgspec import Struct

from sim.history.commands import RetryPolicy, ScheduleActivity
from sim.history.events import (
    ActivityTaskCanceled,
    ActivityTaskCancelRequested,
    ActivityTaskCompleted,
    ActivityTaskFailed,
    ActivityTaskScheduled,
    ActivityTaskStarted,
    ActivityTaskTimedOut,
    Event,
    MarkerRecorded,
    TimerCanceled,
    TimerFired,
    TimerStarted,
    WorkflowExecutionCanceled,
    WorkflowExecutionCancelRequested,
    WorkflowExecutionCompleted,
    WorkflowExecutionContinuedAsNew,
    WorkflowExecutionFailed,
    WorkflowExecutionSignaled,
    WorkflowExecutionStarted,
    WorkflowExecutionTerminated,
    WorkflowExecutionTimedOut,
    WorkflowTaskCompleted,
    WorkflowTaskFailed,
    WorkflowTaskScheduled,
    WorkflowTaskStarted,
    WorkflowTaskTimedOut,
    Written,
    Wrote,
)
from sim.history.failures import (
    ActivityFailure,
    ApplicationFailure,
    CanceledFailure,
    PanicFailure,
    RetryState,
    TimeoutFailure,
    TimeoutType,
)
from sim.history.recorder import Recorder

MS = 1_000
S = 1_000_000

RUN, NEXT = "w1/1", "w1/2"
SESSION = "w1/1/s1"
RESOURCE = "A.1@host-a"
STICKY = "host-a:A.1"
CREATION_RETRY = RetryPolicy(S, 1100, 10 * S, 0, ("TemporalTimeout:StartToClose", "TemporalTimeout:Heartbeat"))
DEFAULT_RETRY = RetryPolicy().with_defaults()

TOKEN = "eyJUYXNrcXVldWUiOiJBLjFAaG9zdC1hIn0="
"""Base64 of {"Taskqueue":"A.1@host-a"}."""


class Binding(Struct, frozen=True):
    """What the simulated creation activity signals."""

    task_queue: str
    host_name: str
    resource_id: str


def sca(queue: str = "Q__internal_session_creation", session: str = SESSION, creation: int = 60 * S) -> ActivityTaskScheduled:
    """The creation activity, always the first of its run here."""
    name = "internalSessionCreationActivity"
    return ActivityTaskScheduled(ScheduleActivity(1, name, queue, session, 0, creation, 600 * S, 20 * S, CREATION_RETRY, session))


def work(ordinal: int = 2) -> ActivityTaskScheduled:
    return ActivityTaskScheduled(
        ScheduleActivity(ordinal, "DoWork", RESOURCE, {"name": "work", "ms": 2000}, 0, 0, 300 * S, 0, DEFAULT_RETRY, SESSION)
    )


def ska(ordinal: int = 3, session: str = SESSION) -> ActivityTaskScheduled:
    name = "internalSessionCompletionActivity"
    return ActivityTaskScheduled(ScheduleActivity(ordinal, name, RESOURCE, session, 0, 3 * S, 3 * S, 0, DEFAULT_RETRY, session))


def opening(run: str = RUN, **continued: str) -> list[Written]:
    started = WorkflowExecutionStarted("Script", "Q", {"steps": []}, 0, 0, 10 * S, "client", **continued)
    return [Written(0, started), Written(0, WorkflowTaskScheduled("Q", False, "", 10 * S, 1)), *task(48 * MS, 100 * MS)]


def task(started: int, completed: int, worker: str = "A") -> list[Written]:
    return [Written(started, WorkflowTaskStarted(worker)), Written(completed, WorkflowTaskCompleted(worker))]


def sticky(time: int) -> Written:
    return Written(time, WorkflowTaskScheduled(STICKY, True, "Q", 10 * S, 1))


def at(time: int, *events: Event) -> list[Written]:
    return [Written(time, event) for event in events]


def signal(time: int, session: str = SESSION) -> Written:
    return Written(time, WorkflowExecutionSignaled(session, Binding(RESOURCE, "host-a", "A.1"), "1@host-a@"))


def session_with_work() -> list[Written]:
    """Events 1 to 11 of most scenarios: the session is there and its first activity is scheduled."""
    return [
        *opening(),
        *at(100 * MS, MarkerRecorded(1, SESSION), sca()),
        signal(129 * MS),
        sticky(129 * MS),
        *task(139 * MS, 184 * MS),
        *at(184 * MS, work()),
    ]


def worked_and_completing() -> list[Written]:
    """Events 1 to 18: as above, then the activity ends and the session is being completed."""
    return [
        *session_with_work(),
        Written(209 * MS, ActivityTaskStarted(2, 1, "A", None)),
        Written(2222 * MS, ActivityTaskCompleted(2, "A", "A")),
        sticky(2222 * MS),
        *task(2225 * MS, 2230 * MS),
        *at(2230 * MS, ActivityTaskCancelRequested(1), ska()),
    ]


def closed_by_worker(ordinal: int, started: int, ended: int) -> list[Written]:
    return [Written(started, ActivityTaskStarted(ordinal, 1, "A", None)), Written(ended, ActivityTaskCompleted(ordinal, None, "A"))]


def happy_path() -> list[Wrote]:
    """Scenario 1a, in several pieces as a simulation would emit it."""
    events = [
        *worked_and_completing(),
        *closed_by_worker(3, 2232 * MS, 2236 * MS),
        sticky(2236 * MS),
        *closed_by_worker(1, 110 * MS, 2237 * MS),
        *task(2239 * MS, 2243 * MS),
        *at(2243 * MS, WorkflowExecutionCompleted([{"op": "create", "state": "Open"}])),
    ]
    return [Wrote(RUN, tuple(events[:6])), Wrote(RUN, tuple(events[6:20])), Wrote(RUN, tuple(events[20:]))]


def creation_timeout() -> list[Wrote]:
    """Scenario 2, with a creation timeout of 8 s."""
    late = TimeoutFailure(TimeoutType.SCHEDULE_TO_START, "activity ScheduleToStart timeout")
    name = "internalSessionCreationActivity"
    events = [
        *opening(),
        *at(100 * MS, MarkerRecorded(1, SESSION), sca(creation=8 * S)),
        *at(8100 * MS, ActivityTaskTimedOut(1, late, RetryState.TIMEOUT, False)),
        sticky(8100 * MS),
        *task(8105 * MS, 8110 * MS),
        *at(8110 * MS, WorkflowExecutionFailed(ActivityFailure(1, name, RetryState.TIMEOUT, late))),
    ]
    return [Wrote(RUN, tuple(events))]


def worker_killed() -> list[Wrote]:
    """Scenario 7: the real one was killed at 8.6 s, its last heartbeat was at 6.765 s."""
    dead = TimeoutFailure(TimeoutType.HEARTBEAT, "activity Heartbeat timeout")
    events = [
        *session_with_work(),
        Written(110 * MS, ActivityTaskStarted(1, 1, "A", None)),
        *at(26765 * MS, ActivityTaskTimedOut(1, dead, RetryState.NON_RETRYABLE_FAILURE, True)),
        sticky(26765 * MS),
        *task(26769 * MS, 26784 * MS, "B"),
        *at(26784 * MS, ActivityTaskCancelRequested(2), WorkflowExecutionCanceled()),
    ]
    return [Wrote(RUN, tuple(events))]


def graceful_stop() -> list[Wrote]:
    """Scenario 10, the report delivered; the workflow returns the error."""
    why = ApplicationFailure("session failed due to worker shutdown", "SessionWorkerShutdown", True, ApplicationFailure("context canceled"))
    failed = ActivityFailure(1, "internalSessionCreationActivity", RetryState.NON_RETRYABLE_FAILURE, why)
    events = [
        *session_with_work(),
        Written(110 * MS, ActivityTaskStarted(1, 2, "A", ApplicationFailure("too many outstanding sessions"))),
        *at(5000 * MS, ActivityTaskFailed(1, why, "A", RetryState.NON_RETRYABLE_FAILURE)),
        sticky(5000 * MS),
        *task(5005 * MS, 5010 * MS, "B"),
        *at(5010 * MS, ActivityTaskCancelRequested(2), WorkflowExecutionFailed(failed)),
    ]
    return [Wrote(RUN, tuple(events))]


def continue_as_new() -> list[Wrote]:
    """Scenario 17, both runs; the token travels as text, as it does in a Go program."""
    again = {"steps": [{"op": "recreate", "signal": "t"}], "tokens": {"t": TOKEN}}
    old = [
        *worked_and_completing(),
        *closed_by_worker(3, 2232 * MS, 2236 * MS),
        sticky(2236 * MS),
        *closed_by_worker(1, 110 * MS, 2237 * MS),
        *task(2239 * MS, 2243 * MS),
        *at(2243 * MS, WorkflowExecutionContinuedAsNew(NEXT, "Script", "Q", again)),
    ]
    session = "w1/2/s1"
    new = [
        *opening(NEXT, continued_from=RUN, first_run=RUN),
        *at(200 * MS, MarkerRecorded(1, session), sca(RESOURCE, session)),
        signal(250 * MS, session),
        sticky(250 * MS),
        *task(255 * MS, 260 * MS),
        *at(260 * MS, ActivityTaskCancelRequested(1), ska(2, session)),
        *closed_by_worker(2, 262 * MS, 266 * MS),
        sticky(266 * MS),
        *task(270 * MS, 275 * MS),
        *at(275 * MS, WorkflowExecutionCompleted(None)),
    ]
    return [Wrote(RUN, tuple(old)), Wrote(NEXT, tuple(new))]


def rare_events() -> list[Wrote]:
    """No scenario: every kind of event that the others lack, in an order that a server might just write."""
    lost = TimeoutFailure(TimeoutType.START_TO_CLOSE, "activity StartToClose timeout", None, {"done": 3})
    stopped = CanceledFailure("", "stopped", None)
    events = [
        *opening(),
        *at(100 * MS, MarkerRecorded(1, SESSION), sca(), TimerStarted(1, 500 * MS), TimerStarted(2, 1_000_001)),
        Written(1103 * MS, TimerFired(1)),
        sticky(1103 * MS),
        Written(6103 * MS, WorkflowTaskTimedOut("SCHEDULE_TO_START")),
        Written(6103 * MS, WorkflowTaskScheduled("Q", False, "", 10 * S, 1)),
        Written(6110 * MS, WorkflowTaskStarted("B")),
        Written(16110 * MS, WorkflowTaskTimedOut("START_TO_CLOSE")),
        Written(16110 * MS, WorkflowTaskScheduled("Q", False, "", 10 * S, 1)),
        Written(16120 * MS, WorkflowTaskStarted("B")),
        Written(16130 * MS, WorkflowTaskFailed("UNHANDLED_COMMAND", "B")),
        Written(16130 * MS, WorkflowTaskScheduled("Q", False, "", 10 * S, 1)),
        Written(16140 * MS, WorkflowTaskStarted("B")),
        Written(16150 * MS, WorkflowTaskFailed("WORKFLOW_WORKER_UNHANDLED_FAILURE", "B", "a panic")),
        Written(16150 * MS, WorkflowExecutionCancelRequested("client", "enough")),
        Written(16150 * MS, WorkflowTaskScheduled("Q", False, "", 10 * S, 1)),
        *task(16160 * MS, 16170 * MS, "B"),
        *at(16170 * MS, ActivityTaskCancelRequested(1), work(), TimerCanceled(2, "B")),
        *at(16170 * MS, ActivityTaskCanceled(1, "ACTIVITY_ID_NOT_STARTED", "B", False)),
        Written(16180 * MS, ActivityTaskStarted(2, 3, "A", PanicFailure("oops"))),
        *at(17000 * MS, ActivityTaskTimedOut(2, lost, RetryState.TIMEOUT, True)),
        Written(17000 * MS, WorkflowTaskScheduled("Q", False, "", 10 * S, 1)),
        *task(17010 * MS, 17020 * MS, "B"),
        *at(17020 * MS, WorkflowExecutionFailed(ActivityFailure(1, "x", None, stopped))),
    ]
    ends = [WorkflowExecutionTerminated("end", "client"), WorkflowExecutionTimedOut()]
    others = [Wrote(f"w{n}/1", (*opening(), Written(S, end))) for n, end in enumerate(ends, 2)]
    return [Wrote(RUN, tuple(events)), *others]


SCENARIOS = {
    "happy_path": happy_path,
    "creation_timeout": creation_timeout,
    "worker_killed": worker_killed,
    "graceful_stop": graceful_stop,
    "continue_as_new": continue_as_new,
    "rare_events": rare_events,
}


def record(scenario: str, seed: int = 7, plain: bool = False) -> Recorder:
    """The recorder after it has heard a scenario."""
    recorder = Recorder(seed, plain)
    for wrote in SCENARIOS[scenario]():
        recorder(wrote.events[-1].time, wrote.run, wrote)
    return recorder
