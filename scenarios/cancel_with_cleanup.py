"""A workflow that cleans up on the session's worker before it completes the session, also when it is cancelled."""

from sim import workflow


@workflow.workflow
async def cancel_with_cleanup(ctx: workflow.Context, argument: object) -> None:
    ao = workflow.ActivityOptions(
        start_to_close_timeout=workflow.minutes(5),
        heartbeat_timeout=workflow.seconds(10),
        wait_for_cancellation=True,
    )
    ctx = workflow.with_activity_options(ctx, ao)
    options = workflow.SessionOptions(creation_timeout=workflow.minutes(1), execution_timeout=workflow.minutes(10))
    session_ctx = await workflow.create_session(ctx, options)
    try:
        await workflow.execute_activity(session_ctx, "work", argument).get(session_ctx)
    finally:
        # What the workflow's cancellation has cancelled can start nothing any more: the cleanup needs a context apart.
        apart, _ = workflow.new_disconnected_context(session_ctx)
        # And the worker may be lost: then nobody takes the cleanup, and without this timeout it would wait for ever.
        cleanup = workflow.ActivityOptions(schedule_to_start_timeout=workflow.minutes(1), start_to_close_timeout=workflow.minutes(5))
        apart = workflow.with_activity_options(apart, cleanup)
        try:
            await workflow.execute_activity(apart, "cleanup", argument).get(apart)
        finally:
            await workflow.complete_session(apart)
