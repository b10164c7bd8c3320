"""Users' activities and the completion activity of host sessions. What is not said here is the original's.

* A user's activity runs only on a worker that holds its session at its epoch; any other refuses it (`HostWorker`).
* Its work ends with a write to what it works on, which carries the epoch; a write that is refused is the end of it.
* When its session is let go of here, its context is cancelled.
* A completion of another epoch than the one that is held closes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.history.failures import ApplicationFailure
from sim.model.inputs import Message
from sim.model.node import Step
from sim.model.spans import SECOND, Exactly, Least, Left
from sim.protocol import messages as msg
from sim.protocol.resource import RESOURCE
from sim.protocol.worker.attempts import Outcome, failed
from sim.protocol.worker.completion import CompletionAttempt
from sim.protocol.worker.host_creation import host_of
from sim.protocol.worker.node import Worker
from sim.protocol.worker.user_activity import UserAttempt
from sim.workflow.host_work import FENCED

WRITE_BUDGET = Exactly(10 * SECOND)


@dataclass(slots=True)
class HostUserAttempt(UserAttempt):
    """An attempt of a user's activity. `worked`: what it returns once its write is taken, None before its work is done."""

    worked: Outcome | None = None

    def begin(self, worker: Worker, step: Step) -> None:
        hold = host_of(worker).held.get(self.task.activity.session) if self.task.activity.epoch else None
        if hold is not None:
            hold.running.append(self.key)
        # Not super(): a class with slots is made anew by its decorator.
        UserAttempt.begin(self, worker, step)

    def _look(self, worker: Worker, step: Step) -> None:
        if self.worked is None:
            UserAttempt._look(self, worker, step)

    def _finish(self, outcome: Outcome, worker: Worker, step: Step) -> None:
        activity = self.task.activity
        if outcome.kind != "completed" or not activity.epoch or self.worked is not None:
            UserAttempt._finish(self, outcome, worker, step)
            return
        self.worked = outcome
        write = msg.Write(self.task.run, activity.session, activity.epoch, worker.identity)
        budget = Least(WRITE_BUDGET, Left(self.tag("deadline")))
        worker.calls.start(step, self.tag("write"), RESOURCE, write, budget, None)

    def replied(self, what: str, message: Message, worker: Worker, step: Step) -> None:
        if what != "write":
            UserAttempt.replied(self, what, message, worker, step)
            return
        assert self.worked is not None
        match message:
            case msg.Ok():
                outcome = self.worked
            case msg.Refused(code=msg.Code.PERMISSION_DENIED, message=text):
                outcome = failed(ApplicationFailure(text, FENCED, non_retryable=True))
            case msg.Refused(code=code, message=text):
                outcome = failed(ApplicationFailure(f"the write failed: {text}", code.value))
            case _:
                raise TypeError(f"a write is not answered by {message}")
        self._finish(outcome, worker, step)

    def release(self, worker: Worker, step: Step) -> None:
        hold = host_of(worker).held.get(self.task.activity.session) if self.task.activity.epoch else None
        if hold is not None and self.key in hold.running:
            hold.running.remove(self.key)
        UserAttempt.release(self, worker, step)


@dataclass(slots=True)
class HostCompletionAttempt(CompletionAttempt):
    """An attempt of the completion activity."""

    def begin(self, worker: Worker, step: Step) -> None:
        hold = host_of(worker).held.get(str(self.task.activity.input))
        if hold is not None and hold.epoch != self.task.activity.epoch:
            self.set_deadline(step)
            self.wake(step)
            return
        CompletionAttempt.begin(self, worker, step)
