"""The workflow worker: runs workflow code for each task, from a cached execution or from the log (P3.2.4, P4.5)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from msgspec import structs

from sim.model.inputs import Message, Name
from sim.model.node import Step
from sim.protocol import messages as msg
from sim.protocol.mutants import Mutants
from sim.protocol.worker.calls import RESPOND_BUDGET, Calls
from sim.workflow.definition import Definition
from sim.workflow.environment import Execution, Info
from sim.workflow.errors import NotModelledError
from sim.workflow.sdk import SdkVersion
from sim.workflow.variants import Variant


@dataclass(slots=True)
class Executor:
    """Executions by run. They are a cache: dropping one only makes the next task replay the log."""

    identity: str
    sticky_queue: Name
    sticky_name: str
    definitions: Mapping[str, Definition]
    sdk: SdkVersion
    cache_size: int
    mutants: Mutants = ()
    variant: Variant = Variant.SESSIONS
    running: dict[Name, int] = field(default_factory=dict)
    """Runs whose task is being completed, and its serial."""
    coming: dict[Name, msg.WorkflowTask] = field(default_factory=dict)
    """Tasks that were received and are being worked on, by run."""
    fetching: dict[Name, msg.WorkflowTask] = field(default_factory=dict)
    """Tasks for which the whole history is fetched, by run."""
    waiting: dict[Name, list[msg.WorkflowTask]] = field(default_factory=dict)
    """Tasks that were received of runs that another task is worked on of, by run, in the order in which they came."""
    lost: dict[Name, bool] = field(default_factory=dict)
    """Runs of which nothing is cached any more, although the server believes it, for the answer to a completion was lost: True."""
    executions: dict[Name, Execution] = field(default_factory=dict, metadata={"cache": True})

    def take(self, task: msg.WorkflowTask, calls: Calls, step: Step) -> None:
        """Run a task and complete it."""
        if task.run in self.waiting:
            self.waiting[task.run] = [structs.replace(w, overtaken=w.overtaken or w.serial < task.serial) for w in self.waiting[task.run]]
        execution = self._execution(task)
        progress = execution.advance(task.log, task.upto, task.now, step.choose)
        for observation in progress.seen:
            step.emit(observation)
        self.running[task.run] = task.serial
        tag = self.tag(task.run)
        if progress.error is None:
            done = msg.RespondWorkflowTaskCompleted(task.serial, progress.commands, self.identity, self.sticky_queue, self.sticky_name)
            calls.start(step, tag, task.run, done, RESPOND_BUDGET)
            return
        self.drop(task.run)
        if task.attempt > 1:
            # Only the first failure is reported; the task runs into its timeout (P4.5.7).
            self.running.pop(task.run, None)
            return
        failed = msg.RespondWorkflowTaskFailed(task.serial, *progress.error, self.identity)
        calls.start(step, tag, task.run, failed, RESPOND_BUDGET)

    @property
    def is_busy(self) -> bool:
        """Whether any task is worked on."""
        return bool(self.running or self.fetching or self.coming)

    def holds(self, run: Name) -> bool:
        """Whether a task of this run is worked on, or being completed: its lock is held until that call has ended (P3.2.5)."""
        return run in self.running or run in self.coming or run in self.fetching

    def received(self, task: msg.WorkflowTask) -> msg.WorkflowTask:
        """A task came from the sticky queue. What is cached of its run may be something else than what its events follow on when it is
        worked on: what was cached is lost, or another task of the run comes first."""
        if self.cache_size == 0 or not (task.run in self.lost or self.holds(task.run)):
            return task
        return structs.replace(task, partial=True, overtaken=self.running.get(task.run, 0) > task.serial)

    def lacks_history(self, task: msg.WorkflowTask) -> bool:
        """Whether a task has only events that do not follow on what is cached (P3.2.6)."""
        return task.partial and (task.overtaken or task.run in self.lost)

    def fetch(self, task: msg.WorkflowTask, calls: Calls, step: Step) -> None:
        """Ask for the whole history, and forget what is cached."""
        self.drop(task.run)
        self.fetching[task.run] = task
        calls.start(step, ("history", task.run), task.run, msg.GetWorkflowExecutionHistory(task.serial), RESPOND_BUDGET)

    def fetched(self, run: Name, message: Message | None) -> msg.WorkflowTask | None:
        """The history came: the task, or None if there is more in it than the task says, or none came: then it is dropped in silence."""
        task = self.fetching.pop(run)
        return structs.replace(task, partial=False) if isinstance(message, msg.Ok) else None

    def next_waiting(self, run: Name) -> msg.WorkflowTask | None:
        """The lock of a run is free: the task that waited for it longest."""
        tasks = self.waiting.get(run)
        if tasks is None:
            return None
        task = tasks.pop(0)
        if not tasks:
            del self.waiting[run]
        return task

    @staticmethod
    def tag(run: Name) -> Hashable:
        return ("task", run)

    def _execution(self, task: msg.WorkflowTask) -> Execution:
        execution = self.executions.get(task.run)
        if execution is not None and execution.tasks == task.tasks_before and task.attempt == 1:
            return execution
        self.drop(task.run)
        definition = self.definitions.get(task.workflow_type)
        if definition is None:
            known = ", ".join(sorted(self.definitions)) or "none"
            raise NotModelledError(f"worker {self.identity} has no workflow type {task.workflow_type!r}; it knows: {known}")
        info = Info(task.workflow_id, task.run, task.workflow_type, task.task_queue, self.sdk, self.mutants, self.variant)
        execution = Execution(definition, task.input, info)
        if len(self.executions) >= self.cache_size > 0:
            self.drop(next(iter(self.executions)))
        if self.cache_size > 0:
            self.executions[task.run] = execution
            self.lost.pop(task.run, None)
        return execution

    def answered(self, run: Name, message: Message | None) -> msg.WorkflowTask | None:
        """The completion came back: the next task, if it brought one. After any error the cache forgets the run."""
        self.running.pop(run, None)
        if isinstance(message, msg.WorkflowTaskAccepted):
            execution = self.executions.get(run)
            if execution is not None and execution.env.closing is not None:
                self.drop(run)
            return message.task
        self.drop(run)
        if self.cache_size > 0 and _is_lost(message):
            self.lost[run] = True
        return None

    def drop(self, run: Name) -> None:
        """Forget an execution."""
        execution = self.executions.pop(run, None)
        if execution is not None:
            execution.close()


def _is_lost(message: Message | None) -> bool:
    """Whether a call ended without the server's word: what was asked may have been done."""
    return message is None or (isinstance(message, msg.Refused) and message.code in (msg.Code.UNAVAILABLE, msg.Code.DEADLINE_EXCEEDED))
