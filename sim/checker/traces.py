"""From numbers of outcomes back to choices of the world, carried out by the world itself.

Whatever the tables say, a path that is shown to anybody has been walked once more by `World.enabled` and `World.apply`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.checker.compile import Compiler
from sim.model.outcomes import Outcome
from sim.model.world import Enabled, State


class NoSuchPath(RuntimeError):
    """The tables lead where the world does not: a collision of fingerprints, or a mistake of the checker."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One choice of a path, what came of it (None where nobody handled anything), and the state after it."""

    choice: Enabled
    outcome: Outcome | None
    state: State


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
        result, state = next(results)
        legs.append(Leg(choice, result, state))
    return legs
