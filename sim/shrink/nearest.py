"""The nearest run that keeps the property: what has to be different, at the least, for all to be well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.shrink.ablation import words_of
from sim.shrink.faults import without_faults
from sim.shrink.forks import Decisive, Forking
from sim.shrink.sketch import NOT_A_RUN, Sketch, mend, run_sketch
from sim.trace.tape import Tape


@dataclass(frozen=True, slots=True)
class Passing:
    """A run that keeps the property. `words`: what is different; `same_until`: when the runs part, microseconds."""

    tape: Tape
    words: str
    same_until: int


def nearest(sketch: Sketch, forking: Forking, decisive: Decisive, forks: int) -> Passing | None:
    """The run that goes along with the failing one for longest and keeps the property; None when none is found.

    Tried are the run without each single fault, without planted bugs, without each single deviation, and the forks.
    """
    best: Passing | None = None
    for other, words, time in _others(sketch, forking, decisive, forks):
        if best is not None and time <= best.same_until:
            continue
        try:
            named = other.changed(properties={"enable": [forking.property]})
            result = run_sketch(named, (forking.property,)).result
        except NOT_A_RUN:
            continue
        if result.properties[forking.property] != "broken":
            best = Passing(result.tape, words, time)
    return best


def _others(sketch: Sketch, forking: Forking, decisive: Decisive, forks: int) -> Iterator[tuple[Sketch, str, int]]:
    """Runs that differ a little, what is different, and until when they are the same for certain."""
    happened = run_sketch(sketch, ()).occurrences
    for number, fault in enumerate(sketch.tables.get("faults", ())):
        time = min((one.time for one in happened if one.fault == number), default=0)
        yield without_faults(sketch, [number]), f"without the fault: {words_of(fault)}", time
    mended = mend(sketch)
    if mended != sketch:
        yield mended, "without the planted bug, on the present SDK", 0
    decided = {one.label: one.time for one in forking.decided}
    for label in sketch.deviations:
        rest = {name: value for name, value in sketch.deviations.items() if name != label}
        yield Sketch(sketch.tables, sketch.seed, rest), f"with {label} as usual", decided.get(label, 0)
    for point in reversed(decisive.points):
        if point.planned.broken < point.planned.runs:
            for seed in range(forks):
                words = f"the same until {max(point.time, 0) / 1e6:g} s, then the luck of seed {seed}"
                yield forking.fork(point.time, seed, planned=True), words, max(point.time, 0)
            return


__all__ = ["Passing", "nearest"]
