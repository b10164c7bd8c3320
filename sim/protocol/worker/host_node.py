"""One worker object of host sessions. What is not said here is `sim.protocol.worker.node`'s.

* It has one poller more, on the queue of its host, which all processes there poll, one after the other or side by side; like that of
  the creation queue it polls only while a token is free. What comes from there is a session that a process before it held.
* `held` says which sessions it holds, at which epoch, and which of their activities run here. A user's activity whose session is not held
  at its epoch is refused, before anything of it runs.
* A graceful stop lets the activities of sessions end before it lets go of the sessions, and takes no session up meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.history.failures import ApplicationFailure
from sim.model.node import Step
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from sim.protocol.names import activity_queue, host_queue
from sim.protocol.worker.attempts import AttemptOnWorker, Cause, Key, failed
from sim.protocol.worker.host_activity import HostCompletionAttempt, HostUserAttempt
from sim.protocol.worker.host_creation import HostCreationAttempt
from sim.protocol.worker.node import Worker
from sim.protocol.worker.pollers import Kind, Poller, Slots
from sim.protocol.worker.stop import Stage, Stop
from sim.workflow.host_work import FENCED
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY

_REFUSED: Final = failed(ApplicationFailure("the session is not held here at this epoch", FENCED, non_retryable=True))


@dataclass(slots=True)
class Hold:
    """That a session is held: at which epoch, by which attempt of its creation activity, and its activities that run here."""

    epoch: int
    creation: Key
    running: list[Key] = field(default_factory=list)


@dataclass(slots=True)
class HostStop(Stop):
    """The stop of such a worker: sessions are let go of last."""

    def of_sessions(self) -> tuple[Stage, Stage]:
        return (Stage.RESOURCE_ACTIVITIES, Stage.CREATIONS)

    def _begin_stage(self, worker: Worker, step: Step) -> None:
        match self.stage:
            case Stage.RESOURCE_ACTIVITIES:
                of_sessions = (Kind.RESOURCE, Kind.HOST, Kind.CREATION)
                worker.pollers.abandon(of_sessions, step)
                worker.drop_waiting(of_sessions, step)
            case Stage.CREATIONS:
                worker.bucket.closed = True
                worker.cancel_background(step)
            case _:
                # Not super(): a class with slots is made anew by its decorator.
                Stop._begin_stage(self, worker, step)

    def _waits_for(self, worker: Worker) -> bool:
        if self.stage is Stage.CREATIONS:
            return any(attempt.pool in (Kind.CREATION, Kind.HOST) for attempt in worker.attempts.values())
        return Stop._waits_for(self, worker)


@dataclass(slots=True)
class HostWorker(Worker):
    """A worker whose sessions outlive it."""

    held: dict[str, Hold] = field(default_factory=dict)
    stop: Stop = field(default_factory=HostStop)

    def __post_init__(self) -> None:
        if not self.options.session_worker or Kind.HOST in self.pollers.pools:
            return
        first = len(self.pollers.pollers)
        self.pollers.queues[Kind.HOST] = activity_queue(self.host_queue)
        self.pollers.pools[Kind.HOST] = Kind.HOST.value
        self.pollers.slots[Kind.HOST.value] = Slots(self.options.sessions)
        if Mutant.HOST_QUEUE_NOT_POLLED not in self.options.mutants:
            self.pollers.pollers.append(Poller(Kind.HOST, 0, first))
            self.pollers.waiting.append(first)

    @staticmethod
    def apart() -> Mapping[tuple[str, ...], Callable[[Any], Hashable]]:
        return {**Worker.apart(), ("held",): lambda session: ("channel", session)}

    @property
    def host_queue(self) -> str:
        """The queue that every process of this host polls."""
        return host_queue(self.options.resource_id or self.host, self.task_queue)

    def _start(self, step: Step) -> None:
        with_sessions = self.options.session_worker
        queue, shared = (self.resource_queue, self.host_queue) if with_sessions else ("", "")
        step.emit(obs.WorkerStarted(self.identity, self.host, self.task_queue, queue, self.options.sessions, with_sessions, shared))
        self.moved(step)

    def attempt_of(self, task: msg.ActivityTask, pool: Kind) -> AttemptOnWorker:
        kind = task.activity.activity_type
        if kind == CREATION_ACTIVITY:
            return HostCreationAttempt(task, pool)
        return HostCompletionAttempt(task, pool) if kind == COMPLETION_ACTIVITY else HostUserAttempt(task, pool)

    def _begin(self, attempt: AttemptOnWorker, step: Step) -> None:
        activity = attempt.task.activity
        hold = self.held.get(activity.session) if activity.epoch and isinstance(attempt, HostUserAttempt) else None
        if activity.epoch and isinstance(attempt, HostUserAttempt) and (hold is None or hold.epoch != activity.epoch):
            attempt.begun = attempt.responding = True
            attempt.outcome = _REFUSED
            step.emit(obs.AttemptRefused(self.identity, *attempt.key, activity.activity_type, activity.session, activity.epoch))
            attempt.send(self, step)
            return
        Worker._begin(self, attempt, step)

    # -- sessions that are held ----------------------------------------------------------------------------------------

    def hold(self, session: str, epoch: int, creation: Key) -> None:
        """This attempt holds the session from now on."""
        self.held[session] = Hold(epoch, creation)
        self.done_channels[session] = creation

    def hand_over(self, session: str, step: Step) -> None:
        """A newer epoch takes over what is held here: the attempt of the older one ends in silence."""
        older = self.attempts[self.held[session].creation]
        assert isinstance(older, HostCreationAttempt)
        if Mutant.TOKEN_KEPT_ON_REATTACH in self.options.mutants:
            older.holds_token = False
        older.let_go(self, step)

    def let_go(self, session: str, creation: Key, step: Step) -> None:
        """An attempt holds its session no more: what runs of it here is cancelled."""
        hold = self.held.get(session)
        if hold is None or hold.creation != creation:
            return
        del self.held[session]
        if self.done_channels.get(session) == creation:
            del self.done_channels[session]
        for key in list(hold.running):
            attempt = self.attempts.get(key)
            if attempt is None or attempt.responding:
                continue
            if attempt.cause is None:
                attempt.cancel(Cause.FENCED, self, step)
            else:
                # Cancelled before, by a stop, and not woken yet: what obeys has ended when the token goes back.
                attempt.context_done(self, step)
