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
from sim.model.world import Enabled, State, World, rename_state

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
    """
    result = Exploration()
    first = canonical(world.initial(), symmetry)
    parents: dict[State, tuple[State, Enabled] | None] = {first: None}
    queue: deque[tuple[State, int]] = deque([(first, 0)])
    while queue:
        state, depth = queue.popleft()
        result.depth = max(result.depth, depth)
        _judge(state, parents, invariants or {}, goals or {}, result)
        stuck = True
        for choice in world.enabled(state):
            for _, after in world.apply(state, choice):
                stuck = False
                result.generated += 1
                after = canonical(after, symmetry)
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


def _judge(
    state: State,
    parents: Mapping[State, tuple[State, Enabled] | None],
    invariants: Mapping[str, Invariant],
    goals: Mapping[str, Invariant],
    result: Exploration,
) -> None:
    for name, invariant in invariants.items():
        if name not in result.broken and not invariant(state):
            result.broken[name] = path_to(state, parents)
    for name, goal in goals.items():
        if name not in result.reached and goal(state):
            result.reached[name] = path_to(state, parents)


def path_to(state: State, parents: Mapping[State, tuple[State, Enabled] | None]) -> list[Enabled]:
    """The choices that lead from the first state to `state`."""
    path: list[Enabled] = []
    while (step := parents[state]) is not None:
        state, choice = step
        path.append(choice)
    return path[::-1]


def canonical(state: State, symmetry: Sequence[Sequence[Name]]) -> State:
    """The representative of the orbit of `state`."""
    if not symmetry:
        return state
    return min((rename_state(state, names) for names in _candidates(state, symmetry)), key=sort_key)


def _candidates(state: State, symmetry: Sequence[Sequence[Name]]) -> Iterator[dict[Name, Name]]:
    """Renamings that sort each group by signature, in every order within equal signatures."""
    per_group = [_orders(state, group) for group in symmetry]
    for orders in product(*per_group):
        yield {old: new for group, order in zip(symmetry, orders, strict=True) for old, new in zip(order, group, strict=True)}


def _orders(state: State, group: Sequence[Name]) -> list[list[Name]]:
    def signature(name: Name) -> tuple[str, str]:
        return sort_key(rename_state(state, {other: "@" if other == name else "*" for other in group}))

    ranked = sorted((signature(name), name) for name in group)
    ties = [[name for _, name in tied] for _, tied in groupby(ranked, key=lambda pair: pair[0])]
    return [[name for part in parts for name in part] for parts in product(*(list(map(list, permutations(tie))) for tie in ties))]
