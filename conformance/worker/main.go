// Command worker is one real worker of the Go SDK: it runs Script and DoWork with sessions, loses or delays single calls as a
// rules file says, and writes what it does and sees to a log, one JSON object a line.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"

	"session-sim/conformance/samples"
	"session-sim/conformance/script"
)

// settings are the command's flags.
type settings struct {
	address, queue, identity, log, rules string
	sessions, activities                 int
	stopTimeout                          time.Duration
	noSession, noWorkflow                bool
}

func main() {
	var s settings
	flag.StringVar(&s.address, "address", "", "HOST:PORT of the server")
	flag.StringVar(&s.queue, "queue", "", "task queue")
	flag.StringVar(&s.identity, "identity", "", "the worker's identity; DoWork returns it")
	flag.StringVar(&s.log, "log", "/dev/stdout", "file to append what happens to")
	flag.StringVar(&s.rules, "rules", "", "file with faults of single calls, read anew at every call")
	flag.IntVar(&s.sessions, "sessions", 1000, "MaxConcurrentSessionExecutionSize")
	flag.IntVar(&s.activities, "activities", 1000, "MaxConcurrentActivityExecutionSize")
	flag.DurationVar(&s.stopTimeout, "stop-timeout", 0, "WorkerStopTimeout")
	flag.BoolVar(&s.noSession, "no-session", false, "without EnableSessionWorker")
	flag.BoolVar(&s.noWorkflow, "no-workflow", false, "DisableWorkflowWorker")
	parent := flag.Int("parent", 0, "process to end with: the one that started this one; 0: none")
	version := flag.Bool("version", false, "print the SDK's version and exit")
	flag.Parse()
	if *version {
		fmt.Println(temporal.SDKVersion)
		return
	}
	err := endWith(*parent)
	if err == nil {
		err = serve(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// serve runs the worker until SIGTERM, then stops it gracefully.
func serve(s settings) error {
	if s.address == "" || s.queue == "" || s.identity == "" {
		return errors.New("-address, -queue and -identity are needed")
	}
	journal, err := openJournal(s.log, s.identity)
	if err != nil {
		return err
	}
	rules, err := openRules(s.rules)
	if err != nil {
		return err
	}
	calls := &calls{journal: journal, rules: rules}
	c, err := dial(client.Options{
		HostPort:          s.address,
		Identity:          s.identity,
		Logger:            warnings{},
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(calls.intercept)}},
	})
	if err != nil {
		return fmt.Errorf("no connection to %s: %w", s.address, err)
	}
	options := worker.Options{
		Identity:                           s.identity,
		EnableSessionWorker:                !s.noSession,
		MaxConcurrentSessionExecutionSize:  s.sessions,
		MaxConcurrentActivityExecutionSize: s.activities,
		WorkerStopTimeout:                  s.stopTimeout,
		Interceptors:                       []interceptor.WorkerInterceptor{&watch{journal: journal}},
	}
	disableEager(&options)
	if s.noWorkflow {
		if err := disableWorkflows(&options); err != nil {
			return err
		}
	}
	w := worker.New(c, s.queue, options)
	if !s.noWorkflow {
		w.RegisterWorkflowWithOptions(script.Workflow(journal.saw), workflow.RegisterOptions{Name: script.Name})
		w.RegisterWorkflowWithOptions(samples.FileProcessing, workflow.RegisterOptions{Name: samples.FileProcessingName})
	}
	w.RegisterActivityWithOptions(doWork(s.identity), activity.RegisterOptions{Name: script.WorkActivity})
	if err := w.Start(); err != nil {
		return fmt.Errorf("the worker did not start: %w", err)
	}
	journal.write("worker_started", entry{})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	journal.write("worker_stopping", entry{})
	w.Stop()
	journal.write("worker_stopped", entry{})
	return nil
}
