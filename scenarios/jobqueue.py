"""A job of three steps that have to run on one worker."""

from sim import workflow


@workflow.workflow
async def job(ctx: workflow.Context, argument: object) -> None:
    ctx = workflow.with_activity_options(ctx, workflow.ActivityOptions(start_to_close_timeout=workflow.hours(1)))
    options = workflow.SessionOptions(creation_timeout=workflow.hours(1), execution_timeout=workflow.hours(1))
    session_ctx = await workflow.create_session(ctx, options)
    try:
        for step in ("first", "second", "third"):
            await workflow.execute_activity(session_ctx, step, argument).get(session_ctx)
    finally:
        await workflow.complete_session(session_ctx)
