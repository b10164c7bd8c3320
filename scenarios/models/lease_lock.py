"""A lock with a lease (Gray and Cheriton 1989): a holder may believe it still holds what the server gave to another.

The server grants the lock for `lease`; a client uses it for as long as its own clock says that the lease, less `margin`,
lasts, from when it hears of it. While answers take less than `margin` the promise holds, as simulations with such delays
show. Where an answer may take any time, with a clock or without, it does not, which is what fencing tokens are for: the resource
refuses a token older than one it has seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from sim.model.inputs import Call, Deliver, Fired, Input, Move, Reply
from sim.model.node import Node, Step
from sim.model.promises import Everywhere, Pairwise
from sim.model.spans import MILLISECOND, Exactly
from sim.model.system import System
from sim.model.world import World

PARAMETERS = {"clients": 2}


class Acquire(Struct, frozen=True):
    pass


class Granted(Struct, frozen=True):
    token: int


class Write(Struct, frozen=True):
    token: int


class Took(Struct, frozen=True):
    """A client believes that it holds the lock."""

    token: int


class Left(Struct, frozen=True):
    """A client stops using the lock."""


@dataclass(slots=True)
class Server(Node):
    lease_us: int
    token: int = 0
    held: bool = False
    waiting: deque[Call] = field(default_factory=deque)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver(Acquire(), call=Call() as call):
                self.waiting.append(call)
            case Fired("lease"):
                self.held = False
            case _:
                raise TypeError(f"the lock server cannot take {event}")
        if self.waiting and not self.held:
            self.held = True
            self.token += 1
            step.arm("lease", Exactly(self.lease_us))
            step.reply(self.waiting.popleft(), Granted(self.token))


@dataclass(slots=True)
class Client(Node):
    restless = True
    use_us: int
    asked: bool = False
    holding: int = 0

    def moves(self) -> Sequence[Hashable]:
        return () if self.asked else ("acquire",)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move("acquire"):
                self.asked = True
                step.call("server", Acquire(), "acquire")
            case Reply("acquire", Granted(token)):
                self.holding = token
                step.emit(Took(token))
                step.arm("use", Exactly(self.use_us))
                step.send("resource", Write(token))
            case Fired("use"):
                self.holding = 0
                step.emit(Left())
            case _:
                raise TypeError(f"a client cannot take {event}")


@dataclass(slots=True)
class Resource(Node):
    """Accepts a write unless it has seen a younger token."""

    newest: int = 0
    accepted: tuple[int, ...] = ()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver(Write(token)):
                if token >= self.newest:
                    self.newest = token
                    self.accepted += (token,)
            case _:
                raise TypeError(f"the resource cannot take {event}")


def not_both(one: Client, other: Client) -> bool:
    """Not both believe that they hold the lock."""
    return not (one.holding and other.holding)


def fenced(resource: Resource) -> bool:
    """The resource accepts tokens in growing order."""
    return list(resource.accepted) == sorted(resource.accepted)


def build(clients: int = 2, lease_ms: int = 1000, margin_ms: int = 100) -> System:
    """The system with this many clients, each of which takes the lock once."""
    if clients < 1:
        raise ValueError(f"clients: expected at least 1, got {clients}")
    names = tuple(f"c{i}" for i in range(1, clients + 1))
    nodes: dict[str, Node] = {name: Client((lease_ms - margin_ms) * MILLISECOND) for name in names}
    nodes |= {"server": Server(lease_ms * MILLISECOND), "resource": Resource()}
    promises = {"one holder": Pairwise(Client, Client, not_both), "fenced": Everywhere(Resource, fenced)}
    return System(World(nodes), promises, symmetry=[names])
