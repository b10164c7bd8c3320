"""The file processing workflow of the documentation ("Sessions", Sample Code), line by line."""

from sim import workflow

DOWNLOAD_FILE_ACTIVITY_NAME = "downloadFileActivity"
PROCESS_FILE_ACTIVITY_NAME = "processFileActivity"
UPLOAD_FILE_ACTIVITY_NAME = "uploadFileActivity"


@workflow.workflow
async def file_processing_workflow(ctx: workflow.Context, file_id: str) -> None:
    ao = workflow.ActivityOptions(
        schedule_to_start_timeout=workflow.seconds(5),
        start_to_close_timeout=workflow.minutes(1),
    )
    ctx = workflow.with_activity_options(ctx, ao)

    so = workflow.SessionOptions(
        creation_timeout=workflow.minutes(1),
        execution_timeout=workflow.minutes(1),
    )
    session_ctx = await workflow.create_session(ctx, so)
    try:
        f_info = await workflow.execute_activity(session_ctx, DOWNLOAD_FILE_ACTIVITY_NAME, file_id).get(session_ctx)

        f_info_processed = await workflow.execute_activity(session_ctx, PROCESS_FILE_ACTIVITY_NAME, f_info).get(session_ctx)

        await workflow.execute_activity(session_ctx, UPLOAD_FILE_ACTIVITY_NAME, f_info_processed).get(session_ctx)
    finally:
        # defer workflow.CompleteSession(sessionCtx)
        await workflow.complete_session(session_ctx)
