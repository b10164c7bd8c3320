"""What samples tell, and how well: intervals, warm-up, batch means, when to stop, sequential tests.

All take plain sequences of numbers and give slotted values. `level` is the confidence of an interval, 0.95 unless said otherwise.
None of it draws random numbers that are not fixed: the same samples give the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import betaincinv

LEVEL: Final = 0.95
RESAMPLES: Final = 2_000
FEWEST: Final = 5
"""Replications before a sequence may stop: fewer give intervals that are narrow by chance too often."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval. A bound that the samples do not give is infinite, and an estimate without samples NaN."""

    estimate: float
    low: float
    high: float
    n: int
    level: float = LEVEL

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2

    @property
    def relative(self) -> float:
        """Half the width relative to the estimate; 0 for an interval without width, infinite around an estimate of 0."""
        if self.half_width == 0:
            return 0.0
        return math.inf if self.estimate == 0 or math.isnan(self.estimate) else self.half_width / abs(self.estimate)

    def plain(self) -> dict[str, float | None]:
        """Estimate and bounds as plain data; None for what is infinite or unknown."""
        named = {"estimate": self.estimate, "low": self.low, "high": self.high}
        return {name: value if math.isfinite(value) else None for name, value in named.items()}

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if math.isnan(self.estimate):
            return "–"
        if math.isinf(self.half_width):
            if math.isinf(self.low) and math.isinf(self.high):
                return f"{self.estimate:.4g} (n = {self.n})"
            low, high = (f"{bound:.4g}" if math.isfinite(bound) else "?" for bound in (self.low, self.high))
            return f"{self.estimate:.4g} [{low}, {high}]"
        up, down = self.high - self.estimate, self.estimate - self.low
        if math.isclose(up, down, rel_tol=1e-9, abs_tol=1e-15):
            return f"{self.estimate:.4g} ± {up:.2g}"
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


# ---- independent samples ---------------------------------------------------------------------------


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The mean of independent values with Student's interval; unbounded with fewer than two values."""
    n = len(values)
    if n == 0:
        return Interval(math.nan, -math.inf, math.inf, 0, level)
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, -math.inf, math.inf, 1, level)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = _student(n - 1, level) * deviation / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n, level)


def proportion_interval(successes: int, trials: int, level: float = LEVEL) -> Interval:
    """A proportion with Clopper and Pearson's interval: exact, so it covers at least as often as it says.

    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits", 1934.

    Raises:
        ValueError: more successes than trials, or fewer than none.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials; expected at least 0 and at most the trials")
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0, 0, level)
    # Not `scipy.stats.binomtest`: that takes half a second to import.
    tail = (1 - level) / 2
    low = float(betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, trials - successes, 1 - tail)) if successes < trials else 1.0
    return Interval(successes / trials, low, high, trials, level)


def zero_failures(trials: int, level: float = LEVEL) -> Interval:
    """What no failure in so many independent trials says: the exact one-sided bound, 1 - (1 - level)^(1/n).

    At 95 % it is about 3/n, the rule of three.
    """
    high = 1.0 if trials == 0 else -math.expm1(math.log1p(-level) / trials)
    return Interval(math.nan if trials == 0 else 0.0, 0.0, high, trials, level)


def quantile_interval(values: Sequence[float], q: float, level: float = LEVEL) -> Interval:
    """A quantile of independent values, with the interval between two order statistics; no assumption about the distribution.

    A side that so few values do not bound is infinite: for the 0.99 quantile both are bounded from 368 values on at 95 %.
    """
    if len(values) == 0:
        return Interval(math.nan, -math.inf, math.inf, 0, level)
    ordered = np.sort(np.asarray(values, dtype=float))
    estimate = float(ordered[max(math.ceil(q * len(ordered)), 1) - 1])
    from scipy import stats

    bounds: Any = stats.quantile_test(ordered, p=q).confidence_interval(level)
    low, high = float(bounds.low), float(bounds.high)
    return Interval(estimate, -math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high, len(ordered), level)


def bootstrap_interval(
    values: Sequence[float], statistic: Callable[..., Any] = np.mean, level: float = LEVEL, resamples: int = RESAMPLES
) -> Interval:
    """Any statistic of independent values, by the bias-corrected bootstrap. `statistic` takes an array and `axis`.

    The resamples are drawn from a fixed seed.
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 2 or np.all(array == array[0]):
        estimate = float(statistic(array, axis=-1)) if len(array) else math.nan
        sure = len(array) > 1
        return Interval(estimate, estimate if sure else -math.inf, estimate if sure else math.inf, len(array), level)
    from scipy import stats

    found: Any = stats.bootstrap(
        (array,), statistic, n_resamples=resamples, confidence_level=level, method="BCa", vectorized=True, rng=np.random.default_rng(0)
    )
    bounds = found.confidence_interval
    return Interval(float(statistic(array, axis=-1)), float(bounds.low), float(bounds.high), len(array), level)


def paired_difference(before: Mapping[int, float], after: Mapping[int, float], level: float = LEVEL) -> Interval:
    """The mean of `after` minus `before` over the seeds that both have, with Student's interval.

    Runs with one seed share all luck that they have in common, so this is narrower than the difference of two means.
    """
    return mean_interval([after[seed] - before[seed] for seed in sorted(before.keys() & after.keys())], level)


# ---- one long run ----------------------------------------------------------------------------------


def warm_up(values: Sequence[float], batch: int = 5) -> int:
    """How many of the first values belong to the warm-up, by MSER-5 (White 1997; White, Cobb and Spratt 2000).

    The cut is where the remaining batch means have the smallest standard error of their mean, among the first half: a cut beyond
    it says that the series is too short to tell, and then half of it is cut.
    """
    means = _batches(values, batch)
    count = len(means)
    if count < 2:
        return 0
    # Sums over what remains after a cut, for all cuts at once.
    sums, squares = np.cumsum(means[::-1])[::-1], np.cumsum(means[::-1] ** 2)[::-1]
    left = np.arange(count, 0, -1)
    errors = np.maximum(squares - sums**2 / left, 0.0) / left.astype(float) ** 2
    return int(np.argmin(errors[: count // 2 + 1])) * batch


def batch_means(values: Sequence[float], batches: int = 20, level: float = LEVEL) -> Interval:
    """The mean of a series whose values depend on each other (waits of one run, without its warm-up): Student's interval of
    the means of batches, which are almost independent when they are long. `n` is the number of batches.
    """
    if len(values) < 2 * batches:
        mean = math.fsum(values) / len(values) if len(values) else math.nan
        return Interval(mean, -math.inf, math.inf, 0, level)
    return mean_interval([float(mean) for mean in _batches(values, len(values) // batches)[-batches:]], level)


def batches_independent(values: Sequence[float], batches: int = 20, level: float = LEVEL) -> bool:
    """Whether the means of the batches look independent, by von Neumann's ratio; if not, the series is too short."""
    if len(values) < 2 * batches:
        return False
    return _independent([_batches(values, len(values) // batches)[-batches:]], level)


def _independent(series: Sequence[Any], level: float) -> bool:
    """Whether these series of batch means look independent, all taken together."""
    found = []
    for means in series:
        around = float(np.sum((means - means.mean()) ** 2))
        if around == 0:
            continue
        correlation = float(np.sum((means[1:] - means[:-1]) ** 2)) / (2 * around)
        # The ratio 1 - d/2 has mean 0 and variance (n - 2) / (n^2 - 1) when means are independent.
        found.append((1 - correlation) / math.sqrt((len(means) - 2) / (len(means) ** 2 - 1)))
    from scipy.special import ndtri

    return not found or bool(math.fsum(found) / math.sqrt(len(found)) < ndtri(level))


@dataclass(frozen=True, slots=True)
class Steady:
    """The mean of a steady state. `cut`: how many values were cut off as warm-up, of all series; `independent`: whether the means of
    batches look independent; if not, series are too short, and the interval is too narrow.
    """

    interval: Interval
    cut: int
    independent: bool


def steady(series: Sequence[Sequence[float]], batches: int = 20, level: float = LEVEL) -> Steady:
    """The mean of what one or several independent series of equal kind come to, without the warm-up of each.

    The batches of all series count together; series that are too short for batches tell nothing.
    """
    cuts = [warm_up(values) for values in series]
    kept = [values[cut:] for values, cut in zip(series, cuts, strict=True)]
    long = [values for values in kept if len(values) >= 2 * batches]
    means = [_batches(values, len(values) // batches)[-batches:] for values in long]
    independent = 0 < len(long) == len(kept) and _independent(means, level)
    return Steady(mean_interval([float(mean) for one in means for mean in one], level), sum(cuts), independent)


def _batches(values: Sequence[float], size: int) -> Any:
    """Means of batches of this size; what is left over at the beginning is left out."""
    array = np.asarray(values, dtype=float)
    count = len(array) // size
    return array[len(array) - count * size :].reshape(count, size).mean(axis=1) if count else np.empty(0)


# ---- sequences -------------------------------------------------------------------------------------


class Enough:
    """Tells when the means of some columns are known within `precision` (0.05: half-width 5 % of the mean), all at once.

    Rows have to come in an order that does not depend on how they were computed, such as that of their seeds. Then neither does
    the answer. Only running sums are kept. A value that is missing (None) is left out of its column's mean.
    """

    def __init__(self, columns: int, precision: float, fewest: int = FEWEST, level: float = LEVEL) -> None:
        self.precision = precision
        self.fewest = fewest
        self.level = level
        self.rows = 0
        self._sums = [(0, 0.0, 0.0)] * columns
        """For each column how many values, their mean, and the sum of their squared differences from it."""

    def add(self, row: Sequence[float | None]) -> bool:
        """Whether it is enough with this row."""
        self.rows += 1
        for i, value in enumerate(row):
            if value is not None:
                n, mean, squares = self._sums[i]
                changed = mean + (value - mean) / (n + 1)
                self._sums[i] = (n + 1, changed, squares + (value - mean) * (value - changed))
        return self.rows >= self.fewest and all(self._precise(*sums) for sums in self._sums)

    def _precise(self, n: int, mean: float, squares: float) -> bool:
        if n < 2:
            return False
        return _student(n - 1, self.level) * math.sqrt(squares / (n - 1) / n) <= self.precision * abs(mean)


def enough(values: Sequence[float], precision: float, fewest: int = FEWEST, level: float = LEVEL) -> int | None:
    """The length of the shortest prefix whose mean is known within `precision`; None: not yet. See `Enough`."""
    rule = Enough(1, precision, fewest, level)
    return next((n for n, value in enumerate(values, 1) if rule.add([value])), None)


_QUANTILES: Final[dict[tuple[int, float], float]] = {}


def _student(freedom: int, level: float) -> float:
    from scipy.special import stdtrit

    key = (freedom, level)
    if key not in _QUANTILES:
        _QUANTILES[key] = float(stdtrit(freedom, (1 + level) / 2))
    return _QUANTILES[key]


@dataclass(frozen=True, slots=True)
class Sprt:
    """Wald's sequential test of "a failure is less likely than `target`": is it at most `target * (1 - margin)`, or at least
    `target * (1 + margin)`? In between either answer is right.

    `alpha`: how likely it is to say "met" when it is not; `beta`: "missed" when it is met. Trials have to be independent: whole
    runs, or sessions so far apart that one's wait says nothing of the next one's.
    """

    target: float
    margin: float = 0.2
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        if not (0 < self.target < 1 and 0 < self.margin < 1 and self.target * (1 + self.margin) < 1):
            raise ValueError(f"a target of {self.target} with a margin of {self.margin}; expected both between 0 and 1, and their sum, too")

    def decide(self, failures: int, trials: int) -> bool | None:
        """Whether the target is met; None: more trials are needed.

        To be asked after every trial, or every few, in an order that does not depend on how they were computed.
        """
        good, bad = self.target * (1 - self.margin), self.target * (1 + self.margin)
        ratio = failures * math.log(bad / good) + (trials - failures) * math.log((1 - bad) / (1 - good))
        if ratio <= math.log(self.alpha / (1 - self.beta)):
            return True
        if ratio >= math.log((1 - self.alpha) / self.beta):
            return False
        return None


__all__ = [
    "LEVEL", "Enough", "Interval", "Sprt", "Steady", "batch_means", "batches_independent", "bootstrap_interval", "enough", "mean_interval",
    "paired_difference", "proportion_interval", "quantile_interval", "steady", "warm_up", "zero_failures",
]  # fmt: skip
