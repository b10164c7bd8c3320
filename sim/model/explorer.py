"""The small exhaustive explorer: breadth first, plain Python, exact. Every faster search is tested against it.

Symmetry counts true orbits: states are represented by the least of their images under all permutations of each group
that respect an invariant signature, so equal orbits have equal representatives, also when groups are small.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, permutations, product

from sim.model.canon import sort_key
from sim.model.inputs import Name
from sim.model.world import Enabled, Network, State, World, rename_state

Invariant = Callable[[State], bool]
"""True when the state keeps the promise."""


@dataclass(slots=True)
class Exploration:
    """What a search found. `complete` is False when it stopped at `limit` states."""

    states: int = 0
    generated: int = 0
    depth: int = 0
    complete: bool = True
    deadlocks: int = 0
    broken: dict[str, list[Enabled]] = field(default_factory=dict)
    reached: dict[str, list[Enabled]] = field(default_factory=dict)


def explore(
    world: World,
    invariants: Mapping[str, Invariant] | None = None,
    goals: Mapping[str, Invariant] | None = None,
    symmetry: Sequence[Sequence[Name]] = (),
    limit: int = 1_000_000,
) -> Exploration:
    """Visit every reachable state, shortest paths first.

    `invariants` map a name to a predicate that must hold in every state: the shortest path to the first violation of
    each is in `broken`. `goals` likewise, for states that should be reachable, in `reached`. `symmetry` lists groups
    of interchangeable nodes; then `states` counts orbits. Stops after `limit` distinct states, with `complete` False.
    Raises ValueError when a path shows that nodes of a group are not interchangeable.
    """
    result = Exploration()
    first = canonical(world.initial(), symmetry, world.network, world.renaming)
    parents: dict[State, tuple[State, Enabled] | None] = {first: None}
    queue: deque[tuple[State, int]] = deque([(first, 0)])
    while queue:
        state, depth = queue.popleft()
        result.depth = max(result.depth, depth)
        for name, invariant in (invariants or {}).items():
            if name not in result.broken and not invariant(state):
                result.broken[name] = path_to(world, symmetry, state, parents)
        for name, goal in (goals or {}).items():
            if name not in result.reached and goal(state):
                result.reached[name] = path_to(world, symmetry, state, parents)
        stuck = True
        for choice in world.enabled(state):
            for _, after in world.apply(state, choice):
                stuck = False
                result.generated += 1
                after = canonical(after, symmetry, world.network, world.renaming)
                if after not in parents:
                    if len(parents) >= limit:
                        result.complete = False
                        result.states = len(parents)
                        return result
                    parents[after] = (state, choice)
                    queue.append((after, depth + 1))
        result.deadlocks += stuck
    result.states = len(parents)
    return result


Parents = Mapping[State, tuple[State, Enabled] | None]


def path_to(world: World, symmetry: Sequence[Sequence[Name]], state: State, parents: Parents) -> list[Enabled]:
    """The choices that lead from the first state to `state`, or with `symmetry` to one of its orbit."""
    states, choices = [state], []
    while (step := parents[states[-1]]) is not None:
        states.append(step[0])
        choices.append(step[1])
    return real_path(world, symmetry, states[-2::-1]) if symmetry else choices[::-1]


def real_path(world: World, symmetry: Sequence[Sequence[Name]], orbits: Sequence[State]) -> list[Enabled]:
    """Choices that lead through these orbits, one after the other.

    A representative gives its nodes other names than its predecessor did, so the choices that the search noted do not
    fit together.
    """
    state = world.initial()
    path: list[Enabled] = []
    for orbit in orbits:
        ways = ((choice, after) for choice in world.enabled(state) for _, after in world.apply(state, choice))
        step = next((way for way in ways if canonical(way[1], symmetry, world.network, world.renaming) == orbit), None)
        if step is None:
            raise ValueError(
                f"the nodes {symmetry} are not interchangeable: after {[choice.label() for choice in path]} only some can go on"
            )
        path.append(step[0])
        state = step[1]
    return path


Renaming = Callable[[Mapping[Name, Name]], Mapping[Name, Name]]
"""How a world renames its nodes: names as they are, or words within them."""


def canonical(state: State, symmetry: Sequence[Sequence[Name]], network: Network = Network.BAG, renaming: Renaming = dict) -> State:
    """The representative of the orbit of `state`."""
    if not symmetry:
        return state
    return min((rename_state(state, renaming(names), network) for names in _candidates(state, symmetry, renaming)), key=sort_key)


def _candidates(state: State, symmetry: Sequence[Sequence[Name]], renaming: Renaming) -> Iterator[dict[Name, Name]]:
    """Renamings that sort each group by signature, in every order within equal signatures."""
    per_group = [_orders(state, group, renaming) for group in symmetry]
    for orders in product(*per_group):
        yield {old: new for group, order in zip(symmetry, orders, strict=True) for old, new in zip(order, group, strict=True)}


def _orders(state: State, group: Sequence[Name], renaming: Renaming) -> list[list[Name]]:
    def signature(name: Name) -> tuple[str, str]:
        marked = renaming({other: "@" if other == name else "*" for other in group})
        # As a bag: links that look the same have no order between them.
        return sort_key(rename_state(state, marked))

    ranked = sorted((signature(name), name) for name in group)
    ties = [[name for _, name in tied] for _, tied in groupby(ranked, key=lambda pair: pair[0])]
    return [[name for part in parts for name in part] for parts in product(*(list(map(list, permutations(tie))) for tie in ties))]
