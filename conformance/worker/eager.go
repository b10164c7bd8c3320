//go:build !no_eager

package main

import "go.temporal.io/sdk/worker"

// disableEager keeps activities of the worker's own task queue from being started with the answer to a workflow task:
// the simulator hands all activities out through matching. Activities of sessions are never eager.
func disableEager(options *worker.Options) {
	options.DisableEagerActivities = true
}
