"""Host sessions: a session is bound to a host, and outlives the processes that serve it there (docs/design/host-sessions.md).

    asked -> bound(1) -> detached -> bound(2) -> ...        the creation activity failed, the host is within its grace
               |            |
               |            +-> Failed                      nobody took the session up in time, or its ExecutionTimeout passed
               +-> Closed, Failed                           as in `sim.workflow.sessions`, whose rules hold where nothing else is said

* The workflow hands out epochs: 1 for the first binding, one more each time that it schedules a creation activity again. Its history is
  one sequence, so no epoch is handed out twice. A binding counts if it names the epoch that is asked for; any other is late, and ignored.
* A creation activity that ends by a missed heartbeat or with a failure of its worker detaches the session. It stays Open: the next
  creation activity goes to the queue of the host, and waits there for a process as long as the grace lasts.
* The grace begins with the loss. A binding that did not live for a heartbeat timeout before it was missed does not renew it, so a
  process that crashes again and again has one grace in all.
* What activities do meanwhile: `sim.workflow.host_work`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sim.history.failures import TimeoutType
from sim.workflow import activities
from sim.workflow.activities import OPTIONS_KEY, ActivityOptions, activity_options, observe_cancelled, schedule
from sim.workflow.context import Context, with_cancel
from sim.workflow.errors import ApplicationError, WorkflowError, chain, describe, is_canceled, is_timeout
from sim.workflow.futures import Channel, Future, Selector
from sim.workflow.host_work import HostWork
from sim.workflow.mutants import Mutant
from sim.workflow.seen import (
    SessionActivityAsked,
    SessionAsked,
    SessionCompleteCalled,
    SessionCompleteFailed,
    SessionCompleteReturned,
    SessionContextDone,
    SessionCreated,
    SessionDetached,
    SessionNotCreated,
    SessionReattached,
    SessionStateChanged,
)
from sim.workflow.session_info import SESSION_KEY, SessionInfo, SessionState
from sim.workflow.sessions import (
    COMPLETION_ACTIVITY,
    CREATION_ACTIVITY,
    CREATION_QUEUE_SUFFIX,
    CREATION_RETRY,
    DEFAULT_HEARTBEAT_TIMEOUT,
    SECOND,
    Binding,
    SessionOptions,
    get_session_info,
)

DEFAULT_GRACE = 60 * SECOND
NOT_TOLD = "SessionSignalLost"
"""Type of the failure of a creation activity whose signal may or may not have arrived."""


class HostBinding(Binding, frozen=True):
    """The payload of the signal. `host_queue`: where the session is taken up if its process is lost; `epoch`: of the creation activity."""

    host_queue: str = ""
    epoch: int = 0


@dataclass(slots=True)
class HostSessionInfo(SessionInfo):
    """A host session. `epoch` was handed out last; lengths of time and times of the workflow's clock in microseconds."""

    options: SessionOptions = field(default_factory=SessionOptions)
    epoch: int = 0
    host_queue: str = ""
    bound: bool = False
    """False while it is detached."""
    bound_at: int = 0
    ends_at: int = 0
    """When its ExecutionTimeout passes."""
    grace_ends: int = -1
    """-1 before the first loss."""
    work: HostWork = field(default_factory=lambda: HostWork(""))

    @property
    def heartbeat(self) -> int:
        return self.options.heartbeat_timeout or DEFAULT_HEARTBEAT_TIMEOUT

    def get_recreate_token(self) -> bytes:
        """It names the queue of the host, so that whatever process is there then can take the session over."""
        return json.dumps({"Taskqueue": self.host_queue}, separators=(",", ":")).encode()

    def bind(self, binding: HostBinding, now: int) -> None:
        """A process has said that it holds the session at the present epoch."""
        self.task_queue, self.host_name, self.resource_id = binding.task_queue, binding.host_name, binding.resource_id
        self.host_queue = binding.host_queue
        self.bound, self.bound_at = True, now

    def lose(self, now: int) -> None:
        """The binding is over."""
        self.bound = False
        if self.grace_ends < 0 or now - self.bound_at >= 2 * self.heartbeat:
            self.grace_ends = now + (self.options.restart_grace or DEFAULT_GRACE)


async def create_session(ctx: Context, options: SessionOptions) -> Context:
    """Create a session on a worker that polls the context's queue. Raises what the original does."""
    base = activity_options(ctx).task_queue or ctx.env.info.task_queue
    return await _create(ctx, options, base + CREATION_QUEUE_SUFFIX, recreated=False)


async def recreate_session(ctx: Context, recreate_token: bytes, options: SessionOptions) -> Context:
    """Create a session on the host that the token names. Raises WorkflowError when the token cannot be read."""
    try:
        queue = json.loads(recreate_token)["Taskqueue"]
    except (ValueError, KeyError, TypeError) as error:
        raise WorkflowError(f"failed to deserilalize recreate token: {error}") from None
    return await _create(ctx, options, queue, recreated=True)


async def _create(ctx: Context, options: SessionOptions, queue: str, recreated: bool) -> Context:
    env = ctx.env
    existing = get_session_info(ctx)
    if existing is not None and existing.state is SessionState.OPEN:
        refusal = WorkflowError("found exisiting open session in the context")
        env.observe(SessionNotCreated(env.info.run, "", describe(refusal), refused=True, within=existing.session_id))
        raise refusal
    fresh = env.new_session_id()
    info = HostSessionInfo(str(env.side_effect(lambda: fresh)), options=options)
    info.work.session = info.session_id
    info.completion_ctx = ctx.derived(SESSION_KEY, info)
    session_ctx, info.cancel = with_cancel(info.completion_ctx)
    asked = SessionAsked(
        env.info.run, info.session_id, queue, recreated, options.creation_timeout, options.execution_timeout, info.heartbeat,
        activity_options(ctx).task_queue,
    )  # fmt: skip
    env.observe(asked)
    # Activities and timers register under their ordinals, which are never 0.
    session_ctx.scope.hooks[0] = lambda: env.observe(SessionContextDone(env.info.run, info.session_id))
    creation = await _first_binding(ctx, session_ctx, info, queue)
    info.ends_at = env.now + options.execution_timeout
    env.dispatcher.spawn(_keep(ctx, session_ctx, info, creation))
    env.open_sessions[info.session_id] = info
    env.observe(SessionCreated(env.info.run, info.session_id, info.task_queue, info.host_name))
    return session_ctx


def _schedule_creation(session_ctx: Context, info: HostSessionInfo, queue: str, wait: int, work: int) -> Future:
    """The next creation activity, at the next epoch. `wait`, `work`: its ScheduleToStart and StartToClose, microseconds."""
    if not (info.epoch and Mutant.EPOCH_NOT_RENEWED in session_ctx.env.info.mutants):
        info.epoch += 1
    options = ActivityOptions(
        task_queue=queue, schedule_to_start_timeout=wait, start_to_close_timeout=work, heartbeat_timeout=info.heartbeat,
        retry_policy=CREATION_RETRY,
    )  # fmt: skip
    creation_ctx = session_ctx.derived(OPTIONS_KEY, options)
    return schedule(creation_ctx, CREATION_ACTIVITY, info.session_id, "", info.session_id, info.epoch)


async def _first_binding(ctx: Context, session_ctx: Context, info: HostSessionInfo, queue: str) -> Future:
    """Wait until a worker holds the session. An attempt whose signal got lost on its way is followed by the next epoch."""
    options = info.options
    while True:
        creation = _schedule_creation(session_ctx, info, queue, options.creation_timeout, options.execution_timeout)
        failure = await _binding_or_end(session_ctx, info, creation)
        if failure is None:
            return creation
        if _kind(failure) == NOT_TOLD:
            continue
        if is_canceled(failure):
            ctx.scope.tell()
        info.cancel()
        ctx.env.observe(SessionNotCreated(ctx.env.info.run, info.session_id, describe(failure)))
        raise failure.with_traceback(None)


async def _binding_or_end(session_ctx: Context, info: HostSessionInfo, creation: Future) -> BaseException | None:
    """Wait for the binding of the present epoch, or the end of its creation activity: None, or how that ended."""
    env = session_ctx.env
    failure: BaseException | None = None

    def told(payload: object) -> None:
        assert isinstance(payload, HostBinding)
        if payload.epoch == info.epoch:
            info.bind(payload, env.now)

    def ended(future: Future) -> None:
        nonlocal failure
        failure = future.error or ApplicationError("the creation activity ended before its signal")

    channel: Channel = env.channel(info.session_id)
    selector = Selector().add_receive(channel, told).add_future(creation, ended)
    while failure is None and not info.bound:
        await selector.select(session_ctx)
    return failure


async def _keep(ctx: Context, session_ctx: Context, info: HostSessionInfo, creation: Future) -> None:
    """The watcher coroutine: what the end of a creation activity means, as long as the session is open."""
    env = ctx.env
    while True:
        error = await creation.outcome()
        if error is None or is_canceled(error) or info.state is not SessionState.OPEN:
            return
        if not info.options.survive_restart or is_timeout(error, TimeoutType.START_TO_CLOSE):
            _fail(ctx, info, describe(error))
            return
        info.lose(env.now)
        env.observe(SessionDetached(env.info.run, info.session_id, info.epoch, describe(error)))
        info.work.detached()
        taken_up = await _take_up(session_ctx, info)
        if info.state is not SessionState.OPEN or session_ctx.canceled:
            return
        if taken_up is None:
            _fail(ctx, info, "nobody took it up in time")
            return
        creation = taken_up
        env.observe(SessionReattached(env.info.run, info.session_id, info.task_queue, info.host_name, info.epoch))
        info.work.rebound(info.task_queue, info.epoch)


async def _take_up(session_ctx: Context, info: HostSessionInfo) -> Future | None:
    """Ask the host for a process to take the session up, until one does or the grace is over: its creation activity, or None."""
    env = session_ctx.env
    while not session_ctx.canceled:
        wait, work = info.grace_ends - env.now, info.ends_at - env.now
        if wait <= 0 or work <= 0:
            return None
        creation = _schedule_creation(session_ctx, info, info.host_queue, wait, work)
        failure = await _binding_or_end(session_ctx, info, creation)
        if failure is None:
            return creation
        if is_canceled(failure) or is_timeout(failure, TimeoutType.SCHEDULE_TO_START):
            return None
    return None


def _kind(error: BaseException) -> str:
    """The type of the application error within, "" without one."""
    return next((e.type for e in chain(error) if isinstance(e, ApplicationError)), "")


def _fail(ctx: Context, info: HostSessionInfo, why: str) -> None:
    ctx.env.open_sessions.pop(info.session_id, None)
    _change(ctx, info, SessionState.FAILED, why)
    info.work.failed()
    info.cancel()


def execute_activity(ctx: Context, activity_type: str, argument: object = None) -> Future:
    """Ask for an activity. Outside of an open session this is the original's."""
    info, env = ctx.value(SESSION_KEY), ctx.env
    if not isinstance(info, HostSessionInfo) or info.state is not SessionState.OPEN:
        return activities.execute_activity(ctx, activity_type, argument)
    env.observe(SessionActivityAsked(env.info.run, info.session_id, activity_type, info.task_queue, info.state.value))
    observe_cancelled(ctx, activity_type, argument, info.session_id)
    return info.work.ask(ctx, activity_type, argument, (info.task_queue, info.epoch) if info.bound else None)


async def complete_session(ctx: Context) -> None:
    """Complete the session of `ctx` as the original does. Of a detached one nobody holds a slot, so nobody is told."""
    info = get_session_info(ctx)
    if info is None:
        return
    assert isinstance(info, HostSessionInfo)
    try:
        await _complete(ctx, info)
    except Exception as error:
        ctx.env.observe(SessionCompleteFailed(ctx.env.info.run, info.session_id, describe(error)))
        raise


async def _complete(ctx: Context, info: HostSessionInfo) -> None:
    env = ctx.env
    env.observe(SessionCompleteCalled(env.info.run, info.session_id, info.state.value))
    if info.state is not SessionState.OPEN:
        return
    assert info.completion_ctx is not None
    bound = info.bound
    info.cancel()
    if ctx.scope.canceled:
        ctx.scope.known = True
    failure = ""
    if bound:
        options = ActivityOptions(task_queue=info.task_queue, schedule_to_start_timeout=3 * SECOND, start_to_close_timeout=3 * SECOND)
        completion_ctx = info.completion_ctx.derived(OPTIONS_KEY, options)
        completion = schedule(completion_ctx, COMPLETION_ACTIVITY, info.session_id, "", info.session_id, info.epoch)
        failure = describe(await completion.outcome())
    env.open_sessions.pop(info.session_id, None)
    if info.state is SessionState.OPEN:
        # A failure that the watcher saw meanwhile stays: nothing leads out of Failed.
        _change(ctx, info, SessionState.CLOSED, failure)
    env.observe(SessionCompleteReturned(env.info.run, info.session_id, failure))


def _change(ctx: Context, info: HostSessionInfo, state: SessionState, why: str) -> None:
    old, info.state = info.state, state
    ctx.env.observe(SessionStateChanged(ctx.env.info.run, info.session_id, old.value, state.value, why))


__all__ = ["HostBinding", "HostSessionInfo", "complete_session", "create_session", "execute_activity", "recreate_session"]
