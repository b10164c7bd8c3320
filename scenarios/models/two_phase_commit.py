"""Two-phase commit, as in Gray and Lamport, "Consensus on Transaction Commit" (2006), module TwoPhase.

A transaction manager and n resource managers. Messages are never consumed (the network is a set). A resource manager
may prepare or abort on its own while it is working; the manager commits when all have prepared, and may abort any time
before. Reachable states: 288 for three resource managers, 8,832 for five (80 and 314 up to symmetry).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from msgspec import Struct

from sim.model.inputs import Deliver, Input, Move
from sim.model.node import Node, Step
from sim.model.promises import Everywhere, Pairwise
from sim.model.system import System
from sim.model.world import Network, World

PARAMETERS = {"resource_managers": 3}


class Rm(Enum):
    WORKING = "working"
    PREPARED = "prepared"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Tm(Enum):
    INIT = "init"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Prepared(Struct, frozen=True):
    pass


class Commit(Struct, frozen=True):
    pass


class Abort(Struct, frozen=True):
    pass


@dataclass(slots=True)
class ResourceManager(Node):
    restless = True
    state: Rm = Rm.WORKING

    def moves(self) -> Sequence[Hashable]:
        return ("prepare", "abort") if self.state is Rm.WORKING else ()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move("prepare"):
                self.state = Rm.PREPARED
                step.send("tm", Prepared())
            case Move("abort"):
                self.state = Rm.ABORTED
            case Deliver(Commit()):
                self.state = Rm.COMMITTED
            case Deliver(Abort()):
                self.state = Rm.ABORTED
            case _:
                raise TypeError(f"a resource manager cannot take {event}")


@dataclass(slots=True)
class TransactionManager(Node):
    restless = True
    managers: frozenset[str] = frozenset()
    state: Tm = Tm.INIT
    prepared: set[str] = field(default_factory=set)

    def moves(self) -> Sequence[Hashable]:
        if self.state is not Tm.INIT:
            return ()
        return ("commit", "abort") if len(self.prepared) == len(self.managers) else ("abort",)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move("commit"):
                self.state = Tm.COMMITTED
                for name in sorted(self.managers):
                    step.send(name, Commit())
            case Move("abort"):
                self.state = Tm.ABORTED
                for name in sorted(self.managers):
                    step.send(name, Abort())
            case Deliver(Prepared(), source=source):
                if self.state is Tm.INIT:
                    self.prepared.add(source)
            case _:
                raise TypeError(f"the transaction manager cannot take {event}")


def agree(one: ResourceManager, other: ResourceManager) -> bool:
    """Not one has committed and the other has aborted."""
    return {one.state, other.state} != {Rm.COMMITTED, Rm.ABORTED}


def has_committed(manager: ResourceManager) -> bool:
    return manager.state is Rm.COMMITTED


def build(resource_managers: int = 3) -> System:
    """The system with this many resource managers (at least one)."""
    if resource_managers < 1:
        raise ValueError(f"resource_managers: expected at least 1, got {resource_managers}")
    names = tuple(f"rm{i}" for i in range(1, resource_managers + 1))
    nodes: dict[str, Node] = {name: ResourceManager() for name in names}
    nodes["tm"] = TransactionManager(frozenset(names))
    promises = {"consistent": Pairwise(ResourceManager, ResourceManager, agree)}
    goals = {"all committed": Everywhere(ResourceManager, has_committed)}
    return System(World(nodes, Network.SET), promises, goals, [names])
