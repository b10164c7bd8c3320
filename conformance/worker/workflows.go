//go:build !always_workflows

package main

import "go.temporal.io/sdk/worker"

func disableWorkflows(options *worker.Options) error {
	options.DisableWorkflowWorker = true
	return nil
}
