"""Tokens taken plus tokens free is always the limit."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Subject
from sim.properties.things import Worker
from sim.protocol import observations as obs
from sim.workflow.sessions import CREATION_ACTIVITY


class _Observer(Observer):
    """Counts who holds a token, and compares with what the bucket says."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.TokenTaken: self._counted, obs.TokenReturned: self._counted, obs.AttemptEnded: self._ended}

    def _counted(self, time: int, node: str, o: obs.TokenTaken | obs.TokenReturned) -> None:
        self.exercised += 1
        self._compare(time, self.scene.workers[node], len(self.scene.workers[node].holders), o.session)

    def _ended(self, time: int, node: str, o: obs.AttemptEnded) -> None:
        if o.activity_type == CREATION_ACTIVITY:
            worker = self.scene.workers[node]
            # A token that an attempt still has when it is over is held by nobody.
            self._compare(time, worker, len(worker.holders) - ((o.session, o.attempt) in worker.holders), o.session)

    def _compare(self, time: int, worker: Worker, taken: int, session: str) -> None:
        if taken + worker.free != worker.limit:
            message = f"{worker.identity} has {worker.free} tokens free and {taken} taken, together not {worker.limit}"
            self.violated(time, message, self.scene.sessions.get(session), worker)


PROPERTY = Property(
    name="token_conservation",
    sentence="Tokens taken plus tokens free is always the limit.",
    source="P3.4.3 (invariant T1); documentation: “CompleteSession() releases the resources reserved on the worker”",
    needs=(obs.WorkerStarted, obs.TokenTaken, obs.TokenReturned, obs.AttemptEnded),
    observer=_Observer,
    timeless=True,
    subject=Subject.WORKER,
)
