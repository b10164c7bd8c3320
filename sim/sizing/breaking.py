"""What would break a pool first: the same load, and a little more of this or that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sim.model.durations import parse_duration
from sim.model.laws import Constant, Empirical, Exponential, Law, LogNormal, Uniform
from sim.sizing.load import Crashes, Load
from sim.sizing.measure import Decision, Measured
from sim.sizing.search import Means
from sim.sizing.targets import Target

STEPS: Final = (110, 125, 150, 200)
"""Per cent of the arrivals, and of the holds."""
DAY: Final = parse_duration("24h")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that may come to pass: how it is called, and what it makes of (load, workers)."""

    name: str
    of: Callable[[Load, int], tuple[Load, int]]


@dataclass(frozen=True, slots=True)
class Broken:
    """Whether a pool still meets its targets after a change; `by`: the target that it does not meet, "" when all are met."""

    change: str
    decision: Decision
    by: str


def stretched(law: Law, percent: int) -> Law:
    """The law of so many per cent of the time."""
    match law:
        case Constant(us):
            return Constant(us * percent // 100)
        case Exponential(mean):
            return Exponential(max(1, mean * percent // 100))
        case Uniform(low, high):
            return Uniform(low * percent // 100, high * percent // 100)
        case LogNormal(median, sigma):
            return LogNormal(max(1, median * percent // 100), sigma)
        case Empirical(values, interpolate):
            return Empirical(tuple(v * percent // 100 for v in values), interpolate)
        case _:
            raise ValueError(f"the law {law.describe()} cannot be stretched; expected one of those that scenarios can write")


def families(load: Load) -> Iterator[list[Change]]:
    """What may grow, each from little to much: arrivals, holds, workers that are away, crashes."""

    def more(percent: int) -> Change:
        return Change(f"arrivals +{percent - 100} %", lambda load, n: (replace(load, gap=stretched(load.gap, 10_000 // percent)), n))

    def longer(percent: int) -> Change:
        return Change(f"holds +{percent - 100} %", lambda load, n: (replace(load, hold=stretched(load.hold, percent)), n))

    def away(number: int) -> Change:
        return Change(f"{number} worker{'s' * (number > 1)} away", lambda load, n: (load, n - number))

    def crashing(name: str, every: int) -> Change:
        return Change(f"each worker crashes once {name}", lambda load, n: (replace(load, crashes=Crashes(every)), n))

    yield [more(percent) for percent in STEPS]
    yield [longer(percent) for percent in STEPS]
    yield [away(number) for number in (1, 2, 3)]
    known = DAY * 1000 if load.crashes is None else load.crashes.every
    yield [crashing(*one) for one in (("a day", DAY), ("in 6 hours", DAY // 4), ("an hour", DAY // 24)) if one[1] < known]


def what_breaks(load: Load, pool: Measured, targets: Sequence[Target], means: Means) -> list[Broken]:
    """Of each family the changes up to the first that breaks a target, as far as the effort decides it."""
    found = []
    for family in families(load):
        for change in family:
            changed, workers = change.of(load, pool.workers)
            if workers < 1:
                break
            measured = means.measured(changed, workers, pool.slots, targets)
            found.append(Broken(change.name, measured.decision, str(measured.by) if measured.by is not None else ""))
            if measured.decision is Decision.FAILS:
                break
    return found
