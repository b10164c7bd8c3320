"""A worker whose process can stand still or be out of reach, and whose calls can arrive twice, without a clock.

It stands between the worker and its driver, and leaves the worker's code alone:

    pause      whatever comes to the process waits: answers, timers that ran out, requests to stop
    partition  answers wait, and so do the calls that it makes
    duplicate  one of the calls that it makes from then on arrives twice, the second time right behind the first

When it is over, calls go out at once, and what has arrived is dealt with in any order, before anything else. While it lasts the
worker ensures nothing (`shields`): its heartbeats may be missed, and its results come too late.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sim.model.inputs import Call, Fault, Fired, Input, Message, Name, Reply, Tag
from sim.model.node import Node, Step
from sim.model.spans import Exactly, Span, TimeTest
from sim.protocol.worker.attempts import Key
from sim.protocol.worker.node import Worker

T = TypeVar("T")
FREEZE, UNFREEZE, HOLD, RELEASE, DUPLICATE = (Fault(kind) for kind in ("freeze", "unfreeze", "hold", "release", "duplicate"))
AT_ONCE: Final = Exactly(0)


@dataclass(frozen=True, slots=True)
class Unsent:
    """A call that has not left: `Step.call`'s arguments."""

    to: Name
    request: Message
    budget: Span | None


@dataclass(slots=True)
class RemoteWorker(Node):
    """`doubled`: how many of its calls are to arrive twice; `orders`: what it was told while it stood still.

    By tag: `arrived` are the answers that wait, `ran_out` timers, `unsent` the calls that wait. They lie apart, as the worker's
    own calls do.
    """

    worker: Worker
    frozen: bool = False
    held: bool = False
    doubled: int = 0
    orders: list[Any] = field(default_factory=list)
    arrived: dict[Tag, Any] = field(default_factory=dict)
    ran_out: dict[Tag, bool] = field(default_factory=dict)
    unsent: dict[Tag, Unsent] = field(default_factory=dict)
    unheard: dict[Key, bool] = field(default_factory=dict)
    """Attempts that ensure nothing now."""

    @staticmethod
    def prompt() -> frozenset[str]:
        return Worker.prompt() | {"arrive"}

    @staticmethod
    def apart() -> Mapping[tuple[str, ...], Callable[[Any], Hashable]]:
        return _APART

    @staticmethod
    def part_of(tag: Tag) -> Hashable:
        match tag:
            case ("arrive", of):
                return Worker.part_of(of)
            case _:
                return Worker.part_of(tag)

    def shields(self) -> Iterable[Hashable]:
        attempts = self.worker.attempts.items()
        return [shield for key, attempt in attempts if key not in self.unheard for shield in attempt.shields()]

    def clause(self, event: Input) -> str:
        match event:
            case Fired(tag=("arrive", _)):
                return "deals with what has arrived meanwhile"
            case _:
                return self.worker.clause(event)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Fault("duplicate"):
                self.doubled += 1
            case Fault("freeze" | "hold" as kind):
                self.frozen |= kind == "freeze"
                self.held |= kind == "hold"
                for key in list(self.worker.attempts):
                    self.unheard[key] = True
            case Fault("unfreeze" | "release" as kind):
                self.frozen &= kind != "unfreeze"
                self.held &= kind != "release"
                self._reached(step)
            case Fired(tag=tag) if self.frozen:
                self.ran_out[tag] = True
            case Reply(tag=tag) if self.frozen or self.held:
                self.arrived[tag] = event.message
            case _ if self.frozen:
                self.orders.append(event)
            case Fired(tag=("arrive", tag)):
                self._take(Reply(tag, self.arrived.pop(tag)), step)
            case _:
                self._take(event, step)

    def _take(self, event: Input, step: Step) -> None:
        self.worker.handle(event, _Door(self, step))

    def _reached(self, step: Step) -> None:
        """Let go on what can."""
        if not self.held:
            for tag, call in list(self.unsent.items()):
                del self.unsent[tag]
                step.call(call.to, call.request, tag, call.budget)
        if self.frozen:
            return
        for tag in list(self.ran_out):
            del self.ran_out[tag]
            step.arm(tag, AT_ONCE)
        if not self.held:
            for tag in list(self.arrived):
                step.arm(("arrive", tag), AT_ONCE)
            for key in list(self.unheard):
                del self.unheard[key]
        while self.orders:
            self._take(self.orders.pop(0), step)

    def forget(self, tag: Tag, step: Step) -> None:
        """What waits under this tag of the worker's own is of no use any more."""
        if tag in self.arrived:
            del self.arrived[tag]
            step.disarm(("arrive", tag))
        if tag in self.ran_out:
            del self.ran_out[tag]
        if tag in self.unsent:
            del self.unsent[tag]


@dataclass(slots=True)
class _Door:
    """The worker's step: what it asks for goes through, or waits."""

    node: RemoteWorker
    step: Step

    @property
    def me(self) -> Name:
        return self.step.me

    @me.setter
    def me(self, name: Name) -> None:
        self.step.me = name

    def send(self, to: Name, message: Message) -> None:
        self.step.send(to, message)

    def call(self, to: Name, request: Message, tag: Tag, budget: Span | None = None) -> None:
        if self.node.held:
            self.node.unsent[tag] = Unsent(to, request, budget)
            return
        self.step.call(to, request, tag, budget)
        if self.node.doubled and self.step.choose("the call arrives twice", (False, True)):
            self.node.doubled -= 1
            self.step.call(to, request, tag, budget)

    def reply(self, call: Call, message: Message) -> None:
        self.step.reply(call, message)

    def abandon(self, tag: Tag) -> None:
        self.node.forget(tag, self.step)
        self.step.abandon(tag)

    def arm(self, tag: Tag, after: Span, beaten_by: tuple[Hashable, ...] = (), late: Span | None = None) -> None:
        self.node.forget(tag, self.step)
        self.step.arm(tag, after, beaten_by, late)

    def deadline(self, tag: Tag, after: Span) -> None:
        self.step.deadline(tag, after)

    def disarm(self, tag: Tag) -> None:
        self.node.forget(tag, self.step)
        self.step.disarm(tag)

    def mark(self, tag: Tag) -> None:
        self.step.mark(tag)

    def holds(self, test: TimeTest) -> bool:
        return self.step.holds(test)

    def earliest(self, tags: Sequence[Tag]) -> Tag:
        return self.step.earliest(tags)

    def choose(self, label: str, options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        return self.step.choose(label, options, weights)

    def stamp(self) -> int:
        return self.step.stamp()

    def spawn(self, name: Name, node: Node) -> None:
        self.step.spawn(name, node)

    def retire(self, name: Name) -> None:
        self.step.retire(name)

    def emit(self, observation: object) -> None:
        self.step.emit(observation)

    def wants(self, kind: type) -> bool:
        return self.step.wants(kind)


_APART: Final[Mapping[tuple[str, ...], Callable[[Any], Hashable]]] = {
    **{("worker", *path): part_of for path, part_of in Worker.apart().items()},
    ("arrived",): RemoteWorker.part_of,
    ("ran_out",): RemoteWorker.part_of,
    ("unsent",): RemoteWorker.part_of,
    ("unheard",): lambda key: ("attempt", *key),
}
"""As the worker's own; what waits under a tag goes with it."""
