"""The inner loops for worlds without delays: one choice, and everything that comes of it, down to settled states.

A choice and its deliveries form a small tree: a message may be lost, a handler may choose. It is walked depth first on a
stack of rows; a node of the tree with one way on is changed in place. Settled states are written to buckets as they are
met, whole, since finding them again would cost as much. `ordinals` number them per parent, which is their trace.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.benches import LEVEL, MISSED, MISSING, ROW, SETTLED, WANTED, WHOLE
from sim.checker.entry_kernels import COUNT, entry_of, prefetch_entry
from sim.checker.intrinsics import prefetch
from sim.checker.kernel import inlined, kernel
from sim.checker.kernels import (
    CLASH,
    ERROR,
    PARTITIONS,
    SET,
    SLOT,
    TO,
    TOO_MANY_IMAGES,
    claim,
    is_offered,
    key_of,
    key_of_mail,
    tally,
)  # fmt: skip
from sim.checker.mixing import mix
from sim.checker.orbits import canonicalise
from sim.checker.outcome_kernels import CURSOR, HEAD, TAIL, TOO_DEEP, push, take
from sim.checker.row_kernels import place_of_row
from sim.checker.way_kernels import (
    BROKEN,
    DONE,
    FULL,
    MAY_JUDGE,
    NONE,
    SUMMED,
    TOUCHED,
    TRAVELS,
    begin_draft,
    draft,
    find,
    go,
    keep,
    touch,
)

U = np.uint64
AHEAD: Final = 8
"""So many rows in advance memory is asked for."""
LOST_REQUEST, LOST_RESPONSE, SLOW, RETRY = 1, 2, 3, 4
"""Columns of `leaves`: what the environment is asked for. The first two are also fates of parcels."""
READING: Final = 1 << 31
"""Added to the number of a reading, where otherwise a station stands: entries of what was read. An entry with COUNT outcomes is one."""
TICK: Final = -1
"""In place of a parcel: what a station is after a unit of time is not known yet."""
UNKNOWN, STANDS = -1, -2
"""Of `later`: not asked for yet; no time may pass."""
REFUSED: Final = -1
"""In place of what the environment is after it was asked for leave."""
LONG_MAIL: Final = -4
"""What `stats` says when a settled state has more mail than rows have room for."""


@inlined
def difference(t: Any, network: Any, slots: Any, m: Any, source: Any, f: Any, rows: Any, level: Any) -> Any:
    """By how much the key of a row differs from that of the row it came of, by what was touched; and whether predicates may."""
    touched, delta, may_judge = m.touched, U(0), False
    for k in range(m.state[TOUCHED]):
        before, after = source[f, 1 + touched[k]], rows[level, 1 + touched[k]]
        if before != after:
            delta += t.key_of_station[after] - t.key_of_station[before]
            may_judge |= t.verdicts[before] != t.verdicts[after]
    if source[f, 0] != 0 or rows[level, 0] != 0:
        delta += key_of_mail(t.key_of_parcel, t.multiplier, network, slots, rows, level)
        delta -= key_of_mail(t.key_of_parcel, t.multiplier, network, slots, source, f)
    return delta, may_judge


@kernel
def emit(t: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, f: Any, level: Any, key0: Any) -> Any:
    """Write a settled state into its bucket; DONE, FULL or BROKEN."""
    rows, notes, slots = bench.rows, bench.notes, site.slots
    ordinal = notes[SETTLED]
    notes[SETTLED] = ordinal + 1
    if site.symmetric and not canonicalise(
        t.left, t.slot_images, t.station_images, t.parcel_images, t.station_marks, t.parcel_marks, t.parcels, site.network, slots, rows,
        level, bench.sums, bench.work,
    ):  # fmt: skip
        bench.stats[ERROR] = TOO_MANY_IMAGES
        return BROKEN
    if notes[WANTED] >= 0:
        return FULL if ordinal == notes[WANTED] else DONE
    key, may_judge = key0, True
    if site.symmetric:
        key = key_of(t.key_of_station, t.key_of_parcel, t.base, t.multiplier, site.network, slots, rows, level)
    else:
        delta, may_judge = difference(t, site.network, slots, m, source, f, rows, level)
        key += delta
        if key == U(0):
            key = U(1)
    if key == key0 and not notes[WHOLE]:
        return DONE
    mixed = mix(key)
    q = mixed & U(PARTITIONS - 1)
    i = out.counts[q]
    if i >= out.keys.shape[1]:
        return FULL
    if slots + 1 + np.int64(rows[level, 0]) > out.rows.shape[2]:
        bench.stats[ERROR] = LONG_MAIL
        return FULL
    out.keys[q, i] = mixed
    out.origins[q, i] = U(notes[ROW]) << U(32) | (MAY_JUDGE if may_judge else U(0)) | U(ordinal)
    claim(out.rows, q, i, slots + 1)
    for j in range(slots + 1 + np.int64(rows[level, 0])):
        out.rows[q, i, j] = rows[level, j]
    out.counts[q] = i + 1
    return DONE


@kernel
def miss(bench: Any, station: Any, parcel: Any) -> None:
    """Note that something has to be compiled, if there is room for it."""
    if bench.notes[MISSED] < bench.misses.shape[0]:
        bench.misses[bench.notes[MISSED], 0], bench.misses[bench.notes[MISSED], 1] = station, parcel
        bench.notes[MISSED] += 1
    bench.notes[MISSING] = 1


@kernel
def entry_for(t: Any, x: Any, bench: Any, m: Any, level: Any, parcel: Any) -> Any:
    """The entry of a delivery, after all that its handler looks at was read; -1, and a miss, where it has to be compiled."""
    slot = t.parcels[parcel, TO]
    touch(m.marks, m.touched, m.state, slot)
    at, of = np.int64(bench.rows[level, 1 + slot]), parcel
    entry = entry_of(t.taken, at, of)
    while entry >= 0 and entry >> 2 & COUNT == COUNT:
        read = x.reads[entry >> 20]
        touch(m.marks, m.touched, m.state, read)
        at, of = READING + (entry >> 20), np.int64(bench.rows[level, 1 + read])
        entry = entry_of(t.taken, at, of)
    if entry < 0:
        miss(bench, at, of)
    return entry


@kernel
def loss_of(t: Any, x: Any, site: Any, bench: Any, m: Any, level: Any, parcel: Any) -> Any:
    """The station of the environment after this message is lost, 0 where it arrives."""
    # In a set a message that is lost is one that is never delivered.
    if x.fates[parcel] and x.environment >= 0 and not (site.network == SET and x.travels[parcel]):
        touch(m.marks, m.touched, m.state, x.environment)
        return np.int64(x.leaves[bench.rows[level, 1 + x.environment], x.fates[parcel]])
    return np.int64(0)


@inlined
def settle(t: Any, x: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, f: Any, key0: Any) -> Any:
    """Carry on with level 0 until all its ways are settled; DONE, FULL or BROKEN."""
    rows, marks, notes, level = bench.rows, bench.marks, bench.notes, 0
    while level >= 0:
        head = marks[level, HEAD]
        if head == marks[level, TAIL]:
            draft(m.touched, m.state, m.drafted, source, f, rows, level)
            how = emit(t, site, bench, out, m, source, f, level, key0)
            if how != DONE:
                notes[LEVEL] = level
                return how
            level -= 1
            continue
        parcel = bench.urgent[level, head]
        entry = entry_for(t, x, bench, m, level, parcel)
        if entry < 0:
            level -= 1
            continue
        first, n, cursor = entry >> 20, entry >> 2 & COUNT, marks[level, CURSOR]
        loss = loss_of(t, x, site, bench, m, level, parcel)
        if cursor == 0 and not loss:
            cursor = 1
        if cursor > n:
            level -= 1
            continue
        marks[level, CURSOR] = cursor + 1
        if cursor < n:
            if level + 1 >= rows.shape[0]:
                bench.stats[ERROR] = TOO_DEEP
                return BROKEN
            push(site.slots + 1 + np.int64(rows[level, 0]), rows, bench.urgent, marks, level)
            level += 1
        # The parcel is on its way no more.
        marks[level, HEAD] += 1
        marks[level, CURSOR] = 0
        if cursor == 0:
            rows[level, 1 + x.environment] = loss
        else:
            done = take(t, x, site.network, site.slots, rows, level, bench.urgent, marks, first + cursor - 1, m)
            if done != 0:
                bench.stats[ERROR] = 1 + t.about[first + cursor - 1, SLOT] if done == CLASH else done
                return BROKEN
    return DONE


@inlined
def unite(shields: Any, words: Any, slots: Any, rows: Any, f: Any, united: Any) -> None:
    """What all stations of a row will do in time, as bits."""
    for k in range(words):
        # In a register: a word in memory would be waited for at each slot.
        bits = U(0)
        for i in range(1, slots + 1):
            bits |= shields[rows[f, i], k]
        united[k] = bits


@kernel
def begin(bench: Any, source: Any, f: Any, state: Any, known: Any) -> None:
    """Put a row on level 0 of the stack; `known`: whether what comes of it may be kept."""
    begin_draft(state, known)
    for j in range(min(bench.rows.shape[1], source.shape[1])):
        bench.rows[0, j] = source[f, j]
    for k in range(3):
        bench.marks[0, k] = 0


@kernel
def tick(later: Any, slots: Any, bench: Any, source: Any, f: Any, m: Any) -> Any:
    """Put the row as it is after a unit of time on level 0; whether time may pass and makes a difference."""
    begin(bench, source, f, m.state, False)
    passes = False
    for i in range(1, slots + 1):
        station = np.int64(source[f, i])
        after = later[station]
        if after == STANDS:
            return False
        if after == UNKNOWN:
            miss(bench, station, TICK)
        elif after != station:
            touch(m.marks, m.touched, m.state, i - 1)
            bench.rows[0, i] = after
            passes = True
    return passes and not bench.notes[MISSING]


@inlined
def arrive(t: Any, x: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, f: Any, key0: Any) -> Any:
    """Mail that travelled: its loss, and its delivery, as if it were urgent now; DONE, FULL or BROKEN."""
    first = site.slots + 1
    end = first + np.int64(source[f, 0])
    for j in range(first, end):
        if not is_offered(t.parcels, site.network, source, f, first, j):
            continue
        begin(bench, source, f, m.state, False)
        if site.network != SET:
            for k in range(j, end - 1):
                bench.rows[0, k] = bench.rows[0, k + 1]
            bench.rows[0, 0] = end - first - 1
        bench.urgent[0, 0] = source[f, j]
        bench.marks[0, TAIL] = 1
        how = settle(t, x, site, bench, out, m, source, f, key0)
        if how != DONE:
            return how
    return DONE


@kernel
def leave(x: Any, united: Any, trigger: Any, now: Any) -> Any:
    """The environment's station after this trigger is let go, REFUSED where it is not: something beats it, or it is a try too many."""
    is_beaten, is_held = False, False
    for k in range(x.words):
        is_beaten |= (x.guards[trigger, k] & united[k]) != U(0)
        is_held |= (x.held[trigger, k] & united[k]) != U(0)
    after = x.leaves[now, RETRY] if x.retries[trigger] else now
    if is_beaten:
        after = np.int64(0) if is_held else x.leaves[after, SLOW]
    return np.int64(REFUSED) if after == 0 and (is_beaten or x.retries[trigger]) else after


@inlined
def fire(
    t: Any, x: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, f: Any, key0: Any, trigger: Any, now: Any, after: Any, known: Any
) -> Any:  # fmt: skip
    """What comes of one trigger: as it was kept, or worked out, and kept if it may be; DONE, FULL or BROKEN."""
    root = U(trigger + 1) << U(32) | U(after if after != now else 0)
    if known:
        at = find(m, source, f, root)
        if at != NONE:
            how = go(t, site, bench, out, m, source, f, key0, at)
            if how == BROKEN:
                bench.stats[ERROR] = TOO_MANY_IMAGES
            return how
    begin(bench, source, f, m.state, known)
    if after != now:
        touch(m.marks, m.touched, m.state, x.environment)
        bench.rows[0, 1 + x.environment] = after
    missing, bench.notes[MISSING] = bench.notes[MISSING], 0
    bench.urgent[0, 0] = x.fires[trigger]
    bench.marks[0, TAIL] = 1
    how = settle(t, x, site, bench, out, m, source, f, key0)
    if how == DONE and not bench.notes[MISSING] and not m.state[TRAVELS]:
        keep(m, source, f, root)
    bench.notes[MISSING] |= missing
    return how


@inlined
def environment_of(x: Any, source: Any, f: Any) -> Any:
    """The station of the environment in a row, 0 without one."""
    return np.int64(source[f, 1 + x.environment]) if x.environment >= 0 else np.int64(0)


@inlined
def set_off(t: Any, x: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, f: Any, key0: Any) -> Any:
    """All that nodes do by themselves: their timers and moves; DONE, FULL or BROKEN."""
    now = environment_of(x, source, f)
    known = bench.notes[WANTED] < 0 and source[f, 0] == 0 and not x.stepwise
    for i in range(1, site.slots + 1):
        entry = t.own[source[f, i]]
        if entry < 0:
            miss(bench, source[f, i], 0)
            continue
        start = entry >> 20
        for trigger in range(start, start + (entry >> 2 & COUNT)):
            after = leave(x, bench.united, trigger, now)
            if after != REFUSED:
                how = fire(t, x, site, bench, out, m, source, f, key0, trigger, now, after, known)
                if how != DONE:
                    return how
    return DONE


@inlined
def is_still(x: Any, slots: Any, source: Any, f: Any) -> Any:
    """Whether nothing comes before the mail of this row, where mail comes first: it is known that no node does anything by itself before
    it, and nothing may be slow.
    """
    now = environment_of(x, source, f)
    if x.leaves[now, SLOW] != 0 or x.leaves[x.leaves[now, RETRY], SLOW] != 0:
        return False
    ahead = False
    for i in range(1, slots + 1):
        ahead |= x.ahead[source[f, i]]
    return not ahead


@inlined
def expand_row(t: Any, x: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, f: Any, key0: Any) -> Any:
    """All settled states after one row; DONE, FULL or BROKEN."""
    how = arrive(t, x, site, bench, out, m, source, f, key0)
    has_mail = source[f, 0] > 0
    waits = x.mail_first and has_mail
    if how != DONE or (x.stepwise and has_mail) or (waits and is_still(x, site.slots, source, f)):
        return how
    unite(x.shields, x.words, site.slots, source, f, bench.united)
    if waits:
        bench.united[0] |= U(1)
    if x.later.shape[0] and not bench.united[0] & U(1) and tick(x.later, site.slots, bench, source, f, m):
        how = settle(t, x, site, bench, out, m, source, f, key0)
        if how != DONE:
            return how
    return set_off(t, x, site, bench, out, m, source, f, key0)


@inlined
def look_ahead(t: Any, slots: Any, source: Any, chunks: Any, todo: Any, position: Any) -> None:
    """Begin to load what the deliveries of rows that are expanded soon will be looked up in: it is seldom in a cache."""
    if position + AHEAD < todo.shape[0]:
        f = place_of_row(chunks, todo[position + AHEAD])
        if source[f, 0]:
            parcel = source[f, slots + 1]
            prefetch_entry(t.taken, source[f, 1 + t.parcels[parcel, TO]], parcel)
    if position + AHEAD // 2 < todo.shape[0]:
        f = place_of_row(chunks, todo[position + AHEAD // 2])
        if source[f, 0]:
            parcel = source[f, slots + 1]
            entry = entry_of(t.taken, np.int64(source[f, 1 + t.parcels[parcel, TO]]), parcel)
            if entry >= 0 and entry >> 2 & COUNT != COUNT:
                prefetch(t.about, U(entry >> 20) * U(t.about.shape[1]))


@kernel
def expand(
    t: Any, x: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, chunks: Any, row_keys: Any, todo: Any, pending: Any, saved: Any,
    wanted: Any,
) -> Any:  # fmt: skip
    """As `kernels.expand`: (how far it came, pending, misses). What a row with an unknown input gave is taken back.

    Where one successor is `wanted`, by its ordinal, and not -1, it stops with it in the bench, at `notes[LEVEL]`.
    """
    n_pending, notes, counts = 0, bench.notes, out.counts
    m.state[SUMMED] = 0
    notes[MISSED] = 0
    for position in range(todo.shape[0]):
        f = todo[position]
        for q in range(PARTITIONS):
            saved[q] = counts[q]
        look_ahead(t, site.slots, source, chunks, todo, position)
        notes[MISSING], notes[SETTLED], notes[WANTED], notes[ROW] = 0, 0, wanted, f
        how = expand_row(t, x, site, bench, out, m, source, place_of_row(chunks, f), row_keys[f])
        if how == BROKEN:
            return position, n_pending, notes[MISSED]
        if how == FULL or notes[MISSING]:
            for q in range(PARTITIONS):
                counts[q] = saved[q]
        if how == FULL:
            return position, n_pending, notes[MISSED]
        if notes[MISSING]:
            pending[n_pending] = f
            n_pending += 1
        else:
            tally(bench.stats, notes[SETTLED], f)
    return todo.shape[0], n_pending, notes[MISSED]
