"""Activities of host sessions: each is scheduled at the epoch of a binding, and again at the next one if that is taken up.

    waiting -> scheduled(e) -> ended
       ^            |
       +------------+   a worker refuses it, since it does not hold the session at e: it never ran;
                        or the session loses its process: it is cancelled on the server. If its retry policy allows one attempt only
                        it ends there, with `SessionWorkerRestarted`, for nobody can tell whether it had begun

What waits is scheduled when the session is taken up, at the epoch of that binding. What is asked for while the session is detached waits
from the start. User code holds one future for all of it. A retry policy counts anew at each epoch: what the server knows of attempts does
not outlive an activity.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.workflow.activities import activity_options, schedule
from sim.workflow.context import Context
from sim.workflow.errors import ActivityError, ApplicationError, CanceledError, SessionFailedError, chain
from sim.workflow.futures import Future

FENCED = "SessionFenced"
"""Type of the failure with which a worker refuses an activity of an epoch at which it does not hold the session."""
RESTARTED = "SessionWorkerRestarted"
"""Type of the failure of an activity that ran (or may have run) on a process that is gone, and may run once only."""
_FIRST_HOOK = -(1 << 40)
"""Hooks of waiting activities register below those of timers, which have the negatives of their ordinals."""


@dataclass(slots=True, eq=False)
class Item:
    """One activity that user code waits for. `inner`: what it is scheduled as, None while it waits."""

    ctx: Context
    activity_type: str
    argument: object
    outer: Future
    hook: int
    inner: Future | None = None


@dataclass(slots=True)
class HostWork:
    """The activities of a session that have not ended, in the order in which they were asked for."""

    session: str
    items: list[Item] = field(default_factory=list)
    asked: int = 0

    def ask(self, ctx: Context, activity_type: str, argument: object, bound: tuple[str, int] | None) -> Future:
        """Schedule an activity at `bound` (queue, epoch), or let it wait for the next binding."""
        item = Item(ctx, activity_type, argument, Future(), _FIRST_HOOK - self.asked)
        self.asked += 1
        self.items.append(item)
        if bound is not None:
            self._schedule(item, *bound)
        else:
            self._wait(item)
        return item.outer

    def detached(self) -> None:
        """The session has lost its process: what was scheduled there is cancelled, and waits or ends."""
        for item in [item for item in self.items if item.inner is not None]:
            inner, item.inner = item.inner, None
            assert inner is not None
            item.ctx.env.cancel_activity(inner)
            policy = activity_options(item.ctx).retry_policy
            if policy is not None and policy.maximum_attempts == 1:
                gone = ApplicationError("the process of the worker is gone", RESTARTED, non_retryable=True)
                self._end(item, None, ActivityError(0, item.activity_type, None, gone))
            else:
                self._wait(item)

    def rebound(self, queue: str, epoch: int) -> None:
        """The session is taken up: whatever waits is scheduled, in the order in which it was asked for."""
        for item in [item for item in self.items if item.inner is None]:
            self._schedule(item, queue, epoch)

    def failed(self) -> None:
        """The session has failed: what waits will never be scheduled. What is scheduled ends with the session's context."""
        for item in [item for item in self.items if item.inner is None]:
            self._end(item, None, SessionFailedError())

    def _schedule(self, item: Item, queue: str, epoch: int) -> None:
        item.ctx.scope.hooks.pop(item.hook, None)
        inner = item.inner = schedule(item.ctx, item.activity_type, item.argument, queue, self.session, epoch)
        inner.when_ready(lambda: self._settled(item, inner))

    def _settled(self, item: Item, inner: Future) -> None:
        """An activity has ended on the server, or was given up."""
        if item.inner is not inner:
            return
        item.inner = None
        if any(isinstance(e, ApplicationError) and e.type == FENCED for e in chain(inner.error)):
            self._wait(item)
        else:
            self._end(item, inner.value, inner.error)

    def _wait(self, item: Item) -> None:
        """Wait for the next binding, unless the context is cancelled first."""
        if item.ctx.scope.canceled:
            self._end(item, None, CanceledError())
            return
        item.ctx.scope.hooks[item.hook] = lambda: self._end(item, None, CanceledError())

    def _end(self, item: Item, value: object, error: BaseException | None) -> None:
        item.ctx.scope.hooks.pop(item.hook, None)
        self.items.remove(item)
        item.outer.resolve(value, error)
