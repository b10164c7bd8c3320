"""One scope: the checker's set of states, and what simulated runs see of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.checker.instant import InstantSearch
from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.model.apart import split
from sim.model.canon import Frozen
from sim.model.inputs import Name
from sim.model.instant import InstantWorld
from sim.model.node import Node
from sim.model.system import System
from sim.model.world import State
from sim.scenario.checked import OPERATOR
from sim.scenario.following import Astray, Cause, Follower, Spent
from sim.scenario.operator import Blueprint, Operator
from sim.scenario.projected import Station
from tools.agreement.runs import Run
from tools.agreement.scopes import Scope

LIMIT: Final = 5_000_000
DELAY: Final = {"uniform": ["1ms", "20ms"]}
"""Of each message, in runs that are not followed."""
Local = tuple[str, Frozen]
"""Class of a node, and a state of it; of a node that is kept in parts, of its rest or a part."""


class Checked:
    """The checker's set of a system's states, up to the names of what is interchangeable."""

    def __init__(self, system: System) -> None:
        assert isinstance(system.world, InstantWorld)
        self.world = system.world
        self.search = InstantSearch(system.world, Fingerprints(), Predicates({}, {}), limit=LIMIT, symmetry=system.symmetry)
        found = self.search.run()
        if found.stopped:
            raise ValueError(f"the search did not end: {found.stopped}")
        self.keys = frozenset(map(int, self.search.visited()))

    def orbit(self, state: State) -> int | None:
        """The key of a state's orbit, None when the checker has none of it."""
        try:
            key = self.search.key(state)
        except KeyError:
            return None
        return key if key in self.keys else None

    def locals(self) -> frozenset[Local]:
        """All local states that the search met."""
        stations = (s for s in self.search.compiler.interner.stations if s is not None and s.kind is not None)
        return frozenset((s.kind.__name__, s.local) for s in stations if s.kind is not None)


@dataclass(slots=True)
class Agreement:
    """What came of the runs of one scope."""

    scope: Scope
    states: int
    """The checker's, up to the names of what is interchangeable."""
    runs: int = 0
    ended: int = 0
    """Runs that were followed to their end."""
    left: Counter[str] = field(default_factory=Counter)
    """Runs that were followed until they had spent more than a budget has, by what they did then."""
    instants: int = 0
    seen: set[int] = field(default_factory=set)
    """Orbits of the checker's states that runs were in."""
    missing: list[str] = field(default_factory=list)
    """States that the checker does not have, with the run that was in one first."""
    astray: list[str] = field(default_factory=list)
    """Instants that are no choices of the checked world, with their runs."""

    @property
    def agrees(self) -> bool:
        """Whether every state of every run is one of the checker's, and reached by its choices."""
        return not self.missing and not self.astray

    @property
    def share(self) -> float:
        """Of the checker's states, those that runs were in."""
        return len(self.seen) / self.states


@dataclass(slots=True)
class Watched:
    """A run that is followed: told of each instant, it looks the state up."""

    follower: Follower
    checked: Checked
    result: Agreement
    orbits: dict[int, int | None]
    seed: int
    now: int = -1
    numbers: dict[Name, tuple[Station, int]] = field(default_factory=dict)
    """Of the nodes, as they were last: most are what they were."""

    def _number(self, station: Station) -> int:
        known = self.numbers.get(station.name)
        if known is None or known[0] is not station:
            known = self.numbers[station.name] = station, self.follower.station(station)
        return known[1]

    def __call__(self, stations: Mapping[Name, Station], causes: Sequence[Cause]) -> bool:
        look = frozenset(map(self._number, stations.values()))
        self.now = self.follower.first(look) if self.now < 0 else self.follower.step(self.now, look, causes)
        self.result.instants += 1
        if self.now not in self.orbits:
            orbit = self.orbits[self.now] = self.checked.orbit(self.follower.states[self.now])
            if orbit is None:
                self.result.missing.append(f"seed {self.seed}, instant {self.result.instants}: {self.follower.states[self.now]}")
            else:
                self.result.seen.add(orbit)
        return True


def agreement(scope: Scope, seeds: Iterable[int], checked: Checked, world: InstantWorld | None = None) -> Agreement:
    """Run a scope under these seeds and look every state up that they come to rest in.

    `checked`: the set to look them up in; `world`: the one to follow them through, if not the one that was checked.
    """
    follower, orbits = Follower(world or checked.world), dict[int, int | None]()
    result = Agreement(scope, len(checked.keys))
    scenario, blueprints = scope.scenario(), blueprints_of(checked.world)
    for seed in seeds:
        result.runs += 1
        try:
            Run(scenario, seed, blueprints, OPERATOR, scope.budgets).run(Watched(follower, checked, result, orbits, seed))
            result.ended += 1
        except Spent as spent:
            result.left[str(spent)] += 1
        except Astray as astray:
            result.astray.append(f"seed {seed}: {astray}")
    return result


def blueprints_of(world: InstantWorld) -> Mapping[str, Blueprint]:
    """The workers of a checked world."""
    operator = world.nodes[OPERATOR]
    assert isinstance(operator, Operator)
    return operator.blueprints


@dataclass(slots=True)
class Delayed:
    """What runs with delays see of single nodes: local states by class, and those of them that the checker has."""

    seen: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)


def delayed(scope: Scope, seeds: Iterable[int], checked: Checked) -> Delayed:
    """Local states of runs whose messages take their time, against those that the checker has.

    With messages on their way nodes get into states that no world without delays has: this counts them.
    """
    blueprints, scenario = blueprints_of(checked.world), scope.scenario(DELAY)
    found: set[Local] = set()
    last: dict[Name, Station] = {}

    def settled(stations: Mapping[Name, Station], causes: Sequence[Cause]) -> bool:
        for name, station in stations.items():
            if last.get(name) is not station:
                last[name] = station
                found.update(pieces(station.kind, station.local))
        return True

    for seed in seeds:
        last.clear()
        Run(scenario, seed, blueprints, OPERATOR, scope.budgets).run(settled)
    known, result = checked.locals(), Delayed()
    for local in found:
        result.seen[local[0]] += 1
        result.known[local[0]] += local in known
    return result


def pieces(kind: type[Node], local: Frozen) -> Iterable[Local]:
    """A node's state as the checker keeps it: whole, or its rest and its parts."""
    if not kind.apart():
        return [(kind.__name__, local)]
    rest, parts = split(kind, local)
    return [(kind.__name__, rest), *((kind.__name__, bundle) for bundle in parts.values())]
