"""The session framework, out of nothing but activities, a signal, contexts and a side effect.

Written after sdk-go `internal/session.go`: a session is a long heartbeating activity (the creation activity, SCA) that
holds a slot of a worker, a signal from it that names the queue only that worker polls, a context that sends activities
there, and a short activity on that queue (the completion activity, SKA) that tells the first one to finish. The server
knows nothing about sessions; every guarantee, and every lack of one, follows from these four.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from sim.history.commands import RetryPolicy
from sim.workflow.activities import OPTIONS_KEY, ActivityOptions, activity_options, schedule
from sim.workflow.containment import asked_at
from sim.workflow.context import Context, with_cancel
from sim.workflow.errors import WorkflowError, describe, is_canceled
from sim.workflow.futures import Future, Selector
from sim.workflow.mutants import Mutant
from sim.workflow.repaired import asks_again, canceled, creation_timer, looks_at_state
from sim.workflow.repairs import Repair
from sim.workflow.seen import (
    AskedInVain,
    SessionAsked,
    SessionCompleteCalled,
    SessionCompleteFailed,
    SessionCompleteReturned,
    SessionContextDone,
    SessionCreated,
    SessionNotCreated,
    SessionStateChanged,
)
from sim.workflow.session_info import SESSION_KEY, SessionInfo, SessionState

SECOND = 1_000_000
YEAR = 365 * 24 * 3600 * SECOND
CREATION_ACTIVITY = "internalSessionCreationActivity"
COMPLETION_ACTIVITY = "internalSessionCompletionActivity"
FRAMEWORK_ACTIVITIES = frozenset({CREATION_ACTIVITY, COMPLETION_ACTIVITY})
"""All others are users'."""

CREATION_QUEUE_SUFFIX = "__internal_session_creation"
DEFAULT_HEARTBEAT_TIMEOUT = 20 * SECOND
FATAL_TIMEOUTS = ("TemporalTimeout:StartToClose", "TemporalTimeout:Heartbeat")
"""Since SDK 1.14 the creation activity is not retried after these."""

CREATION_RETRY = RetryPolicy(1 * SECOND, 1100, 10 * SECOND, 0, FATAL_TIMEOUTS)
CREATION_RETRY_BEFORE_1_14 = RetryPolicy(1 * SECOND, 1100, 10 * SECOND, 0)
"""Nothing in its list: what is not retried there says so itself, as the histories of those versions show."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """`workflow.SessionOptions`, lengths of time in integer microseconds. Nothing is validated, as in the SDK.

    `creation_timeout` bounds how long one attempt of the creation waits for a worker; `execution_timeout` the session
    from the start of its creation activity; `heartbeat_timeout` 0 means 20 s. The rest is of host sessions alone:
    `survive_restart`: whether the session outlives the loss of its process; `restart_grace`: how long its host may be without
    one that takes it up, 0 meaning 60 s; `resources`: how much the session needs of what its worker has, by type, all of it or nothing;
    `resource_patience`: how long it waits for a worker that has room before it waits at the door of one that has none, 0 meaning 30 s.
    """

    execution_timeout: int = 0
    creation_timeout: int = 0
    heartbeat_timeout: int = 0
    survive_restart: bool = False
    restart_grace: int = 0
    resources: Mapping[str, int] = field(default_factory=dict)
    resource_patience: int = 0

    @property
    def heartbeat(self) -> int:
        """The heartbeat timeout of the creation activity, microseconds."""
        return self.heartbeat_timeout or DEFAULT_HEARTBEAT_TIMEOUT


class Binding(Struct, frozen=True):
    """The payload of the creation activity's signal: which worker holds the session."""

    task_queue: str
    host_name: str
    resource_id: str


def get_session_info(ctx: Context) -> SessionInfo | None:
    """The nearest session of the context, open or not; None when it has none."""
    info = ctx.value(SESSION_KEY)
    return info if isinstance(info, SessionInfo) else None


async def create_session(ctx: Context, options: SessionOptions) -> Context:
    """Create a session on a worker that polls the context's queue, and give the session context.

    Raises WorkflowError when the context has an open session; ActivityError, as the creation activity ended; or
    CanceledError when the context is cancelled.
    """
    base = activity_options(ctx).task_queue or ctx.env.info.task_queue
    if Mutant.CREATION_IGNORES_OPTIONS in ctx.env.info.mutants:
        base = ctx.env.info.task_queue
    return await _create(ctx, options, base + CREATION_QUEUE_SUFFIX, recreated=False)


async def recreate_session(ctx: Context, recreate_token: bytes, options: SessionOptions) -> Context:
    """Create a session on the worker that the token names. Otherwise like `create_session`.

    Raises WorkflowError when the token cannot be read.
    """
    try:
        queue = json.loads(recreate_token)["Taskqueue"]
    except (ValueError, KeyError, TypeError) as error:
        raise WorkflowError(f"failed to deserilalize recreate token: {error}") from None
    return await _create(ctx, options, queue, recreated=True)


async def _create(ctx: Context, options: SessionOptions, queue: str, recreated: bool) -> Context:
    env = ctx.env
    existing = get_session_info(ctx)
    within = existing.session_id if existing is not None and existing.state is SessionState.OPEN else ""
    if within and Mutant.OPEN_SESSION_NOT_REFUSED not in env.info.mutants:
        refusal = WorkflowError("found exisiting open session in the context")
        env.observe(SessionNotCreated(env.info.run, "", describe(refusal), refused=True, within=within))
        raise refusal
    until, instead_of = env.now + options.creation_timeout, ""
    while True:
        info, session_ctx = _ask(ctx, options, queue, recreated, within, instead_of)
        left = until - env.now if options.creation_timeout else 0
        failure = await _bound_or_failed(session_ctx, info, options, left, queue)
        if failure is None:
            break
        if is_canceled(failure):
            ctx.scope.tell()
        info.cancel()
        again = asks_again(env, failure, not recreated, options.creation_timeout, until)
        env.observe(SessionNotCreated(env.info.run, info.session_id, describe(failure), again=again))
        if not again:
            raise failure.with_traceback(None)
        instead_of = info.session_id
    env.dispatcher.spawn(_watch(info, ctx))
    env.open_sessions[info.session_id] = info
    env.observe(SessionCreated(env.info.run, info.session_id, info.task_queue, info.host_name))
    return session_ctx


def _ask(ctx: Context, options: SessionOptions, queue: str, recreated: bool, within: str, instead_of: str) -> tuple[SessionInfo, Context]:
    """A session's name and contexts. `instead_of`: the one that the same call asked for before, in vain."""
    env = ctx.env
    # Counted on replay too: a worker that takes over must not give the next session a name that is used already.
    fresh = env.new_session_id()
    session_id = str(env.side_effect(lambda: fresh))
    info = SessionInfo(session_id)
    env.at_end.append(info.release)
    info.completion_ctx = ctx.derived(SESSION_KEY, info)
    session_ctx, info.cancel = with_cancel(info.completion_ctx)
    told = Repair.FAILURE_NOT_CANCELED in env.info.repairs
    info.fail = lambda: env.cancel(session_ctx.scope, session_failed=told)
    env.observe(
        SessionAsked(
            env.info.run,
            session_id,
            queue,
            recreated,
            options.creation_timeout,
            options.execution_timeout,
            options.heartbeat,
            activity_options(ctx).task_queue,
            within,
            instead_of=instead_of,
        )
    )
    # Activities and timers register under their ordinals, which are never 0.
    if ctx.scope.knowingly_canceled:
        of_workflow, place = env.root.scope.knowingly_canceled, asked_at(env.definition.function)
        env.observe(AskedInVain(env.info.run, session_id, "", of_workflow, place))
    session_ctx.scope.hooks[0] = lambda: env.observe(SessionContextDone(env.info.run, session_id))
    return info, session_ctx


def _schedule_creation(session_ctx: Context, info: SessionInfo, options: SessionOptions, wait: int, queue: str) -> Future:
    """Schedule the creation activity; it may wait for `wait` microseconds from now on (0: without limit)."""
    env = session_ctx.env
    mutants, repairs = env.info.mutants, env.info.repairs
    if Repair.RECREATE_WITHIN_HEARTBEAT in repairs and not queue.endswith(CREATION_QUEUE_SUFFIX):
        # A worker that lives takes it at once, and is full or not: who waits longer waits for nobody.
        wait = min(wait or options.heartbeat, options.heartbeat)
    if Mutant.RECREATE_ON_CREATION_QUEUE in mutants and not queue.endswith(CREATION_QUEUE_SUFFIX):
        queue = env.info.task_queue + CREATION_QUEUE_SUFFIX
    creation_ctx = session_ctx.derived(
        OPTIONS_KEY,
        ActivityOptions(
            task_queue=queue,
            schedule_to_start_timeout=0 if Mutant.CREATION_TIMEOUT_NOT_SENT in mutants else wait,
            start_to_close_timeout=YEAR if Mutant.EXECUTION_TIMEOUT_NOT_SENT in mutants else options.execution_timeout,
            heartbeat_timeout=options.heartbeat,
            wait_for_cancellation=Repair.WATCHED_TO_THE_END in repairs,
            retry_policy=CREATION_RETRY if env.sdk.fatal_session_timeouts else CREATION_RETRY_BEFORE_1_14,
        ),
    )
    return schedule(creation_ctx, CREATION_ACTIVITY, info.session_id, "", info.session_id)


async def _bound_or_failed(session_ctx: Context, info: SessionInfo, options: SessionOptions, wait: int, queue: str) -> BaseException | None:
    """Schedule the creation activity, and wait for the binding (then None) or for its end, whichever the history has first."""
    env = session_ctx.env
    failure: BaseException | None = None

    def bound(payload: object) -> None:
        assert isinstance(payload, Binding)
        info.task_queue, info.host_name, info.resource_id = payload.task_queue, payload.host_name, payload.resource_id

    def ended(future: Future) -> None:
        nonlocal failure
        failure = future.error

    info.creation = _schedule_creation(session_ctx, info, options, wait, queue)
    expired, stop_timer = creation_timer(session_ctx, wait)
    selector = Selector().add_receive(env.channel(info.session_id), bound)
    if Mutant.CREATION_FAILURE_NOT_AWAITED not in env.info.mutants:
        selector.add_future(info.creation, ended)
    # With WaitForCancellation the creation's own future does not tell of a cancelled context at once.
    gone = canceled(session_ctx) if Repair.WATCHED_TO_THE_END in env.info.repairs else None
    for future in (gone, expired):
        if future is not None:
            selector.add_future(future, ended)
    await selector.select(session_ctx)
    stop_timer()
    return failure


async def _watch(info: SessionInfo, ctx: Context) -> None:
    """The watcher coroutine: the creation activity's failure is the session's failure."""
    assert info.creation is not None
    _creation_ended(info, await info.creation.outcome(), ctx)


def _creation_ended(info: SessionInfo, error: BaseException | None, ctx: Context) -> None:
    if error is None or is_canceled(error) or Mutant.WATCHER_IGNORES_FAILURES in ctx.env.info.mutants:
        return
    if info.state is not SessionState.OPEN and looks_at_state(ctx.env):
        return
    ctx.env.open_sessions.pop(info.session_id, None)
    _change(ctx, info, SessionState.FAILED, describe(error))
    info.fail()


async def complete_session(ctx: Context) -> None:
    """Complete the session of `ctx`: cancel its context, have the worker free the slot, wait for that to be tried.

    Does nothing when there is no session or it is not open. Never raises: an error of the completion is ignored.
    """
    info = get_session_info(ctx)
    if info is None:
        return
    env = ctx.env
    try:
        await _complete(ctx, info)
    except Exception as error:
        env.observe(SessionCompleteFailed(env.info.run, info.session_id, describe(error)))
        raise


async def _complete(ctx: Context, info: SessionInfo) -> None:
    env = ctx.env
    mutants = env.info.mutants
    env.observe(SessionCompleteCalled(env.info.run, info.session_id, info.state.value))
    if Mutant.COMPLETING_TWICE_FAILS_SESSION in mutants and info.state is SessionState.CLOSED:
        _change(ctx, info, SessionState.FAILED, "completed twice")
    if info.state is not SessionState.OPEN and Mutant.COMPLETES_FAILED_SESSIONS not in mutants:
        return
    assert info.completion_ctx is not None
    if Mutant.COMPLETE_KEEPS_CONTEXT not in mutants:
        info.cancel()
    if ctx.scope.canceled:
        ctx.scope.known = True
    options = ActivityOptions(task_queue=info.task_queue, schedule_to_start_timeout=3 * SECOND, start_to_close_timeout=3 * SECOND)
    completion_ctx = info.completion_ctx.derived(OPTIONS_KEY, options)
    error = await schedule(completion_ctx, COMPLETION_ACTIVITY, info.session_id, "", info.session_id).outcome()
    failure = describe(error)
    env.open_sessions.pop(info.session_id, None)
    if Repair.WATCHED_TO_THE_END in env.info.repairs and info.creation is not None:
        ended = await info.creation.outcome()
        # A worker that has answered was there to complete the session, however its creation activity ends.
        if error is not None:
            _creation_ended(info, ended, ctx)
    if info.state is not SessionState.FAILED or Repair.WATCHED_TO_THE_END not in env.info.repairs:
        # Unconditional, as in the SDK: a failure that the watcher saw meanwhile is overwritten.
        _change(ctx, info, SessionState.CLOSED, failure)
    env.observe(SessionCompleteReturned(env.info.run, info.session_id, failure))


def _change(ctx: Context, info: SessionInfo, state: SessionState, why: str) -> None:
    old, info.state = info.state, state
    ctx.env.observe(SessionStateChanged(ctx.env.info.run, info.session_id, old.value, state.value, why))
