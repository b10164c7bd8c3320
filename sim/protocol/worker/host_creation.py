"""The creation activity of host sessions: one attempt on one worker. What is not said here is `sim.protocol.worker.creation`'s.

    begin -> claiming -> signalling -> loop <-> heartbeating
               |             |            |
               +-------------+------------+-> let go of: activities are cancelled, the token goes back -> responding

* It claims the session by a heartbeat before it signals: an attempt that reached its worker too late ends there, and binds nothing. Only
  a heartbeat tells from when the server counts, neither the receipt of the task nor the answer to a signal does.
* Then it takes a token and holds the session at the epoch in its header. A worker that holds it at an older epoch hands that over first;
  one that holds it at the same or a newer epoch refuses.
* Its signal names queue, host and epoch. Whether a signal that was not answered has arrived is not known: the attempt fails for good, so
  that the workflow schedules the next one at an epoch of its own. What fails before is tried again at the same epoch.
* Its heartbeats carry the epoch. One that fails for a moment is no end. A worker that has had no heartbeat recorded for a whole heartbeat
  timeout, counted from when the last one was sent, has lost its lease: the server may have given the session away.
* However it ends: the activities of the session here are cancelled first, then the token goes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.history.failures import ApplicationFailure, PanicFailure
from sim.model.inputs import Message
from sim.model.node import Step
from sim.model.spans import Exactly, Left
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from sim.protocol.worker.attempts import CANCELED, DROPPED, Cause, Outcome, failed
from sim.protocol.worker.calls import call_budget, longest_wait
from sim.protocol.worker.creation import TOO_MANY, CreationAttempt, Phase
from sim.protocol.worker.pollers import Kind
from sim.workflow.host_sessions import NOT_TOLD, HostBinding
from sim.workflow.host_work import FENCED

if TYPE_CHECKING:
    from sim.protocol.worker.host_node import HostWorker
    from sim.protocol.worker.node import Worker


@dataclass(slots=True)
class HostCreationAttempt(CreationAttempt):
    """An attempt of the creation activity of a host session."""

    holds_token: bool = False

    @property
    def epoch(self) -> int:
        return self.task.activity.epoch

    def begin(self, worker: Worker, step: Step) -> None:
        self.set_deadline(step)
        if self.pool not in (Kind.CREATION, Kind.HOST):
            self._end(failed(PanicFailure("no session environment in context")), worker, step)
            return
        self.phase = Phase.SIGNALLING
        self._sending(step)
        self.call_heartbeat(self.epoch, worker, step)

    def _hold(self, worker: Worker, step: Step) -> None:
        """The session is claimed: hold it, and tell the workflow."""
        host = host_of(worker)
        hold = host.held.get(self.session)
        if hold is not None and hold.epoch >= self.epoch and Mutant.EPOCH_NOT_RENEWED not in worker.options.mutants:
            message = f"the session is held at epoch {hold.epoch}"
            self._end(failed(ApplicationFailure(message, FENCED, non_retryable=True)), worker, step)
            return
        if hold is not None:
            host.hand_over(self.session, step)
        if not worker.bucket.take():
            self._end(failed(ApplicationFailure(TOO_MANY)), worker, step)
            return
        self.holds_token = True
        step.emit(obs.TokenTaken(worker.identity, self.session, self.task.run, self.task.attempt, worker.bucket.free))
        host.hold(self.session, self.epoch, self.key)
        self._signal(worker, step)

    def _signal(self, worker: Worker, step: Step) -> None:
        host = host_of(worker)
        binding = HostBinding(worker.resource_queue, worker.host, worker.resource_id, host.host_queue, self.epoch)
        request = f"{worker.resource_id}/{self.session}/{self.epoch}/{self.task.attempt}"
        signal = msg.SignalWorkflowExecution(self.session, binding, request, worker.signal_identity)
        wait = longest_wait(self.task.activity.start_to_close)
        worker.calls.start(step, self.tag("signal"), self.task.run, signal, call_budget(Left(self.tag("deadline"))), wait)

    # -- the lease -----------------------------------------------------------------------------------------------------

    def _sending(self, step: Step) -> None:
        """Something is sent that the server will count from when it arrives, which is not before now."""
        step.deadline(self.tag("sent"), Exactly(self.task.activity.heartbeat))

    def _recorded(self, step: Step) -> None:
        """The server has counted it: the lease is as long as it counts, or shorter."""
        step.arm(self.tag("lease"), Left(self.tag("sent")), (("beat", *self.key),))

    def _heartbeat(self, worker: Worker, step: Step) -> None:
        self.phase = Phase.HEARTBEATING
        self._sending(step)
        self.call_heartbeat(self.epoch, worker, step)

    def _heartbeat_answered(self, message: Message, worker: Worker, step: Step) -> None:
        match message:
            case msg.HeartbeatAnswer(cancel_requested=True):
                self.cancel(Cause.CANCELED, worker, step)
            case msg.HeartbeatAnswer(paused=True):
                self.cancel(Cause.PAUSED, worker, step)
            case msg.HeartbeatAnswer():
                self._recorded(step)
            case msg.Refused(code=msg.Code.NOT_FOUND):
                self.cancel(Cause.NOT_FOUND, worker, step)
            case msg.Refused():
                """The next one may come through, while the lease lasts."""

    # -- answers, timers, the end --------------------------------------------------------------------------------------

    def replied(self, what: str, message: Message, worker: Worker, step: Step) -> None:
        if what == "signal" and isinstance(message, msg.Refused):
            self._end(_not_told(message.message), worker, step)
        elif what == "beat" and self.phase is Phase.SIGNALLING:
            self._claimed(message, worker, step)
        else:
            # Not super(): a class with slots is made anew by its decorator.
            CreationAttempt.replied(self, what, message, worker, step)

    def _claimed(self, message: Message, worker: Worker, step: Step) -> None:
        """The first heartbeat is answered."""
        match message:
            case msg.HeartbeatAnswer(cancel_requested=False, paused=False):
                self._recorded(step)
                self._hold(worker, step)
            case msg.HeartbeatAnswer(cancel_requested=True):
                self._end(CANCELED, worker, step)
            case msg.Refused(code=code, message=text) if code is not msg.Code.NOT_FOUND:
                self._end(failed(ApplicationFailure(text, code.value)), worker, step)
            case _:
                self._end(DROPPED, worker, step)

    def context_done(self, worker: Worker, step: Step) -> None:
        if self.phase is not Phase.SIGNALLING:
            CreationAttempt.context_done(self, worker, step)
            return
        claiming = worker.calls.give_up(step, self.tag("beat"))
        worker.calls.give_up(step, self.tag("signal"))
        outcome = failed(ApplicationFailure("context canceled", "Canceled")) if claiming else _not_told("context canceled")
        self._end(DROPPED if self.cause is Cause.DEADLINE else outcome, worker, step)

    def fired(self, what: str, worker: Worker, step: Step) -> None:
        if what == "lease":
            self.let_go(worker, step)
        else:
            CreationAttempt.fired(self, what, worker, step)

    def let_go(self, worker: Worker, step: Step) -> None:
        """It holds the session no more, and has nobody to tell."""
        for call in ("signal", "beat"):
            worker.calls.give_up(step, self.tag(call))
        self._end(DROPPED, worker, step)

    def _end(self, outcome: Outcome, worker: Worker, step: Step, token: bool = True) -> None:
        for what in ("lease", "sent"):
            step.disarm(self.tag(what))
        host_of(worker).let_go(self.session, self.key, step)
        token, self.holds_token = self.holds_token, False
        CreationAttempt._end(self, outcome, worker, step, token)


def _not_told(why: str) -> Outcome:
    """How an attempt fails of which nobody knows whether the workflow was told."""
    return failed(ApplicationFailure(why, NOT_TOLD, non_retryable=True))


def host_of(worker: Worker) -> HostWorker:
    """The worker as what it is, for those who know it by what all workers have."""
    from sim.protocol.worker.host_node import HostWorker

    assert isinstance(worker, HostWorker)
    return worker
