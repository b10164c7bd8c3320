"""What reads of the transfer queue take when nothing limits them, told apart from waiting for the limit (P4.6.11).

Others on the shard use up reads too, and are not in the recordings. A dispatch is then either quiet, with a log-normal law, or
limited: the next read is allowed at any moment of the 50 ms between two reads, for which it waits besides. The share of limited
ones and the quiet law are found by expectation maximisation, in which the quiet dispatches alone tell of the quiet law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from sim.model.laws import Empirical
from sim.protocol.shard import BURST, READ_INTERVAL

ALLOWED: Final = (BURST - 1) * READ_INTERVAL
"""Where the bucket is used up so far, microseconds, the last read that need not wait is taken."""

LEAST_VALUES: Final = 30
"""With fewer dispatches nothing is told apart."""

ROUNDS: Final = 500
POINTS: Final = 200
"""Of the law that is written: its resolution is half a percent."""


@dataclass(frozen=True, slots=True)
class Reads:
    """`quiet`: microseconds, sorted, what unlimited reads take; `limited`: the share of reads that waited for the limit."""

    quiet: tuple[int, ...]
    limited: float

    def by_others(self) -> Empirical | None:
        """How far others used up the bucket; None if they never emptied it."""
        waiting = round(self.limited * POINTS)
        if waiting == 0:
            return None
        waits = [ALLOWED + READ_INTERVAL * (2 * i + 1) // (2 * waiting) for i in range(waiting)]
        return Empirical((*[0] * (POINTS - waiting), *waits))


def told_apart(dispatches: Sequence[int]) -> Reads | None:
    """Estimate from dispatches, microseconds; None with too few of them."""
    if len(dispatches) < LEAST_VALUES:
        return None
    values = np.sort(np.asarray(dispatches, dtype=float))
    logs = np.log(np.maximum(values, 1.0))
    earlier = np.log(np.maximum(values - READ_INTERVAL, 1.0))
    centre, width, limited = float(np.median(logs)), 0.5, 0.5
    chance = np.zeros(len(values))
    for _ in range(ROUNDS):
        quiet = np.exp(-(((logs - centre) / width) ** 2) / 2 - logs) / (width * np.sqrt(2 * np.pi))
        # The wait for the limit comes on top of the read itself.
        waited = (ndtr((logs - centre) / width) - ndtr((earlier - centre) / width)) / READ_INTERVAL
        both = limited * waited + (1 - limited) * quiet
        chance = np.divide(limited * waited, both, out=np.zeros_like(both), where=both > 0)
        weights = np.maximum(1 - chance, 1e-12)
        before, limited = limited, float(chance.mean())
        centre = float(np.average(logs, weights=weights))
        width = max(float(np.sqrt(np.average((logs - centre) ** 2, weights=weights))), 0.01)
        if abs(before - limited) < 1e-9:
            break
    # The quiet law is the recorded values, each as likely as it is to be a quiet one.
    shares = np.cumsum(np.maximum(1 - chance, 1e-12))
    places = np.searchsorted(shares, (np.arange(POINTS) + 0.5) / POINTS * shares[-1])
    return Reads(tuple(int(values[place]) for place in places), limited)
