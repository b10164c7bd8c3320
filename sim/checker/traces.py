"""From numbers of outcomes back to choices of the world, carried out by the world itself.

Whatever the tables say, a path that is shown to anybody has been walked once more by `World.enabled` and `World.apply`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.checker.compile import Compiler
from sim.checker.search import Search
from sim.model.instant import Way, lost_of, seen_of
from sim.model.outcomes import Outcome
from sim.model.telling import clause_of, told
from sim.model.world import Enabled, State, World


class NoSuchPath(RuntimeError):
    """The tables lead where the world does not: a collision of fingerprints, or a mistake of the checker."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One choice of a path, what came of it, and the state after it.

    What came of it is an outcome, None where nobody handled anything, and in a world without delays every step of its way.
    """

    choice: Enabled
    outcome: Outcome | Way | None
    state: State
    before: State
    """That in which it was made."""

    @property
    def told(self) -> str:
        """The choice in words."""
        return told(self.choice, self.before)

    @property
    def clause(self) -> str:
        """The same without the name of the node that it happens to."""
        return clause_of(self.choice, self.before)

    @property
    def lost(self) -> tuple[str, ...]:
        """The messages that did not arrive, in words."""
        return lost_of(self.outcome)

    @property
    def seen(self) -> tuple[object, ...]:
        """What could be observed, in order."""
        return seen_of(self.outcome)


def choice_of(compiler: Compiler, outcome: int) -> Enabled:
    """The choice that an outcome is one result of."""
    change = compiler.changes[outcome]
    parcel = compiler.interner.parcels[change.parcel]
    assert change.event is not None
    return Enabled(compiler.interner.names[compiler.slots[outcome]], change.event, parcel, change.lost)


def walk(compiler: Compiler, outcomes: Sequence[int]) -> list[Leg]:
    """The path of these outcomes from the first state, step by step in the world.

    Raises NoSuchPath when the world does not allow it.
    """
    world = compiler.world
    state = world.initial()
    legs: list[Leg] = []
    for number in outcomes:
        choice, answers = choice_of(compiler, number), compiler.changes[number].answers
        if choice not in set(world.enabled(state)):
            raise NoSuchPath(f"after {len(legs)} steps {choice.label()} is not possible; try --exact, or another --fingerprint-seed")
        results = ((r, after) for r, after in world.apply(state, choice) if (r.answers if r is not None else None) == answers)
        result, after = next(results)
        legs.append(Leg(choice, result, after, state))
        state = after
    return legs


def walk_orbits(search: Search, outcomes: Sequence[int]) -> list[Leg]:
    """A path through the orbits that these outcomes lead through, in the names that the world's nodes really have.

    Raises NoSuchPath when there is none: then the nodes of a group are not interchangeable.
    """
    world: World = search.compiler.world
    state = world.initial()
    legs: list[Leg] = []
    for key in search.keys_along(outcomes):
        for choice in world.enabled(state):
            step = next(((r, after) for r, after in world.apply(state, choice) if _key(search, after) == key), None)
            if step is not None:
                legs.append(Leg(choice, *step, state))
                state = step[1]
                break
        else:
            done = [leg.choice.label() for leg in legs]
            raise NoSuchPath(f"the nodes of a group are not interchangeable: after {done} only some can go on; check with --no-symmetry")
    return legs


def _key(search: Search, state: State) -> int | None:
    try:
        return search.key(state)
    except KeyError:
        return None
