"""One worker object: a workflow worker, an activity worker and a session worker behind one connection (P3.1)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.model.inputs import Deliver, Fault, Fired, Input, Message, Name, Reply, Withdrawn
from sim.model.node import Node, Step
from sim.model.spans import SECOND, Drawn, Exactly, Left, Plus
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from sim.protocol.worker.attempts import AttemptOnWorker, Cause, Key
from sim.protocol.worker.bucket import TokenBucket
from sim.protocol.worker.calls import Calls
from sim.protocol.worker.clauses import clause
from sim.protocol.worker.completion import CompletionAttempt
from sim.protocol.worker.covering import is_refused
from sim.protocol.worker.creation import CreationAttempt
from sim.protocol.worker.executor import Executor
from sim.protocol.worker.options import DEFAULT_RATE, WorkerOptions
from sim.protocol.worker.pollers import Kind, Poller, Pollers, State
from sim.protocol.worker.stop import Stage, Stop, cancel_all
from sim.protocol.worker.user_activity import UserAttempt
from sim.protocol.worker.work import Behaviour, Work, do_work
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY


@dataclass(slots=True)
class Worker(Node):
    """A worker of the Go SDK. Input `Fault("start")` starts it, `Fault("stop")` stops it gracefully."""

    identity: str
    host: str
    task_queue: str
    resource_id: str
    options: WorkerOptions
    pollers: Pollers
    bucket: TokenBucket
    executor: Executor
    behaviours: Mapping[str, Behaviour]
    calls: Calls = field(default_factory=Calls)
    attempts: dict[Key, AttemptOnWorker] = field(default_factory=dict)
    done_channels: dict[str, Key] = field(default_factory=dict)
    """doneChanMap: session -> the attempt that waits for its completion."""
    stop: Stop = field(default_factory=Stop)
    background_done: bool = False

    @staticmethod
    def prompt() -> frozenset[str]:
        return frozenset({"wake", "send", "begin", "workflow task"})

    @staticmethod
    def apart() -> Mapping[tuple[str, ...], Callable[[Any], Hashable]]:
        return _APART

    @staticmethod
    def part_of(tag: Hashable) -> Hashable:
        """Timers and calls of a workflow task, and of an attempt; what tries a call again goes with the call."""
        match tag:
            case ("budget" | "again", tuple(call)):
                return Worker.part_of(call)
            case ("task" | "workflow task" | "history", run, *_):
                return ("task", run)
            case (str(), str(), int(), int()):
                return ("attempt", *tag[1:])
            case _:
                return None

    @property
    def resource_queue(self) -> str:
        """R: the queue that only this worker object polls."""
        return f"{self.resource_id}@{self.host}"

    @property
    def signal_identity(self) -> str:
        """The creation activity signals through a client of its own."""
        return f"{self.resource_id}@{self.host}@"

    def shields(self) -> Iterable[Hashable]:
        return [shield for attempt in self.attempts.values() for shield in attempt.shields()]

    def clause(self, event: Input) -> str:
        return clause(self, event)

    # -- inputs --------------------------------------------------------------------------------------------------------

    def handle(self, event: Input, step: Step) -> None:
        # The two common ones by their classes, which have no subclasses: a pattern costs several times as much.
        if type(event) is Reply:
            self._replied(event.tag, event.message, step)  # type: ignore[arg-type]
            return
        if type(event) is Fired:
            self._fired(event.tag, step)  # type: ignore[arg-type]
            return
        match event:
            case Fault("start"):
                self._start(step)
            case Fault("stop"):
                self.stop.begin(self, step)
            case Withdrawn() | Deliver():
                raise TypeError(f"a worker is called by nobody, got {event}")
            case _:
                raise TypeError(f"a worker cannot take {event}")

    def _start(self, step: Step) -> None:
        resource_queue = self.resource_queue if self.options.session_worker else ""
        sessions = self.options.sessions
        step.emit(obs.WorkerStarted(self.identity, self.host, self.task_queue, resource_queue, sessions, self.options.session_worker))
        self.moved(step)

    def _replied(self, tag: tuple[object, ...], message: Message, step: Step) -> None:
        if tag[0] == "poll":
            poller = self.pollers.find(tag)
            if self.pollers.answered(poller, message, step):
                if poller.kind is Kind.CREATION and self.bucket.free == 1 and not self.pollers.stopping:
                    # The poller is quicker than the goroutine of the task that will take the last token (P3.4.5).
                    self.pollers.advance(step, token_free=True)
                self._take(poller, message, step)
            self.moved(step)
            return
        answer = self.calls.ended(step, tag, message)
        if answer is not None:
            self._call_ended(tag, answer, step)

    def _call_ended(self, tag: tuple[object, ...], answer: Message | None, step: Step) -> None:
        """A call is over; `answer` is None when its budget ended."""
        what = tag[0]
        if what == "task":
            run = str(tag[1])
            task = self.executor.answered(run, answer)
            if task is not None:
                self._run_task(task, step)
            else:
                self._task_over(run, step)
            self.moved(step)
        elif what == "history":
            run = str(tag[1])
            task = self.executor.fetched(run, answer)
            if task is not None:
                self._complete_task(task, step)
            else:
                self._task_over(run, step)
            self.moved(step)
        elif what == "shutdown":
            self.stop.call_ended(self, step)
        else:
            attempt = self.attempts.get(tag[1:])  # type: ignore[arg-type]
            if attempt is None:
                return
            if what == "respond":
                attempt.release(self, step)
            elif answer is None:
                attempt.timed_out(str(what), self, step)
            else:
                attempt.replied(str(what), answer, self, step)

    def _fired(self, tag: tuple[object, ...], step: Step) -> None:
        what = tag[0]
        match what:
            case "poll":
                poller = self.pollers.find(tag)
                if poller.state is State.POLLING:
                    self.pollers.failed(poller, step)
                else:
                    self.pollers.block(poller)
                    self.moved(step)
            case "again":
                self.calls.again(step, tag[1])
            case "stop":
                self.stop.fired(self, step)
            case "workflow task":
                self._complete_task(self.executor.coming.pop(str(tag[1])), step)
                self.moved(step)
            case "budget":
                call = tag[1]
                assert isinstance(call, tuple)
                self.calls.out_of_time(step, call)
                self._call_ended(call, None, step)
            case _:
                attempt = self.attempts.get(tag[1:])  # type: ignore[arg-type]
                if attempt is None:
                    return
                if what == "wake":
                    attempt.woken(self, step)
                elif what == "send":
                    attempt.send(self, step)
                elif what == "begin":
                    self._begin(attempt, step)
                else:
                    attempt.fired(str(what), self, step)

    # -- tasks ---------------------------------------------------------------------------------------------------------

    def _take(self, poller: Poller, message: Message, step: Step) -> None:
        """A poll brought a task: run it."""
        if isinstance(message, msg.WorkflowTask):
            self._run_task(self.executor.received(message) if poller.sticky else message, step)
            return
        assert isinstance(message, msg.ActivityTask)
        attempt = self.attempt_of(message, poller.kind)
        if self.pollers.stopping and poller.state is State.STOPPED:
            # Returned by a poll but not begun when its component stopped: dropped in silence (P3.8.2).
            return
        if poller.kind is Kind.CREATION and Mutant.CREATION_POLLED_ONCE in self.options.mutants:
            poller.state = State.STOPPED
            self.pollers.waiting.remove(poller.position)
        self.attempts[attempt.key] = attempt
        if self.options.worker_activities_per_second < DEFAULT_RATE:
            self._wait_for_rate(attempt, step)
        elif self.options.pace.activity_start is not None:
            attempt.begun = False
            step.arm(attempt.tag("begin"), Drawn("activity start", self.options.pace.activity_start))
        else:
            self._begin(attempt, step)

    def attempt_of(self, task: msg.ActivityTask, pool: Kind) -> AttemptOnWorker:
        """The attempt that a task is worked on by. Variants have their own."""
        kind = task.activity.activity_type
        if kind == CREATION_ACTIVITY:
            return CreationAttempt(task, pool)
        return CompletionAttempt(task, pool) if kind == COMPLETION_ACTIVITY else UserAttempt(task, pool)

    def _wait_for_rate(self, attempt: AttemptOnWorker, step: Step) -> None:
        """The limiter of each component lets one task through at a time; the server has it started long since (P3.2.1)."""
        attempt.begun = False
        rate = ("rate", attempt.pool.value)
        step.arm(attempt.tag("begin"), Left(rate))
        step.deadline(rate, Plus(Left(rate), Exactly(SECOND // self.options.worker_activities_per_second)))

    def _begin(self, attempt: AttemptOnWorker, step: Step) -> None:
        attempt.begun = True
        if isinstance(attempt, UserAttempt) and is_refused(attempt, self):
            attempt.refuse(self, step)
            return
        task = attempt.task
        if step.wants(obs.AttemptBegan):
            label = self.behaviour(task).label if isinstance(attempt, UserAttempt) else ""
            activity = task.activity
            step.emit(obs.AttemptBegan(self.identity, *attempt.key, activity.activity_type, activity.session, label, activity.epoch))
        attempt.begin(self, step)
        if self.background_done:
            # Its context is a child of one that was cancelled before.
            attempt.cancel(Cause.SHUTDOWN, self, step)

    def drop_waiting(self, kinds: tuple[Kind, ...], step: Step) -> None:
        """A component stops: tasks that its limiter still holds are dropped in silence (P3.8.2)."""
        for attempt in list(self.attempts.values()):
            if attempt.pool in kinds and not attempt.begun:
                step.disarm(attempt.tag("begin"))
                del self.attempts[attempt.key]
                self.pollers.free(attempt.pool).free += 1

    def _run_task(self, task: msg.WorkflowTask, step: Step) -> None:
        """Run a workflow task, after what that takes if it takes any time, and after any other one of its run."""
        if self.executor.holds(task.run):
            self.executor.waiting.setdefault(task.run, []).append(task)
            return
        if self.options.pace.workflow_task is None:
            self._complete_task(task, step)
            return
        tag = ("workflow task", task.run, task.serial)
        self.executor.coming[task.run] = task
        step.arm(tag, Drawn("workflow task", self.options.pace.workflow_task))

    def _complete_task(self, task: msg.WorkflowTask, step: Step) -> None:
        if self.executor.lacks_history(task):
            self.executor.fetch(task, self.calls, step)
            return
        self.executor.take(task, self.calls, step)
        if task.run not in self.executor.running:
            self._task_over(task.run, step)

    def _task_over(self, run: Name, step: Step) -> None:
        """A workflow task has left: its slot is free, and so is the lock of its run."""
        self.pollers.free(Kind.WORKFLOW).free += 1
        task = self.executor.next_waiting(run)
        if task is not None:
            self._run_task(task, step)

    def behaviour(self, task: msg.ActivityTask) -> Work:
        """What an attempt of a user's activity does."""
        return self.behaviours.get(task.activity.activity_type, do_work)(task)

    def close_channel(self, creation: AttemptOnWorker, step: Step) -> None:
        """The completion activity closes the done channel of a creation attempt."""
        assert isinstance(creation, CreationAttempt)
        creation.channel_closed(self, step)

    def moved(self, step: Step) -> None:
        """A slot or a token may have become free, or something may have ended."""
        self.pollers.advance(step, self.bucket.free > 0)
        if self.stop.stage is not Stage.RUNNING:
            self.stop.look(self, step)

    # -- the stop ------------------------------------------------------------------------------------------------------

    def shutdown_queues(self) -> list[Name]:
        """Where ShutdownWorker is sent (P3.8, step 2; before SDK 1.42 only with the sticky name)."""
        queues = [self.executor.sticky_queue]
        if self.options.session_worker and self.options.sdk.shuts_down_session_queues:
            queues += [self.pollers.queues[Kind.CREATION], self.pollers.queues[Kind.RESOURCE]]
        return queues

    def creation_poller_waits_for_token(self) -> bool:
        return self.bucket.free == 0 and any(p.state is not State.POLLING for p in self.pollers.of(Kind.CREATION))

    def cancel_background(self, step: Step) -> None:
        """Cancel the context that is the parent of all activities."""
        self.background_done = True
        cancel_all(self, step)


_APART: Final[Mapping[tuple[str, ...], Callable[[Any], Hashable]]] = {
    ("attempts",): lambda key: ("attempt", *key),
    ("calls", "open"): Worker.part_of,
    ("done_channels",): lambda session: ("channel", session),
    ("executor", "running"): lambda run: ("task", run),
    ("executor", "coming"): lambda run: ("task", run),
    ("executor", "fetching"): lambda run: ("task", run),
    ("executor", "lost"): lambda run: ("task", run),
    ("executor", "waiting"): lambda run: ("task", run),
}
"""What lies apart: attempts with their calls, workflow tasks with theirs, done channels. See `Worker.part_of`."""
