"""The creation activity of a session that asks for resources: one attempt on one worker (docs/design/typed-resources.md).

    begin -> taken -> claiming -> signalling -> loop ...        as in `sim.protocol.worker.host_creation`
      |        ^
      |        | all that it asks for is free, and nobody before it in line waits for any of it
      +---> at the door: claiming -> loop <-> heartbeating      it holds nothing; it ends like any attempt that is told to
      +---> turned away, never

* Whether it gets what it asks for is up to the worker's `ResourceBucket`, and decided when it arrives, before the next poll is opened. If
  the session turns out not to be the worker's to hold, all of it goes back.
* At the door it waits no longer than ScheduleToStart had left.
* A session that the worker holds at an older epoch is asked for again when that has given back what it had.
* However an attempt ends: token and resources go back together, and whoever is in line for them is looked at first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.history.failures import ApplicationFailure
from sim.model.node import Step
from sim.model.spans import Exactly, Until
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant
from sim.protocol.worker.attempts import COMPLETED, Outcome, failed
from sim.protocol.worker.creation import CreationAttempt, Phase
from sim.protocol.worker.host_creation import HostCreationAttempt
from sim.protocol.worker.pollers import Kind
from sim.protocol.worker.resources import Admission, free_amounts
from sim.workflow.resources import NEVER, NO_ROOM, REFUSED, Amounts, spelled

if TYPE_CHECKING:
    from sim.protocol.worker.node import Worker
    from sim.protocol.worker.typed_node import TypedWorker


@dataclass(slots=True)
class TypedCreationAttempt(HostCreationAttempt):
    """An attempt of the creation activity of a host session that may ask for resources. `taken`: what it holds of them."""

    at_door: bool = False
    taken: Amounts = ()

    @property
    def demand(self) -> Amounts:
        return self.task.activity.resources

    def begin(self, worker: Worker, step: Step) -> None:
        if not self.demand or self.pool not in (Kind.CREATION, Kind.HOST) or self.session in _typed(worker).held:
            # Not super(): a class with slots is made anew by its decorator.
            HostCreationAttempt.begin(self, worker, step)
        elif self._ask(worker, step):
            HostCreationAttempt.begin(self, worker, step)

    def _ask(self, worker: Worker, step: Step, handed_over: bool = False) -> bool:
        """Ask the bucket. True if it goes on: with all that it asks for, or at the door."""
        typed = _typed(worker)
        token_free = worker.bucket.free > 0
        if handed_over and token_free and typed.resources.fits(self.demand):
            # What the epoch before gave back is this session's own: nobody in line has waited for it.
            admission = Admission.GRANTED
        elif worker.pollers.stopping:
            admission = Admission.TURNED_AWAY
        else:
            own = self.pool is Kind.HOST
            admission = typed.resources.admit(self.key, self.demand, self.task.activity.may_wait, token_free, own)
        match admission:
            case Admission.GRANTED:
                self._take(worker, step)
            case Admission.WAITS:
                self._stand_at_door(worker, step)
            case Admission.TURNED_AWAY:
                self.set_deadline(step)
                self.turn_away(worker, step)
            case Admission.NEVER:
                self.set_deadline(step)
                text = f"this worker has {spelled(typed.resources.size) or 'nothing'}, asked for is {spelled(self.demand)}"
                self._end(failed(ApplicationFailure(text, NEVER, non_retryable=True)), worker, step)
        return admission in (Admission.GRANTED, Admission.WAITS)

    def _take(self, worker: Worker, step: Step) -> None:
        """All of it, and a token."""
        resources, task = _typed(worker).resources, self.task
        self.taken = resources.take(self.demand)
        free = free_amounts(resources.free)
        step.emit(obs.ResourcesTaken(worker.identity, self.session, task.run, task.attempt, self.demand, self.taken, free))
        worker.bucket.take()
        self._took_token(worker, step)

    def _hold(self, worker: Worker, step: Step) -> None:
        """The session is claimed."""
        if self.at_door:
            self._wait(worker, step)
        else:
            HostCreationAttempt._hold(self, worker, step)

    def _claim(self, worker: Worker, step: Step, handed_over: bool) -> None:
        if not self.demand:
            HostCreationAttempt._claim(self, worker, step, handed_over)
            return
        if self.holds_token or self._ask(worker, step, handed_over):
            if self.at_door:
                self._wait(worker, step)
            else:
                self._granted(worker, step)
        if handed_over:
            worker.moved(step)

    # -- at the door ---------------------------------------------------------------------------------------------------

    def _stand_at_door(self, worker: Worker, step: Step) -> None:
        self.at_door = True
        step.emit(obs.SessionWaits(worker.identity, self.session, self.task.run, self.task.attempt, self.demand))
        if self.task.starts_by:
            step.arm(self.tag("door"), Until(self.task.starts_by))
        elif self.task.activity.schedule_to_start:
            step.arm(self.tag("door"), Exactly(self.task.activity.schedule_to_start))

    def _wait(self, worker: Worker, step: Step) -> None:
        """It sends heartbeats, and can be told to end."""
        self.phase = Phase.LOOP
        step.arm(self.tag("tick"), Exactly(self.interval))
        self._look(worker, step)

    def let_in(self, worker: Worker, step: Step) -> None:
        """All that it asks for is free, and so is a token: it takes both. Until its claim is answered there is no more to do."""
        self._leave_door(worker, step)
        self._take(worker, step)
        if self.phase is not Phase.SIGNALLING:
            step.disarm(self.tag("tick"))
            self.ticked = False
            # A heartbeat that is under way says nothing that the next would not.
            worker.calls.give_up(step, self.tag("beat"))
            self.phase = Phase.SIGNALLING
            self._hold(worker, step)

    def turn_away(self, worker: Worker, step: Step) -> None:
        """There is no room: the workflow asks again, of whoever has."""
        step.emit(obs.SessionTurnedAway(worker.identity, self.session, self.task.run, self.task.attempt, self.demand))
        worker.calls.give_up(step, self.tag("beat"))
        self._end(failed(ApplicationFailure("no room at this worker", REFUSED, non_retryable=True)), worker, step)

    def _leave_door(self, worker: Worker, step: Step) -> None:
        self.at_door = False
        step.disarm(self.tag("door"))
        _typed(worker).resources.leave(self.key)
        step.emit(obs.SessionWaitsNoMore(worker.identity, self.session, self.task.run, self.task.attempt))

    def fired(self, what: str, worker: Worker, step: Step) -> None:
        if what == "door":
            worker.calls.give_up(step, self.tag("beat"))
            text = "no worker had room within CreationTimeout"
            self._end(failed(ApplicationFailure(text, NO_ROOM, non_retryable=True)), worker, step)
        else:
            HostCreationAttempt.fired(self, what, worker, step)

    def _end(self, outcome: Outcome, worker: Worker, step: Step, token: bool = True) -> None:
        if self.at_door:
            self._leave_door(worker, step)
        if Mutant.RESOURCES_KEPT_ON_FAILURE in worker.options.mutants and outcome is not COMPLETED:
            self.taken = ()
        HostCreationAttempt._end(self, outcome, worker, step, token)

    def _give_token_back(self, worker: Worker, step: Step) -> None:
        CreationAttempt._give_token_back(self, worker, step)
        if not self.demand:
            return
        typed = _typed(worker)
        taken, self.taken = self.taken, ()
        typed.resources.give_back(taken)
        free = free_amounts(typed.resources.free)
        step.emit(obs.ResourcesReturned(worker.identity, self.session, self.task.run, self.task.attempt, free))


def _typed(worker: Worker) -> TypedWorker:
    from sim.protocol.worker.typed_node import TypedWorker

    assert isinstance(worker, TypedWorker)
    return worker
