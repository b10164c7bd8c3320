package script

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Seen is what a step came to. The list of all of them is the workflow's result.
type Seen struct {
	Op    string `json:"op"`
	In    string `json:"in,omitempty"`
	Name  string `json:"name,omitempty"`
	MS    int64  `json:"ms"`
	Error string `json:"error,omitempty"`
	State string `json:"state,omitempty"`
	Value any    `json:"value,omitempty"`
}

// note writes down what a step came to; within is the context it worked on.
func (m *machine) note(ctx workflow.Context, op, within, name string, err error, value any) {
	seen := Seen{Op: op, In: within, Name: name, Error: Describe(err), Value: value}
	seen.MS = workflow.Now(ctx).Sub(m.began).Milliseconds()
	if on, ok := m.contexts[within]; ok {
		if info := workflow.GetSessionInfo(on); info != nil {
			seen.State = stateOf(info)
		}
	}
	m.seen = append(m.seen, seen)
	if m.observe != nil {
		m.observe(ctx, seen)
	}
}

// Describe spells an error and all it wraps by their types, outermost first; "" for no error.
func Describe(err error) string {
	var links []string
	for ; err != nil; err = errors.Unwrap(err) {
		links = append(links, describeOne(err))
	}
	return strings.Join(links, " <- ")
}

func describeOne(err error) string {
	if err == workflow.ErrSessionFailed {
		return "ErrSessionFailed"
	}
	switch known := err.(type) {
	case *temporal.TimeoutError:
		return fmt.Sprintf("%T(%s)", err, known.TimeoutType())
	case *temporal.ApplicationError:
		return fmt.Sprintf("%T(%s: %s)", err, known.Type(), messageOf(known))
	default:
		return fmt.Sprintf("%T", err)
	}
}

// messageOf is the error's message alone. Old SDKs have no method for it and only tell it with type and retryability.
func messageOf(err error) string {
	if told, ok := err.(interface{ Message() string }); ok {
		return told.Message()
	}
	return err.Error()
}
