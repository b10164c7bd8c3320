"""The inner loops, compiled by numba: no Python object in them, no lock held, arrays in and out.

A *row* is a global state: `[length of mail, a station per slot ..., parcels ...]`. Mail is sorted (set, bag) or in the
order of sending (ordered). The columns of `Tables` are explained there. A round of the search is: `expand` many rows
into buckets of candidate keys, one bucket per partition of the visited set; `insert` each bucket into its partition;
`materialise` the rows of those that were new.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from sim.checker.intrinsics import prefetch

U = np.uint64
SET, BAG, ORDERED = 0, 1, 2
ADDS, GENERAL = 1, 2
PARTITIONS: Final = 8
"""Partitions of the visited set: fixed, so that the order of states does not depend on the number of threads."""
PARTITION_BITS: Final = 3
AHEAD: Final = 24
"""So many insertions in advance memory is asked for."""
GENERATED, STUCK, FIRST_STUCK, ERROR = 0, 1, 2, 3
"""What `expand` counts: successors; states without any, and the first of them; and what went wrong: 1 + the slot where
two nodes would be, or TOO_MANY."""
TOO_MANY = -1
ROOM, CLASH = -1, -2


@njit(nogil=True, cache=True)
def mix(key: Any) -> Any:
    """Spread a key's bits: packed keys differ in few of them."""
    key ^= key >> U(32)
    key *= U(0xD6E8FEB86659FD93)
    key ^= key >> U(32)
    return key


# -- tables -------------------------------------------------------------------------------------------------------------


@njit(nogil=True, cache=True)
def entry_of(t: Any, station: Any, parcel: Any) -> Any:
    """The entry of a delivery, -1 while unknown."""
    key = (U(station) << U(32)) | U(parcel)
    mask = U(t.taken_keys.shape[0] - 1)
    i = mix(key) & mask
    while True:
        found = t.taken_keys[i]
        if found == key:
            return t.taken[i]
        if found == U(0):
            return np.int64(-1)
        i = (i + U(1)) & mask


@njit(nogil=True, cache=True)
def put_taken(keys: Any, values: Any, key: Any, value: Any) -> Any:
    """Put one entry into an open-addressing table that has room; whether it is new."""
    mask = U(keys.shape[0] - 1)
    i = mix(key) & mask
    while keys[i] != U(0) and keys[i] != key:
        i = (i + U(1)) & mask
    fresh = keys[i] == U(0)
    keys[i] = key
    values[i] = value
    return fresh


@njit(nogil=True, cache=True)
def fill_taken(old_keys: Any, old: Any, keys: Any, values: Any) -> None:
    """Put all of one table into a larger one."""
    for i in range(old_keys.shape[0]):
        if old_keys[i] != U(0):
            put_taken(keys, values, old_keys[i], old[i])


# -- states -------------------------------------------------------------------------------------------------------------


@njit(nogil=True, cache=True)
def key_of(t: Any, network: Any, slots: Any, row: Any) -> Any:
    """The key of a row, from scratch."""
    key = t.base
    for i in range(1, slots + 1):
        key += t.key_of_station[row[i]]
    first, end = slots + 1, slots + 1 + row[0]
    if network != ORDERED:
        for j in range(first, end):
            key += t.key_of_parcel[row[j]]
    else:
        sequence = U(0)
        for j in range(end - 1, first - 1, -1):
            sequence = sequence * t.multiplier + t.key_of_parcel[row[j]]
        key += sequence
    return key if key != U(0) else U(1)


@njit(nogil=True, cache=True)
def add_mail(network: Any, row: Any, first: Any, count: Any, parcel: Any) -> Any:
    """Put a parcel where it belongs; the new length of the mail, ROOM if it does not fit."""
    j = first + count
    if network != ORDERED:
        while j > first and row[j - 1] > parcel:
            j -= 1
        if network == SET and j > first and row[j - 1] == parcel:
            return count
    if first + count >= row.shape[0]:
        return ROOM
    for k in range(first + count, j, -1):
        row[k] = row[k - 1]
    row[j] = parcel
    return count + 1


@njit(nogil=True, cache=True)
def is_purged(t: Any, outcome: Any, parcel: Any) -> Any:
    """Whether a parcel answers a call that this outcome ends."""
    reply = t.reply_class[parcel]
    if reply != 0:
        for k in range(t.purges[outcome], t.purges[outcome + 1]):
            if t.purged[k] == reply:
                return True
    return False


@njit(nogil=True, cache=True)
def apply(t: Any, network: Any, slots: Any, row: Any, outcome: Any, out: Any) -> Any:
    """Write the state after an outcome; the length of its mail, ROOM if it does not fit, CLASH if a new node's slot is taken."""
    for i in range(1, slots + 1):
        out[i] = row[i]
    out[1 + t.slot[outcome]] = t.station[outcome]
    for k in range(t.sets[outcome], t.sets[outcome + 1]):
        slot = 1 + t.other[k, 0]
        if t.other[k, 2] and row[slot] != 0:
            return CLASH
        out[slot] = t.other[k, 1]
    first, count, gone = slots + 1, 0, t.consumed[outcome]
    for j in range(first, first + row[0]):
        parcel = row[j]
        if parcel == gone:
            gone = 0
        elif not is_purged(t, outcome, parcel):
            if first + count >= out.shape[0]:
                return ROOM
            out[first + count] = parcel
            count += 1
    for k in range(t.adds[outcome], t.adds[outcome + 1]):
        waiting = t.added[k, 1]
        if waiting < 0 or (t.calls[row[1 + waiting]] >> U(t.added[k, 2])) & U(1):
            count = add_mail(network, out, first, count, t.added[k, 0])
            if count < 0:
                return ROOM
    out[0] = count
    return count


# -- one round of the search --------------------------------------------------------------------------------------------


@njit(nogil=True, cache=True)
def is_offered(t: Any, network: Any, row: Any, first: Any, j: Any) -> Any:
    """Whether the parcel at `j` may be delivered: of equal ones the first, in an ordered network the first of its link."""
    if network == BAG:
        return j == first or row[j - 1] != row[j]
    if network == ORDERED:
        for k in range(first, j):
            if t.pair[row[k]] == t.pair[row[j]]:
                return False
    return True


@njit(nogil=True, cache=True)
def enabled(t: Any, network: Any, slots: Any, row: Any, entries: Any, misses: Any, missed: Any) -> Any:
    """Collect the entries of all that may happen; (how many, misses so far). Misses are (station, parcel or 0)."""
    n, first = 0, slots + 1
    for j in range(first, first + row[0]):
        if is_offered(t, network, row, first, j):
            parcel = row[j]
            station = row[1 + t.to[parcel]]
            entry = entry_of(t, station, parcel)
            if entry >= 0:
                entries[n] = entry
                n += 1
            elif missed < misses.shape[0]:
                misses[missed, 0], misses[missed, 1] = station, parcel
                missed += 1
            else:
                return -1, missed
    for i in range(1, first):
        station = row[i]
        if station != 0:
            entry = t.own[station]
            if entry >= 0:
                entries[n] = entry
                n += entry >> 1 & 0x7FFFF != 0
            elif missed < misses.shape[0]:
                misses[missed, 0], misses[missed, 1] = station, 0
                missed += 1
            else:
                return -1, missed
    return n, missed


@njit(nogil=True, cache=True)
def copies(network: Any, slots: Any, row: Any) -> Any:
    """What may be too much for a packed key: the length of ordered mail, the copies of one parcel in a bag."""
    if network == ORDERED:
        return np.int64(row[0])
    longest, run = 0, 0
    for j in range(slots + 1, slots + 1 + row[0]):
        run = run + 1 if j > slots + 1 and row[j] == row[j - 1] else 1
        longest = max(longest, run)
    return longest


@njit(nogil=True, cache=True)
def key_after(
    t: Any, network: Any, most: Any, slots: Any, row: Any, key: Any, outcome: Any, scratch: Any, stamps: Any, stamp: Any
) -> Any:
    """(the key of the state after an outcome, what went wrong or 0).

    In `stamps` the parcels of a set's mail have `stamp`. `most` limits what an exact key can tell, 0 for no limit.
    """
    way = t.way[outcome]
    if way == GENERAL:
        if apply(t, network, slots, row, outcome, scratch) == CLASH:
            return key, 1 + np.int64(t.other[t.sets[outcome], 0])
        if most > 0 and copies(network, slots, scratch) > most:
            return key, np.int64(TOO_MANY)
        return key_of(t, network, slots, scratch), np.int64(0)
    key += t.delta[outcome]
    if way == ADDS:
        for k in range(t.adds[outcome], t.adds[outcome + 1]):
            parcel = t.added[k, 0]
            if stamps[parcel] != stamp:
                key += t.key_of_parcel[parcel]
    return key if key != U(0) else U(1), np.int64(0)


@njit(nogil=True, cache=True)
def expand(
    t: Any, network: Any, most: Any, slots: Any, rows: Any, row_keys: Any, todo: Any, begin: Any, keys: Any, origins: Any, counts: Any,
    recent: Any, entries: Any, scratch: Any, stamps: Any, pending: Any, misses: Any, stats: Any,
) -> Any:  # fmt: skip
    """Write the successors of the rows `todo[begin:]` into buckets: `keys[partition]`, `origins[partition]` (row, outcome).

    Stops where a bucket might overflow. Rows that met an unknown input are written to `pending`, with nothing else done
    for them. Returns (how far it came, pending, misses).
    """
    n_pending, missed = 0, 0
    capacity = keys.shape[1]
    filter_mask = U(recent.shape[0] - 1)
    for position in range(begin, todo.shape[0]):
        f = todo[position]
        row = rows[f]
        before = missed
        n, missed = enabled(t, network, slots, row, entries, misses, missed)
        if n < 0 or missed > before:
            pending[n_pending] = f
            n_pending += 1
            continue
        need = 0
        for k in range(n):
            need += entries[k] >> 1 & 0x7FFFF
        fullest = 0
        for q in range(PARTITIONS):
            fullest = max(fullest, counts[q])
        if fullest + need > capacity:
            return position, n_pending, missed
        stats[GENERATED] += need
        if need == 0:
            if stats[STUCK] == 0:
                stats[FIRST_STUCK] = f
            stats[STUCK] += 1
        stamp = np.int64(0)
        if network == SET:
            stamps[0] += 1
            stamp = stamps[0]
            for j in range(slots + 1, slots + 1 + row[0]):
                stamps[row[j]] = stamp
        key0 = row_keys[f]
        for k in range(n):
            entry = entries[k]
            if entry & 1:
                continue
            start = entry >> 20
            for outcome in range(start, start + (entry >> 1 & 0x7FFFF)):
                key, wrong = key_after(t, network, most, slots, row, key0, outcome, scratch, stamps, stamp)
                if wrong != 0:
                    stats[ERROR] = wrong
                if key == key0:
                    continue
                mixed = mix(key)
                cell = mixed >> U(20) & filter_mask
                if recent[cell] != key:
                    recent[cell] = key
                    q = mixed & U(PARTITIONS - 1)
                    i = counts[q]
                    keys[q, i] = key
                    origins[q, i] = U(f) << U(32) | U(outcome)
                    counts[q] = i + 1
    return todo.shape[0], n_pending, missed


@njit(nogil=True, cache=True)
def insert(table: Any, shift: Any, keys: Any, counts: Any, q: Any, where: Any, room: Any, fresh: Any) -> Any:
    """Insert the buckets of partition `q` into its table, from `where` = (buffer, position, fresh so far) on, which is kept up to date.

    Stops when `room` keys are new; `fresh` gets those that were (buffer << 32 | position). Whether all were inserted.
    """
    mask = U(table.shape[0] - 1)
    n = where[2]
    limit = n + room
    for buffer in range(where[0], keys.shape[0]):
        bucket = keys[buffer, q]
        end = counts[buffer, q]
        for i in range(where[1], end):
            if n >= limit:
                where[0], where[1], where[2] = buffer, i, n
                return False
            prefetch(table, mix(bucket[min(i + AHEAD, end - 1)]) >> shift)
            key = bucket[i]
            cell = mix(key) >> shift
            while table[cell] != U(0) and table[cell] != key:
                cell = (cell + U(1)) & mask
            if table[cell] == U(0):
                table[cell] = key
                fresh[n] = U(buffer) << U(32) | U(i)
                n += 1
        where[1] = 0
    where[0], where[2] = keys.shape[0], n
    return True


@njit(nogil=True, cache=True)
def rehash(old: Any, table: Any, shift: Any) -> None:
    """Put all keys of one table into a larger one. Cells are in the order of mixed keys, so both are walked in order."""
    mask = U(table.shape[0] - 1)
    for i in range(old.shape[0]):
        key = old[i]
        if key != U(0):
            cell = mix(key) >> shift
            while table[cell] != U(0):
                cell = (cell + U(1)) & mask
            table[cell] = key


@njit(nogil=True, cache=True)
def judge(t: Any, slots: Any, row: Any, pair_masks: Any) -> Any:
    """The predicates that are false in a row, as bits."""
    alone, together, clash = U(0), U(0), U(0)
    for i in range(1, slots + 1):
        station = row[i]
        alone |= t.seen_by[station]
        clash |= t.conflicts[station] & together
        together |= t.classes[station]
    if clash != U(0):
        for k in range(pair_masks.shape[0]):
            if clash & pair_masks[k]:
                alone |= U(1) << U(k)
    return alone


@njit(nogil=True, cache=True)
def materialise(
    t: Any, network: Any, slots: Any, rows: Any, keys: Any, origins: Any, q: Any, fresh: Any, begin: Any, end: Any, out: Any, out_keys: Any,
    parents: Any, outcomes: Any, at: Any, base: Any, promises: Any, goals: Any, pair_masks: Any, hits: Any,
) -> Any:  # fmt: skip
    """Write the rows of the new states `fresh[begin:end]` from row `at` on, with their trace, and judge them.

    `base` is the number of the state in row 0 of `rows`. `hits[k]` becomes the first row, if it was -1, that breaks
    promise k or reaches goal k. Returns how far it came: less than `end` when a row is too short for its mail.
    """
    for j in range(begin, end):
        buffer, i = fresh[j] >> U(32), fresh[j] & U(0xFFFFFFFF)
        origin = origins[buffer, q, i]
        f, outcome = origin >> U(32), np.int64(origin & U(0xFFFFFFFF))
        target = at + j - begin
        row = out[target]
        if apply(t, network, slots, rows[f], outcome, row) < 0:
            return j
        out_keys[target] = keys[buffer, q, i]
        parents[target] = base + np.int64(f)
        outcomes[target] = outcome
        false = judge(t, slots, row, pair_masks)
        found = (false & promises) | (~false & goals)
        if found != U(0):
            for k in range(hits.shape[0]):
                if found >> U(k) & U(1) and hits[k] < 0:
                    hits[k] = target
    return end

