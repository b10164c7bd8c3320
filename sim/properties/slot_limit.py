"""A worker object never runs more sessions than its limit."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property, Subject
from sim.protocol import observations as obs


class _Observer(Observer):
    """Put to the test when a worker is full: then the next session would be one too many."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.TokenTaken: self._taken}

    def _taken(self, time: int, node: str, o: obs.TokenTaken) -> None:
        worker = self.scene.workers[node]
        held = len(worker.holders)
        if held >= worker.limit:
            self.exercised += 1
        if held > worker.limit:
            message = f"{worker.identity} runs {held} sessions, its limit is {worker.limit}"
            self.violated(time, message, self.scene.sessions.get(o.session), worker)


PROPERTY = Property(
    name="slot_limit",
    sentence="A worker object never runs more sessions than MaxConcurrentSessionExecutionSize.",
    source="documentation, Concurrent Session Limitation: “To limit the number of concurrent sessions running on a worker, set the "
    "MaxConcurrentSessionExecutionSize field”; per worker object: P3.1.3, P3.4.3",
    needs=(obs.WorkerStarted, obs.TokenTaken, obs.TokenReturned),
    history_convicts=True,
    observer=_Observer,
    timeless=True,
    subject=Subject.WORKER,
)
