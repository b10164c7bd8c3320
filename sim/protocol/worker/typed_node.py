"""One worker object whose sessions may ask for resources (docs/design/typed-resources.md). What is not said here is `host_node`'s.

* For each demand that it is open to it has two pollers of its own: one on the creation queue of that demand, which polls while a token
  and all of the demand are free and nobody at the door waits for any of it; and one on the waiting queue of that demand, for whoever has
  waited too long elsewhere, which polls while nobody whom it has brought waits at the door.
* Whenever something may have become free, the line at the door is looked at before any poll is opened.
* A stop turns away whoever is at the door: another worker may have room.

Pollers of demands are pollers of the kind `CREATION`: the demand number n (from 0) has those with the numbers 2n + 1 and 2n + 2. That of
sessions which ask for nothing has number 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.model.inputs import Fault, Input, Name
from sim.model.node import Step
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.names import activity_queue
from sim.protocol.worker.attempts import AttemptOnWorker
from sim.protocol.worker.host_activity import HostCompletionAttempt, HostUserAttempt
from sim.protocol.worker.host_node import HostWorker
from sim.protocol.worker.pollers import Kind, Poller, Pollers
from sim.protocol.worker.resources import ResourceBucket
from sim.protocol.worker.typed_creation import TypedCreationAttempt
from sim.workflow.resources import Amounts, creation_queue, waiting_queue
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
    """A worker with resources of several types. `handing_over`: what a session gives back just now is for itself."""

    resources: ResourceBucket = field(default_factory=lambda: ResourceBucket((), {}))
    handing_over: bool = False

    def __post_init__(self) -> None:
        HostWorker.__post_init__(self)
        options = self.options
        if not options.session_worker or not options.session_resources or isinstance(self.pollers, TypedPollers):
            return
        self.resources = ResourceBucket.full(options.session_resources, options.mutants)
        old = self.pollers
        pollers = TypedPollers(old.identity, old.queues, old.sticky_queue, old.pollers, old.pools, old.slots, old.waiting)
        for number, queue in enumerate(queues_of(self.task_queue, options.demands), 1):
            pollers.demands[number] = activity_queue(queue)
            pollers.waiting.append(len(pollers.pollers))
            pollers.pollers.append(Poller(Kind.CREATION, number, len(pollers.pollers)))
        # A poll holds a slot, and so does who waits at the door: what limits sessions are tokens and resources.
        pollers.free(Kind.CREATION).free += 2 * len(pollers.demands)
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

    def hand_over(self, session: str, step: Step) -> None:
        self.handing_over = True
        HostWorker.hand_over(self, session, step)
        self.handing_over = False

    def moved(self, step: Step) -> None:
        if isinstance(self.pollers, TypedPollers) and not self.handing_over:
            self._look_at_line(step)
            self._look_at_demands(self.pollers)
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

    def _look_at_demands(self, pollers: TypedPollers) -> None:
        """Which demands are polled for now."""
        wanted = []
        for n, demand in enumerate(self.options.demands):
            if self.bucket.free > 0 and self.resources.is_open(demand):
                wanted.append(2 * n + 1)
            if self.resources.has_place(demand):
                wanted.append(2 * n + 2)
        pollers.wanted = tuple(wanted)


def queues_of(task_queue: str, demands: tuple[Amounts, ...]) -> list[str]:
    """The queues of the pollers of these demands, in their order."""
    return [queue for demand in demands for queue in (creation_queue(task_queue, demand), waiting_queue(task_queue, demand))]
