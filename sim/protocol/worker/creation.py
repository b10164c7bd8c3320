"""The session creation activity: one attempt on one worker (P2.2, P3.10).

    begin -> signalling -> loop <-> heartbeating
               |             |
               +-------------+-> the token goes back -> responding -> the slot goes back

While a heartbeat call is under way the loop looks at nothing else. When several things are ready at once, Go's select
takes any of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sim.history.failures import ApplicationFailure, PanicFailure
from sim.model.inputs import Message
from sim.model.node import Step
from sim.model.spans import SECOND, Exactly, Least, Left
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from sim.protocol.worker.attempts import CANCELED, COMPLETED, DROPPED, AttemptOnWorker, Cause, Outcome, failed
from sim.protocol.worker.calls import call_budget, longest_wait
from sim.protocol.worker.pollers import Kind
from sim.workflow.sessions import Binding

if TYPE_CHECKING:
    from sim.protocol.worker.node import Worker

MAX_HEARTBEAT_INTERVAL = 10 * SECOND
TOO_MANY = "too many outstanding sessions"
SHUTDOWN = ApplicationFailure(
    "session failed due to worker shutdown", "SessionWorkerShutdown", non_retryable=True, cause=ApplicationFailure("context canceled")
)


SYSTEM_INFO_BUDGET = Exactly(5 * SECOND)
"""Of the question what the server can, which is not repeated (P2.2d)."""


def _not_reached(cause: ApplicationFailure) -> Outcome:
    """How an attempt fails whose question was not answered."""
    return failed(ApplicationFailure(f"failed reaching server: {cause.message}", "wrapError", cause=cause))


class Phase(Enum):
    SIGNALLING = "signalling"
    LOOP = "loop"
    HEARTBEATING = "heartbeating"
    OVER = "over"


@dataclass(slots=True)
class CreationAttempt(AttemptOnWorker):
    """An attempt of the creation activity. `done`: the completion activity closed its channel."""

    phase: Phase = Phase.OVER
    done: bool = False
    ticked: bool = False
    """A tick waits; a ticker remembers one at most."""

    @property
    def session(self) -> str:
        return str(self.task.activity.input)

    @property
    def interval(self) -> int:
        """I = min(H / 3, 10 s)."""
        return min(self.task.activity.heartbeat // 3, MAX_HEARTBEAT_INTERVAL)

    def shields(self) -> Iterable[Hashable]:
        # While a call is under way nothing ensures that the next heartbeat comes in time.
        return [("beat", *self.key)] if self.phase is Phase.LOOP else []

    def begin(self, worker: Worker, step: Step) -> None:
        self.set_deadline(step)
        if self.pool not in (Kind.CREATION, Kind.RESOURCE):
            # The normal activity worker has no session environment: this panics, which the server retries (P1.2.2, P2.2a).
            self._end(failed(PanicFailure("no session environment in context")), worker, step, token=False)
            return
        takes_none = Mutant.RECREATE_TAKES_NO_TOKEN in worker.options.mutants and self.pool is Kind.RESOURCE
        if not takes_none and not worker.bucket.take():
            final = not worker.options.sdk.fatal_session_timeouts
            self._end(failed(ApplicationFailure(TOO_MANY, non_retryable=final)), worker, step, token=False)
            return
        if step.wants(obs.TokenTaken):
            step.emit(obs.TokenTaken(worker.identity, self.session, self.task.run, self.task.attempt, worker.bucket.free))
        worker.done_channels[self.session] = self.key
        self.phase = Phase.SIGNALLING
        options = worker.options
        if options.asks_for_system_info and options.sdk.asks_for_system_info:
            budget = Least(SYSTEM_INFO_BUDGET, Left(self.tag("deadline")))
            worker.calls.start(step, self.tag("info"), worker.pollers.queues[Kind.CREATION], msg.GetSystemInfo(), budget, None)
        else:
            self._signal(worker, step)

    def _signal(self, worker: Worker, step: Step) -> None:
        """Tell the workflow where its session is."""
        binding = Binding(worker.resource_queue, worker.host, worker.resource_id)
        # A request id of its own for every attempt; repetitions inside the call carry the same one.
        request = f"{worker.resource_id}/{self.session}/{self.task.attempt}"
        signal = msg.SignalWorkflowExecution(self.session, binding, request, worker.signal_identity)
        wait = longest_wait(self.task.activity.start_to_close)
        worker.calls.start(step, self.tag("signal"), self.task.run, signal, call_budget(Left(self.tag("deadline"))), wait)

    def replied(self, what: str, message: Message, worker: Worker, step: Step) -> None:
        match what, message:
            case "info", msg.Ok():
                self._signal(worker, step)
            case "info", msg.Refused(code=code, message=text):
                self._end(_not_reached(ApplicationFailure(text, code.value)), worker, step)
            case "signal", msg.Ok():
                if Mutant.ATTEMPT_FAILS_AFTER_SIGNAL in worker.options.mutants and self.task.attempt == 1:
                    self._end(failed(ApplicationFailure("planted")), worker, step)
                    return
                if Mutant.TOKEN_RETURNED_AFTER_SIGNAL in worker.options.mutants:
                    self._give_token_back(worker, step)
                self.phase = Phase.LOOP
                step.arm(self.tag("tick"), Exactly(self.interval))
                self._look(worker, step)
            case "signal", msg.Refused(code=code, message=text):
                # The entry of the done channel stays: nobody removes it on this way out (P2.2d).
                self._end(failed(ApplicationFailure(text, code.value)), worker, step)
            case "beat", _:
                self.phase = Phase.LOOP
                self._heartbeat_answered(message, worker, step)
                if self.phase is Phase.LOOP:
                    self._look(worker, step)
            case _:
                raise TypeError(f"the creation activity has no call {what} that is answered by {message}")

    def _heartbeat_answered(self, message: Message, worker: Worker, step: Step) -> None:
        """P3.6.4 and P3.6.5: any error cancels the context, against what the SDK's comment says."""
        if Mutant.CREATION_ACTIVITY_DEAF in worker.options.mutants:
            return
        match message:
            case msg.HeartbeatAnswer(cancel_requested=True):
                self.cancel(Cause.CANCELED, worker, step)
            case msg.HeartbeatAnswer(paused=True):
                self.cancel(Cause.PAUSED, worker, step)
            case msg.Refused(code=msg.Code.NOT_FOUND):
                self.cancel(Cause.NOT_FOUND, worker, step)
            case msg.Refused():
                self.cancel(Cause.CALL_FAILED, worker, step)

    def fired(self, what: str, worker: Worker, step: Step) -> None:
        if what == "deadline":
            self.cancel(Cause.DEADLINE, worker, step)
        elif what == "tick":
            step.arm(self.tag("tick"), Exactly(self.interval))
            self.ticked = True
            if self.phase is Phase.LOOP:
                self._look(worker, step)

    def context_done(self, worker: Worker, step: Step) -> None:
        match self.phase:
            case Phase.SIGNALLING:
                canceled = ApplicationFailure("context canceled", "Canceled")
                asked = worker.calls.give_up(step, self.tag("info"))
                worker.calls.give_up(step, self.tag("signal"))
                outcome = _not_reached(canceled) if asked else failed(canceled)
                self._end(DROPPED if self.cause is Cause.DEADLINE else outcome, worker, step)
            case Phase.HEARTBEATING:
                worker.calls.give_up(step, self.tag("beat"))
                self.phase = Phase.LOOP
                self._look(worker, step)
            case Phase.LOOP:
                self._look(worker, step)
            case Phase.OVER:
                pass

    def channel_closed(self, worker: Worker, step: Step) -> None:
        """The completion activity closed the done channel."""
        if Mutant.CREATION_ACTIVITY_DEAF in worker.options.mutants:
            return
        self.done = True
        self.wake(step)

    def woken(self, worker: Worker, step: Step) -> None:
        if self.cause is Cause.SHUTDOWN:
            self.context_done(worker, step)
        elif self.phase is Phase.LOOP:
            self._look(worker, step)

    def _look(self, worker: Worker, step: Step) -> None:
        """The select of the loop."""
        if not (self.ticked or self.done or self.cause):
            return
        ready = [what for what, is_ready in (("done", self.done), ("context", self.cause), ("tick", self.ticked)) if is_ready]
        match step.choose("select of the creation activity", ready):
            case "done":
                self._end(COMPLETED, worker, step)
            case "context":
                self._context_ended(worker, step)
            case _:
                self.ticked = False
                if self.cause is not None:
                    # The call fails at once on this side, and changes nothing (P3.6.2).
                    self._look(worker, step)
                else:
                    self._heartbeat(worker, step)

    def _heartbeat(self, worker: Worker, step: Step) -> None:
        if Mutant.SESSION_HEARTBEATS_NOT_SENT in worker.options.mutants:
            return
        self.phase = Phase.HEARTBEATING
        self.call_heartbeat(None, worker, step)

    def _context_ended(self, worker: Worker, step: Step) -> None:
        if worker.done_channels.get(self.session) == self.key:
            del worker.done_channels[self.session]
        sdk = worker.options.sdk
        if self.cause is Cause.DEADLINE:
            outcome: Outcome = DROPPED
        elif not sdk.shutdown_failure or (self.cause is Cause.CANCELED and sdk.tells_cancel_from_shutdown):
            outcome = CANCELED
        else:
            outcome = failed(SHUTDOWN)
        self._end(outcome, worker, step)

    def _end(self, outcome: Outcome, worker: Worker, step: Step, token: bool = True) -> None:
        """Return: the deferred return of the token comes before the answer is sent (P2.2g)."""
        self.phase = Phase.OVER
        step.disarm(self.tag("tick"))
        step.disarm(self.tag("wake"))
        mutants = worker.options.mutants
        kept = Mutant.TOKEN_KEPT_ON_HEARTBEAT_ABORT in mutants and self.cause is Cause.CALL_FAILED
        if token and not kept and Mutant.TOKEN_RETURNED_AFTER_SIGNAL not in mutants:
            self._give_token_back(worker, step)
        self.respond(outcome, worker, step)
        worker.moved(step)

    def _give_token_back(self, worker: Worker, step: Step) -> None:
        worker.bucket.give_back()
        if step.wants(obs.TokenReturned):
            step.emit(obs.TokenReturned(worker.identity, self.session, self.task.run, self.task.attempt, worker.bucket.free))
