"""The inner loops, compiled by numba: no Python object in them, no lock held, arrays in and out.

Helpers take the arrays that they need one by one, and a row as (array, number): each array of a tuple that is handed on goes along
as seven numbers, which would cost more than the work itself.

A *row* is a global state: `[length of mail, a station per slot ..., parcels ...]`. Mail is sorted (set, bag), in the order
of sending (queue), or in that of each link, one link after the other (ordered). The columns of `Tables` are explained
there. A round of the search is: `expand` many rows into buckets of candidate keys, one bucket per partition of the
visited set; `visited_kernels.insert` each bucket into its partition; `materialise` the rows of those that were new.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.entry_kernels import COUNT, IDLE, SIMPLE, entry_of
from sim.checker.intrinsics import prefetch
from sim.checker.kernel import inlined, kernel
from sim.checker.mixing import mix, unmix
from sim.checker.orbits import canonicalise
from sim.checker.row_kernels import place_of_row
from sim.checker.verdict_kernels import judge, note_hits

U = np.uint64
SET, BAG, ORDERED, QUEUE = 0, 1, 2, 3
ADDS, GENERAL = 1, 2
PARTITIONS: Final = 4
"""Partitions of the visited set: fixed, so that the order of states does not depend on the number of threads."""

ROWS_AHEAD: Final = np.uint64(3)
"""So many rows in advance memory is asked for where rows are written, one after the other: that takes longer than to work them out."""
LINE: Final = 32
"""Numbers of a row, at least, that come into a cache at once."""
GENERATED, STUCK, FIRST_STUCK, ERROR = 0, 1, 2, 3
"""What `expand` counts: successors; states without any, and the first of them; and what went wrong: 1 + the slot where
two nodes would be, or TOO_MANY, or TOO_MANY_IMAGES."""
TOO_MANY, TOO_MANY_IMAGES = -1, -2
ROOM, CLASH = -1, -2
TO, PAIR, REPLY = 0, 1, 2
WAY, SLOT, STATION, CONSUMED, ADDED, PURGES, SETS = range(7)
"""Columns of `Tables.parcels` and `Tables.about`."""


# -- states -------------------------------------------------------------------------------------------------------------


@inlined
def key_of_mail(key_of_parcel: Any, multiplier: Any, network: Any, slots: Any, rows: Any, f: Any) -> Any:
    """What the mail of a row adds to its key."""
    key, first, end = U(0), slots + 1, slots + 1 + rows[f, 0]
    if network < ORDERED:
        for j in range(first, end):
            key += key_of_parcel[rows[f, j]]
    else:
        for j in range(end - 1, first - 1, -1):
            part = key_of_parcel[rows[f, j]]
            # Of a sum of powers there are rows of mail for which it is the same whatever the multiplier: fingerprints are stirred.
            key = key * multiplier + part if multiplier != U(0) else mix(key + part)
    return key


@kernel
def key_of(key_of_station: Any, key_of_parcel: Any, base: Any, multiplier: Any, network: Any, slots: Any, rows: Any, f: Any) -> Any:
    """The key of a row, from scratch."""
    key = base
    for i in range(1, slots + 1):
        key += key_of_station[rows[f, i]]
    key += key_of_mail(key_of_parcel, multiplier, network, slots, rows, f)
    return key if key != U(0) else U(1)


@inlined
def claim(rows: Any, q: Any, i: Any, length: Any) -> None:
    """Begin to load so much of a row of bucket q that will be written to soon after row i. There need not be such a row."""
    begin = (q * U(rows.shape[1]) + U(i) + ROWS_AHEAD) * U(rows.shape[2])
    for j in range(0, length, LINE):
        prefetch(rows, begin + U(j))


@kernel
def add_mail(network: Any, parcels: Any, out: Any, g: Any, first: Any, count: Any, parcel: Any) -> Any:
    """Put a parcel where it belongs; the new length of the mail, ROOM if it does not fit."""
    j = first + count
    if network < ORDERED:
        while j > first and out[g, j - 1] > parcel:
            j -= 1
        if network == SET and j > first and out[g, j - 1] == parcel:
            return count
    elif network == ORDERED:
        while j > first and parcels[out[g, j - 1], PAIR] > parcels[parcel, PAIR]:
            j -= 1
    if first + count >= out.shape[1]:
        return ROOM
    for k in range(first + count, j, -1):
        out[g, k] = out[g, k - 1]
    out[g, j] = parcel
    return count + 1


@kernel
def is_purged(about: Any, purged: Any, parcels: Any, outcome: Any, parcel: Any) -> Any:
    """Whether a parcel answers a call that this outcome ends."""
    reply = parcels[parcel, REPLY]
    if reply != 0:
        for k in range(about[outcome, PURGES], about[outcome + 1, PURGES]):
            if purged[k] == reply:
                return True
    return False


@kernel
def apply(
    about: Any, added: Any, purged: Any, other: Any, parcels: Any, calls: Any, network: Any, slots: Any, rows: Any, f: Any, outcome: Any,
    out: Any, g: Any,
) -> Any:  # fmt: skip
    """Write the state after an outcome; the length of its mail, ROOM if it does not fit, CLASH if a new node's slot is taken."""
    for i in range(1, slots + 1):
        out[g, i] = rows[f, i]
    out[g, 1 + about[outcome, SLOT]] = about[outcome, STATION]
    for k in range(about[outcome, SETS], about[outcome + 1, SETS]):
        slot = 1 + other[k, 0]
        if other[k, 2] & 1 and rows[f, slot] != 0:
            return CLASH
        out[g, slot] = other[k, 1]
    first, gone = slots + 1, about[outcome, CONSUMED]
    purges = about[outcome, PURGES] < about[outcome + 1, PURGES]
    if first + rows[f, 0] > out.shape[1]:
        return ROOM
    count = np.int64(0)
    if gone == 0 and not purges:
        count = np.int64(rows[f, 0])
        for j in range(first, first + count):
            out[g, j] = rows[f, j]
    else:
        for j in range(first, first + rows[f, 0]):
            parcel = rows[f, j]
            if parcel == gone:
                gone = 0
            elif not (purges and is_purged(about, purged, parcels, outcome, parcel)):
                out[g, first + count] = parcel
                count += 1
    for k in range(about[outcome, ADDED], about[outcome + 1, ADDED]):
        waiting = added[k, 1]
        if waiting < 0 or (calls[rows[f, 1 + waiting]] >> U(added[k, 2])) & U(1):
            count = add_mail(network, parcels, out, g, first, count, added[k, 0])
            if count < 0:
                return ROOM
    out[g, 0] = count
    return count


@kernel
def copies(network: Any, slots: Any, rows: Any, f: Any) -> Any:
    """What may be too much for a packed key: the length of mail that is in order, the copies of one parcel in a bag."""
    if network >= ORDERED:
        return np.int64(rows[f, 0])
    longest, run = 0, 0
    for j in range(slots + 1, slots + 1 + rows[f, 0]):
        run = run + 1 if j > slots + 1 and rows[f, j] == rows[f, j - 1] else 1
        longest = max(longest, run)
    return longest


# -- one round of the search --------------------------------------------------------------------------------------------


@kernel
def is_offered(parcels: Any, network: Any, rows: Any, f: Any, first: Any, j: Any) -> Any:
    """Whether the parcel at `j` may be delivered: of equal ones the first, in an ordered network the first of its link."""
    if network == QUEUE:
        return j == first
    if network == BAG:
        return j == first or rows[f, j - 1] != rows[f, j]
    if network == ORDERED:
        return j == first or parcels[rows[f, j - 1], PAIR] != parcels[rows[f, j], PAIR]
    return True


@kernel
def enabled(
    taken: Any, parcels: Any, own: Any, network: Any, slots: Any, rows: Any, f: Any, entries: Any, misses: Any, missed: Any
) -> Any:  # fmt: skip
    """Collect the entries that change something; (how many, how many successors all have, misses so far).

    Misses are (station, parcel or 0). When there is no room for one more, the number of entries is -1.
    """
    n, successors, first = 0, 0, slots + 1
    for j in range(first, first + rows[f, 0]):
        if network == SET or is_offered(parcels, network, rows, f, first, j):
            parcel = rows[f, j]
            station = rows[f, 1 + parcels[parcel, TO]]
            entry = entry_of(taken, station, parcel)
            if entry >= 0:
                # Without a branch, which would be mispredicted often.
                entries[n] = entry
                n += (entry & IDLE) ^ 1
                successors += entry >> 2 & COUNT
            elif missed < misses.shape[0]:
                misses[missed, 0], misses[missed, 1] = station, parcel
                missed += 1
            else:
                return -1, 0, missed
    for i in range(1, first):
        station = rows[f, i]
        entry = own[station]
        if entry >= 0:
            entries[n] = entry
            n += (entry & IDLE) ^ 1
            successors += entry >> 2 & COUNT
        elif missed < misses.shape[0]:
            misses[missed, 0], misses[missed, 1] = station, 0
            missed += 1
        else:
            return -1, 0, missed
    return n, successors, missed


@kernel
def fullest(counts: Any) -> Any:
    """Candidates in the bucket that has most."""
    most = 0
    for q in range(PARTITIONS):
        most = max(most, counts[q])
    return most


@kernel
def is_full(counts: Any, capacity: Any, more: Any) -> Any:
    """Whether so many more candidates might overflow a bucket."""
    return fullest(counts) + more > capacity


@kernel
def tally(stats: Any, successors: Any, f: Any) -> None:
    """Count a row's successors, and those rows that have none."""
    stats[GENERATED] += successors
    if successors == 0:
        if stats[STUCK] == 0:
            stats[FIRST_STUCK] = f
        stats[STUCK] += 1


@kernel
def stamp_mail(network: Any, slots: Any, rows: Any, f: Any, stamps: Any) -> Any:
    """In a set: mark the parcels of a row with a new stamp, which is returned."""
    if network == SET:
        stamps[0] += 1
        for j in range(slots + 1, slots + 1 + rows[f, 0]):
            stamps[rows[f, j]] = stamps[0]
    return stamps[0]


@kernel
def propose(keys: Any, origins: Any, counts: Any, key: Any, f: Any, outcome: Any, counted: Any) -> None:
    """Put a candidate, and where it comes from, into the bucket of its partition, which has room; if it is not `counted`, the next one
    is put in its place."""
    mixed = mix(key)
    q = mixed & U(PARTITIONS - 1)
    i = counts[q]
    keys[q, U(i)] = mixed
    origins[q, U(i)] = U(f) << U(32) | U(outcome)
    counts[q] = i + np.int64(counted)


@kernel
def expand(
    t: Any, network: Any, most: Any, symmetric: Any, slots: Any, rows: Any, chunks: Any, row_keys: Any, todo: Any, keys: Any, origins: Any,
    counts: Any, entries: Any, scratch: Any, stamps: Any, pending: Any, misses: Any, stats: Any, sums: Any, work: Any,
) -> Any:  # fmt: skip
    """Write the successors of the rows `todo` into buckets: `keys[partition]`, mixed, `origins[partition]` (row, outcome).

    Stops where a bucket might overflow. Rows that met an unknown input are written to `pending`, with nothing else done
    for them. `most` limits what an exact key can tell; where it
    is negative, states are compared whole, so none is passed over for its key. Returns (how far it came, pending, misses).
    """
    taken, parcels, own, about, delta = t.taken, t.parcels, t.own, t.about, t.delta
    added, purged, other, calls, key_of_station, key_of_parcel = t.added, t.purged, t.other, t.calls, t.key_of_station, t.key_of_parcel
    base, multiplier = t.base, t.multiplier
    left, slot_images, station_images, parcel_images = t.left, t.slot_images, t.station_images, t.parcel_images
    station_marks, parcel_marks = t.station_marks, t.parcel_marks
    n_pending, missed = 0, 0
    for position in range(todo.shape[0]):
        f = todo[position]
        at = place_of_row(chunks, f)
        before = missed
        n, successors, missed = enabled(taken, parcels, own, network, slots, rows, at, entries, misses, missed)
        if n < 0 or missed > before:
            pending[n_pending] = f
            n_pending += 1
            continue
        if is_full(counts, keys.shape[1], successors):
            return position, n_pending, missed
        tally(stats, successors, f)
        stamp = stamp_mail(network, slots, rows, at, stamps)
        key0 = row_keys[f]
        for k in range(n):
            entry = entries[k]
            start = entry >> 20
            for outcome in range(start, start + (entry >> 2 & COUNT)):
                way = GENERAL if symmetric else 0 if entry & SIMPLE else about[outcome, WAY]
                key = key0 + delta[outcome]
                if way == ADDS:
                    for a in range(about[outcome, ADDED], about[outcome + 1, ADDED]):
                        if stamps[added[a, 0]] != stamp:
                            key += key_of_parcel[added[a, 0]]
                elif way == GENERAL:
                    if apply(about, added, purged, other, parcels, calls, network, slots, rows, at, outcome, scratch, 0) == CLASH:
                        stats[ERROR] = 1 + about[outcome, SLOT]
                    elif most > 0 and copies(network, slots, scratch, 0) > most:
                        stats[ERROR] = TOO_MANY
                    if symmetric and not canonicalise(
                        left, slot_images, station_images, parcel_images, station_marks, parcel_marks, parcels, network, slots, scratch, 0,
                        sums, work,
                    ):  # fmt: skip
                        stats[ERROR] = TOO_MANY_IMAGES
                    key = key_of(key_of_station, key_of_parcel, base, multiplier, network, slots, scratch, 0)
                if key == U(0):
                    key = U(1)
                if key != key0 or most < 0:
                    propose(keys, origins, counts, key, f, outcome, True)
    return todo.shape[0], n_pending, missed


@kernel
def materialise(
    t: Any, network: Any, symmetric: Any, slots: Any, rows: Any, chunks: Any, keys: Any, origins: Any, q: Any, fresh: Any, begin: Any,
    end: Any, out_chunks: Any, out_keys: Any, parents: Any, outcomes: Any, at: Any, base: Any, promises: Any, goals: Any, pair_masks: Any,
    hits: Any, sums: Any, work: Any,
) -> Any:  # fmt: skip
    """Write the rows of the new states `fresh[begin:end]` from row `at` of their layer on, with their trace, and judge them.

    `base` is the number of the first state of the layer that they come from; `chunks` and `out_chunks` are of the two layers.
    `hits[k]` becomes the first row, if it was -1, that breaks promise k or reaches goal k. Returns how far it came: less than `end`
    when a row is too short for its mail.
    """
    about, added, purged, other, parcels, calls = t.about, t.added, t.purged, t.other, t.parcels, t.calls
    marks = t.marks
    left, slot_images, station_images, parcel_images = t.left, t.slot_images, t.station_images, t.parcel_images
    station_marks, parcel_marks = t.station_marks, t.parcel_marks
    for j in range(begin, end):
        buffer, i = fresh[j] >> U(32), fresh[j] & U(0xFFFFFFFF)
        origin = origins[buffer, q, i]
        f, outcome = np.int64(origin >> U(32)), np.int64(origin & U(0xFFFFFFFF))
        g = at + j - begin
        place = place_of_row(out_chunks, g)
        source = place_of_row(chunks, f)
        if apply(about, added, purged, other, parcels, calls, network, slots, rows, source, outcome, rows, place) < 0:
            return j
        if symmetric:
            canonicalise(
                left, slot_images, station_images, parcel_images, station_marks, parcel_marks, parcels, network, slots, rows, place, sums,
                work,
            )  # fmt: skip
        out_keys[g] = unmix(keys[buffer, q, i])
        parents[g] = base + f
        outcomes[g] = outcome
        if promises | goals:
            note_hits(judge(marks, pair_masks, slots, rows, place), promises, goals, hits, g)
    return end
