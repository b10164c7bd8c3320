"""All states that were met, whole, by their fingerprints: so that none is taken for another; see `compared.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.checker.kernel import kernel
from sim.checker.kernels import apply
from sim.checker.orbits import canonicalise
from sim.checker.row_kernels import place_of_row

U = np.uint64
COUNT, PLACED, POSITION = range(3)
"""Columns of `state`: states that are kept, numbers in `arena`; and the candidate of a bucket that comes next."""
DONE, FULL, COLLISION = 0, 1, 2


@kernel
def is_there(arena: Any, at: Any, slots: Any, rows: Any, g: Any) -> Any:
    """Whether the row is the one that is kept at `at`: `[length of mail, highest slot that somebody is in, stations, mail]`."""
    mail, last = np.int64(arena[at]), np.int64(arena[at + 1])
    if mail != rows[g, 0] or last > slots:
        return False
    same = True
    for k in range(1, slots + 1):
        same &= rows[g, k] == (arena[at + 1 + k] if k <= last else 0)
    for k in range(mail):
        same &= rows[g, slots + 1 + k] == arena[at + 2 + last + k]
    return same


@kernel
def meet(keys: Any, places: Any, arena: Any, state: Any, key: Any, slots: Any, rows: Any, g: Any) -> Any:
    """Keep a row under its mixed key, or compare it with the one that is; DONE, FULL, or COLLISION when they are two."""
    mask = U(keys.shape[0] - 1)
    cell = key & mask
    while keys[cell] != U(0) and keys[cell] != key:
        cell = (cell + U(1)) & mask
    if keys[cell] == key:
        return DONE if is_there(arena, places[cell], slots, rows, g) else COLLISION
    last, mail = np.int64(slots), np.int64(rows[g, 0])
    while last > 0 and rows[g, last] == 0:
        last -= 1
    at = state[PLACED]
    if 4 * (state[COUNT] + 1) > 3 * keys.shape[0] or at + 2 + last + mail > arena.shape[0]:
        return FULL
    arena[at], arena[at + 1] = mail, last
    for k in range(last):
        arena[at + 2 + k] = rows[g, 1 + k]
    for k in range(mail):
        arena[at + 2 + last + k] = rows[g, slots + 1 + k]
    keys[cell], places[cell] = key, at
    state[COUNT] += 1
    state[PLACED] = at + 2 + last + mail
    return DONE


@kernel
def spread(old_keys: Any, old_places: Any, keys: Any, places: Any) -> None:
    """Put all keys into a larger table."""
    mask = U(keys.shape[0] - 1)
    for i in range(old_keys.shape[0]):
        if old_keys[i] != U(0):
            cell = old_keys[i] & mask
            while keys[cell] != U(0):
                cell = (cell + U(1)) & mask
            keys[cell], places[cell] = old_keys[i], old_places[i]


@kernel
def meet_rows(keys: Any, places: Any, arena: Any, state: Any, bucket: Any, count: Any, rows: Any, slots: Any) -> Any:
    """Meet the candidates of one bucket, from the next one on, which are there whole; as `meet`."""
    while state[POSITION] < count:
        i = state[POSITION]
        done = meet(keys, places, arena, state, bucket[i], slots, rows, i)
        if done != DONE:
            return done
        state[POSITION] = i + 1
    state[POSITION] = 0
    return DONE


@kernel
def meet_outcomes(
    keys: Any, places: Any, arena: Any, state: Any, bucket: Any, count: Any, origins: Any, t: Any, network: Any, symmetric: Any, slots: Any,
    rows: Any, chunks: Any, scratch: Any, sums: Any, work: Any,
) -> Any:  # fmt: skip
    """The same for candidates of which only is known where they come from: an outcome of a state in `rows`."""
    while state[POSITION] < count:
        i = state[POSITION]
        f, outcome = np.int64(origins[i] >> U(32)), np.int64(origins[i] & U(0xFFFFFFFF))
        source = place_of_row(chunks, f)
        apply(t.about, t.added, t.purged, t.other, t.parcels, t.calls, network, slots, rows, source, outcome, scratch, 0)
        if symmetric:
            canonicalise(
                t.left, t.slot_images, t.station_images, t.parcel_images, t.station_marks, t.parcel_marks, t.parcels, network, slots,
                scratch, 0, sums, work,
            )  # fmt: skip
        done = meet(keys, places, arena, state, bucket[i], slots, scratch, 0)
        if done != DONE:
            return done
        state[POSITION] = i + 1
    state[POSITION] = 0
    return DONE
