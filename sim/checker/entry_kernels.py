"""The table of entries: what becomes of a delivery, by (station, parcel); see `columns.Tables`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.checker.intrinsics import prefetch
from sim.checker.kernel import inlined, kernel
from sim.checker.mixing import mix

U = np.uint64
IDLE, SIMPLE, COUNT = 1, 2, 0x3FFFF
"""Bits of an entry."""


@kernel
def entry_of(taken: Any, station: Any, parcel: Any) -> Any:
    """The entry of a delivery, -1 while unknown."""
    key = (U(station) << U(32)) | U(parcel)
    mask = U(taken.shape[0] - 1)
    i = mix(key) & mask
    while True:
        found = taken[i, 0]
        if found == key:
            return np.int64(taken[i, 1])
        if found == U(0):
            return np.int64(-1)
        i = (i + U(1)) & mask


@inlined
def prefetch_entry(taken: Any, station: Any, parcel: Any) -> None:
    """Begin to load what `entry_of` looks at first."""
    prefetch(taken, (mix((U(station) << U(32)) | U(parcel)) & U(taken.shape[0] - 1)) * U(taken.shape[1]))


@kernel
def entries_of(taken: Any, pairs: Any, entries: Any) -> None:
    """The entries of many (station, parcel)."""
    for i in range(pairs.shape[0]):
        entries[i] = entry_of(taken, pairs[i, 0], pairs[i, 1])


@kernel
def put_taken(taken: Any, key: Any, entry: Any) -> Any:
    """Put one entry into an open-addressing table that has room; whether it is new."""
    mask = U(taken.shape[0] - 1)
    i = mix(key) & mask
    while taken[i, 0] != U(0) and taken[i, 0] != key:
        i = (i + U(1)) & mask
    fresh = taken[i, 0] == U(0)
    taken[i, 0] = key
    taken[i, 1] = entry
    return fresh


@kernel
def put_all_taken(taken: Any, entries: Any) -> Any:
    """Put rows (key, entry) into a table that has room; how many are new."""
    n = 0
    for i in range(entries.shape[0]):
        n += int(put_taken(taken, entries[i, 0], entries[i, 1]))
    return n


@kernel
def fill_taken(old: Any, taken: Any) -> None:
    """Put all of one table into a larger one."""
    for i in range(old.shape[0]):
        if old[i, 0] != U(0):
            put_taken(taken, old[i, 0], old[i, 1])
