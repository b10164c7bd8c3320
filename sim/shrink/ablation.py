"""Ablation: every fault of a failing run is left out in turn, under several seeds, and named guilty or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sim import frames
from sim.frames import Columns, FixedRows
from sim.shrink.faults import without_faults
from sim.shrink.programs import Table
from sim.shrink.sketch import Sketch, Trial
from sim.sweep.statistics import proportion_interval

SEEDS: Final = 20
"""Runs with every fault, and without each of them, beside those in the tape's own schedule."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some runs broke the property."""

    broken: int
    runs: int

    @property
    def value(self) -> float:
        return self.broken / self.runs if self.runs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The probability's interval at 95 %."""
        found = proportion_interval(self.broken, self.runs)
        return found.low, found.high

    def __str__(self) -> str:
        return f"{self.broken} of {self.runs}"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A fault of a failing run.

    `number`: of its table, from 0. `words`: what it is. `alone`: whether the run on the tape holds without it, all else
    equal. `present`: how often the property breaks with all faults under other seeds; `absent`: without this one.
    """

    number: int
    words: str
    alone: bool
    present: Share
    absent: Share

    @property
    def guilty(self) -> bool:
        """Whether the property breaks less often without it: on the tape, and not as often under other seeds."""
        return self.alone and (self.absent.value < self.present.value or self.present.broken == 0)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        pairs = {"present": self.present, "absent": self.absent}
        shares = {name: {"broken": share.broken, "runs": share.runs} for name, share in pairs.items()}
        return {"fault": self.words, "number": self.number, "guilty": self.guilty, "holds_without_it": self.alone, **shares}


class Suspects(FixedRows[Suspect]):
    """The faults of a failing run, a table."""

    __slots__ = ()
    columns: ClassVar[Columns[Suspect]] = (
        frames.text("fault", lambda s: s.words),
        frames.flag("guilty", lambda s: s.guilty),
        frames.flag("holds_without_it", lambda s: s.alone),
        frames.count("broken_with_it", lambda s: s.present.broken),
        frames.count("runs_with_it", lambda s: s.present.runs),
        frames.count("broken_without_it", lambda s: s.absent.broken),
        frames.count("runs_without_it", lambda s: s.absent.runs),
    )


def ablation(sketch: Sketch, property: str, seeds: int = SEEDS) -> Suspects:
    """Leave out every fault in turn."""
    faults = sketch.tables.get("faults", ())
    resampled = range(seeds)
    present = share(sketch.tables, property, resampled)
    found = []
    for number, fault in enumerate(faults):
        rest = without_faults(sketch, [number])
        alone = not breaks(rest, property)
        found.append(Suspect(number, words_of(fault), alone, present, share(rest.tables, property, resampled)))
    return Suspects(found)


def share(tables: Table, property: str, seeds: Iterable[int]) -> Share:
    """How often the property breaks under these seeds."""
    outcomes = [breaks(Sketch(tables, seed), property) for seed in seeds]
    return Share(sum(outcomes), len(outcomes))


def breaks(sketch: Sketch, property: str) -> bool:
    """Whether a run breaks the property; one that is not possible does not."""
    return Trial(property).broken(sketch)


def words_of(fault: Table) -> str:
    """A fault in a few words: "kill w1 at 6s"."""
    moment = fault.get("moment")
    name = moment.get("name") or moment.get("observation") if isinstance(moment, dict) else moment
    when = f"at {fault['at']}" if "at" in fault else f"at the moment {name!r}" if name else "again and again"
    method = f" ({fault['method']})" if fault.get("method") else ""
    lasting = f" for {fault['for']}" if "for" in fault else ""
    return " ".join(part for part in (fault["kind"], fault.get("target", "") + method, when + lasting) if part)


__all__ = ["Share", "Suspect", "Suspects", "ablation", "breaks", "share", "words_of"]
