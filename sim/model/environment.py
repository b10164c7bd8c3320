"""What happens to a system from outside, as a node: budgets of faults, each spent one by one.

The driver asks it for leave when a message is lost, a timer fires too early or something is tried again (`grants`); what
else may happen, crashes and operators' requests, it does as a move. Subclasses know what that is.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from sim.model.inputs import Fault, Input, Move
from sim.model.node import Node, Step

LOST_REQUEST = Fault("lost request")
LOST_RESPONSE = Fault("lost response")
SLOW = Fault("slow")
RETRY = Fault("retry")


@dataclass(slots=True)
class Environment(Node):
    """`budgets`: kind of fault -> how many may still happen; a negative number is any number."""

    budgets: dict[str, int] = field(default_factory=dict)
    restless = True

    def grants(self) -> frozenset[str]:
        """The kinds that may still happen."""
        return frozenset(kind for kind, left in self.budgets.items() if left)

    def allows_all_of(self, other: Environment) -> bool:
        """Whether this is `other` with other budgets, none of which is smaller: whatever may happen there may happen here."""
        if replace(self, budgets=other.budgets) != other or self.budgets.keys() != other.budgets.keys():
            return False
        return all(mine < 0 or 0 <= other.budgets[kind] <= mine for kind, mine in self.budgets.items())

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Fault(kind):
                self.spend(kind)
            case Move(label=(str(kind), target)):
                self.spend(kind)
                self.do(kind, target, step)
            case _:
                raise TypeError(f"an environment cannot take {event}")

    def spend(self, kind: str) -> None:
        """One of this kind less. Raises ValueError when none is left."""
        left = self.budgets.get(kind, 0)
        if not left:
            raise ValueError(f"nothing is left of {kind!r}")
        self.budgets[kind] = max(left - 1, -1)

    def moves(self) -> Sequence[Hashable]:
        return [(kind, target) for kind in sorted(self.grants()) for target in self.targets(kind)]

    def targets(self, kind: str) -> Sequence[Hashable]:
        """To what a fault of this kind may happen now; none for those that the driver asks leave for."""
        return ()

    def do(self, kind: str, target: Hashable, step: Step) -> None:
        """Let it happen."""
        raise NotImplementedError
