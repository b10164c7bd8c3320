"""Which predicates are false in a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.checker.kernel import kernel

U = np.uint64


@kernel
def clashes(pair_masks: Any, clash: Any) -> Any:
    """The predicates to which these classes of conflict belong, as bits."""
    false = U(0)
    if clash != U(0):
        for k in range(pair_masks.shape[0]):
            if clash & pair_masks[k]:
                false |= U(1) << U(k)
    return false


@kernel
def judge(marks: Any, pair_masks: Any, slots: Any, rows: Any, f: Any) -> Any:
    """The predicates that are false in a row, as bits."""
    alone, together, clash = U(0), U(0), U(0)
    for i in range(1, slots + 1):
        station = rows[f, i]
        alone |= marks[station, 0]
        clash |= marks[station, 2] & together
        together |= marks[station, 1]
    return alone | clashes(pair_masks, clash)


@kernel
def note_hits(false: Any, promises: Any, goals: Any, hits: Any, g: Any) -> None:
    """Let `hits[k]` be row g, if it was -1, for each promise k that is false there and each goal k that is not."""
    found = (false & promises) | (~false & goals)
    if found != U(0):
        for k in range(hits.shape[0]):
            if found >> U(k) & U(1) and hits[k] < 0:
                hits[k] = g
