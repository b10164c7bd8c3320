"""The session framework as workflow code calls it: each call goes to the variant that the run's worker speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sim.workflow import activities, host_sessions, sessions
from sim.workflow.context import Context
from sim.workflow.futures import Future
from sim.workflow.sessions import SessionOptions
from sim.workflow.variants import Variant


@dataclass(frozen=True, slots=True)
class Framework:
    """What a variant does for each call. All else of workflow code is the same for all variants."""

    create_session: Callable[[Context, SessionOptions], Awaitable[Context]]
    recreate_session: Callable[[Context, bytes, SessionOptions], Awaitable[Context]]
    complete_session: Callable[[Context], Awaitable[None]]
    execute_activity: Callable[[Context, str, object], Future]


FRAMEWORKS: Final[Mapping[Variant, Framework]] = {
    Variant.SESSIONS: Framework(
        sessions.create_session, sessions.recreate_session, sessions.complete_session, activities.execute_activity
    ),
    Variant.HOST: Framework(
        host_sessions.create_session, host_sessions.recreate_session, host_sessions.complete_session, host_sessions.execute_activity
    ),
}  # fmt: skip
"""Every variant's."""


async def create_session(ctx: Context, options: SessionOptions) -> Context:
    """Create a session on a worker that polls the context's queue, and give the session context.

    Raises WorkflowError when the context has an open session; ActivityError, as the creation activity ended; or
    CanceledError when the context is cancelled.
    """
    return await FRAMEWORKS[ctx.env.info.variant].create_session(ctx, options)


async def recreate_session(ctx: Context, recreate_token: bytes, options: SessionOptions) -> Context:
    """Create a session on the worker that the token names. Otherwise like `create_session`.

    Raises WorkflowError when the token cannot be read.
    """
    return await FRAMEWORKS[ctx.env.info.variant].recreate_session(ctx, recreate_token, options)


async def complete_session(ctx: Context) -> None:
    """Complete the session of `ctx`: cancel its context, have the worker free the slot, wait for that to be tried.

    Does nothing when there is no session or it is not open. Never raises: an error of the completion is ignored.
    """
    await FRAMEWORKS[ctx.env.info.variant].complete_session(ctx)


def execute_activity(ctx: Context, activity_type: str, argument: object = None) -> Future:
    """Ask for an activity and give its future.

    In an open session it goes to the queue of the session's worker, whatever queue the options name; in a failed one it
    is not scheduled at all, and its future fails with SessionFailedError.
    """
    return FRAMEWORKS[ctx.env.info.variant].execute_activity(ctx, activity_type, argument)
