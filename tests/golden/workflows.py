"""Workflows of the golden dialogues that are code, because no program can say them."""

from __future__ import annotations

from typing import Any

from sim.workflow.activities import ActivityOptions, execute_activity, with_activity_options
from sim.workflow.api import panic
from sim.workflow.context import Context
from sim.workflow.definition import Definition
from sim.workflow.sessions import SessionOptions, complete_session, create_session

SECOND = 1_000_000


async def panics_once(ctx: Context, argument: Any) -> None:
    """Opens a session, and panics with CompleteSession deferred."""
    session = await create_session(ctx, SessionOptions(execution_timeout=600 * SECOND, creation_timeout=60 * SECOND))
    try:
        on = with_activity_options(session, ActivityOptions(start_to_close_timeout=300 * SECOND))
        await execute_activity(on, "DoWork", {"name": "U", "ms": 2000}).get(ctx)
        panic(ctx, "as asked")
    finally:
        await complete_session(session)


NAMED = {"Panics": Definition("Panics", panics_once)}
