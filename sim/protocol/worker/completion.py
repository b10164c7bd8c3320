"""The session completion activity (P3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.model.inputs import Message
from sim.model.node import Step
from sim.protocol.worker.attempts import ANSWER, COMPLETED, AttemptOnWorker

if TYPE_CHECKING:
    from sim.protocol.worker.node import Worker


@dataclass(slots=True)
class CompletionAttempt(AttemptOnWorker):
    """Closes the done channel of its session if the worker has one; completing an unknown session succeeds."""

    def begin(self, worker: Worker, step: Step) -> None:
        self.set_deadline(step)
        key = worker.done_channels.pop(str(self.task.activity.input), None)
        creation = worker.attempts.get(key) if key is not None else None
        if creation is not None:
            worker.close_channel(creation, step)
        # Two goroutines run on from here: which gets to its answer first is left to chance.
        self.wake(step, ANSWER)

    def woken(self, worker: Worker, step: Step) -> None:
        self.respond(COMPLETED, worker, step)

    def fired(self, what: str, worker: Worker, step: Step) -> None:
        """Its deadline cannot pass while it runs: it takes no time."""

    def replied(self, what: str, message: Message, worker: Worker, step: Step) -> None:
        """It makes no calls but its answer."""

    def context_done(self, worker: Worker, step: Step) -> None:
        """It looks at no context."""
