"""The inner loops for worlds without delays: one choice, and everything that comes of it, down to settled states.

A choice and its deliveries form a small tree: a message may be lost, a handler may choose. It is walked depth first on a
stack of rows; a node of the tree with one way on is changed in place. Settled states are written to buckets as they are
met, whole, since finding them again would cost as much. `ordinals` number them per parent, which is their trace.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.kernel import kernel
from sim.checker.kernels import (
    ADDED,
    CLASH,
    COUNT,
    ERROR,
    PARTITIONS,
    PURGES,
    REPLY,
    ROOM,
    SET,
    SETS,
    SLOT,
    STATION,
    TO,
    TOO_MANY_IMAGES,
    add_mail,
    entry_of,
    is_offered,
    judge,
    key_of,
    mix,
    tally,
    unmix,
)  # fmt: skip
from sim.checker.orbits import canonicalise
from sim.checker.way_kernels import BROKEN, DONE, FULL, NONE, SUMMED, TRAVELS, begin_draft, draft, find, go, keep, touch

U = np.uint64
DEPTH: Final = 64
"""Open branches of one choice at most."""
URGENT: Final = 96
"""Deliveries of one choice that may wait at once."""
LOST_REQUEST, LOST_RESPONSE, SLOW, RETRY = 1, 2, 3, 4
"""Columns of `leaves`: what the environment is asked for. The first two are also fates of parcels."""
HEAD, TAIL, CURSOR = 0, 1, 2
"""Columns of `marks` of a level: its urgent parcels begin and end here, the next branch to take."""
READING: Final = 1 << 31
"""Added to the number of a reading, where otherwise a station stands: entries of what was read. An entry with COUNT outcomes is one."""
FRESH, GONE, CRASHED = 1, 2, 4
"""How another slot is set, see `rules.py`."""
TOO_DEEP: Final = -3
TICK: Final = -1
"""In place of a parcel: what a station is after a unit of time is not known yet."""
UNKNOWN, STANDS = -1, -2
"""Of `later`: not asked for yet; no time may pass."""
LONG_MAIL: Final = -4
"""What `stats` says when a settled state has more mail than rows have room for."""
MISSING, SETTLED, WANTED, LEVEL = 0, 1, 2, 3
"""Columns of `notes`: whether an input was unknown; settled states so far; which one's row is wanted, -1: none; and
the level where it stopped."""


@kernel
def drop_answers(about: Any, purged: Any, parcels: Any, outcome: Any, items: Any, level: Any, first: Any, end: Any) -> Any:
    """Take answers to calls that this outcome ends out of `items[level, first:end]`; the new end."""
    count = first
    for j in range(first, end):
        reply = parcels[items[level, j], REPLY]
        gone = False
        if reply != 0:
            for k in range(about[outcome, PURGES], about[outcome + 1, PURGES]):
                if purged[k] == reply:
                    gone = True
        if not gone:
            items[level, count] = items[level, j]
            count += 1
    return count


@kernel
def drop_all_answers(parcels: Any, slot: Any, items: Any, level: Any, first: Any, end: Any) -> Any:
    """Take all answers to a node out of `items[level, first:end]`; the new end."""
    count = first
    for j in range(first, end):
        if parcels[items[level, j], REPLY] == 0 or parcels[items[level, j], TO] != slot:
            items[level, count] = items[level, j]
            count += 1
    return count


@kernel
def post(network: Any, rows: Any, level: Any, first: Any, urgent: Any, marks: Any, parcel: Any, travels: Any) -> Any:
    """A parcel is sent: it becomes mail, or is delivered soon; 0, TOO_DEEP or ROOM."""
    if travels:
        count = add_mail(network, rows, level, first, np.int64(rows[level, 0]), parcel)
        if count < 0:
            return ROOM
        rows[level, 0] = count
        return 0
    if marks[level, TAIL] >= urgent.shape[1]:
        return TOO_DEEP
    urgent[level, marks[level, TAIL]] = parcel
    marks[level, TAIL] += 1
    return 0


@kernel
def sweep(
    parcels: Any, wills: Any, willed: Any, travels: Any, following: Any, network: Any, slots: Any, rows: Any, level: Any, urgent: Any,
    marks: Any, slot: Any, crashed: Any, m: Any,
) -> Any:  # fmt: skip
    """The parts of a node go with it, and if it crashed, those whom they had called get to know; 0, TOO_DEEP or ROOM."""
    first = slots + 1
    if crashed:
        marks[level, TAIL] = drop_all_answers(parcels, slot, urgent, level, marks[level, HEAD], marks[level, TAIL])
        rows[level, 0] = drop_all_answers(parcels, slot, rows, level, first, first + np.int64(rows[level, 0])) - first
    part = following[slot]
    while part != 0:
        touch(m.marks, m.touched, m.state, part)
        station = rows[level, 1 + part]
        rows[level, 1 + part] = 0
        if crashed:
            for k in range(wills[station, 0], wills[station, 1]):
                m.state[TRAVELS] |= travels[willed[k]]
                done = post(network, rows, level, first, urgent, marks, willed[k], travels[willed[k]])
                if done != 0:
                    return done
        part = following[part]
    return 0


@kernel
def take(t: Any, x: Any, network: Any, slots: Any, rows: Any, level: Any, urgent: Any, marks: Any, outcome: Any, m: Any) -> Any:
    """Carry out an outcome on a level, in place; 0, or ROOM or CLASH."""
    about, added, purged, other, parcels, calls, travels = t.about, t.added, t.purged, t.other, t.parcels, t.calls, x.travels
    rows[level, 1 + about[outcome, SLOT]] = about[outcome, STATION]
    for k in range(about[outcome, SETS], about[outcome + 1, SETS]):
        slot = 1 + other[k, 0]
        touch(m.marks, m.touched, m.state, other[k, 0])
        if other[k, 2] & FRESH and rows[level, slot] != 0:
            return CLASH
        rows[level, slot] = other[k, 1]
        if other[k, 2] & (GONE | CRASHED):
            done = sweep(
                parcels, x.wills, x.willed, travels, x.following, network, slots, rows, level, urgent, marks, other[k, 0],
                other[k, 2] & CRASHED, m,
            )  # fmt: skip
            if done != 0:
                return done
    first = slots + 1
    if about[outcome, PURGES] < about[outcome + 1, PURGES]:
        marks[level, TAIL] = drop_answers(about, purged, parcels, outcome, urgent, level, marks[level, HEAD], marks[level, TAIL])
        if rows[level, 0]:
            rows[level, 0] = drop_answers(about, purged, parcels, outcome, rows, level, first, first + np.int64(rows[level, 0])) - first
    for k in range(about[outcome, ADDED], about[outcome + 1, ADDED]):
        waiting = added[k, 1]
        if waiting >= 0:
            touch(m.marks, m.touched, m.state, waiting)
        if waiting < 0 or (calls[rows[level, 1 + waiting]] >> U(added[k, 2])) & U(1):
            m.state[TRAVELS] |= travels[added[k, 0]]
            done = post(network, rows, level, first, urgent, marks, added[k, 0], travels[added[k, 0]])
            if done != 0:
                return done
    return 0


@kernel
def push(width: Any, rows: Any, urgent: Any, marks: Any, level: Any) -> None:
    """Copy a level to the one above, to be changed there."""
    for j in range(width):
        rows[level + 1, j] = rows[level, j]
    n = 0
    for j in range(marks[level, HEAD], marks[level, TAIL]):
        urgent[level + 1, n] = urgent[level, j]
        n += 1
    marks[level + 1, HEAD], marks[level + 1, TAIL], marks[level + 1, CURSOR] = 0, n, 0


@kernel
def emit(
    t: Any, network: Any, symmetric: Any, slots: Any, rows: Any, level: Any, key0: Any, origin: Any, keys: Any, origins: Any,
    bucket_rows: Any, counts: Any, notes: Any, sums: Any, work: Any, stats: Any,
) -> Any:  # fmt: skip
    """Write a settled state into its bucket; DONE, FULL or BROKEN."""
    ordinal = notes[SETTLED]
    notes[SETTLED] = ordinal + 1
    if symmetric and not canonicalise(
        t.left, t.slot_images, t.station_images, t.parcel_images, t.station_marks, t.parcel_marks, network, slots, rows, level, sums, work
    ):  # fmt: skip
        stats[ERROR] = TOO_MANY_IMAGES
        return BROKEN
    if notes[WANTED] >= 0:
        return FULL if ordinal == notes[WANTED] else DONE
    key = key_of(t.key_of_station, t.key_of_parcel, t.base, t.multiplier, network, slots, rows, level)
    if key == key0:
        return DONE
    mixed = mix(key)
    q = mixed & U(PARTITIONS - 1)
    i = counts[q]
    if i >= keys.shape[1]:
        return FULL
    if slots + 1 + np.int64(rows[level, 0]) > bucket_rows.shape[2]:
        stats[ERROR] = LONG_MAIL
        return FULL
    keys[q, i] = mixed
    origins[q, i] = U(origin) << U(32) | U(ordinal)
    for j in range(slots + 1 + np.int64(rows[level, 0])):
        bucket_rows[q, i, j] = rows[level, j]
    counts[q] = i + 1
    return DONE


@kernel
def settle(
    t: Any, x: Any, network: Any, symmetric: Any, slots: Any, rows: Any, urgent: Any, marks: Any, key0: Any, origin: Any, keys: Any,
    origins: Any, bucket_rows: Any, counts: Any, notes: Any, misses: Any,
    missed: Any, sums: Any, work: Any, stats: Any, source: Any, m: Any,
) -> Any:  # fmt: skip
    """Carry on with level 0 until all its ways are settled; (DONE, FULL or BROKEN; misses so far)."""
    parcels, fates, leaves, reads, environment = t.parcels, x.fates, x.leaves, x.reads, x.environment
    width, level = rows.shape[1], 0
    while level >= 0:
        head = marks[level, HEAD]
        if head == marks[level, TAIL]:
            draft(m.touched, m.state, m.drafted, source, origin, rows, level)
            how = emit(
                t, network, symmetric, slots, rows, level, key0, origin, keys, origins, bucket_rows, counts, notes, sums, work, stats
            )  # fmt: skip
            if how != DONE:
                notes[LEVEL] = level
                return how, missed
            level -= 1
            continue
        parcel = urgent[level, head]
        slot = 1 + parcels[parcel, TO]
        touch(m.marks, m.touched, m.state, slot - 1)
        at, of = np.int64(rows[level, slot]), parcel
        entry = entry_of(t.taken, at, of)
        while entry >= 0 and entry >> 2 & COUNT == COUNT:
            touch(m.marks, m.touched, m.state, reads[entry >> 20])
            at, of = READING + (entry >> 20), np.int64(rows[level, 1 + reads[entry >> 20]])
            entry = entry_of(t.taken, at, of)
        if entry < 0:
            if missed < misses.shape[0]:
                misses[missed, 0], misses[missed, 1] = at, of
                missed += 1
            notes[MISSING] = 1
            level -= 1
            continue
        first, n = entry >> 20, entry >> 2 & COUNT
        cursor = marks[level, CURSOR]
        loss = np.int64(0)
        # In a set a message that is lost is one that is never delivered.
        if fates[parcel] and environment >= 0 and not (network == SET and x.travels[parcel]):
            touch(m.marks, m.touched, m.state, environment)
            loss = leaves[rows[level, 1 + environment], fates[parcel]]
        if cursor == 0 and not loss:
            cursor = 1
        if cursor > n:
            level -= 1
            continue
        marks[level, CURSOR] = cursor + 1
        here = level
        if cursor < n:
            if level + 1 >= rows.shape[0]:
                stats[ERROR] = TOO_DEEP
                return BROKEN, missed
            push(width, rows, urgent, marks, level)
            here = level + 1
        # The parcel is on its way no more.
        marks[here, HEAD] += 1
        marks[here, CURSOR] = 0
        if cursor == 0:
            rows[here, 1 + environment] = loss
        else:
            outcome = first + cursor - 1
            done = take(t, x, network, slots, rows, here, urgent, marks, outcome, m)
            if done != 0:
                stats[ERROR] = 1 + t.about[outcome, SLOT] if done == CLASH else done
                return BROKEN, missed
        level = here
    return DONE, missed


@kernel
def unite(shields: Any, words: Any, slots: Any, rows: Any, f: Any, united: Any) -> None:
    """What all stations of a row will do in time, as bits."""
    for k in range(words):
        united[k] = U(0)
    for i in range(1, slots + 1):
        for k in range(words):
            united[k] |= shields[rows[f, i], k]


@kernel
def begin(width: Any, source: Any, f: Any, rows: Any, marks: Any, state: Any, known: Any) -> None:
    """Put a row on level 0 of the stack; `known`: whether what comes of it may be kept."""
    begin_draft(state, known)
    for j in range(min(width, source.shape[1])):
        rows[0, j] = source[f, j]
    for k in range(3):
        marks[0, k] = 0


@kernel
def tick(
    later: Any, slots: Any, width: Any, source: Any, f: Any, rows: Any, marks: Any, notes: Any, misses: Any, missed: Any, state: Any
) -> Any:  # fmt: skip
    """Put the row as it is after a unit of time on level 0; (whether time may pass and makes a difference, misses so far)."""
    begin(width, source, f, rows, marks, state, False)
    passes = False
    for i in range(1, slots + 1):
        station = np.int64(source[f, i])
        after = later[station]
        if after == STANDS:
            return False, missed
        if after == UNKNOWN:
            if missed < misses.shape[0]:
                misses[missed, 0], misses[missed, 1] = station, TICK
                missed += 1
            notes[MISSING] = 1
        elif after != station:
            rows[0, i] = after
            passes = True
    return passes and not notes[MISSING], missed


@kernel
def expand_row(
    t: Any, x: Any, network: Any, symmetric: Any, slots: Any, source: Any, f: Any, key0: Any, keys: Any, origins: Any, bucket_rows: Any,
    counts: Any, rows: Any, urgent: Any, marks: Any, united: Any, notes: Any, misses: Any, missed: Any, sums: Any, work: Any,
    stats: Any, m: Any,
) -> Any:  # fmt: skip
    """All settled states after one row; (DONE, FULL or BROKEN; misses so far)."""
    parcels, leaves, environment = t.parcels, x.leaves, x.environment
    shields, guards, held, retries = x.shields, x.guards, x.held, x.retries
    width, first = rows.shape[1], slots + 1
    unite(shields, x.words, slots, source, f, united)
    if x.mail_first and source[f, 0] > 0:
        united[0] |= U(1)
    now = np.int64(source[f, 1 + environment]) if environment >= 0 else np.int64(0)
    how = DONE
    known = notes[WANTED] < 0 and source[f, 0] == 0 and not x.stepwise
    # Mail that travelled: its loss, and its delivery, as if it were urgent now.
    for j in range(first, first + np.int64(source[f, 0])):
        if (x.stepwise and j > first) or not is_offered(parcels, network, source, f, first, j):
            continue
        begin(width, source, f, rows, marks, m.state, False)
        if network != SET:
            n = np.int64(source[f, 0])
            for k in range(j, first + n - 1):
                rows[0, k] = rows[0, k + 1]
            rows[0, 0] = n - 1
        urgent[0, 0] = source[f, j]
        marks[0, TAIL] = 1
        how, missed = settle(
            t, x, network, symmetric, slots, rows, urgent, marks, key0, f, keys, origins, bucket_rows, counts, notes, misses, missed,
            sums, work, stats, source, m,
        )  # fmt: skip
        if how != DONE:
            return how, missed
    if x.stepwise and source[f, 0] > 0:
        return DONE, missed
    if x.later.shape[0] and not united[0] & U(1):
        passes, missed = tick(x.later, slots, width, source, f, rows, marks, notes, misses, missed, m.state)
        if passes:
            how, missed = settle(
                t, x, network, symmetric, slots, rows, urgent, marks, key0, f, keys, origins, bucket_rows, counts, notes, misses, missed,
                sums, work, stats, source, m,
            )  # fmt: skip
            if how != DONE:
                return how, missed
    for i in range(1, first):
        entry = t.own[source[f, i]]
        if entry < 0:
            if missed < misses.shape[0]:
                misses[missed, 0], misses[missed, 1] = source[f, i], 0
                missed += 1
            notes[MISSING] = 1
            continue
        start = entry >> 20
        for trigger in range(start, start + (entry >> 2 & COUNT)):
            is_beaten, is_held = False, False
            for k in range(x.words):
                if guards[trigger, k] & united[k]:
                    is_beaten = True
                if held[trigger, k] & united[k]:
                    is_held = True
            after = leaves[now, RETRY] if retries[trigger] else now
            if is_beaten:
                after = np.int64(0) if is_held else leaves[after, SLOW]
            if (is_beaten or retries[trigger]) and after == 0:
                continue
            root = U(trigger + 1) << U(32) | U(after if after != now else 0)
            if known:
                at = find(m, source, f, root)
                if at != NONE:
                    how = go(
                        t, network, symmetric, slots, source, f, key0, keys, origins, bucket_rows, counts, rows, notes, SETTLED, m, at,
                        sums, work,
                    )  # fmt: skip
                    if how != DONE:
                        if how == BROKEN:
                            stats[ERROR] = TOO_MANY_IMAGES
                        return how, missed
                    continue
            begin(width, source, f, rows, marks, m.state, known)
            if after != now:
                touch(m.marks, m.touched, m.state, environment)
                rows[0, 1 + environment] = after
            missing, notes[MISSING] = notes[MISSING], 0
            urgent[0, 0] = x.fires[trigger]
            marks[0, TAIL] = 1
            how, missed = settle(
                t, x, network, symmetric, slots, rows, urgent, marks, key0, f, keys, origins, bucket_rows, counts, notes, misses, missed,
                sums, work, stats, source, m,
            )  # fmt: skip
            if how != DONE:
                return how, missed
            if not notes[MISSING] and not m.state[TRAVELS]:
                keep(m, source, f, root)
            notes[MISSING] |= missing
    return DONE, missed


@kernel
def expand(
    t: Any, x: Any, network: Any, symmetric: Any, slots: Any, source: Any, row_keys: Any, todo: Any, keys: Any, origins: Any,
    bucket_rows: Any, counts: Any, rows: Any, urgent: Any, marks: Any, united: Any, notes: Any, pending: Any, misses: Any,
    saved: Any, sums: Any, work: Any, stats: Any, m: Any,
) -> Any:  # fmt: skip
    """As `kernels.expand`: (how far it came, pending, misses). What a row with an unknown input gave is taken back."""
    n_pending, missed = 0, 0
    m.state[SUMMED] = 0
    for position in range(todo.shape[0]):
        f = todo[position]
        for q in range(PARTITIONS):
            saved[q] = counts[q]
        notes[MISSING], notes[SETTLED], notes[WANTED] = 0, 0, -1
        how, missed = expand_row(
            t, x, network, symmetric, slots, source, f, row_keys[f], keys, origins, bucket_rows, counts, rows, urgent, marks, united,
            notes, misses, missed, sums, work, stats, m,
        )  # fmt: skip
        if how == BROKEN:
            return position, n_pending, missed
        if how == FULL or notes[MISSING]:
            for q in range(PARTITIONS):
                counts[q] = saved[q]
        if how == FULL:
            return position, n_pending, missed
        if notes[MISSING]:
            pending[n_pending] = f
            n_pending += 1
        else:
            tally(stats, notes[SETTLED], f)
    return todo.shape[0], n_pending, missed


@kernel
def write(
    slots: Any, bucket_keys: Any, origins: Any, bucket_rows: Any, q: Any, fresh: Any, begin_at: Any, end: Any, out: Any, out_keys: Any,
    parents: Any, outcomes: Any, at: Any, base: Any, station_marks: Any, promises: Any, goals: Any, pair_masks: Any, hits: Any,
    source: Any, witnesses: Any,
) -> Any:  # fmt: skip
    """As `kernels.materialise`, from the rows of the buckets.

    `witnesses[k]` gets the rows that break promise k while the state before them, in `source`, kept it; as many as fit.
    """
    for j in range(begin_at, end):
        buffer, i = fresh[j] >> U(32), fresh[j] & U(0xFFFFFFFF)
        origin = origins[buffer, q, i]
        g = at + j - begin_at
        length = slots + 1 + np.int64(bucket_rows[buffer, q, i, 0])
        if length > out.shape[1]:
            return j
        for k in range(length):
            out[g, k] = bucket_rows[buffer, q, i, k]
        out_keys[g] = unmix(bucket_keys[buffer, q, i])
        parents[g] = base + np.int64(origin >> U(32))
        outcomes[g] = np.int64(origin & U(0xFFFFFFFF))
        if promises | goals:
            false = judge(station_marks, pair_masks, slots, out, g)
            reached, broken = ~false & goals, false & promises
            if broken != U(0):
                broken &= ~judge(station_marks, pair_masks, slots, source, np.int64(origin >> U(32)))
            if reached | broken:
                for k in range(hits.shape[0]):
                    if reached >> U(k) & U(1) and hits[k] < 0:
                        hits[k] = g
                    if broken >> U(k) & U(1):
                        for w in range(witnesses.shape[1]):
                            if witnesses[k, w] < 0:
                                witnesses[k, w] = g
                                break
    return end
