"""Fischer's mutual exclusion over one register: who sees it free writes its name within 100 ms, waits, enters if that still stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.model.inputs import Fired, Input, Move
from sim.model.node import Node, Step
from sim.model.promises import Everywhere
from sim.model.spans import MILLISECOND, Exactly, Within
from sim.model.system import System
from sim.model.world import World


@dataclass(slots=True)
class Register(Node):
    """The register, and where each process is."""

    restless = True
    wait: int
    places: dict[str, str] = field(default_factory=dict)
    value: str = ""

    def moves(self) -> Sequence[tuple[str, str]]:
        return [("look", name) for name, place in self.places.items() if place == "out" and not self.value]

    def handle(self, event: Input, step: Step) -> None:
        tag: Any = event.label if isinstance(event, Move) else event.tag if isinstance(event, Fired) else None
        match tag:
            case ("look", name):
                self.places[name] = "about to write"
                step.arm(("write", name), Within("write", 0, 100 * MILLISECOND))
            case ("write", name):
                self.places[name], self.value = "waits", name
                step.arm(("look again", name), Exactly(self.wait * MILLISECOND))
            case ("look again", name):
                self.places[name] = "inside" if self.value == name else "gave up"


def build(wait: int = 150) -> System:
    """Two processes that wait so many milliseconds."""
    world = World({"register": Register(wait, {"p": "out", "q": "out"})})
    return System(world, {"exclusion": Everywhere(Register, lambda r: list(r.places.values()).count("inside") < 2)})
