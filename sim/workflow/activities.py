"""Activities as workflow code asks for them."""

from __future__ import annotations

from dataclasses import dataclass

from sim.history.commands import RetryPolicy, ScheduleActivity
from sim.workflow.containment import asked_at
from sim.workflow.context import Context
from sim.workflow.errors import CanceledError, SessionFailedError, WorkflowError
from sim.workflow.futures import Future
from sim.workflow.mutants import Mutant
from sim.workflow.seen import AskedAgain, AskedInVain, SessionActivityAsked, SessionStateChanged
from sim.workflow.session_info import SESSION_KEY, SessionInfo, SessionState

OPTIONS_KEY = "activity options"


@dataclass(frozen=True, slots=True)
class ActivityOptions:
    """Go's `workflow.ActivityOptions`; lengths of time in integer microseconds, 0 meaning not set."""

    task_queue: str = ""
    schedule_to_close_timeout: int = 0
    schedule_to_start_timeout: int = 0
    start_to_close_timeout: int = 0
    heartbeat_timeout: int = 0
    wait_for_cancellation: bool = False
    retry_policy: RetryPolicy | None = None

    def on(self, task_queue: str) -> ActivityOptions:
        """These options with another task queue. Spelled out: `dataclasses.replace` takes several times as long."""
        return ActivityOptions(
            task_queue, self.schedule_to_close_timeout, self.schedule_to_start_timeout, self.start_to_close_timeout,
            self.heartbeat_timeout, self.wait_for_cancellation, self.retry_policy,
        )  # fmt: skip


def with_activity_options(ctx: Context, options: ActivityOptions) -> Context:
    """A context whose activities have these options. An empty task queue keeps the one in force."""
    if not options.task_queue:
        options = options.on(activity_options(ctx).task_queue)
    return ctx.derived(OPTIONS_KEY, options)


def activity_options(ctx: Context) -> ActivityOptions:
    """The options in force; without any, just the workflow's own task queue."""
    options = ctx.value(OPTIONS_KEY)
    if options is None:
        return ActivityOptions(task_queue=ctx.env.info.task_queue)
    assert isinstance(options, ActivityOptions)
    return options


def execute_activity(ctx: Context, activity_type: str, argument: object = None) -> Future:
    """Ask for an activity and give its future.

    In an open session it goes to the queue of the session's worker, whatever queue the options name; in a failed one it
    is not scheduled at all, and its future fails with SessionFailedError.
    """
    session = ctx.value(SESSION_KEY)
    if not isinstance(session, SessionInfo):
        observe_cancelled(ctx, activity_type, argument, "")
        return schedule(ctx, activity_type, argument, "", "")
    env, mutants = ctx.env, ctx.env.info.mutants
    error: WorkflowError | None = None
    if session.state is SessionState.FAILED:
        error = CanceledError() if Mutant.FAILED_SESSION_LOOKS_CANCELED in mutants else SessionFailedError()
    queue = session.task_queue if session.state is SessionState.OPEN else ""
    refused = isinstance(error, SessionFailedError)
    env.observe(SessionActivityAsked(env.info.run, session.session_id, activity_type, queue, session.state.value, refused))
    if error is not None:
        failed = Future()
        failed.resolve(error=error)
        return failed
    name = session.session_id if queue else ""
    observe_cancelled(ctx, activity_type, argument, session.session_id)
    future = schedule(ctx, activity_type, argument, "" if Mutant.SESSION_ACTIVITIES_ON_BASE_QUEUE in mutants else queue, name)
    if Mutant.ACTIVITY_ERROR_FAILS_SESSION in mutants:
        future.when_ready(lambda: _fail_session(ctx, session, future))
    return future


def observe_cancelled(ctx: Context, activity_type: str, argument: object, session: str) -> None:
    """Let the outside see what is asked for although, or again because, something was cancelled."""
    env = ctx.env
    if ctx.scope.knowingly_canceled:
        of_workflow, place = env.root.scope.knowingly_canceled, asked_at(env.definition.function)
        env.observe(AskedInVain(env.info.run, session, activity_type, of_workflow, place))
    elif (activity_type, argument) in env.ended_by_cancellation:
        env.observe(AskedAgain(env.info.run, session, activity_type, asked_at(env.definition.function)))


def _fail_session(ctx: Context, session: SessionInfo, future: Future) -> None:
    """The bug of `Mutant.ACTIVITY_ERROR_FAILS_SESSION`."""
    if future.error is not None and session.state is SessionState.OPEN:
        session.state = SessionState.FAILED
        ctx.env.observe(SessionStateChanged(ctx.env.info.run, session.session_id, "Open", "Failed", "an activity failed"))


def schedule(
    ctx: Context, activity_type: str, argument: object, queue: str, session: str, epoch: int = 0,
    resources: tuple[tuple[str, int], ...] = (), may_wait: bool = False,
) -> Future:  # fmt: skip
    """Schedule an activity with the options of `ctx`, on `queue` if that is not empty. What comes after `session` is its header."""
    options = activity_options(ctx)
    command = ScheduleActivity(
        ordinal=ctx.env.next_ordinal("activity"),
        activity_type=activity_type,
        task_queue=queue or options.task_queue or ctx.env.info.task_queue,
        input=argument,
        schedule_to_close=options.schedule_to_close_timeout,
        schedule_to_start=options.schedule_to_start_timeout,
        start_to_close=options.start_to_close_timeout,
        heartbeat=options.heartbeat_timeout,
        retry_policy=options.retry_policy,
        session=session,
        epoch=epoch,
        resources=resources,
        may_wait=may_wait,
    )
    return ctx.env.schedule_activity(ctx, command, options.wait_for_cancellation)
