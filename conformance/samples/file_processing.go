// Package samples holds Go twins of workflows that ship with scenarios.
package samples

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// FileProcessingName is the workflow type of scenarios/file_processing.py.
const FileProcessingName = "file_processing_workflow"

// FileProcessing is the documentation's sample: download, process and upload a file in one session.
func FileProcessing(ctx workflow.Context, fileID string) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToStartTimeout: 5 * time.Second,
		StartToCloseTimeout:    time.Minute,
	})
	session, err := workflow.CreateSession(ctx, &workflow.SessionOptions{CreationTimeout: time.Minute, ExecutionTimeout: time.Minute})
	if err != nil {
		return err
	}
	defer workflow.CompleteSession(session)

	var file any = fileID
	for _, activity := range []string{"downloadFileActivity", "processFileActivity", "uploadFileActivity"} {
		if err := workflow.ExecuteActivity(session, activity, file).Get(session, &file); err != nil {
			return err
		}
	}
	return nil
}
