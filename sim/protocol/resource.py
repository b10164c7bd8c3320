"""What activities of host sessions write to: a store outside of Temporal that takes a fencing token with each write.

    a write at epoch e of a session:  e < the newest epoch that has written for it -> refused;  else taken, and e is the newest

It stands for whatever users write to (a bucket with preconditions, a table with a version column, a device lock): without such a
check nothing keeps a process that was only thought dead from writing after the one that took its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sim.model.inputs import Deliver, Input, Name, Withdrawn
from sim.model.node import Node, Step
from sim.protocol import messages as msg
from sim.protocol import observations as obs
from sim.protocol.mutants import Mutant, Mutants

RESOURCE: Final[Name] = "resource"
"""Its place, and its only node's."""

STALE: Final = msg.Refused(msg.Code.PERMISSION_DENIED, "a newer epoch has written")


@dataclass(slots=True)
class Resource(Node):
    """`newest`: session -> the newest epoch that has written for it."""

    mutants: Mutants = ()
    newest: dict[str, int] = field(default_factory=dict)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Deliver(msg.Write() as write, _, call):
                # Per process would be wrong: a zombie is the newest that it knows of.
                of = f"{write.session} {write.identity}" if Mutant.EPOCH_COMPARED_WRONGLY in self.mutants else write.session
                newest = self.newest.get(of, 0)
                taken = write.epoch >= newest or Mutant.FENCE_NOT_CHECKED in self.mutants
                if taken:
                    self.newest[of] = max(newest, write.epoch)
                step.emit(obs.ResourceWritten(write.run, write.session, write.epoch, write.identity, taken))
                if call is not None:
                    step.reply(call, msg.Ok() if taken else STALE)
            case Withdrawn():
                """Whoever asked no longer waits; what is written is written."""
            case _:
                raise TypeError(f"a resource takes writes, got {event}")
