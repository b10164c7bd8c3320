"""The set of states that were visited: open addressing, whose cells are in the order of keys; see `visited.py`."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.intrinsics import prefetch
from sim.checker.kernel import kernel

U = np.uint64
AHEAD: Final = 24
"""So many insertions in advance memory is asked for."""


@kernel
def insert(table: Any, shift: Any, keys: Any, counts: Any, q: Any, where: Any, room: Any, fresh: Any) -> Any:
    """Insert the buckets of partition `q` into its table, from `where` = (buffer, position, fresh so far) on, which is kept up to date.

    Stops when `room` keys are new; `fresh` gets those that were (buffer << 32 | position). Whether all were inserted.
    """
    mask = U(table.shape[0] - 1)
    n = U(where[2])
    limit = n + U(room)
    for buffer in range(where[0], keys.shape[0]):
        bucket = keys[U(buffer), U(q)]
        i, end = U(where[1]), U(counts[U(buffer), U(q)])
        while i < end:
            if n >= limit:
                where[0], where[1], where[2] = buffer, i, n
                return False
            prefetch(table, bucket[min(i + U(AHEAD), end - U(1))] >> shift)
            key = bucket[i]
            cell = key >> shift
            found = table[cell]
            while found != U(0) and found != key:
                cell = (cell + U(1)) & mask
                found = table[cell]
            # Without a branch: whether a key is new is as good as chance.
            table[cell] = key
            fresh[n] = U(buffer) << U(32) | i
            n += U(found == U(0))
            i += U(1)
        where[1] = 0
    where[0], where[2] = keys.shape[0], n
    return True


@kernel
def rehash(old: Any, table: Any, shift: Any) -> None:
    """Put all keys of one table into a larger one. Cells are in the order of keys, so both are walked in order."""
    mask = U(table.shape[0] - 1)
    for i in range(old.shape[0]):
        key = old[U(i)]
        if key != U(0):
            cell = key >> shift
            while table[cell] != U(0):
                cell = (cell + U(1)) & mask
            table[cell] = key


@kernel
def spread(table: Any, end: Any, shift: Any, aside: Any, number: Any) -> Any:
    """Move the keys in the cells before `end` to where `shift` says that they are in a larger table, which begins at the same place.

    From the last to the first, so that nearly all of them move to cells that are free. Those that do not are put `aside`, behind the
    `number` that are there. Returns (where it stopped for want of room there, how many there are).
    """
    cells = U(table.shape[0])
    for i in range(end - 1, -1, -1):
        key = table[U(i)]
        if key != U(0):
            if number == aside.shape[0]:
                return i + 1, number
            table[U(i)] = U(0)
            # Before i are keys that are still to be moved, and so there are where one would begin anew behind the last cell.
            cell = key >> shift
            if cell < U(i):
                cell = cells
            while cell < cells and table[cell] != U(0):
                cell += U(1)
            if cell < cells:
                table[cell] = key
            else:
                aside[number] = key
                number += 1
    return 0, number
