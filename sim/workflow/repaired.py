"""What repairs change in workflow code, piece by piece (`sim.workflow.repairs`). Without a repair each does what the Go SDK does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sim.history.failures import TimeoutType
from sim.workflow.context import Context, with_cancel
from sim.workflow.errors import ApplicationError, CanceledError, TimeoutError, chain, is_timeout
from sim.workflow.futures import Future
from sim.workflow.repairs import Repair

if TYPE_CHECKING:
    from sim.workflow.environment import Environment

SECOND = 1_000_000
LONGEST_CREATION: Final = 600 * SECOND
"""How long a creation takes at most that has no CreationTimeout, microseconds."""
_CANCELED: Final = 1 << 60
"""Where `canceled` registers: behind everything that has an ordinal."""


def creation_timer(session_ctx: Context, creation_timeout: int) -> tuple[Future | None, Callable[[], None]]:
    """A future that fails when a creation has taken too long, and what stops its timer. None when nobody measures that.

    It is a child of the session's context: cancelled with it, and by itself.
    """
    if Repair.CREATION_TIMER not in session_ctx.env.info.repairs or session_ctx.canceled:
        return None, lambda: None
    timer_ctx, stop = with_cancel(session_ctx)
    timer, expired = session_ctx.env.start_timer(timer_ctx, creation_timeout or LONGEST_CREATION), Future()
    timer.when_ready(lambda: expired.resolve(error=timer.error or TimeoutError(TimeoutType.SCHEDULE_TO_START, "session creation timeout")))
    return expired, stop


def canceled(ctx: Context) -> Future:
    """A future that fails with CanceledError as soon as the context is cancelled: `ctx.Done()` as a case of a selector."""
    gone = Future()
    if ctx.canceled:
        gone.resolve(error=CanceledError())
    else:
        ctx.scope.hooks[_CANCELED] = lambda: gone.resolve(error=CanceledError())
    return gone


def asks_again(env: Environment, failure: BaseException, creates: bool, creation_timeout: int, until: int) -> bool:
    """Whether another worker is asked, since the one that took the creation was lost before it had signalled.

    The server says so H after it began, so this comes in time only where CreationTimeout is longer. A shorter H would be known sooner,
    and would be the session's for as long as it lives: more of its failures would be false alarms.
    """
    if Repair.CREATION_AGAIN not in env.info.repairs or not creates:
        return False
    stopped = any(isinstance(e, ApplicationError) and e.type == "SessionWorkerShutdown" for e in chain(failure))
    in_time = not creation_timeout or env.now < until
    return in_time and (stopped or is_timeout(failure, TimeoutType.HEARTBEAT))


def looks_at_state(env: Environment) -> bool:
    """Whether only an open session can fail. Who awaits the end of the creation may see it before the watcher does."""
    return Repair.CLOSED_STAYS_CLOSED in env.info.repairs or Repair.WATCHED_TO_THE_END in env.info.repairs
