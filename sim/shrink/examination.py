"""All there is to say of a failing run: the smallest that fails alike, who is guilty, when it was decided, what would have helped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.scenario.load import Scenario
from sim.shrink.ablation import SEEDS
from sim.shrink.forks import FORKS, MOST_POINTS, Decisive, Forking, decisive
from sim.shrink.nearest import Passing, nearest
from sim.shrink.result import Shrunk
from sim.shrink.shrinking import TRIES, shrink
from sim.shrink.sketch import Sketch, tables_of
from sim.trace.tape import Tape


@dataclass(frozen=True, slots=True)
class Examination:
    """Plain data, so that it can be sent to another process. `passing`: None when no run nearby keeps the property."""

    shrunk: Shrunk
    decisive: Decisive
    passing: Passing | None


def examine(
    tape: Tape,
    property: str = "",
    *,
    tries: int = TRIES,
    seeds: int = SEEDS,
    forks: int = FORKS,
    points: int = MOST_POINTS,
    tell: Callable[[str], None] | None = None,
) -> Examination:
    """Shrink a failing run and look into what comes out.

    Args:
        tape: the run.
        property: what it breaks, as for `shrink`.
        tries: how many runs the shrinking may take.
        seeds: how many runs say of each fault whether it is guilty.
        forks: how many runs are made at each prefix, of each of the two kinds.
        points: how many prefixes are tried.
        tell: called with a line for people now and then.

    Raises:
        NotBroken: the run does not break it.
        ScenarioError: the tape's scenario does not suit this program.
        ValueError: there is no such property.
    """
    tell = tell or (lambda _: None)
    small = shrink(tape, property, tries=tries, seeds=seeds, tell=tell)
    sketch = sketch_of(small.tape)
    tell("looking for the decisive moment")
    forking = Forking(sketch, small.broken)
    curve = decisive(forking, forks, points)
    return Examination(small, curve, nearest(sketch, forking, curve, forks))


def sketch_of(tape: Tape) -> Sketch:
    """A tape as what a shrinker works on."""
    return Sketch(tables_of(Scenario.from_dict(tape.scenario, source="the tape's scenario")), tape.seed, tape.deviations)


__all__ = ["Examination", "examine", "sketch_of"]
