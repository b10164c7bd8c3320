package main

import (
	"context"
	"strings"
	"time"

	"go.temporal.io/api/taskqueue/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// calls sees every call to the server: it puts the faults in, and logs it.
type calls struct {
	journal *journal
	rules   *rules
}

var codeNames = map[string]codes.Code{
	"NotFound": codes.NotFound, "InvalidArgument": codes.InvalidArgument, "ResourceExhausted": codes.ResourceExhausted,
	"DeadlineExceeded": codes.DeadlineExceeded, "PermissionDenied": codes.PermissionDenied, "Canceled": codes.Canceled,
	"Unavailable": codes.Unavailable,
}

// unlogged calls say nothing about the protocol.
var unlogged = map[string]bool{"GetSystemInfo": true, "DescribeNamespace": true, "RecordWorkerHeartbeat": true}

func (c *calls) intercept(ctx context.Context, fullMethod string, request, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	method := fullMethod[strings.LastIndex(fullMethod, "/")+1:]
	began := time.Now()
	queue := queueOf(request)
	hit := c.rules.pick(method, queue, request)
	call := func(ctx context.Context) error { return invoke(ctx, fullMethod, request, reply, conn, options...) }
	err := suffer(ctx, hit, call)
	if unlogged[method] {
		return err
	}
	what := entry{"method": method, "ms": milliseconds(time.Since(began))}
	if deadline, ok := ctx.Deadline(); ok {
		what["budget_ms"] = milliseconds(deadline.Sub(began))
	}
	if err != nil {
		what["error"] = status.Code(err).String()
	}
	if hit != nil {
		what["fault"] = hit.Mode
	}
	if strings.HasPrefix(method, "Poll") {
		what["queue"] = queue
		what["got"] = err == nil && gotTask(reply)
	}
	c.journal.write("rpc", what)
	return err
}

// suffer makes a call under a fault, or without one when it is nil.
func suffer(ctx context.Context, fault *rule, call func(context.Context) error) error {
	if fault == nil {
		return call(ctx)
	}
	lost := status.Error(codes.Unavailable, "connection lost")
	switch fault.Mode {
	case "lose_request":
		if err := wait(ctx, fault.BlockMS); err != nil {
			return err
		}
		return lost
	case "lose_response":
		// The server gets it whatever becomes of the caller, with the caller's deadline: it refuses a poll without one.
		detached, done := context.WithoutCancel(ctx), context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			detached, done = context.WithDeadline(detached, deadline)
		}
		_ = call(detached)
		done()
		if err := wait(ctx, fault.BlockMS); err != nil {
			return err
		}
		return lost
	case "delay_request":
		if err := wait(ctx, fault.BlockMS); err != nil {
			return err
		}
		return call(ctx)
	case "delay_response":
		err := call(ctx)
		if late := wait(ctx, fault.BlockMS); late != nil {
			return late
		}
		return err
	case "error":
		code, ok := codeNames[fault.Code]
		if !ok {
			code = codes.Unavailable
		}
		return status.Error(code, "injected")
	default:
		return status.Errorf(codes.Internal, "there is no fault %q of calls", fault.Mode)
	}
}

// wait lets time pass; with 0 until the call's deadline. The error is that of the call when its time is up.
func wait(ctx context.Context, ms int) error {
	var over <-chan time.Time
	if ms > 0 {
		over = time.After(time.Duration(ms) * time.Millisecond)
	}
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-over:
		return nil
	}
}

// queueOf is the task queue that a poll asks, "" for other calls.
func queueOf(request any) string {
	if poll, ok := request.(interface{ GetTaskQueue() *taskqueue.TaskQueue }); ok {
		return poll.GetTaskQueue().GetName()
	}
	return ""
}

func gotTask(reply any) bool {
	task, ok := reply.(interface{ GetTaskToken() []byte })
	return ok && len(task.GetTaskToken()) > 0
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
