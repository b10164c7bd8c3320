"""A workflow that completes its session in one of two ways out."""

from sim import workflow
from sim.workflow import ActivityError, ActivityOptions, ApplicationError, CanceledError, SessionOptions, minutes, seconds


def with_options(ctx):
    options = ActivityOptions(
        start_to_close_timeout=minutes(5), heartbeat_timeout=seconds(10), retry_policy=workflow.RetryPolicy(maximum_attempts=2)
    )
    return workflow.with_activity_options(ctx, options)


async def work(ctx, session_ctx, album):
    try:
        files = await workflow.execute_activity(session_ctx, "download", album).get(session_ctx)
        return await workflow.execute_activity(session_ctx, "shrink", files).get(session_ctx)
    except CanceledError:
        if ctx.canceled:
            raise
        raise ApplicationError("the session's worker was lost") from None


@workflow.workflow
async def mistaken(ctx, album):
    ctx = with_options(ctx)
    session_ctx = await workflow.create_session(ctx, SessionOptions(creation_timeout=minutes(5), execution_timeout=minutes(30)))
    try:
        result = await work(ctx, session_ctx, album)
    except ActivityError:
        return "nothing"  # and the session goes on
    await workflow.complete_session(session_ctx)
    return result


@workflow.workflow
async def corrected(ctx, album):
    ctx = with_options(ctx)
    session_ctx = await workflow.create_session(ctx, SessionOptions(creation_timeout=minutes(5), execution_timeout=minutes(30)))
    try:
        return await work(ctx, session_ctx, album)
    except ActivityError:
        return "nothing"
    finally:
        await workflow.complete_session(session_ctx)
