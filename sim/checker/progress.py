"""How far a search is, and how much is likely to come: from how layers grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

LOOKED_AT: Final = 7
"""Layers whose growth is followed, at most."""
TOO_FAST: Final = 0.4
"""The logarithm of a layer's growth beyond which nobody can tell: what follows depends on how soon that changes."""
FARTHEST: Final = 2_000
"""Layers to come, at most."""


@dataclass(slots=True)
class Progress:
    """How far a search is."""

    states: int = 0
    generated: int = 0
    depth: int = 0
    waiting: int = 0
    """States of this depth that have not been looked at, and all of the next."""
    layers: Sequence[int] = ()
    """States of each depth whose states are all known, in order; those of the last are being looked at."""
    memory: int = 0
    """Bytes that are used, of `memory_limit`."""
    memory_limit: int = 0

    def states_to_come(self) -> int | None:
        """About how many are still to be looked at: layers go on to grow, or to shrink, faster or more slowly as they did of late. None
        while nobody can tell: they are few, or grow fast, or ever faster.
        """
        if len(self.layers) < LOOKED_AT:
            return None
        growth, bend = _trend([log(b / a) for a, b in zip(self.layers[-LOOKED_AT:], self.layers[1 - LOOKED_AT :], strict=False)])
        if growth > TOO_FAST or (bend >= 0 and growth >= 0):
            return None
        size, to_come = float(self.layers[-1]), 0.0
        for _ in range(FARTHEST):
            growth += min(bend, 0.0)
            size *= exp(growth)
            to_come += size
            if size < 1:
                break
        # What is known of the next layer is part of it, or more than it.
        return self.waiting + int(max(0.0, to_come - (self.states - sum(self.layers))))


def _trend(values: Sequence[float]) -> tuple[float, float]:
    """The straight line that lies nearest to the values: where it is at the last, and its slope."""
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    slope = sum((i - middle) * (value - mean) for i, value in enumerate(values)) / sum((i - middle) ** 2 for i in range(len(values)))
    return mean + slope * middle, slope
