"""Workflow code of `versions.toml`: what programs as data cannot do."""

from sim import workflow


@workflow.workflow
async def panics(ctx: workflow.Context, argument: object) -> None:
    """Panics while CompleteSession is deferred, as an index out of range would."""
    options = workflow.SessionOptions(creation_timeout=workflow.minutes(5), execution_timeout=workflow.minutes(10))
    session_ctx = await workflow.create_session(ctx, options)
    try:
        ao = workflow.ActivityOptions(start_to_close_timeout=workflow.minutes(5))
        await workflow.execute_activity(workflow.with_activity_options(session_ctx, ao), "DoWork", {"ms": 2000}).get(session_ctx)
        workflow.panic(ctx, "index out of range")
    finally:
        await workflow.complete_session(session_ctx)
