"""The graceful stop of a worker, step by step (P3.8).

    shutdown calls -> workflow worker drains -> activity worker drains -> background context cancelled
      -> creation worker drains -> resource worker drains -> stopped

Every drain waits for what runs, at most WorkerStopTimeout; with the default of 0 it does not wait at all.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from sim.model.node import Step
from sim.model.spans import Exactly, Left
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from sim.protocol.worker.attempts import Cause
from sim.protocol.worker.calls import RESPOND_BUDGET
from sim.protocol.worker.pollers import Kind, State
from sim.protocol.worker.user_activity import UserAttempt
from sim.workflow.repairs import Repair

if TYPE_CHECKING:
    from sim.protocol.worker.node import Worker


SHUTDOWN_BUDGET = ("shutdown budget",)
"""The deadline of all shutdown calls together."""


class Stage(Enum):
    """Where a stop is. Each drain names what it waits for."""

    RUNNING = "running"
    SHUTDOWN_CALLS = "shutdown calls"
    WORKFLOW_TASKS = "workflow tasks"
    ACTIVITIES = "activities"
    CREATIONS = "creations"
    RESOURCE_ACTIVITIES = "resource activities"
    STOPPED = "stopped"


_FIRST: Final = (Stage.RUNNING, Stage.SHUTDOWN_CALLS, Stage.WORKFLOW_TASKS, Stage.ACTIVITIES)


@dataclass(slots=True)
class Stop:
    """The stop's own state: the stage, and which shutdown call is under way."""

    stage: Stage = Stage.RUNNING
    calls_made: int = 0

    def of_sessions(self) -> tuple[Stage, Stage]:
        """In which order sessions end and their activities are waited for: the last two drains."""
        return (Stage.CREATIONS, Stage.RESOURCE_ACTIVITIES)

    def begin(self, worker: Worker, step: Step) -> None:
        """Stop was called."""
        if self.stage is not Stage.RUNNING:
            return
        step.emit(obs.WorkerStopping(worker.identity, worker.options.worker_stop_timeout))
        worker.pollers.stopping = True
        if Mutant.STOP_CANCELS_AT_ONCE in worker.options.mutants:
            worker.cancel_background(step)
        for poller in worker.pollers.pollers:
            if poller.state is State.BACKING_OFF:
                step.disarm(poller.tag)
                poller.state = State.STOPPED
        self.stage = Stage.SHUTDOWN_CALLS
        step.deadline(SHUTDOWN_BUDGET, RESPOND_BUDGET)
        self._next_shutdown_call(worker, step)

    def _next_shutdown_call(self, worker: Worker, step: Step) -> None:
        queues = worker.shutdown_queues()
        if self.calls_made < len(queues):
            queue = queues[self.calls_made]
            self.calls_made += 1
            # They share one budget, and none is tried again (P3.8, step 2).
            worker.calls.start(step, self.tag, queue, msg.ShutdownWorker(), Left(SHUTDOWN_BUDGET), None)
        else:
            self._enter(Stage.WORKFLOW_TASKS, worker, step)

    @property
    def tag(self) -> Hashable:
        return ("shutdown",)

    @property
    def next(self) -> Stage:
        """The stage after this one."""
        order: tuple[Stage, ...] = (*_FIRST, *self.of_sessions(), Stage.STOPPED)
        return order[order.index(self.stage) + 1]

    def call_ended(self, worker: Worker, step: Step) -> None:
        """A shutdown call came back, or its budget ended: errors are only logged."""
        if self.stage is Stage.SHUTDOWN_CALLS:
            self._next_shutdown_call(worker, step)

    def fired(self, worker: Worker, step: Step) -> None:
        """A drain has waited long enough."""
        self._enter(self.next, worker, step)

    def look(self, worker: Worker, step: Step) -> None:
        """Something ended: perhaps the drain is over."""
        if self.stage not in (Stage.RUNNING, Stage.SHUTDOWN_CALLS, Stage.STOPPED) and not self._waits_for(worker):
            step.disarm(("stop",))
            self._enter(self.next, worker, step)

    def _waits_for(self, worker: Worker) -> bool:
        match self.stage:
            case Stage.WORKFLOW_TASKS:
                return worker.executor.is_busy
            case Stage.ACTIVITIES:
                sessions_too = Repair.STOP_WAITS_FOR_SESSIONS in worker.options.repairs
                return any(a.pool is Kind.ACTIVITY or (sessions_too and isinstance(a, UserAttempt)) for a in worker.attempts.values())
            case Stage.CREATIONS:
                waiting = not worker.options.sdk.token_wait_honours_stop and worker.creation_poller_waits_for_token()
                return waiting or any(a.pool is Kind.CREATION for a in worker.attempts.values())
            case Stage.RESOURCE_ACTIVITIES:
                return any(a.pool is Kind.RESOURCE for a in worker.attempts.values())
            case _:
                return False

    def _enter(self, stage: Stage, worker: Worker, step: Step) -> None:
        self.stage = stage
        if stage is Stage.STOPPED:
            step.emit(obs.WorkerStopped(worker.identity))
            return
        self._begin_stage(worker, step)
        timeout = worker.options.worker_stop_timeout
        if timeout and self._waits_for(worker):
            step.arm(("stop",), Exactly(timeout))
        else:
            self._enter(self.next, worker, step)

    def _begin_stage(self, worker: Worker, step: Step) -> None:
        """What is stopped before what still runs is waited for."""
        pollers = worker.pollers
        match self.stage:
            case Stage.WORKFLOW_TASKS:
                pollers.abandon((Kind.WORKFLOW,), step)
            case Stage.ACTIVITIES:
                pollers.abandon((Kind.ACTIVITY,), step)
                worker.drop_waiting((Kind.ACTIVITY,), step)
            case Stage.CREATIONS:
                worker.cancel_background(step)
                pollers.abandon((Kind.CREATION,), step)
                worker.drop_waiting((Kind.CREATION,), step)
                worker.bucket.closed = True
            case Stage.RESOURCE_ACTIVITIES:
                pollers.abandon((Kind.RESOURCE,), step)
                worker.drop_waiting((Kind.RESOURCE,), step)
            case _:
                raise AssertionError(self.stage)


def cancel_all(worker: Worker, step: Step) -> None:
    """Cancel the background context: the parent of all activities of this worker, sessions included."""
    for _, attempt in sorted(worker.attempts.items()):
        attempt.cancel(Cause.SHUTDOWN, worker, step)
