"""One worker object whose sessions may ask for resources (docs/design/typed-resources.md). What is not said here is `host_node`'s.

* For each demand that it is open to it has a poller of its own, on the creation queue of that demand, which polls while
      a token is free, all of the demand is free, and nobody at the door waits for any of it, or
      the demand has been closed for as long as the worker's patience lasts: then until one like it has been let in or waits at the door.
* Demands that are closed have a timer each, `("patience", number)`; it stops when they are open again.
* Whenever something may have become free, the line at the door is looked at before any poll is opened.
* A stop turns away whoever is at the door: another worker may have room.

Pollers of demands are pollers of the kind `CREATION` with numbers from 1; that of sessions which ask for nothing has number 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.model.inputs import Fault, Input, Name
from sim.model.node import Step
from sim.model.spans import Exactly
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.names import activity_queue
from sim.protocol.worker.attempts import AttemptOnWorker
from sim.protocol.worker.host_activity import HostCompletionAttempt, HostUserAttempt
from sim.protocol.worker.host_node import HostWorker
from sim.protocol.worker.options import FOREVER
from sim.protocol.worker.pollers import Kind, Poller, Pollers
from sim.protocol.worker.resources import ResourceBucket
from sim.protocol.worker.typed_creation import TypedCreationAttempt
from sim.workflow.resources import creation_queue
from sim.workflow.sessions import COMPLETION_ACTIVITY, CREATION_ACTIVITY


@dataclass(slots=True)
class TypedPollers(Pollers):
    """Pollers of which some are for one demand each. `demands`: number of the poller -> its queue; `wanted`: which of them may poll."""

    demands: dict[int, Name] = field(default_factory=dict)
    wanted: tuple[int, ...] = ()

    def may_poll(self, poller: Poller, token_free: bool) -> bool:
        if poller.kind is Kind.CREATION and poller.index:
            return poller.index in self.wanted
        # Not super(): a class with slots is made anew by its decorator.
        return Pollers.may_poll(self, poller, token_free)

    def queue_of(self, poller: Poller) -> Name:
        if poller.kind is Kind.CREATION and poller.index:
            return self.demands[poller.index]
        return Pollers.queue_of(self, poller)

    def answered(self, poller: Poller, message: object, step: Step) -> bool:
        # Whether it polls again is decided when what it brings has been looked at.
        if poller.kind is Kind.CREATION and poller.index:
            self.wanted = tuple(number for number in self.wanted if number != poller.index)
        return Pollers.answered(self, poller, message, step)


@dataclass(slots=True)
class TypedWorker(HostWorker):
    """A worker with resources of several types. `impatient`: demands that are polled although they are closed, by number; `patient`:
    those whose timers run; `handing_over`: what a session gives back just now is for itself.
    """

    resources: ResourceBucket = field(default_factory=lambda: ResourceBucket((), {}))
    impatient: tuple[int, ...] = ()
    patient: tuple[int, ...] = ()
    handing_over: bool = False

    def __post_init__(self) -> None:
        HostWorker.__post_init__(self)
        options = self.options
        if not options.session_worker or not options.session_resources or isinstance(self.pollers, TypedPollers):
            return
        self.resources = ResourceBucket.full(options.session_resources, options.mutants)
        old = self.pollers
        pollers = TypedPollers(old.identity, old.queues, old.sticky_queue, old.pollers, old.pools, old.slots, old.waiting)
        for number, demand in enumerate(options.demands, 1):
            pollers.demands[number] = activity_queue(creation_queue(self.task_queue, demand))
            pollers.waiting.append(len(pollers.pollers))
            pollers.pollers.append(Poller(Kind.CREATION, number, len(pollers.pollers)))
        # A poll holds a slot, and so does who waits at the door: what limits sessions are tokens and resources.
        pollers.free(Kind.CREATION).free += 2 * len(options.demands)
        self.pollers = pollers

    def attempt_of(self, task: msg.ActivityTask, pool: Kind) -> AttemptOnWorker:
        kind = task.activity.activity_type
        if kind == CREATION_ACTIVITY:
            return TypedCreationAttempt(task, pool)
        return HostCompletionAttempt(task, pool) if kind == COMPLETION_ACTIVITY else HostUserAttempt(task, pool)

    def handle(self, event: Input, step: Step) -> None:
        # Not super(): a class with slots is made anew by its decorator.
        HostWorker.handle(self, event, step)
        if type(event) is Fault and event == Fault("stop"):
            for place in list(self.resources.line):
                self._at_door(place.key).turn_away(self, step)

    def _start(self, step: Step) -> None:
        if self.resources.size:
            step.emit(obs.WorkerHasResources(self.identity, self.resources.size))
        HostWorker._start(self, step)

    def _fired(self, tag: tuple[object, ...], step: Step) -> None:
        if tag[0] != "patience":
            HostWorker._fired(self, tag, step)
            return
        number = tag[1]
        assert isinstance(number, int)
        self.patient = tuple(other for other in self.patient if other != number)
        self.impatient = tuple(sorted((*self.impatient, number)))
        self.moved(step)

    def hand_over(self, session: str, step: Step) -> None:
        self.handing_over = True
        HostWorker.hand_over(self, session, step)
        self.handing_over = False

    def moved(self, step: Step) -> None:
        if isinstance(self.pollers, TypedPollers) and not self.handing_over:
            self._look_at_line(step)
            self._look_at_demands(self.pollers, step)
        HostWorker.moved(self, step)

    def _look_at_line(self, step: Step) -> None:
        while self.bucket.free > 0 and not self.pollers.stopping:
            key = self.resources.next_in_line()
            if key is None:
                return
            self._at_door(key).let_in(self, step)

    def _at_door(self, key: object) -> TypedCreationAttempt:
        attempt = self.attempts[key]  # type: ignore[index]
        assert isinstance(attempt, TypedCreationAttempt)
        return attempt

    def _look_at_demands(self, pollers: TypedPollers, step: Step) -> None:
        """Which demands are polled for now, and which of the others wait for this worker's patience to end."""
        wanted = []
        for number, demand in enumerate(self.options.demands, 1):
            is_open = self.bucket.free > 0 and self.resources.is_open(demand)
            has_place = not self.resources.has_in_line(demand)
            if is_open or not has_place or pollers.stopping:
                self._calm(number, step)
            elif number not in self.impatient and number not in self.patient and self.options.session_patience != FOREVER:
                self.patient = tuple(sorted((*self.patient, number)))
                step.arm(("patience", number), Exactly(self.options.session_patience))
            if has_place and (is_open or number in self.impatient):
                wanted.append(number)
        pollers.wanted = tuple(wanted)

    def _calm(self, number: int, step: Step) -> None:
        """This demand is open, or has its place in line: nobody need lose patience for it."""
        self.impatient = tuple(other for other in self.impatient if other != number)
        if number in self.patient:
            self.patient = tuple(other for other in self.patient if other != number)
            step.disarm(("patience", number))

