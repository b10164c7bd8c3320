"""The session creation activity: one attempt on one worker (P2.2, P3.10).

    begin -> signalling -> loop <-> heartbeating
               |             |
               +-------------+-> the token goes back -> responding -> the slot goes back

Repairs (`sim.workflow.repairs`) add two ways: from signalling by heartbeating to signalling, and draining before the token goes back.

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
from sim.model.spans import SECOND, Exactly, Least, Left, Span
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from sim.protocol.worker.attempts import CANCELED, COMPLETED, DROPPED, AttemptOnWorker, Cause, Outcome, failed
from sim.protocol.worker.calls import OpenCall, call_budget, heartbeat_length, longest_wait
from sim.protocol.worker.covering import covers, users_of
from sim.protocol.worker.pollers import Kind
from sim.workflow.repairs import Repair
from sim.workflow.sessions import Binding

if TYPE_CHECKING:
    from sim.protocol.worker.node import Worker

MAX_HEARTBEAT_INTERVAL = 10 * SECOND
UNKNOWN = (msg.Code.DEADLINE_EXCEEDED, msg.Code.UNAVAILABLE)
"""Errors of a call that may have been carried out all the same."""
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
    DRAINING = "waits for the session's activities"
    OVER = "over"


@dataclass(slots=True)
class CreationAttempt(AttemptOnWorker):
    """An attempt of the creation activity. `done`: the completion activity closed its channel."""

    phase: Phase = Phase.OVER
    done: bool = False
    ticked: bool = False
    """A tick waits; a ticker remembers one at most."""
    unsure: bool = False
    """Its signal may have arrived, which it does not know (`Repair.SIGNAL_UNTIL_KNOWN`)."""
    misses: int = 0
    """Heartbeats without success since the last one, 2 at most (`Repair.HEARTBEATS_GO_ON`)."""
    leased: bool = False
    """0.95 H since the last success are not over (`Repair.HEARTBEATS_GO_ON`)."""
    last: Outcome | None = None
    """How it ends when the session's activities are over (`Repair.SLOT_UNTIL_IDLE`)."""
    keeps_slot: bool = True
    """Whether it occupies an activity slot to its end (`Repair.CREATION_OUTSIDE_SLOTS`)."""

    @property
    def session(self) -> str:
        return str(self.task.activity.input)

    @property
    def interval(self) -> int:
        """I = min(H / 3, 10 s)."""
        return min(self.task.activity.heartbeat // 3, MAX_HEARTBEAT_INTERVAL)

    @property
    def rests(self) -> bool:
        """Whether it will do nothing but send the next heartbeat when that is due, unless something comes to it meanwhile."""
        busy = self.cause or self.responding or self.done or self.ticked or self.unsure or self.leased
        return self.phase is Phase.LOOP and not busy

    def has_called(self, worker: Worker) -> tuple[OpenCall, Span]:
        """Become what it is, at rest before, when its next heartbeat is under way: for a driver that passes over heartbeats.

        Gives the call and its budget, for which the driver has to set the timer.
        """
        call, budget = self.heartbeat_call(None, worker)
        self.phase = Phase.HEARTBEATING
        worker.calls.open[self.tag("beat")] = call
        return call, budget

    def shields(self) -> Iterable[Hashable]:
        if self.leased:
            # Its lease began before the server's timer and is shorter, so it ends first.
            return [("beat", *self.key), *([("lease", *self.key)] if self._outlives_a_miss() else [])]
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
        if Repair.HEARTBEATS_GO_ON in options.repairs:
            self._lease(Exactly(self.lease), step)
        if Repair.CREATION_OUTSIDE_SLOTS in options.repairs and self.pool is Kind.RESOURCE:
            self.keeps_slot = False
            worker.pollers.free(self.pool).free += 1
            worker.moved(step)
        if options.asks_for_system_info and options.sdk.asks_for_system_info:
            budget = Least(SYSTEM_INFO_BUDGET, Left(self.tag("deadline")))
            worker.calls.start(step, self.tag("info"), worker.pollers.queues[Kind.CREATION], msg.GetSystemInfo(), budget, None)
        else:
            self._signal(worker, step)

    def _signal(self, worker: Worker, step: Step) -> None:
        """Tell the workflow where its session is."""
        repairs = worker.options.repairs
        binding = Binding(worker.resource_queue, worker.host, worker.resource_id)
        # A request id of its own for every attempt; repetitions inside the call carry the same one.
        request = f"{worker.resource_id}/{self.session}/{self.task.attempt}"
        signal = msg.SignalWorkflowExecution(self.session, binding, request, worker.signal_identity)
        wait = longest_wait(self.task.activity.start_to_close)
        budget = call_budget(Left(self.tag("deadline")))
        if Repair.SIGNAL_UNTIL_KNOWN in repairs:
            # Then a heartbeat is due.
            budget = Least(budget, Exactly(self.interval))
        worker.calls.start(step, self.tag("signal"), self.task.run, signal, budget, wait)

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
                self.phase, self.unsure = Phase.LOOP, False
                step.arm(self.tag("tick"), Exactly(self.interval))
                self._look(worker, step)
            case "signal", msg.Refused(code=code) if code in UNKNOWN and Repair.SIGNAL_UNTIL_KNOWN in worker.options.repairs:
                self.phase, self.unsure = Phase.LOOP, True
                if self.done or self.cause:
                    self._look(worker, step)
                else:
                    self._heartbeat(worker, step)
            case "signal", msg.Refused(code=code, message=text):
                # The entry of the done channel stays: nobody removes it on this way out (P2.2d).
                self._end(failed(ApplicationFailure(text, code.value)), worker, step)
            case "beat", _ if self.phase is Phase.DRAINING:
                # Whatever the server says: it is as good as over, and the lease goes on if there is one.
                self._leased_anew(message, worker, step)
            case "beat", _:
                self.phase = Phase.LOOP
                self._heartbeat_answered(message, worker, step)
                if self.phase is Phase.LOOP and self.unsure and not (self.done or self.cause):
                    self.phase = Phase.SIGNALLING
                    self._signal(worker, step)
                elif self.phase is Phase.LOOP:
                    self._look(worker, step)
            case _:
                raise TypeError(f"the creation activity has no call {what} that is answered by {message}")

    def _heartbeat_answered(self, message: Message, worker: Worker, step: Step) -> None:
        """P3.6.4 and P3.6.5: any error cancels the context, against what the SDK's comment says."""
        if Mutant.CREATION_ACTIVITY_DEAF in worker.options.mutants:
            return
        self._leased_anew(message, worker, step)
        match message:
            case msg.HeartbeatAnswer(cancel_requested=True):
                self.cancel(Cause.CANCELED, worker, step)
            case msg.HeartbeatAnswer(paused=True):
                self.cancel(Cause.PAUSED, worker, step)
            case msg.Refused(code=msg.Code.NOT_FOUND):
                self.cancel(Cause.NOT_FOUND, worker, step)
            case msg.Refused() if not self.leased:
                self.cancel(Cause.CALL_FAILED, worker, step)

    def fired(self, what: str, worker: Worker, step: Step) -> None:
        if what == "deadline":
            self.cancel(Cause.DEADLINE, worker, step)
        elif what == "tick":
            step.arm(self.tag("tick"), Exactly(self.interval))
            self.ticked = True
            if self.phase is Phase.LOOP:
                self._look(worker, step)
            elif self.phase is Phase.DRAINING:
                self._heartbeat_beside(worker, step)
        elif what == "lease":
            self.leased = False
            self.cancel(Cause.CALL_FAILED, worker, step)

    def context_done(self, worker: Worker, step: Step) -> None:
        match self.phase:
            case Phase.SIGNALLING if Repair.SIGNAL_UNTIL_KNOWN in worker.options.repairs and self.tag("signal") in worker.calls.open:
                # A stop lets the call come to its end, since what it knows decides: sent again elsewhere it would be a second binding.
                if self.cause is not Cause.SHUTDOWN:
                    worker.calls.give_up(step, self.tag("signal"))
                    self.phase, self.unsure = Phase.LOOP, True
                    self._look(worker, step)
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
            case Phase.OVER | Phase.DRAINING:
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
        self._call_leased(worker, step, deadline=True)

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
        if token and self._drains(outcome, worker, step):
            return
        self.phase, self.leased = Phase.OVER, False
        step.disarm(self.tag("tick"))
        step.disarm(self.tag("lease"))
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

    # -- repairs -------------------------------------------------------------------------------------------------------

    @property
    def lease(self) -> int:
        """How long it holds its session without a heartbeat that succeeded: 0.95 H, so that it is over before the server's H is."""
        return self.task.activity.heartbeat * 19 // 20

    def _lease(self, span: Span, step: Step) -> None:
        self.leased, self.misses = True, 0
        step.arm(self.tag("lease"), span, (("lease", *self.key),))

    def _leased_anew(self, message: Message, worker: Worker, step: Step) -> None:
        """A heartbeat was answered: the lease counts from when that was sent, which is before the server's timer began anew."""
        if not self.leased:
            return
        if isinstance(message, msg.HeartbeatAnswer):
            self._lease(Left(self.tag("sent")), step)
        else:
            self.misses = min(self.misses + 1, 2)

    def _outlives_a_miss(self) -> bool:
        """Whether another heartbeat is sent before the lease is over, even if a call that is under way fails."""
        one_fits = self.interval + heartbeat_length(self.task.activity.heartbeat) < self.lease
        second = self.misses == 1 and self.phase is Phase.LOOP and not self.unsure
        return one_fits and (self.misses == 0 or second)

    def holds(self, session: str) -> bool:
        return session == self.session and self.phase in (Phase.SIGNALLING, Phase.LOOP, Phase.HEARTBEATING)

    def _drains(self, outcome: Outcome, worker: Worker, step: Step) -> bool:
        """Whether activities of the session run here: their contexts are cancelled, and their end is waited for."""
        users = list(users_of(worker, self.session)) if covers(worker) else []
        if not users:
            return False
        self.phase, self.last = Phase.DRAINING, outcome
        step.disarm(self.tag("wake"))
        step.arm(self.tag("tick"), Exactly(self.interval))
        for user in users:
            user.cancel(Cause.SESSION_OVER, worker, step)
        return True

    def _heartbeat_beside(self, worker: Worker, step: Step) -> None:
        """A heartbeat while the session's activities end: not bound to the context, which is done."""
        if self.cause not in (Cause.NOT_FOUND, Cause.DEADLINE) and self.tag("beat") not in worker.calls.open:
            self._call_leased(worker, step, deadline=False)

    def _call_leased(self, worker: Worker, step: Step, deadline: bool) -> None:
        """A heartbeat call, from which a lease would count; then it is tried often enough to find a server that is back in time."""
        if self.leased:
            step.deadline(self.tag("sent"), Exactly(self.lease))
        self.call_heartbeat(None, worker, step, deadline, self.interval // 10 if self.leased else None)

    def idle(self, session: str, worker: Worker, step: Step) -> None:
        if self.phase is Phase.DRAINING and session == self.session:
            assert self.last is not None
            worker.calls.give_up(step, self.tag("beat"))
            self._end(self.last, worker, step)

    def release(self, worker: Worker, step: Step) -> None:
        if not self.keeps_slot:
            # AttemptOnWorker gives one back.
            worker.pollers.free(self.pool).free -= 1
        AttemptOnWorker.release(self, worker, step)
