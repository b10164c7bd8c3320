package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"session-sim/conformance/script"
)

// end is how a history ends.
type end struct {
	begun     bool
	eventType string
	result    []byte
}

// readEnd reads the last event of a history in proto JSON.
func readEnd(file string) (end, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return end{}, err
	}
	var history struct {
		Events []struct {
			EventType string `json:"eventType"`
			Completed struct {
				Result struct {
					Payloads []struct {
						Data []byte `json:"data"`
					} `json:"payloads"`
				} `json:"result"`
			} `json:"workflowExecutionCompletedEventAttributes"`
		} `json:"events"`
	}
	if err := json.Unmarshal(text, &history); err != nil {
		return end{}, fmt.Errorf("is not a history in JSON: %w", err)
	}
	if len(history.Events) == 0 {
		return end{}, fmt.Errorf("has no events; expected a history in JSON, as a server exports it")
	}
	last := history.Events[len(history.Events)-1]
	read := end{eventType: last.EventType}
	for _, event := range history.Events {
		read.begun = read.begun || event.EventType == "EVENT_TYPE_WORKFLOW_TASK_STARTED"
	}
	if payloads := last.Completed.Result.Payloads; len(payloads) > 0 {
		read.result = payloads[0].Data
	}
	return read, nil
}

// byWorkflow tells whether the workflow's code ended the run, and not a server or a client.
func (e end) byWorkflow() bool {
	for _, how := range []string{"_EXECUTION_COMPLETED", "_EXECUTION_FAILED", "_EXECUTION_CANCELED", "_CONTINUED_AS_NEW"} {
		if strings.HasSuffix(e.eventType, how) {
			return true
		}
	}
	return false
}

// sameResult compares what each step came to: outcomes, errors, session states and times.
func (e end) sameResult(seen []script.Seen) error {
	var recorded, replayed []map[string]any
	if err := json.Unmarshal(e.result, &recorded); err != nil {
		return fmt.Errorf("the result in the history cannot be read: %w", err)
	}
	text, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &replayed); err != nil {
		return err
	}
	for i := range max(len(recorded), len(replayed)) {
		var was, is map[string]any
		if i < len(recorded) {
			was = recorded[i]
		}
		if i < len(replayed) {
			is = replayed[i]
		}
		if !reflect.DeepEqual(was, is) {
			return fmt.Errorf("result, entry %d: the history has %v, the code comes to %v", i, was, is)
		}
	}
	return nil
}
