//go:build always_workflows

package main

import (
	"errors"

	"go.temporal.io/sdk/worker"
)

// disableWorkflows refuses: SDKs before 1.13 poll workflow tasks in any case.
func disableWorkflows(*worker.Options) error {
	return errors.New("this SDK cannot disable workflow polling; it needs 1.13.0 or later")
}
