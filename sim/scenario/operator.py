"""What may happen to a cluster from outside, as one node of a world without a clock."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from sim.model.environment import Environment
from sim.model.inputs import Fault, Name
from sim.model.instant import CRASH
from sim.model.node import Step
from sim.protocol import messages as msg

CRASHES, STOPS, CANCELS = "crash", "stop", "cancel"


@dataclass(slots=True)
class Operator(Environment):
    """`alive`: the worker nodes that a crash or a stop may hit; `workflows`: those that a client may cancel."""

    alive: set[Name] = field(default_factory=set)
    stopping: set[Name] = field(default_factory=set)
    workflows: dict[str, Name] = field(default_factory=dict)
    """Workflow id -> its shard."""

    def targets(self, kind: str) -> Sequence[Hashable]:
        match kind:
            case "crash":
                return sorted(self.alive)
            case "stop":
                return sorted(self.alive - self.stopping)
            case "cancel":
                return sorted(self.workflows)
            case _:
                return ()

    def do(self, kind: str, target: Hashable, step: Step) -> None:
        name = str(target)
        match kind:
            case "crash":
                self.alive.discard(name)
                self.stopping.discard(name)
                step.send(name, CRASH)
            case "stop":
                self.stopping.add(name)
                step.send(name, Fault("stop"))
            case "cancel":
                step.send(self.workflows.pop(name), msg.RequestCancelWorkflow(name))
            case _:
                raise ValueError(f"an operator does not know {kind!r}")
