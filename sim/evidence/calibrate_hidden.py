"""Times that no recording shows by themselves, estimated from sums and orders that it shows.

A call's way to the server has a part that it shares with what is sent with it (the network, a machine that stands still), and
a part of its own, by which requests overtake each other on the server; and an update of a run keeps the next one waiting.
What tells them apart are *pairs*: two results of one run that a worker sends within a fraction of a millisecond. They arrive
together; then each takes a part of its own, and the later has to wait for the earlier one's update. So which came first, and
how much later the other, depend on the parts of their own and on the update alone. What is left of single calls is the way.

Both are maximum likelihood over laws with a given grid of values (expectation maximisation), without a family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.evidence.calibrate_samples import Pair

Numbers = NDArray[np.float64]

OWN_GRID: Final = np.concatenate(([0.0], np.geomspace(100.0, 100_000.0, 25)))
"""Values of a call's own part, microseconds; the first means that it takes no time that matters."""

HELD_GRID: Final = np.geomspace(400.0, 20_000.0, 28)
"""Values of what an update takes, microseconds."""

SPREAD: Final = 0.14
"""The width of a grid's cell and of the kernel that stands for it, as a share of the value (the logarithm's standard deviation)."""

ROUNDS: Final = 60
LEAST_PAIRS: Final = 20
"""With fewer pairs nothing is said of what calls share."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Values in microseconds and how likely each is."""

    values: Numbers
    weights: Numbers

    def quantiles(self, n: int) -> tuple[int, ...]:
        """The values of an empirical law of `n` equal shares; within a cell of the grid they are spread evenly (by ratio)."""
        shares = (np.arange(n) + 0.5) / n
        reached = np.minimum(np.searchsorted(np.cumsum(self.weights), shares), len(self.values) - 1)
        before = np.concatenate(([0.0], np.cumsum(self.weights)))[reached]
        place = np.clip((shares - before) / np.maximum(self.weights[reached], 1e-12), 0.0, 1.0)
        ratio = self.values[-1] / self.values[-2]
        return tuple(round(float(v)) for v in self.values[reached] * ratio ** (place - 0.5))


@dataclass(frozen=True, slots=True)
class Separated:
    """What pairs tell: a call's own part, and how long an update keeps the next one waiting."""

    own: Mixture
    held: Mixture
    n: int


def separate(pairs: Sequence[Pair]) -> Separated | None:
    """Estimate both laws from pairs; None with too few of them."""
    if len(pairs) < LEAST_PAIRS:
        return None
    own, held = OWN_GRID, HELD_GRID
    likelihood = _likelihood(pairs)
    p = np.full(len(own), 1 / len(own))
    h = np.full(len(held), 1 / len(held))
    for _ in range(ROUNDS):
        by_own = np.einsum("nijk,k->nij", likelihood, h) * p[None, :, None] * p[None, None, :]
        total = by_own.sum(axis=(1, 2))
        by_held = np.einsum("nijk,i,j->nk", likelihood, p, p, optimize=True) * h[None, :]
        h = (by_held / total[:, None]).mean(axis=0)
        shares = by_own / total[:, None, None]
        p = (shares.sum(axis=(0, 2)) + shares.sum(axis=(0, 1))) / (2 * len(pairs))
    return Separated(Mixture(own, p), Mixture(held, h), len(pairs))


def _likelihood(pairs: Sequence[Pair]) -> Numbers:
    """Of each pair, given (own part of the first sent, that of the second, the update's length)."""
    first, second = OWN_GRID[:, None], OWN_GRID[None, :]
    apart = np.abs(second - first)
    overtaken, together = second < first, second == first
    gap = np.maximum(apart[:, :, None], HELD_GRID[None, None, :])
    # Equal cells: both took none, and keep their order; or some, and either may be first.
    either = np.where(together, np.where(first == 0.0, 0.0, 0.5), overtaken.astype(np.float64))
    tables = []
    for pair in pairs:
        order = either if pair.overtaken else 1.0 - either
        distance = (np.log(max(pair.gap, 1)) - np.log(gap)) / SPREAD
        tables.append(order[:, :, None] * np.exp(-0.5 * distance**2) + 1e-12)
    return np.stack(tables)


def without(sample: Sequence[int], own: Mixture, least: float = 0.0) -> Mixture:
    """The law of what is left of a sample of sums when an independent part of this law is taken off.

    `least`: the smallest value that is tried, microseconds; 0: nine tenths of the smallest sum.
    """
    sums = np.maximum(np.asarray(sample, dtype=np.float64), 1.0)
    grid = np.geomspace(max(1.0, least or sums.min() * 0.9), sums.max(), 60)
    total = grid[None, :, None] + own.values[None, None, :]
    distance = (np.log(sums)[:, None, None] - np.log(total)) / SPREAD
    table = (np.exp(-0.5 * distance**2) * own.weights[None, None, :]).sum(axis=2) + 1e-12
    p = np.full(len(grid), 1 / len(grid))
    for _ in range(ROUNDS):
        joint = table * p[None, :]
        p = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    return Mixture(grid, p)
