package main

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"session-sim/conformance/samples"
	"session-sim/conformance/script"
)

// outcome is what the workflow function returned on replay; known is false while it has not.
type outcome struct {
	known bool
	seen  []script.Seen
	err   error
}

// attempts is how often a refused history is replayed again. Cancelling a context, the SDK goes through its children in the
// order of a Go map, which starts at random: with siblings it refuses a history, its own ones too, when it draws another start
// than whoever wrote it. What is wrong with a history is wrong every time.
const attempts = 300

// errNothing is said of a run whose first workflow task no worker has taken.
var errNothing = errors.New("no workflow task was started, so there is nothing to replay")

// replay has the SDK replay one file, and compares the end.
func replay(file string) error {
	end, err := readEnd(file)
	if err != nil {
		return err
	}
	if !end.begun {
		return errNothing
	}
	for range attempts {
		if err = once(file, end); err == nil {
			return nil
		}
	}
	return err
}

func once(file string, end end) (err error) {
	defer func() {
		// The SDK panics on some histories that no server would write.
		if caught := recover(); caught != nil {
			err = fmt.Errorf("the SDK panicked: %v", caught)
		}
	}()
	var got outcome
	run := script.Workflow(nil)
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(func(ctx workflow.Context, program script.Program) ([]script.Seen, error) {
		seen, err := run(ctx, program)
		got = outcome{true, seen, err}
		return seen, err
	}, workflow.RegisterOptions{Name: script.Name})
	replayer.RegisterWorkflowWithOptions(samples.FileProcessing, workflow.RegisterOptions{Name: samples.FileProcessingName})
	if err := replayer.ReplayWorkflowHistoryFromJSONFile(silent{}, file); err != nil {
		return err
	}
	if !got.known {
		return nil
	}
	return end.agrees(got)
}

// agrees compares how a history ends with what the code came to.
func (e end) agrees(got outcome) error {
	var next *workflow.ContinueAsNewError
	var canceled *temporal.CanceledError
	came := "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"
	switch {
	case errors.As(got.err, &next):
		came = "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW"
	case errors.As(got.err, &canceled):
		came = "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED"
	case got.err != nil:
		came = "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED"
	}
	if !e.byWorkflow() {
		return nil
	}
	if came != e.eventType {
		return fmt.Errorf("the history ends with %s, the code with %s (%v)", e.eventType, came, got.err)
	}
	if came == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED" {
		return e.sameResult(got.seen)
	}
	return nil
}

// silent drops what the SDK logs: what matters comes back as an error.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
