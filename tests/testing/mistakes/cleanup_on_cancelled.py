"""A workflow that cleans up in a `finally`, on a context that is cancelled when it matters."""

from sim import workflow
from sim.workflow import ActivityOptions, ApplicationError, CanceledError, SessionOptions, minutes, seconds


def with_options(ctx):
    return workflow.with_activity_options(ctx, ActivityOptions(start_to_close_timeout=minutes(5), heartbeat_timeout=seconds(10)))


async def convert(ctx, session_ctx, table):
    try:
        return await workflow.execute_activity(session_ctx, "convert", table).get(session_ctx)
    except CanceledError:
        if ctx.canceled:
            raise
        raise ApplicationError("the session's worker was lost") from None


@workflow.workflow
async def mistaken(ctx, table):
    ctx = with_options(ctx)
    session_ctx = await workflow.create_session(ctx, SessionOptions(creation_timeout=minutes(5), execution_timeout=minutes(30)))
    try:
        return await convert(ctx, session_ctx, table)
    finally:
        await workflow.complete_session(session_ctx)
        await workflow.execute_activity(ctx, "drop_scratch_tables", table).get(ctx)


@workflow.workflow
async def corrected(ctx, table):
    ctx = with_options(ctx)
    session_ctx = await workflow.create_session(ctx, SessionOptions(creation_timeout=minutes(5), execution_timeout=minutes(30)))
    try:
        return await convert(ctx, session_ctx, table)
    finally:
        await workflow.complete_session(session_ctx)
        apart, _ = workflow.new_disconnected_context(ctx)
        await workflow.execute_activity(apart, "drop_scratch_tables", table).get(apart)
