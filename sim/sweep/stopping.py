"""When a cell has runs enough: its means are known well enough, or a claim is decided. Runs are looked at in the order of seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from sim.sweep.questions import Question, read_claim
from sim.sweep.statistics import LEVEL, Enough, Interval, Sprt, proportion_interval
from sim.sweep.store import Row


class Precision(Struct, frozen=True):
    """A cell has runs enough when the interval's half-width is at most `relative` times the mean, for all `columns` at once."""

    relative: float
    columns: tuple[str, ...]
    at_least: int
    level: float = LEVEL


class Claim(Struct, frozen=True):
    """A cell has runs enough when Wald's sequential test decides a claim such as `P(creation wait > 30s) < 1%`."""

    claim: str
    margin: float
    column: str
    """What of a row the test looks at."""


class Rule(Protocol):
    """Is told of a cell's runs, one after the other, until it has enough of them. `columns`: what it looks at."""

    columns: tuple[str, ...]

    def add(self, seed: int, row: Row) -> bool:
        """Whether it is enough with this run."""
        ...


class Precise:
    """Until means are known well enough."""

    def __init__(self, precision: Precision) -> None:
        self.columns = precision.columns
        self._enough = Enough(len(precision.columns), precision.relative, precision.at_least, precision.level)

    def add(self, seed: int, row: Row) -> bool:
        """Whether it is enough with this run."""
        return self._enough.add([row.get(column) for column in self.columns])


@dataclass(slots=True)
class Trials:
    """Until a claim is decided. `met`: None while it is not."""

    claim: str
    margin: float
    columns: tuple[str, ...]
    failures: int = 0
    trials: int = 0
    met: bool | None = None
    _question: Question = field(init=False)
    _test: Sprt = field(init=False)

    def __post_init__(self) -> None:
        self._question, limit = read_claim(self.claim, self.columns)
        self._test = Sprt(limit, self.margin)

    def add(self, seed: int, row: Row) -> bool:
        """Whether it is enough with this run. One that has no value is no trial."""
        exceeds = self._question.exceeds(seed, row)
        if exceeds is not None:
            self.failures += exceeds
            self.trials += 1
            self.met = self._test.decide(self.failures, self.trials)
        return self.met is not None

    @property
    def verdict(self) -> str:
        """In a word."""
        return "undecided" if self.met is None else "met" if self.met else "missed"

    @property
    def interval(self) -> Interval:
        """The probability by itself, as if the number of runs had been fixed."""
        return proportion_interval(self.failures, self.trials)

    def __str__(self) -> str:
        return f"{self.verdict} ({self.failures:,} of {self.trials:,}): {self.interval}"


def trials_of(test: Claim) -> Trials:
    """The rule of a test, from its beginning."""
    return Trials(test.claim, test.margin, (test.column,))


def rule_of(precision: Precision | None, test: Claim | None) -> Rule | None:
    """The rule by which a cell stops; None: after so many runs."""
    if precision is not None:
        return Precise(precision)
    return None if test is None else trials_of(test)


__all__ = ["Claim", "Precise", "Precision", "Rule", "Trials", "rule_of", "trials_of"]
