"""Periods in which a machine is busy or idle: what is drawn within one of them has something in common.

A share of the draws follows the period's own draw instead of theirs, so that all laws stay as they are and only their draws
depend on each other: in a busy period much takes long at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.model.draws import draw
from sim.model.laws import Law

_RANGE = 1 << 64


@dataclass(frozen=True, slots=True)
class Following:
    """A law of which some draws are replaced by that of the period: those below `threshold`; the others are spread out again."""

    law: Law
    common: int
    threshold: int

    def sample(self, u: int) -> int:
        """Microseconds for the draw `u`."""
        if u < self.threshold:
            return self.law.sample(self.common)
        return self.law.sample((u - self.threshold) * _RANGE // (_RANGE - self.threshold))

    def bounds(self) -> tuple[int, int | None]:
        """Those of the law."""
        return self.law.bounds()

    def mean(self) -> float:
        """That of the law, over all periods."""
        return self.law.mean()

    def describe(self) -> str:
        """The law's description."""
        return self.law.describe()


@dataclass(frozen=True, slots=True)
class Busy:
    """`share_milli`: how many of a thousand draws follow; `period_us`: how long a period is; `labels`: which spans follow, too."""

    seed: int
    share_milli: int
    period_us: int
    labels: frozenset[str] = frozenset()

    def now(self, law: Law, time: int) -> Law:
        """The law at a time in microseconds."""
        common = draw(self.seed, "busy period", "machine", time // self.period_us + 1)
        return Following(law, common, self.share_milli * _RANGE // 1000)
