"""The decisive moment: a failing run is forked after each of its choices, what comes later is drawn anew, and it is counted how often
the property breaks.

A fork is a run again, never a copy: the choices until then are fixed by their labels, another seed makes the others. Two shares
say two things. In `unplanned` faults that are still to come do not come: the share jumps when the fault that did it happens, or
when it has become certain that nothing can help any more. In `planned` they come as on the tape: the share jumps when the luck
is decided that the fault needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun
from sim.shrink.ablation import Share, breaks
from sim.shrink.faults import occurrence
from sim.shrink.sketch import NOT_A_RUN, NotingChoices, Occurrence, Sketch, run_sketch

FORKS: Final = 20
"""Runs at each prefix, of each of the two kinds."""

MOST_POINTS: Final = 24
"""Prefixes that are tried; where the share changes they lie as close as choices do."""

_COARSE: Final = 8
"""Of these so many lie evenly over the run."""


@dataclass(frozen=True, slots=True)
class Point:
    """A prefix of the run: everything that is decided until `time` (microseconds; -1: nothing), and what comes of it."""

    time: int
    unplanned: Share
    planned: Share


@dataclass(frozen=True, slots=True)
class Decisive:
    """P(broken | prefix) along a run. `points`: in the order of time. `broken_at`: when the property was seen to be broken."""

    points: tuple[Point, ...]
    broken_at: int

    @property
    def jump(self) -> tuple[Point, Point] | None:
        """The neighbouring prefixes between which the share rises most: without the faults to come, else with them."""
        pairs = list(pairwise(self.points))
        for rise in (_unplanned, _planned):
            largest = max(pairs, key=rise, default=None)
            if largest is not None and rise(largest) >= LEAST_JUMP:
                return largest
        return None


LEAST_JUMP: Final = 0.25
"""A smaller rise is no jump."""


def _unplanned(pair: tuple[Point, Point]) -> float:
    return pair[1].unplanned.value - pair[0].unplanned.value


def _planned(pair: tuple[Point, Point]) -> float:
    return pair[1].planned.value - pair[0].planned.value


@dataclass(frozen=True, slots=True)
class Decided:
    """A choice of a run: when it was made (microseconds), its label and its value."""

    time: int
    label: str
    value: int


class _Dated(dict[str, int]):
    """Takes down the choices of a run as they are made, with the time."""

    def __init__(self, prepared: PreparedRun) -> None:
        super().__init__()
        self.decided: list[Decided] = []
        self._sim = prepared.sim

    def __setitem__(self, label: str, value: int) -> None:
        super().__setitem__(label, value)
        self.decided.append(Decided(self._sim.now, label, value))


class Forking:
    """A failing run, to be forked. Its faults are spelled out, so that each happens at a time."""

    def __init__(self, sketch: Sketch, property: str) -> None:
        self.property = property
        self.sketch = _spelled(sketch, property)
        scenario = Scenario.from_dict(self.sketch.tables, source="the scenario")
        choices = NotingChoices(self.sketch.seed, self.sketch.deviations, True)
        prepared = PreparedRun(scenario, self.sketch.seed, self.sketch.deviations, True, (property,), choices)
        dated = prepared.sim.choices.recorded = _Dated(prepared)
        prepared.run()
        result = prepared.result(False, None)
        violations = result.verdicts[property].violations
        self.broken_at = violations[0].time_us if violations else result.ended_at_us
        self.decided = dated.decided
        self.occurrences = tuple(Occurrence(*one) for one in prepared.faults.happened)
        late = {label: value for label, value in self.sketch.deviations.items() if label not in dated}
        self._late: Mapping[str, int] = late

    @property
    def moments(self) -> list[int]:
        """The times at which something is decided, before the property is broken."""
        times = {one.time for one in self.decided} | {one.time for one in self.occurrences}
        return sorted(time for time in times if time <= self.broken_at)

    def fork(self, time: int, seed: int, planned: bool) -> Sketch:
        """The run that is the same until `time`, and of which another seed decides the rest."""
        fixed = {one.label: one.value for one in self.decided if one.time <= time}
        sketch = self.sketch if planned else self._without_faults_after(time)
        return Sketch(sketch.tables, seed, {**self._late, **fixed})

    def _without_faults_after(self, time: int) -> Sketch:
        first: dict[int, int] = {}
        for one in self.occurrences:
            first.setdefault(one.fault, one.time)
        faults = self.sketch.tables.get("faults", ())
        return self.sketch.changed(faults=[fault for i, fault in enumerate(faults) if first.get(i, time + 1) <= time])

    def point(self, time: int, seeds: Sequence[int]) -> Point:
        """How often the property breaks in forks at a time."""
        shares = []
        for planned in (False, True):
            outcomes = [breaks(self.fork(time, seed, planned), self.property) for seed in seeds]
            shares.append(Share(sum(outcomes), len(outcomes)))
        return Point(time, *shares)


def _spelled(sketch: Sketch, property: str) -> Sketch:
    """The same run with every fault at its time, if it still breaks the property then."""
    faults = sketch.tables.get("faults", ())
    seen = run_sketch(sketch, (property,))
    single = [occurrence(faults[one.fault], one.time, one.target) for one in seen.occurrences]
    spelled = sketch.changed(faults=single)
    try:
        again = run_sketch(spelled, (property,))
    except NOT_A_RUN:
        return sketch
    return spelled if again.result.digest == seen.result.digest else sketch


def decisive(forking: Forking, forks: int = FORKS, points: int = MOST_POINTS) -> Decisive:
    """P(broken | prefix) along the run: evenly at first, then where it changes most, until choices lie no closer."""
    moments = [-1, *forking.moments]
    last = len(moments) - 1
    found: dict[int, Point] = {}

    def look(place: int) -> None:
        if place not in found:
            found[place] = forking.point(moments[place], range(forks))

    coarse = min(_COARSE, points - 1)
    for part in range(coarse + 1):
        look(last * part // coarse)
    while len(found) < points:
        places = sorted(found)
        gaps = [(_change(found[a], found[b]), a, b) for a, b in pairwise(places) if b - a > 1]
        widest = max(gaps, key=lambda gap: (gap[0], -gap[1]), default=None)
        if widest is None or widest[0] == 0:
            break
        look((widest[1] + widest[2]) // 2)
    return Decisive(tuple(found[place] for place in sorted(found)), forking.broken_at)


def _change(a: Point, b: Point) -> float:
    return max(abs(b.unplanned.value - a.unplanned.value), abs(b.planned.value - a.planned.value))


__all__ = ["Decided", "Decisive", "Forking", "Point", "decisive"]
