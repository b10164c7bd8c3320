"""What is asked of a run as a whole: signals, cancellation, termination (P4.4, P1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.history import events as ev
from sim.history import visible as vis
from sim.model.inputs import Call
from sim.model.node import Step
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.workflow_task import Phase

if TYPE_CHECKING:
    from sim.protocol.run import Run


def signal(run: Run, message: msg.SignalWorkflowExecution, call: Call | None, step: Step) -> None:
    """A request id that this run has seen has no effect (P4.4.1)."""
    if message.request in run.signals_seen:
        _answer(step, call, msg.Ok())
        return
    if run.task.refused_close and run.task.phase is Phase.STARTED:
        _answer(step, call, msg.Refused(msg.Code.RESOURCE_EXHAUSTED, "workflow is closing"))
        return
    run.signals_seen.add(message.request)
    event = ev.WorkflowExecutionSignaled(message.name, message.payload, message.identity)
    run.journal.hold(step, event, vis.Signaled(message.name, message.payload), closes=False)
    if not run.waits_for_first_task:
        run.attention()
    _answer(step, call, msg.Ok())


def client_signal(run: Run, message: msg.SignalWorkflow, call: Call | None, step: Step) -> None:
    """A signal from a client, by workflow id. A run that waits for its first workflow task goes on waiting (P4.4.2)."""
    event = ev.WorkflowExecutionSignaled(message.name, message.payload, message.identity)
    run.journal.hold(step, event, vis.Signaled(message.name, message.payload), closes=False)
    if not run.waits_for_first_task:
        run.attention()
    _answer(step, call, msg.Ok())


def request_cancel(run: Run, message: msg.RequestCancelWorkflow, call: Call | None, step: Step) -> None:
    """The second request has no effect."""
    if not run.cancel_requested:
        run.cancel_requested = True
        if step.wants(obs.WorkflowCancelRequested):
            step.emit(obs.WorkflowCancelRequested(step.me, run.spec.workflow_id))
        event = ev.WorkflowExecutionCancelRequested(message.identity, message.reason)
        run.journal.hold(step, event, vis.CancelRequested(), closes=False)
        run.attention()
    _answer(step, call, msg.Ok())


def terminate(run: Run, message: msg.TerminateWorkflow, call: Call | None, step: Step) -> None:
    """Close the run at once; nobody is asked."""
    run.force_close(step, ev.WorkflowExecutionTerminated(message.reason, message.identity, message.details), "TERMINATED")
    _answer(step, call, msg.Ok())


def _answer(step: Step, call: Call | None, message: object) -> None:
    if call is not None:
        step.reply(call, message)
