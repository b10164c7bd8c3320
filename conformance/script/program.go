// Package script is the workflow Script for the real Go SDK: an interpreter of small programs, step by step the twin of
// sim/workflow/script.py. The two have to ask for the same commands in the same order; the replayer holds them to it.
package script

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
)

const (
	// Name is the workflow type.
	Name = "Script"
	// WorkActivity is the activity that a step runs when it names none.
	WorkActivity = "DoWork"
)

// Work is the argument of the activity DoWork: what an attempt does, wherever it runs.
type Work struct {
	Name   string `json:"name"`
	MS     int    `json:"ms"`
	BeatMS int    `json:"beat_ms"`
	Obey   bool   `json:"obey"`
	Fail   string `json:"fail"`
}

// Step is one step of a program. Which keys an op reads stands in docs/reference/programs.md.
type Step struct {
	Op        string   `json:"op"`
	Ignore    bool     `json:"ignore,omitempty"`
	In        string   `json:"in,omitempty"`
	As        string   `json:"as,omitempty"`
	Signal    string   `json:"signal,omitempty"`
	Fut       string   `json:"fut,omitempty"`
	MS        int      `json:"ms,omitempty"`
	Times     int      `json:"times,omitempty"`
	Steps     []Step   `json:"steps,omitempty"`
	Branches  [][]Step `json:"branches,omitempty"`
	Queue     string   `json:"queue,omitempty"`
	Creation  Duration `json:"creation,omitempty"`
	Execution Duration `json:"execution,omitempty"`
	Heartbeat Duration `json:"heartbeat,omitempty"`

	Activity            string   `json:"activity,omitempty"`
	Work                any      `json:"work,omitempty"`
	StartToClose        Duration `json:"stc,omitempty"`
	ScheduleToStart     Duration `json:"sts,omitempty"`
	ScheduleToClose     Duration `json:"schtc,omitempty"`
	ActivityHeartbeat   Duration `json:"hb,omitempty"`
	Attempts            int32    `json:"attempts,omitempty"`
	WaitForCancellation bool     `json:"wait_for_cancellation,omitempty"`
}

// Program is the workflow's argument.
type Program struct {
	Steps  []Step            `json:"steps"`
	Tokens map[string][]byte `json:"tokens,omitempty"`
}

// Duration is a length of time as programs write it: "20s", "400ms", "1h30m".
type Duration string

// value is 0 for a duration that is absent.
func (d Duration) value() (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	length, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, badProgram("%v; expected a duration such as 20s", err)
	}
	return length, nil
}

// durations reads several at once; the first that is wrong is the error.
func durations(texts ...Duration) ([]time.Duration, error) {
	read := make([]time.Duration, len(texts))
	for i, text := range texts {
		length, err := text.value()
		if err != nil {
			return nil, err
		}
		read[i] = length
	}
	return read, nil
}

// workName is what a step calls its work, "" when it has no name.
func (s Step) workName() string {
	fields, _ := s.Work.(map[string]any)
	name, _ := fields["name"].(string)
	return name
}

// work reads the argument of DoWork. It is sent with all its keys, whichever the program spelled out.
func (s Step) work() (Work, error) {
	var work Work
	text, err := json.Marshal(s.Work)
	if err == nil {
		err = json.Unmarshal(text, &work)
	}
	if err != nil {
		return work, badProgram("the work %v cannot be read: %v", s.Work, err)
	}
	return work, nil
}

// badProgram is the error of a program that asks for something that is not there. It is an error of the workflow, not a
// panic: a panic would fail the workflow task again and again.
func badProgram(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), "BadProgram", nil)
}
