"""Laws for samples: a family where one fits, else the sample itself.

Rules, by name:

* *few*: with fewer than `FEW` values no family can be told from another: the law is empirical.
* *families*: those that a scenario can state, each fitted by maximum likelihood: uniform, exponential, log-normal.
* *fits*: the Kolmogorov-Smirnov distance of sample and fitted family, with its p-value by parametric bootstrap (each resample
  is fitted anew, so that the parameters' coming from the same sample is paid for); a family fits if p is at least `LEAST_P`.
* *chosen*: of the families that fit, the one with the least AIC; if none does, empirical.
* *halves*: of an empirical law, `ks_p` compares the first half of the recordings with the second (two-sample test): a small
  one says that the quantity changed while it was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sim.model.laws import Constant, Empirical, Exponential, Law, LogNormal, Uniform

FEW: Final = 12
LEAST_P: Final = 0.05
RESAMPLES: Final = 200
ENOUGH: Final = 60
"""Resamples after which a family is given up of which none was as far off: its p-value is below `LEAST_P` then."""
MOST_VALUES: Final = 200
"""An empirical law keeps so many values at most: quantiles at equal steps, the smallest and the largest among them."""

_NORMAL_P95: Final = 1.6448536269514722

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A law and how well it fits. Parameters and samples are microseconds (`sigma` is a number)."""

    law: Law
    family: str
    parameters: dict[str, Any]
    ks_p: float | None
    n: int
    sample: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `calibrate --json` prints it."""
        return {"family": self.family, "parameters": self.parameters, "ks_p": self.ks_p, "n": self.n}


@dataclass(frozen=True, slots=True)
class Family:
    """A family of laws: how to fit it, its distribution, and the law of a scenario that it comes to."""

    name: str
    names: tuple[str, ...]
    fit: Callable[[Numbers], tuple[float, ...]]
    frozen: Callable[..., Any]
    law: Callable[..., Law]


def _whole(value: float) -> int:
    return max(1, round(value))


FAMILIES: Final = (
    Family(
        "uniform", ("lo", "hi"), lambda x: (float(x.min()), float(x.max())), lambda lo, hi: stats.uniform(lo, max(hi - lo, 1e-9)),
        lambda lo, hi: Uniform(round(lo), round(hi)),
    ),
    Family(
        "exponential", ("mean",), lambda x: (float(x.mean()),), lambda mean: stats.expon(scale=mean),
        lambda mean: Exponential(_whole(mean)),
    ),
    Family(
        "lognormal", ("median", "sigma"), lambda x: (float(np.exp(np.log(x).mean())), max(float(np.log(x).std()), 1e-6)),
        lambda median, sigma: stats.lognorm(sigma, scale=median), lambda median, sigma: LogNormal(_whole(median), round(1000 * sigma)),
    ),
)  # fmt: skip


def fit(sample: Sequence[int]) -> Fitted:
    """The law of a sample in microseconds, by the rules above. Raises ValueError for an empty one."""
    if not sample:
        raise ValueError("there is no law of an empty sample; expected at least one value")
    values = np.asarray(sample, dtype=np.float64)
    if len(set(sample)) == 1:
        return Fitted(Constant(sample[0]), "constant", {"value": sample[0]}, None, len(sample), tuple(sample))
    best: tuple[float, Fitted] | None = None
    positive = np.maximum(values, 1.0)
    for family in FAMILIES if len(sample) >= FEW else ():
        parameters = family.fit(positive)
        p = bootstrap_p(positive, family)
        if p < LEAST_P:
            continue
        aic = 2 * len(parameters) - 2 * float(family.frozen(*parameters).logpdf(positive).sum())
        if best is None or aic < best[0]:
            said = dict(zip(family.names, (round(value, 3) for value in parameters), strict=True))
            best = aic, Fitted(family.law(*parameters), family.name, said, round(p, 4), len(sample), tuple(sample))
    return best[1] if best is not None else empirical(sample)


def empirical(sample: Sequence[int]) -> Fitted:
    """The sample itself as a law, thinned to `MOST_VALUES` quantiles."""
    kept = thinned(sample)
    halves = len(sample) // 2
    p = float(stats.ks_2samp(sample[:halves], sample[halves:]).pvalue) if halves >= FEW // 2 else None
    parameters = {"values": len(kept), "median": int(np.median(sample)), "least": min(sample), "most": max(sample)}
    return Fitted(Empirical(kept), "empirical", parameters, None if p is None else round(p, 4), len(sample), tuple(sample))


def thinned(sample: Sequence[int]) -> tuple[int, ...]:
    """At most `MOST_VALUES` values: all, or the quantiles in the middles of so many equal shares."""
    ordered = sorted(sample)
    if len(ordered) <= MOST_VALUES:
        return tuple(ordered)
    middles = (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES
    return tuple(int(v) for v in np.quantile(np.asarray(ordered), middles, method="inverted_cdf"))


def bootstrap_p(values: Numbers, family: Family) -> float:
    """How likely a sample of this family is at least as far from its own fit as this one: (1 + further) / (1 + resamples)."""
    parameters = family.fit(values)
    distance = _distance(values, family.frozen(*parameters))
    # The seed is part of the rule: the same recordings give the same answer.
    random = np.random.Generator(np.random.PCG64(len(values)))
    further = 0
    for done in range(RESAMPLES):
        if done == ENOUGH and not further:
            return 1 / (1 + done)
        other = np.maximum(family.frozen(*parameters).rvs(len(values), random_state=random), 1.0)
        further += _distance(other, family.frozen(*family.fit(other))) >= distance
    return (1 + further) / (1 + RESAMPLES)


def _distance(values: Numbers, law: Any) -> float:
    """The Kolmogorov-Smirnov distance: the largest difference between a sample's distribution function and a law's."""
    reached = law.cdf(np.sort(values))
    steps = np.arange(len(values) + 1) / len(values)
    return float(max(np.max(steps[1:] - reached), np.max(reached - steps[:-1])))
