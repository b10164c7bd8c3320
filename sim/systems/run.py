"""One run of a model with a clock. Each node is in a place of its own; all that takes time is on the run's tape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sim.model.canon import Frozen, freeze
from sim.model.draws import NO_CHANCE
from sim.model.inputs import Deliver, Input, Name, Reply, Withdrawn
from sim.model.instant import InstantWorld
from sim.model.laws import Constant
from sim.model.system import System
from sim.model.telling import of_input
from sim.model.windows import FOREVER
from sim.model.world import OpenCall, Parcel, State, Timer, in_order_of_tags
from sim.simulator.choices import Choices
from sim.simulator.places import Delays
from sim.simulator.seats import Deadline, Seat
from sim.simulator.seats import Parcel as OnItsWay
from sim.simulator.simulation import Simulation

LOST: Final = 1_000_000_000_000_000
"""How late a message is that never arrives, microseconds."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What a node took, and when (microseconds)."""

    time: int
    node: Name
    event: Input
    told: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class ModelRun:
    """What became of a run: what happened, and the state in the end, without what only worlds without a clock know of timers."""

    digest: str
    happened: tuple[Happened, ...]
    state: State
    unused: tuple[str, ...]
    """Deviations that no choice of the run has met."""


class _Watched(Simulation):
    """A simulation that keeps what nodes took, and what is on its way between them."""

    def __init__(self, choices: Choices) -> None:
        # Nothing takes time that the tape says nothing of: a node moves by itself, and a message arrives, when the tape says so.
        super().__init__(choices.seed, Delays(Constant(0)), think=Constant(LOST), choices=choices)
        self.happened: list[Happened] = []
        self.mail: list[Parcel] = []

    def handle(self, seat: Seat, event: Input) -> None:
        # As it is before it is handled: it is the node's from then on.
        taken = as_in_worlds(event)
        words = seat.node.clause(taken) or of_input(taken)
        self.happened.append(Happened(self.now, seat.name, taken, f"{seat.name}: {words}"))
        parcel = next((p for p in self.mail if (p.to, p.event) == (seat.name, taken)), None)
        if parcel is not None:
            self.mail.remove(parcel)
        super().handle(seat, event)

    def post(self, sender: Seat, target: Any, to: Name, event: Input, serial: int) -> None:
        taken = as_in_worlds(event)
        if isinstance(taken, Deliver | Reply | Withdrawn):
            self.mail.append(Parcel(sender.name, to, taken))
        super().post(sender, target, to, event, serial)

    def _late(self, way: str, parcel: OnItsWay) -> int:
        late = super()._late(way, parcel)
        if late >= LOST:
            event = as_in_worlds(parcel.event)
            self.mail.remove(next(p for p in reversed(self.mail) if (p.to, p.event) == (parcel.to, event)))
        return late


def as_in_worlds(event: Input) -> Any:
    """An input in the form that worlds without a clock have it in."""
    return freeze(event)


def simulate(system: System, choices: Choices, until: int, attend: Callable[[Simulation], None] = lambda sim: None) -> ModelRun:
    """Run the nodes of a model for `until` microseconds. `attend` is told of the simulation before anything happens."""
    sim = _Watched(choices)
    attend(sim)
    # Who loses messages in a world with ticks is no node of the model.
    environment = system.world.environment if isinstance(system.world, InstantWorld) else ""
    for name, node in sorted(system.world.nodes.items()):
        if name == environment:
            continue
        sim.add(name, type(node).restored(node.snapshot()), name)
    sim.run(until)
    return ModelRun(sim.digest.hexdigest(), tuple(sim.happened), _state(system, sim), tuple(choices.unused()))


def again(system: System, deviations: Mapping[str, int], until: int) -> ModelRun:
    """The run of a tape: nothing is left to chance but what `deviations` say."""
    return simulate(system, Choices(NO_CHANCE, deviations), until)


def _state(system: System, sim: _Watched) -> State:
    """What all nodes are now, as a state of the world."""
    seats = sorted(sim.seats.values(), key=lambda seat: seat.name)
    nodes: list[tuple[Name, Any, Frozen]] = [(seat.name, type(seat.node), seat.node.snapshot()) for seat in seats]
    timers = [Timer(seat.name, tag, FOREVER) for seat in seats for tag, timer in seat.timers.items() if not isinstance(timer, Deadline)]
    calls = [OpenCall(seat.name, tag, callee) for seat in seats for tag, (_, callee, _) in seat.calls.items()]
    return State(tuple(nodes), system.world.network.in_order(sim.mail), in_order_of_tags(timers), in_order_of_tags(calls))
