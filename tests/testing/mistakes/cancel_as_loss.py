"""A retry loop that takes every CanceledError for a lost worker; a workflow's own cancellation is one, too."""

from sim import workflow
from sim.workflow import ActivityOptions, ApplicationError, CanceledError, SessionFailedError, SessionOptions, minutes, seconds


async def encode_once(ctx, video):
    session_ctx = await workflow.create_session(ctx, SessionOptions(creation_timeout=minutes(5), execution_timeout=minutes(30)))
    try:
        file = await workflow.execute_activity(session_ctx, "download", video).get(session_ctx)
        return await workflow.execute_activity(session_ctx, "encode", file).get(session_ctx)
    finally:
        await workflow.complete_session(session_ctx)


def with_options(ctx):
    return workflow.with_activity_options(ctx, ActivityOptions(start_to_close_timeout=minutes(10), heartbeat_timeout=seconds(10)))


@workflow.workflow
async def mistaken(ctx, video):
    ctx = with_options(ctx)
    for _ in range(5):
        try:
            return await encode_once(ctx, video)
        except (CanceledError, SessionFailedError):
            pass  # the worker was lost: again, on another one
    raise ApplicationError("five workers were lost")


@workflow.workflow
async def corrected(ctx, video):
    ctx = with_options(ctx)
    for _ in range(5):
        try:
            return await encode_once(ctx, video)
        except (CanceledError, SessionFailedError):
            if ctx.canceled:
                raise  # it was the workflow that was cancelled
    raise ApplicationError("five workers were lost")
