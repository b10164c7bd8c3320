//go:build no_eager

package main

import "go.temporal.io/sdk/worker"

// disableEager has nothing to do: SDKs before 1.16 have no eager activities.
func disableEager(*worker.Options) {}
