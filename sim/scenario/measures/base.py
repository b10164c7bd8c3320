"""What a group of measures is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from sim.properties.base import Observer
from sim.scenario.metrics import quantile

SECOND: Final = 1_000_000


class Measure(Observer):
    """Gathers figures while a run goes on. It sees the scene as properties do, after the scene has taken each observation in."""

    columns: ClassVar[tuple[str, ...]] = ()

    def values(self, end: int) -> dict[str, Any]:
        """A value for each column, after the run ended at `end`, microseconds. Values are numbers, None, lists or tables of these."""
        raise NotImplementedError


class Curve:
    """How high something is over time, as means over equal stretches; a stretch grows as the run does, so this has a fixed size."""

    MOST: Final = 512

    def __init__(self) -> None:
        self.now = 0
        self.highest = 0
        self._since = 0
        self._every = 1_000_000
        self._areas: list[int] = []
        self._area = 0

    def change(self, time: int, by: int) -> None:
        """It is higher by so much from now on."""
        self._to(time)
        self.now += by
        self.highest = max(self.highest, self.now)

    def _to(self, time: int) -> None:
        self._area += self.now * (time - self._since)
        while time > self._since:
            bin_ = self._since // self._every
            while bin_ >= self.MOST:
                self._coarser()
                bin_ = self._since // self._every
            until = min(time, (bin_ + 1) * self._every)
            self._areas += [0] * (bin_ + 1 - len(self._areas))
            self._areas[bin_] += self.now * (until - self._since)
            self._since = until

    def _coarser(self) -> None:
        areas = [*self._areas, 0] if len(self._areas) % 2 else self._areas
        self._areas = [areas[i] + areas[i + 1] for i in range(0, len(areas), 2)]
        self._every *= 2

    def mean(self, end: int) -> float:
        """Over the whole run."""
        self._to(end)
        return self._area / end if end else 0.0

    def to_plain(self, end: int) -> dict[str, Any]:
        """`every_s`: seconds of a stretch; `means`: how high it was in each. The last stretch counts up to the end only."""
        self._to(end)
        lengths = [min(self._every, end - i * self._every) for i in range(len(self._areas))]
        means = [area / length if length > 0 else 0.0 for area, length in zip(self._areas, lengths, strict=True)]
        return {"every_s": self._every / SECOND, "means": [round(mean, 6) for mean in means]}


def mean_s(values: Sequence[int]) -> float | None:
    """The mean of microseconds in seconds, None of none."""
    return round(sum(values) / len(values)) / SECOND if values else None


def quantile_s(values: Sequence[int], per_mille: int) -> float | None:
    """A quantile of microseconds in seconds, None of none."""
    return quantile(sorted(values), per_mille) / SECOND if values else None
