package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"go.temporal.io/sdk/workflow"

	"session-sim/conformance/script"
)

// entry is what a line of the log says besides its kind, worker and time.
type entry = map[string]any

// journal is the worker's log. A line is written at once, so that a killed worker has told all it did.
type journal struct {
	mu     sync.Mutex
	file   *os.File
	worker string
}

func openJournal(path, worker string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("the log cannot be written: %w", err)
	}
	return &journal{file: file, worker: worker}, nil
}

func (j *journal) write(event string, what entry) {
	what["ev"] = event
	what["worker"] = j.worker
	what["t"] = time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	line, err := json.Marshal(what)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker: a log entry cannot be written:", err)
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		fmt.Fprintln(os.Stderr, "worker: the log cannot be written:", err)
	}
}

// saw notes what a step of a workflow came to, once: not when it is replayed.
func (j *journal) saw(ctx workflow.Context, seen script.Seen) {
	if workflow.IsReplaying(ctx) {
		return
	}
	execution := workflow.GetInfo(ctx).WorkflowExecution
	j.write("workflow_saw", entry{"workflow": execution.ID, "run": execution.RunID, "saw": seen})
}

// warnings is the SDK's logger: what may explain a recording goes to the error output, the rest nowhere.
type warnings struct{}

func (warnings) Debug(string, ...any)              {}
func (warnings) Info(string, ...any)               {}
func (warnings) Warn(message string, more ...any)  { fmt.Fprintln(os.Stderr, "WARN", message, more) }
func (warnings) Error(message string, more ...any) { fmt.Fprintln(os.Stderr, "ERROR", message, more) }
