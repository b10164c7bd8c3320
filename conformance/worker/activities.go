package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"session-sim/conformance/script"
)

const asAsked = "failed as asked"

// doWork is the activity DoWork of a worker: it lasts, heartbeats, obeys and ends as its argument says.
func doWork(identity string) func(context.Context, script.Work) (string, error) {
	return func(ctx context.Context, work script.Work) (string, error) {
		over := time.After(time.Duration(work.MS) * time.Millisecond)
		var beat <-chan time.Time
		if work.BeatMS > 0 {
			ticker := time.NewTicker(time.Duration(work.BeatMS) * time.Millisecond)
			defer ticker.Stop()
			beat = ticker.C
		}
		var done <-chan struct{}
		if work.Obey {
			done = ctx.Done()
		}
		for {
			select {
			case <-beat:
				activity.RecordHeartbeat(ctx, work.Name)
			case <-done:
				return "", ctx.Err()
			case <-over:
				return end(work.Fail, identity)
			}
		}
	}
}

func end(fail, identity string) (string, error) {
	switch fail {
	case "":
		return identity, nil
	case "retryable":
		return "", errors.New(asAsked)
	case "non_retryable":
		return "", temporal.NewNonRetryableApplicationError(asAsked, "Asked", nil)
	case "panic":
		panic("panicked as asked")
	default:
		return "", temporal.NewNonRetryableApplicationError(fmt.Sprintf("there is no way to fail %q", fail), "BadProgram", nil)
	}
}

// watch logs activities, those of sessions too, as the worker runs them.
type watch struct {
	interceptor.WorkerInterceptorBase
	journal *journal
}

// InterceptActivity puts an observer around each attempt.
func (w *watch) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	observer := &attempt{journal: w.journal}
	observer.Next = next
	return observer
}

type attempt struct {
	interceptor.ActivityInboundInterceptorBase
	journal *journal
}

// ExecuteActivity logs an attempt's start and end, and when its context is done in between.
func (a *attempt) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	a.journal.write("activity_start", describe(ctx, in))
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-ctx.Done():
			what := describe(ctx, in)
			what["cause"] = fmt.Sprint(context.Cause(ctx))
			a.journal.write("activity_context_done", what)
		case <-ended:
		}
	}()
	result, err := a.Next.ExecuteActivity(ctx, in)
	what := describe(ctx, in)
	if err != nil {
		what["error"] = fmt.Sprintf("%T: %v", err, err)
	}
	a.journal.write("activity_end", what)
	return result, err
}

func describe(ctx context.Context, in *interceptor.ExecuteActivityInput) entry {
	info := activity.GetInfo(ctx)
	what := entry{
		"type": info.ActivityType.Name, "activity": info.ActivityID, "attempt": info.Attempt, "queue": info.TaskQueue,
		"workflow": info.WorkflowExecution.ID, "run": info.WorkflowExecution.RunID,
	}
	if len(in.Args) == 1 {
		switch argument := in.Args[0].(type) {
		case script.Work:
			what["name"] = argument.Name
		case string:
			what["session"] = argument
		}
	}
	return what
}
