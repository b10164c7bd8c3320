"""Users' activities, and the batching of their heartbeats (P3.6.8, P3.8.3, P3.9.1)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.history.failures import ApplicationFailure, PanicFailure
from sim.model.inputs import Message
from sim.model.node import Step
from sim.model.spans import Exactly, Overdue, longest
from sim.protocol import messages as msg
from sim.protocol.mutants import Mutant
from sim.protocol.worker.attempts import CANCELED, AttemptOnWorker, Cause, Outcome, completed, failed
from sim.protocol.worker.covering import OVER, user_ended
from sim.protocol.worker.work import Failing, Work

if TYPE_CHECKING:
    from sim.protocol.worker.node import Worker

CONTEXT_CANCELED = ApplicationFailure("context canceled", "")


@dataclass(slots=True)
class UserAttempt(AttemptOnWorker):
    """An attempt of a user's activity.

    `window`: heartbeats are only stored until it ends. `blocked`: user code waits for its own heartbeat call.
    `ended`: what it returned while it could not be answered yet.
    """

    work: Work | None = None
    window: bool = False
    stored: bool = False
    calling: bool = False
    blocked: bool = False
    time_up: bool = False
    final: Outcome | None = None

    def label(self) -> str:
        return self.work.label if self.work is not None else ""

    def shields(self) -> Iterable[Hashable]:
        if self.work is None or self.blocked or self.responding:
            return []
        activity, work = self.task.activity, self.work
        found: list[Hashable] = []
        if work.beat_every and (not self.calling or self.window):
            found.append(("beat", *self.key))
        at_most = longest(work.duration)
        if at_most is not None and at_most < activity.start_to_close and not self.time_up:
            found.append(("end", *self.key))
        return found

    def begin(self, worker: Worker, step: Step) -> None:
        self.work = worker.behaviour(self.task)
        self.set_deadline(step)
        step.arm(self.tag("end"), self.work.duration)
        if self.work.beat_every:
            step.arm(self.tag("pulse"), Exactly(self.work.beat_every))

    def fired(self, what: str, worker: Worker, step: Step) -> None:
        assert self.work is not None
        match what:
            case "deadline" if self._done_in_time(step):
                self.time_up = True
                self._look(worker, step)
            case "deadline":
                self.cancel(Cause.DEADLINE, worker, step)
            case "end":
                self.time_up = True
                self._look(worker, step)
            case "pulse":
                step.arm(self.tag("pulse"), Exactly(self.work.beat_every))
                self._record_heartbeat(worker, step)
            case "window":
                self.window = False
                # A call under a cancelled context fails on this side (P3.6.8).
                if self.stored and self.cause is None:
                    self._call(worker, step)

    def _done_in_time(self, step: Step) -> bool:
        """Work that lasts exactly as long as it may is a race of two timers, which it mostly loses: 10 of 11 recorded (P3.9.1)."""
        return step.holds(Overdue(self.tag("end"))) and step.choose("end of work at its deadline", (False, True), (10, 1))

    # -- heartbeats ----------------------------------------------------------------------------------------------------

    def _record_heartbeat(self, worker: Worker, step: Step) -> None:
        """activity.RecordHeartbeat: the first of a window is sent at once, while user code waits."""
        if self.cause is not None or self.blocked:
            return
        if self.window or self.calling:
            self.stored = True
        else:
            self.blocked = True
            self._call(worker, step)

    def _call(self, worker: Worker, step: Step, deadline: bool = True) -> None:
        self.stored = False
        self.calling = True
        assert self.work is not None
        self.call_heartbeat(self.work.details, worker, step, deadline)

    def replied(self, what: str, message: Message, worker: Worker, step: Step) -> None:
        assert what == "beat"
        self.calling = self.blocked = False
        if self.final is not None:
            self.respond(self.final, worker, step)
            return
        match message:
            case msg.HeartbeatAnswer(cancel_requested, paused):
                self.window = True
                step.arm(self.tag("window"), Exactly(self.throttle(worker)))
                if (cancel_requested or paused) and Mutant.ACTIVITY_HEARTBEATS_DEAF not in worker.options.mutants:
                    self.cancel(Cause.CANCELED if cancel_requested else Cause.PAUSED, worker, step)
            case msg.Refused(code=code):
                self.cancel(Cause.NOT_FOUND if code is msg.Code.NOT_FOUND else Cause.CALL_FAILED, worker, step)
        if not self.responding:
            self._look(worker, step)

    # -- the session is over -----------------------------------------------------------------------------------------

    def refuse(self, worker: Worker, step: Step) -> None:
        """Fail without having begun: its session holds no slot here."""
        self.responding, self.outcome = True, failed(OVER)
        self.ended(worker, step)
        self.send(worker, step)

    def ended(self, worker: Worker, step: Step) -> None:
        user_ended(self, worker, step)

    # -- the end -------------------------------------------------------------------------------------------------------

    def context_done(self, worker: Worker, step: Step) -> None:
        if self.calling and worker.calls.give_up(step, self.tag("beat")):
            # The call belonged to the context.
            self.calling = self.blocked = False
        self._look(worker, step)

    def woken(self, worker: Worker, step: Step) -> None:
        self.context_done(worker, step)

    def _look(self, worker: Worker, step: Step) -> None:
        """User code waits for its work to be done or, if it obeys, for its context."""
        assert self.work is not None
        if self.blocked or self.final is not None or self.responding:
            return
        if not (self.time_up or self.cause):
            return
        ready = [what for what, is_ready in (("time", self.time_up), ("context", self.cause and self.work.obey)) if is_ready]
        if not ready:
            return
        if step.choose("select of the activity", ready) == "time":
            self._finish(self._worked(worker, step), worker, step)
        elif self.cause is Cause.CANCELED:
            self._finish(CANCELED, worker, step)
        elif self.cause is Cause.SESSION_OVER:
            self._finish(failed(OVER), worker, step)
        else:
            self._finish(failed(CONTEXT_CANCELED), worker, step)

    def _worked(self, worker: Worker, step: Step) -> Outcome:
        assert self.work is not None
        match self.work.fail:
            case Failing.RETRYABLE:
                return failed(ApplicationFailure("failed as asked", ""))
            case Failing.NON_RETRYABLE:
                return failed(ApplicationFailure("failed as asked", "Asked", non_retryable=True))
            case Failing.PANIC:
                return failed(PanicFailure("panicked as asked"))
            case Failing.NO:
                pass
        result = worker.identity if self.work.result is None else self.work.result
        if worker.background_done and result != "" and step.choose("select under a cancelled background context", (True, False)):
            # SDK 1.48 walks the payloads of a result under the cancelled context (P3.8.3a).
            return failed(CONTEXT_CANCELED)
        return completed(result)

    def _finish(self, outcome: Outcome, worker: Worker, step: Step) -> None:
        """Return. After an error, stored heartbeat details are sent first, unless the context was cancelled."""
        for what in ("end", "pulse", "window", "wake"):
            step.disarm(self.tag(what))
        if self.calling and outcome.kind == "completed":
            worker.calls.give_up(step, self.tag("beat"))
            self.calling = False
        if outcome.kind != "completed" and (self.calling or (self.stored and self.cause is None)) and self.cause is not Cause.DEADLINE:
            self.final = outcome
            if not self.calling:
                self._call(worker, step, deadline=False)
            return
        self.respond(outcome, worker, step)
