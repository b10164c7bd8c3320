"""The workflow worker: runs workflow code for each task, from a cached execution or from the log (P3.2.4, P4.5)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from sim.model.inputs import Message, Name
from sim.model.node import Step
from sim.protocol import messages as msg
from sim.protocol.mutants import Mutants
from sim.protocol.worker.calls import RESPOND_BUDGET, Calls
from sim.workflow.definition import Definition
from sim.workflow.environment import Execution, Info
from sim.workflow.errors import NotModelledError
from sim.workflow.sdk import SdkVersion


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
    running: set[Name] = field(default_factory=set)
    """Runs whose task is being completed."""
    coming: dict[Name, msg.WorkflowTask] = field(default_factory=dict)
    """Tasks that were received and are being worked on, by run."""
    waiting: dict[Name, list[msg.WorkflowTask]] = field(default_factory=dict)
    """Tasks that were received of runs that another task is worked on of, by run, in the order in which they came."""
    executions: dict[Name, Execution] = field(default_factory=dict, metadata={"cache": True})

    def take(self, task: msg.WorkflowTask, calls: Calls, step: Step) -> None:
        """Run a task and complete it."""
        execution = self._execution(task)
        progress = execution.advance(task.log, task.upto, task.now, step.choose)
        for observation in progress.seen:
            step.emit(observation)
        self.running.add(task.run)
        tag = self.tag(task.run)
        if progress.error is None:
            done = msg.RespondWorkflowTaskCompleted(task.serial, progress.commands, self.identity, self.sticky_queue, self.sticky_name)
            calls.start(step, tag, task.run, done, RESPOND_BUDGET)
            return
        self.drop(task.run)
        if task.attempt > 1:
            # Only the first failure is reported; the task runs into its timeout (P4.5.7).
            self.running.discard(task.run)
            return
        failed = msg.RespondWorkflowTaskFailed(task.serial, *progress.error, self.identity)
        calls.start(step, tag, task.run, failed, RESPOND_BUDGET)

    def holds(self, run: Name) -> bool:
        """Whether a task of this run is worked on, or being completed: its lock is held until that call has ended (P3.2.5)."""
        return run in self.running or run in self.coming

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
        info = Info(task.workflow_id, task.run, task.workflow_type, task.task_queue, self.sdk, self.mutants)
        execution = Execution(definition, task.input, info)
        if len(self.executions) >= self.cache_size > 0:
            self.drop(next(iter(self.executions)))
        if self.cache_size > 0:
            self.executions[task.run] = execution
        return execution

    def answered(self, run: Name, message: Message) -> msg.WorkflowTask | None:
        """The completion came back: the next task, if it brought one. After any error the cache forgets the run."""
        self.running.discard(run)
        if isinstance(message, msg.WorkflowTaskAccepted):
            execution = self.executions.get(run)
            if execution is not None and execution.env.closing is not None:
                self.drop(run)
            return message.task
        self.drop(run)
        return None

    def drop(self, run: Name) -> None:
        """Forget an execution."""
        execution = self.executions.pop(run, None)
        if execution is not None:
            execution.close()
