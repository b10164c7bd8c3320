"""What many tests share: the three small systems, a simulation that keeps a log, and a node that does as it is told."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sim.model.canon import Frozen, freeze
from sim.model.inputs import Call, Deliver, Fault, Input, Move, Name
from sim.model.laws import Uniform
from sim.model.node import Node, Step
from sim.model.spans import MILLISECOND
from sim.model.system import System
from sim.model.world import Enabled, Network, State, World
from sim.simulator.places import Clock, Delays
from sim.simulator.seats import Seat
from sim.simulator.simulation import Simulation

ROOT = Path(__file__).resolve().parents[1]
SYSTEMS = ("two_phase_commit", "alternating_bit", "lease_lock")


@cache
def load(name: str) -> ModuleType:
    """The module of a model file; there is one of each, so that its classes are equal everywhere."""
    path = ROOT / "scenarios" / "models" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"models_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def build(name: str, *arguments: int) -> System:
    """The system that a model file builds."""
    system = load(name).build(*arguments)
    assert isinstance(system, System)
    return system


def reachable(world: World) -> set[State]:
    """Every reachable state, by the simplest search there is."""
    found = {world.initial()}
    todo = list(found)
    while todo:
        state = todo.pop()
        fresh = {after for choice in world.enabled(state) for _, after in world.apply(state, choice)} - found
        found |= fresh
        todo += fresh
    return found


def follow(world: World, path: Sequence[Enabled]) -> set[State]:
    """Where a path can lead; every choice has to be enabled where it is made."""
    states = {world.initial()}
    for choice in path:
        able = [state for state in states if choice in set(world.enabled(state))]
        assert able, f"{choice.label()} is not enabled"
        states = {after for state in able for _, after in world.apply(state, choice)}
    return states


class Logged(Simulation):
    """A simulation that keeps what every node took: (microseconds, node, input in canonical form, state after it)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.log: list[tuple[int, Name, Input, Frozen]] = []

    def handle(self, seat: Seat, event: Input) -> None:
        # Frozen before it is handled: it is the node's from then on.
        taken, index = freeze(event), len(self.log)
        super().handle(seat, event)
        self.log.insert(index, (self.now, seat.name, taken, seat.node.snapshot()))  # type: ignore[arg-type]

    def inputs(self, name: Name) -> list[tuple[int, Input]]:
        """What one node took, with times."""
        return [(time, event) for time, node, event, _ in self.log if node == name]


SLOW_AND_FAST = Delays(Uniform(1 * MILLISECOND, 400 * MILLISECOND))


def simulated(system: System, seed: int, places: Mapping[Name, Name] | None = None, **options: Any) -> Logged:
    """A simulation of the nodes of a system, ready to run; each in a place of its own unless `places` says otherwise."""
    sim = Logged(seed, options.pop("delays", SLOW_AND_FAST), **options)
    for name, node in sorted(system.world.nodes.items()):
        sim.add(name, type(node).restored(node.snapshot()), (places or {}).get(name, name))
    return sim


def digests(seeds: Sequence[int] = range(5)) -> dict[str, list[str]]:
    """The digests of whole runs of the three systems."""
    found: dict[str, list[str]] = {}
    for name in SYSTEMS:
        for seed in seeds:
            sim = simulated(build(name), seed)
            sim.run()
            found.setdefault(name, []).append(sim.digest.hexdigest())
    return found


Order = tuple[Any, ...]
"""One thing to do: the name of a method of `Step` and its arguments, or (`answer`, message) for the oldest open request."""


@dataclass(slots=True)
class Puppet(Node):
    """Does its plan when it moves, what `on` says when such a message comes, and what a Fault's detail says."""

    restless = True
    plan: tuple[Order, ...] = ()
    on: dict[Hashable, tuple[Order, ...]] = field(default_factory=dict)
    heard: list[Frozen] = field(default_factory=list)
    """Inputs other than moves and faults, and answers to questions."""
    requests: list[Call] = field(default_factory=list)

    def moves(self) -> Sequence[Hashable]:
        return ("go",) if self.plan else ()

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move("go"):
                plan, self.plan = self.plan, ()
                self._do(plan, step)
                return
            case Fault(detail=detail):
                assert isinstance(detail, tuple)
                self._do(detail, step)
                return
            case Deliver(message=message, call=call):
                self.heard.append(event)
                if call is not None:
                    self.requests.append(call)
                self._do(self.on.get(message, ()) if isinstance(message, Hashable) else (), step)
            case _:
                self.heard.append(event)
                self._do(self.on.get(event, ()), step)

    def _do(self, orders: Sequence[Order], step: Step) -> None:
        for verb, *arguments in orders:
            if verb == "answer":
                step.reply(self.requests.pop(0), *arguments)
                continue
            result = getattr(step, verb)(*arguments)
            if verb in ("holds", "earliest", "choose", "stamp"):
                self.heard.append((verb, result))


def tell(sim: Simulation, name: Name, *orders: Order, at: int | None = None) -> None:
    """Have a puppet do something, now or at a time in microseconds."""
    event = Fault("do", orders)
    if at is None:
        sim.inject(name, event)
    else:
        sim.schedule(at, f"tell {name}", lambda: sim.inject(name, event))


def stage(*names: Name, delays: Delays | None = None, clocks: Mapping[Name, Clock] | None = None, **options: Any) -> Logged:
    """A simulation with a puppet for every name `place/...`; links take a millisecond unless told otherwise."""
    sim = Logged(options.pop("seed", 1), delays, **options)
    for place, clock in (clocks or {}).items():
        sim.place(place, clock)
    for name in names:
        sim.add(name, Puppet(), name.partition("/")[0])
    return sim


def puppet(sim: Simulation, name: Name) -> Puppet:
    """The live puppet of this name."""
    node = sim.seats[name].node
    assert isinstance(node, Puppet)
    return node


def puppets(network: Network = Network.BAG, lossy: bool = False, **nodes: Puppet) -> World:
    """A world of puppets."""
    return World(nodes, network, lossy=(lambda _: True) if lossy else None)
