"""The alternating-bit protocol (Bartlett, Scantlebury, Wilkinson 1969) over links that may lose messages.

The sender repeats each item until its bit is acknowledged; the receiver delivers an item when the bit is new. Links keep
the order of messages. Promise: what was received is a prefix of what was sent, in order, each item once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from sim.model.inputs import Deliver, Fired, Input, Move
from sim.model.node import Node, Step
from sim.model.promises import Eventually, Everywhere
from sim.model.spans import MILLISECOND, Exactly
from sim.model.system import System, local_states
from sim.model.world import Network, Parcel, State, World

PARAMETERS = {"items": 2, "repeats": 2}


class Item(Struct, frozen=True):
    bit: int
    value: int


class Ack(Struct, frozen=True):
    bit: int


@dataclass(slots=True)
class Sender(Node):
    """Sends 0, 1, ... `items` - 1; repeats one at most `repeats` times, so that the model is finite."""

    restless = True
    items: int
    repeats: int
    current: int = -1
    tries: int = 0

    def moves(self) -> Sequence[Hashable]:
        return ("start",) if self.current < 0 else ()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move("start"):
                self._next(step)
            case Fired("again") if self.tries < self.repeats:
                self.tries += 1
                self._send(step)
            case Deliver(Ack(bit)) if bit == self.current % 2 and self.current < self.items:
                self._next(step)
            case _:
                pass

    def _next(self, step: Step) -> None:
        self.current += 1
        self.tries = 0
        if self.current < self.items:
            self._send(step)
        else:
            step.disarm("again")

    def _send(self, step: Step) -> None:
        step.send("receiver", Item(self.current % 2, self.current))
        step.arm("again", Exactly(100 * MILLISECOND))


@dataclass(slots=True)
class Receiver(Node):
    expected: int = 0
    received: tuple[int, ...] = ()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver(Item(bit, value)):
                if bit == self.expected % 2:
                    self.received += (value,)
                    self.expected += 1
                    step.emit(Received(value))
                step.send("sender", Ack(bit))
            case _:
                raise TypeError(f"the receiver cannot take {event}")


class Received(Struct, frozen=True):
    """The receiver hands an item to its user."""

    value: int


def received(state: State) -> tuple[int, ...]:
    receiver = local_states(state)["receiver"]
    assert isinstance(receiver, Receiver)
    return receiver.received


def in_order(receiver: Receiver) -> bool:
    """What was received is 0, 1, 2, ... without gap or repetition."""
    return receiver.received == tuple(range(len(receiver.received)))


def is_done(sender: Sender) -> bool:
    """Everything is acknowledged, or the sender has sent an item as often as it may."""
    return sender.current == sender.items or sender.tries == sender.repeats


def may_lose(_: Parcel) -> bool:
    """Every message may be lost."""
    return True


def build(items: int = 2, repeats: int = 2) -> System:
    """The system that transfers `items` items, each sent at most 1 + `repeats` times."""
    if items < 1 or repeats < 0:
        raise ValueError(f"items and repeats: expected at least 1 and 0, got {items} and {repeats}")
    sender = Sender(items, repeats)
    world = World({"sender": sender, "receiver": Receiver()}, Network.ORDERED, lossy=may_lose)
    all_received = Everywhere(Receiver, lambda receiver: len(receiver.received) == items)
    ends = Eventually(Everywhere(Sender, is_done))
    return System(world, {"in order": Everywhere(Receiver, in_order)}, {"all received": all_received}, in_the_end={"the sender ends": ends})
