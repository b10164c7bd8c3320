package script

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const defaultStartToClose = 300 * time.Second

// Observer is told what each step came to, on replay too.
type Observer func(workflow.Context, Seen)

// machine is the interpreter's state: named contexts, futures and tokens, deferred completions, and what it saw.
type machine struct {
	contexts map[string]workflow.Context
	futures  map[string]workflow.Future
	tokens   map[string][]byte
	deferred []string
	seen     []Seen
	began    time.Time
	observe  Observer
}

// Workflow makes the workflow Script; observe may be nil.
func Workflow(observe Observer) func(workflow.Context, Program) ([]Seen, error) {
	return func(ctx workflow.Context, program Program) ([]Seen, error) {
		m := &machine{
			contexts: map[string]workflow.Context{},
			futures:  map[string]workflow.Future{},
			tokens:   map[string][]byte{},
			seen:     []Seen{},
			began:    workflow.Now(ctx),
			observe:  observe,
		}
		for name, token := range program.Tokens {
			m.tokens[name] = token
		}
		err := m.run(ctx, program.Steps)
		m.finish(ctx)
		if err != nil {
			m.note(ctx, "return", "", "", err, nil)
		}
		return m.seen, err
	}
}

// run does steps in order and returns the first error that is not ignored. ContinueAsNew cannot be ignored.
func (m *machine) run(ctx workflow.Context, steps []Step) error {
	for _, step := range steps {
		if err := m.do(ctx, step); err != nil && (!step.Ignore || isContinueAsNew(err)) {
			return err
		}
	}
	return nil
}

// finish runs the deferred completions of sessions that came to be, last first.
func (m *machine) finish(ctx workflow.Context) {
	for i := len(m.deferred) - 1; i >= 0; i-- {
		name := m.deferred[i]
		if session, ok := m.contexts[name]; ok {
			workflow.CompleteSession(session)
			m.note(ctx, "complete", name, "deferred", nil, nil)
		}
	}
}

func (m *machine) do(ctx workflow.Context, step Step) error {
	switch step.Op {
	case "create", "recreate":
		return m.session(ctx, step)
	case "token":
		return m.token(ctx, step)
	case "complete":
		return m.complete(ctx, step)
	case "defer_complete":
		m.deferred = append(m.deferred, step.In)
		return nil
	case "act", "start":
		return m.activity(ctx, step)
	case "wait":
		return m.wait(ctx, step)
	case "sleep":
		return m.sleep(ctx, step)
	case "info":
		m.note(ctx, step.Op, step.In, "", nil, nil)
		return nil
	case "await":
		workflow.GetSignalChannel(ctx, step.Signal).Receive(ctx, nil)
		return nil
	case "disconnected":
		return m.disconnected(ctx, step)
	case "until_ok":
		return m.untilOK(ctx, step)
	case "parallel":
		return m.parallel(ctx, step)
	case "continue_as_new":
		return workflow.NewContinueAsNewError(ctx, Name, Program{Steps: step.Steps, Tokens: m.tokens})
	default:
		return badProgram("no such op %s", step.Op)
	}
}

// context finds a context by name; "" is the one that the steps run on.
func (m *machine) context(ctx workflow.Context, name string) (workflow.Context, error) {
	if name == "" {
		return ctx, nil
	}
	if found, ok := m.contexts[name]; ok {
		return found, nil
	}
	return nil, badProgram("the program uses the context '%s', which no step made", name)
}

func (m *machine) session(ctx workflow.Context, step Step) error {
	on, err := m.context(ctx, step.In)
	if err != nil {
		return err
	}
	times, err := durations(step.Creation, step.Execution, step.Heartbeat)
	if err != nil {
		return err
	}
	if step.Queue != "" {
		on = workflow.WithActivityOptions(on, workflow.ActivityOptions{TaskQueue: step.Queue, StartToCloseTimeout: time.Minute})
	}
	options := &workflow.SessionOptions{CreationTimeout: times[0], ExecutionTimeout: times[1], HeartbeatTimeout: times[2]}
	var made workflow.Context
	if step.Op == "create" {
		made, err = workflow.CreateSession(on, options)
	} else {
		made, err = workflow.RecreateSession(on, m.tokens[step.Signal], options)
	}
	if err != nil {
		m.note(ctx, step.Op, "", step.As, err, nil)
		return err
	}
	m.contexts[step.As] = made
	m.note(ctx, step.Op, step.As, "", nil, nil)
	return nil
}

func (m *machine) token(ctx workflow.Context, step Step) error {
	on, err := m.context(ctx, step.In)
	if err != nil {
		return err
	}
	info := workflow.GetSessionInfo(on)
	if info == nil {
		return badProgram("the context '%s' has no session", step.In)
	}
	m.tokens[step.As] = info.GetRecreateToken()
	return nil
}

func (m *machine) complete(ctx workflow.Context, step Step) error {
	on, err := m.context(ctx, step.In)
	if err != nil {
		return err
	}
	workflow.CompleteSession(on)
	m.note(ctx, step.Op, step.In, "", nil, nil)
	return nil
}

func (m *machine) activity(ctx workflow.Context, step Step) error {
	future, err := m.schedule(ctx, step)
	if err != nil {
		return err
	}
	if step.Op == "start" {
		m.futures[step.Fut] = future
		return nil
	}
	return m.get(ctx, step, future, step.workName())
}

func (m *machine) schedule(ctx workflow.Context, step Step) (workflow.Future, error) {
	on, err := m.context(ctx, step.In)
	if err != nil {
		return nil, err
	}
	times, err := durations(step.StartToClose, step.ScheduleToStart, step.ScheduleToClose, step.ActivityHeartbeat)
	if err != nil {
		return nil, err
	}
	options := workflow.ActivityOptions{
		TaskQueue:              step.Queue,
		StartToCloseTimeout:    times[0],
		ScheduleToStartTimeout: times[1],
		ScheduleToCloseTimeout: times[2],
		HeartbeatTimeout:       times[3],
		WaitForCancellation:    step.WaitForCancellation,
	}
	if options.StartToCloseTimeout == 0 && options.ScheduleToCloseTimeout == 0 {
		options.StartToCloseTimeout = defaultStartToClose
	}
	if step.Attempts > 0 {
		options.RetryPolicy = &temporal.RetryPolicy{MaximumAttempts: step.Attempts}
	}
	on = workflow.WithActivityOptions(on, options)
	if step.Activity != "" && step.Activity != WorkActivity {
		return workflow.ExecuteActivity(on, step.Activity, step.Work), nil
	}
	work, err := step.work()
	if err != nil {
		return nil, err
	}
	return workflow.ExecuteActivity(on, WorkActivity, work), nil
}

func (m *machine) wait(ctx workflow.Context, step Step) error {
	future, ok := m.futures[step.Fut]
	if !ok {
		return badProgram("the program waits for '%s', which no step started", step.Fut)
	}
	return m.get(ctx, step, future, step.Fut)
}

func (m *machine) get(ctx workflow.Context, step Step, future workflow.Future, name string) error {
	var value any
	err := future.Get(ctx, &value)
	if value == "" {
		value = nil
	}
	m.note(ctx, step.Op, step.In, name, err, value)
	return err
}

func (m *machine) sleep(ctx workflow.Context, step Step) error {
	on, err := m.context(ctx, step.In)
	if err != nil {
		return err
	}
	err = workflow.Sleep(on, milliseconds(step.MS))
	m.note(ctx, step.Op, "", "", err, nil)
	return err
}

func (m *machine) disconnected(ctx workflow.Context, step Step) error {
	on, err := m.context(ctx, step.In)
	if err != nil {
		return err
	}
	m.contexts[step.As], _ = workflow.NewDisconnectedContext(on)
	return nil
}

// untilOK repeats its steps until they pass; the last error counts.
func (m *machine) untilOK(ctx workflow.Context, step Step) error {
	var last error
	for range step.Times {
		last = m.run(ctx, step.Steps)
		if last == nil || isContinueAsNew(last) {
			return last
		}
		if step.MS > 0 {
			if err := workflow.Sleep(ctx, milliseconds(step.MS)); err != nil {
				return err
			}
		}
	}
	return last
}

// parallel runs each branch in a coroutine of its own; the first error counts.
func (m *machine) parallel(ctx workflow.Context, step Step) error {
	group := workflow.NewWaitGroup(ctx)
	var first error
	for _, branch := range step.Branches {
		group.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer group.Done()
			if err := m.run(ctx, branch); err != nil && first == nil {
				first = err
			}
		})
	}
	group.Wait(ctx)
	return first
}

func isContinueAsNew(err error) bool {
	var next *workflow.ContinueAsNewError
	return errors.As(err, &next)
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
