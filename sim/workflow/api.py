"""The rest of what workflow code calls: coroutines, timers, signals, side effects, information, queries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn

from sim.workflow.context import Context
from sim.workflow.environment import Info
from sim.workflow.errors import Panic, not_modelled
from sim.workflow.futures import Channel, Future


def go(ctx: Context, function: Callable[[Context], Coroutine[Any, Any, None]]) -> None:
    """Start a coroutine; it first runs when the present one blocks."""
    ctx.env.dispatcher.spawn(function(ctx))


def new_timer(ctx: Context, duration: int) -> Future:
    """A timer of `duration` microseconds; cancelled with `ctx`."""
    return ctx.env.start_timer(ctx, duration)


def sleep(ctx: Context, duration: int) -> Awaitable[None]:
    """Wait for `duration` microseconds. Raises CanceledError when `ctx` is cancelled meanwhile."""
    return ctx.env.start_timer(ctx, duration, "Sleep").get(ctx)


def get_signal_channel(ctx: Context, name: str) -> Channel:
    """The channel on which signals of this name arrive."""
    return ctx.env.channel(name)


def side_effect(ctx: Context, function: Callable[[], object]) -> object:
    """Run `function` once and remember its value in the history. It must depend on nothing but the workflow's state."""
    return ctx.env.side_effect(function)


def now(ctx: Context) -> int:
    """The server's time at the start of this workflow task, microseconds since the start of the simulation."""
    return ctx.env.now


def get_info(ctx: Context) -> Info:
    """About this run."""
    return ctx.env.info


def is_replaying(ctx: Context) -> bool:
    """Whether what runs now ran before."""
    return ctx.env.replaying


def set_query_handler(ctx: Context, name: str, handler: Callable[..., object]) -> None:
    """Answer queries of this name."""
    ctx.env.queries[name] = handler


def panic(ctx: Context, message: str) -> NoReturn:
    """Go's `panic`: fails the workflow task. Before SDK 1.41.1 a deferred call that blocks freezes it."""
    error = Panic(message)
    error.may_freeze = not ctx.env.sdk.panics_stay_panics
    raise error


def execute_child_workflow(ctx: Context, *args: object) -> NoReturn:
    """Not modelled."""
    not_modelled("ExecuteChildWorkflow")


def execute_local_activity(ctx: Context, *args: object) -> NoReturn:
    """Not modelled."""
    not_modelled("ExecuteLocalActivity")


def get_version(ctx: Context, *args: object) -> NoReturn:
    """Not modelled."""
    not_modelled("GetVersion")


def set_update_handler(ctx: Context, *args: object) -> NoReturn:
    """Not modelled."""
    not_modelled("SetUpdateHandler")


def new_nexus_client(*args: object) -> NoReturn:
    """Not modelled."""
    not_modelled("NewNexusClient")
