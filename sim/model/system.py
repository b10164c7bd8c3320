"""A system to explore: a world, its promises, its goals, and who in it is interchangeable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.model.explorer import Exploration, Invariant, explore
from sim.model.inputs import Name
from sim.model.node import Node
from sim.model.promises import Temporal
from sim.model.world import State, World


@dataclass(frozen=True, slots=True)
class System:
    """What a model file builds. `invariants` must hold in every state, `goals` should be reachable."""

    world: World
    invariants: Mapping[str, Invariant] = field(default_factory=dict)
    goals: Mapping[str, Invariant] = field(default_factory=dict)
    symmetry: Sequence[Sequence[Name]] = ()
    in_the_end: Mapping[str, Temporal] = field(default_factory=dict)
    """What has to come on every fair run; fair is that what is possible all the time happens in the end, but for losses."""
    exercised: frozenset[str] = frozenset()
    """Invariants whose nodes say when they are put to the test (`promises.Exercised`): those that never are hold for nothing."""
    bounds: Mapping[str, object] = field(default_factory=dict)
    """What the verdicts hold for besides: what may happen how often."""
    reductions: tuple[str, ...] = ()
    """What was left out of the world since it changes no verdict, by name."""

    def explore(self, symmetric: bool = False, limit: int = 1_000_000) -> Exploration:
        """Every reachable state; with `symmetric`, one of each orbit."""
        return explore(self.world, self.invariants, self.goals, self.symmetry if symmetric else (), limit)


def local_states(state: State) -> dict[Name, Node]:
    """The nodes of a global state, live (copies), for predicates."""
    return {name: kind.restored(local) for name, kind, local in state.nodes}
