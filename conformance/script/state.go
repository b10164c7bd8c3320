//go:build !session_state_hidden

package script

import "go.temporal.io/sdk/workflow"

// stateOf names the session's state as workflow code sees it.
func stateOf(info *workflow.SessionInfo) string {
	switch info.SessionState {
	case workflow.SessionStateOpen:
		return "Open"
	case workflow.SessionStateFailed:
		return "Failed"
	case workflow.SessionStateClosed:
		return "Closed"
	default:
		return "unknown"
	}
}
