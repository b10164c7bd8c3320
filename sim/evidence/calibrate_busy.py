"""Whether what happens at one time is slow together: estimated from how ranks of values depend on each other by their distance.

Each value is replaced by its rank among those of its quantity. In the model (`sim/simulator/busy.py`) two values of one period
have a rank correlation of the share squared, two of different periods none; so at a distance in time the correlation is
share**2 times the chance that both lie in one period, 1 - distance / period. Both numbers are those with the least squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

EDGES: Final = (0, 20_000, 40_000, 60_000, 80_000, 120_000, 160_000, 240_000, 320_000, 480_000, 640_000, 1_000_000)
"""Of the classes of distances, microseconds."""

PERIODS: Final = (40_000, 60_000, 80_000, 120_000, 160_000, 240_000, 320_000, 480_000, 640_000, 1_000_000)
LEAST: Final = 200
"""With fewer pairs of values nothing is said."""


@dataclass(frozen=True, slots=True)
class Together:
    """`share`: how likely a value is to follow its period; `period`: microseconds; `n`: pairs of values."""

    share: float
    period: int
    n: int
    correlations: tuple[tuple[int, int, float, int], ...]
    """From and to which distance (microseconds), the correlation of ranks, and of how many pairs."""


def together(moments: Sequence[Sequence[tuple[int, str, int]]], samples: Mapping[str, Sequence[int]]) -> Together | None:
    """Estimate; None with too few values, or when they do not depend on each other."""
    ordered = {name: np.sort(np.asarray(sample)) for name, sample in samples.items()}
    products: list[list[float]] = [[] for _ in EDGES[1:]]
    for recording in moments:
        taken = sorted(recording)
        times = np.asarray([at for at, _, _ in taken])
        ranks = np.asarray([_rank(ordered[name], value) for _, name, value in taken])
        for i in range(len(taken)):
            last = int(np.searchsorted(times, times[i] + EDGES[-1]))
            apart = times[i + 1 : last] - times[i]
            # Values of one instant are parts of one call.
            for place, product in zip(np.searchsorted(EDGES, apart, side="left") - 1, ranks[i] * ranks[i + 1 : last], strict=True):
                if place >= 0:
                    products[place].append(float(product))
    counts = [len(some) for some in products]
    if sum(counts) < LEAST:
        return None
    found = np.asarray([np.mean(some) if some else 0.0 for some in products])
    middles = np.asarray([(low + high) / 2 for low, high in pairwise(EDGES)])
    best: tuple[float, float, int] | None = None
    weights = np.sqrt(np.asarray(counts))
    for period in PERIODS:
        shape = np.maximum(0.0, 1.0 - middles / period)
        square = float(np.clip(np.sum(weights * shape * found) / max(np.sum(weights * shape**2), 1e-12), 0.0, 0.98))
        error = float(np.sum(weights * (found - square * shape) ** 2))
        if best is None or error < best[0]:
            best = error, square, period
    assert best is not None
    if best[1] <= 0:
        return None
    table = tuple((EDGES[i], EDGES[i + 1], round(float(found[i]), 4), counts[i]) for i in range(len(counts)))
    return Together(round(best[1] ** 0.5, 3), best[2], sum(counts), table)


def _rank(ordered: np.ndarray[tuple[int, ...], np.dtype[np.int64]], value: int) -> float:
    """A value's rank in its sample, with mean 0 and variance 1."""
    middle = (np.searchsorted(ordered, value, side="left") + np.searchsorted(ordered, value, side="right")) / 2
    return float((middle / len(ordered) - 0.5) * 12**0.5)
