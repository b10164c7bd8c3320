"""Machine learning: download the data, train for hours with heartbeats, upload what was learnt; one model on a GPU at a time."""

from sim import workflow


@workflow.workflow
async def ml_training(ctx: workflow.Context, model: str) -> object:
    ctx = workflow.with_activity_options(ctx, workflow.ActivityOptions(start_to_close_timeout=workflow.minutes(30)))
    options = workflow.SessionOptions(creation_timeout=workflow.hours(24), execution_timeout=workflow.hours(24))
    session_ctx = await workflow.create_session(ctx, options)
    try:
        data = await workflow.execute_activity(session_ctx, "download", model).get(session_ctx)
        long = workflow.ActivityOptions(start_to_close_timeout=workflow.hours(12), heartbeat_timeout=workflow.minutes(1))
        learnt = await workflow.execute_activity(workflow.with_activity_options(session_ctx, long), "train", data).get(session_ctx)
        return await workflow.execute_activity(session_ctx, "upload", learnt).get(session_ctx)
    finally:
        await workflow.complete_session(session_ctx)
