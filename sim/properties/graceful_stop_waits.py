"""A graceful stop gives the activities of sessions the time that it promises."""

from __future__ import annotations

from collections.abc import Mapping

from sim.properties.base import Listener, Observer, Property
from sim.properties.things import Worker
from sim.protocol import observations as obs


class _Observer(Observer):
    """Put to the test when a worker with a WorkerStopTimeout is stopped while an activity of a session runs on it."""

    def listeners(self) -> Mapping[type, Listener]:
        return {obs.WorkerStopping: self._stopping, obs.AttemptContextDone: self._cancelled, obs.FaultHappened: self._fault}

    def _stopping(self, time: int, node: str, o: obs.WorkerStopping) -> None:
        if o.stop_timeout:
            self.exercised += sum(session is not None for _, session in self.scene.workers[node].users.values())

    def _cancelled(self, time: int, node: str, o: obs.AttemptContextDone) -> None:
        worker = self.scene.workers[node]
        if o.cause == "worker is stopping" and self.scene.session_of_user(o.session, o.activity_type) is not None:
            label = worker.users.get((o.run, o.ordinal, o.attempt), (o.activity_type, None))[0]
            self._judge(time, worker, label, o.session, "is cancelled")

    def _fault(self, time: int, node: str, fault: obs.FaultHappened) -> None:
        place = self.scene.places.get(fault.place) if fault.kind == "exit" else None
        for worker in place.workers if place is not None else ():
            for label, session in worker.users.values():
                if session is not None:
                    self._judge(time, worker, label, session.name, "dies with its process")

    def _judge(self, time: int, worker: Worker, label: str, session: str, what: str) -> None:
        if worker.stopping_at is not None and time < worker.stopping_at + worker.stop_timeout:
            left = (worker.stopping_at + worker.stop_timeout - time) / 1e6
            message = f"{label} of {session} {what} {left:.3f} s before the WorkerStopTimeout of {worker.identity} is over"
            self.violated(time, message, self.scene.sessions.get(session), worker)


PROPERTY = Property(
    name="graceful_stop_waits",
    sentence="A graceful stop lets running activities of sessions use WorkerStopTimeout.",
    source="worker.Options of the SDK: WorkerStopTimeout is the time to wait for running activities when the worker is stopped; P3.8",
    needs=(obs.WorkerStopping, obs.AttemptContextDone, obs.AttemptBegan, obs.AttemptEnded, obs.FaultHappened),
    observer=_Observer,
    times=("Worker.stopping_at",),
)
