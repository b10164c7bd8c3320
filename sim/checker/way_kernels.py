"""Kernels that keep what a choice came to, to be found again by what it looked at.

All that is set off by one choice is a function of the stations that it looks at or changes: its *footprint*, a dozen slots of
a row. Rows that agree there have the same *way*: what the choice makes of these slots, for each of its outcomes. A way is kept
under its input, its slots and what stands in them, and compared whole when it is found: no fingerprint decides.

Only ways on which no mail travels are kept, and only rows without any look them up. Each thread has its own (`ways.Ways`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.benches import ROW, SETTLED, WHOLE
from sim.checker.kernel import kernel
from sim.checker.kernels import PARTITIONS, claim, key_of
from sim.checker.mixing import mix
from sim.checker.orbits import canonicalise, sum_marks

U = np.uint64
STAMP, TOUCHED, DRAFTED, OUTCOMES, KEPT, PLACED, ROOTS, SHAPES, SHAPED, TIGHT, SUMMED, TRAVELS = range(12)
"""Counters of `Ways.state`: the footprint's stamp and length, the length of the draft, its outcomes; kept ways, numbers in
`arena`, inputs, shapes, numbers in `shape_slots`; whether something is too small; the row that `base_sums` are of, plus one;
whether something travelled, or the way cannot be kept for another reason."""
START, LENGTH, NEXT = 0, 1, 2
"""Columns of `shapes`: a list of slots, and the next one of the same input, -1 behind the last."""
NONE: Final = -1
SEED: Final = np.uint64(0x9E3779B97F4A7C15)
DONE, FULL, BROKEN = 0, 1, 2
MAY_JUDGE: Final = np.uint64(1 << 31)
"""A bit of where a candidate comes from, beside its row and ordinal: predicates may be others there than in that row."""


@kernel
def touch(marks: Any, touched: Any, state: Any, slot: Any) -> None:
    """A slot belongs to the footprint."""
    # Without a branch: whether a slot was looked at before is as good as chance.
    n = state[TOUCHED]
    touched[n] = slot
    state[TOUCHED] = n + np.int64(marks[slot] != state[STAMP])
    marks[slot] = state[STAMP]


@kernel
def begin_draft(state: Any, known: Any) -> None:
    """A new footprint, in which nothing is yet; unless `known` no way can be kept, and so none is written down."""
    state[STAMP] += 1
    state[TOUCHED] = state[DRAFTED] = state[OUTCOMES] = 0
    state[TRAVELS] = not known


@kernel
def draft(touched: Any, state: Any, drafted: Any, source: Any, f: Any, rows: Any, level: Any) -> None:
    """Write down what one outcome made of the row: how many slots, then (slot, station) of each."""
    if state[TRAVELS]:
        return
    at, n = state[DRAFTED], 0
    if at + 1 + 2 * state[TOUCHED] > drafted.shape[0]:
        state[TRAVELS] = 1
        return
    for k in range(state[TOUCHED]):
        slot = 1 + touched[k]
        if rows[level, slot] != source[f, slot]:
            drafted[at + 1 + 2 * n] = slot
            drafted[at + 2 + 2 * n] = rows[level, slot]
            n += 1
    drafted[at] = n
    state[DRAFTED] = at + 1 + 2 * n
    state[OUTCOMES] += 1


@kernel
def stir(key: Any, number: Any) -> Any:
    """One number more in a hash."""
    key = (key ^ U(number)) * U(0x9FB21C651E98DF25)
    return key ^ key >> U(29)


@kernel
def hash_of(arena: Any, at: Any, length: Any) -> Any:
    """The hash of a way that is kept: of its shape, and of what stood in its slots."""
    key = SEED
    for k in range(at, at + 1 + length):
        key = stir(key, arena[k])
    return mix(key)


@kernel
def place_of(roots: Any, root: Any) -> Any:
    """The place of an input in `roots`: its own, or a free one."""
    mask = U(roots.shape[0] - 1)
    i = mix(root) & mask
    while roots[i] != U(0) and roots[i] != root:
        i = (i + U(1)) & mask
    return i


@kernel
def find(m: Any, source: Any, f: Any, root: Any) -> Any:
    """Where in `arena` the way of this input from this row begins: at the number of its outcomes; NONE when it is not kept."""
    shapes, shape_slots, arena, offsets = m.shapes, m.shape_slots, m.arena, m.offsets
    i = place_of(m.roots, root)
    if m.roots[i] == U(0):
        return NONE
    shape = m.firsts[i]
    mask = U(offsets.shape[0] - 1)
    while shape != NONE:
        start, length = shapes[shape, START], shapes[shape, LENGTH]
        key = stir(SEED, shape)
        for k in range(start, start + length):
            key = stir(key, source[f, 1 + shape_slots[k]])
        cell = mix(key) & mask
        while offsets[cell] != NONE:
            at = offsets[cell]
            if arena[at] == shape:
                same = True
                for k in range(length):
                    if arena[at + 1 + k] != source[f, 1 + shape_slots[start + k]]:
                        same = False
                        break
                if same:
                    return at + 1 + length
            cell = (cell + U(1)) & mask
        shape = shapes[shape, NEXT]
    return NONE


@kernel
def _shape(m: Any, root: Any) -> Any:
    """The number of this footprint's list of slots among those of its input, NONE where there is no room for a new one."""
    state, shapes, shape_slots, touched = m.state, m.shapes, m.shape_slots, m.touched
    i, n = place_of(m.roots, root), state[TOUCHED]
    shape = m.firsts[i] if m.roots[i] != U(0) else NONE
    while shape != NONE:
        if shapes[shape, LENGTH] == n:
            same = True
            for k in range(n):
                if shape_slots[shapes[shape, START] + k] != touched[k]:
                    same = False
                    break
            if same:
                return shape
        shape = shapes[shape, NEXT]
    if 2 * state[ROOTS] >= m.roots.shape[0] or state[SHAPES] >= shapes.shape[0] or state[SHAPED] + n > shape_slots.shape[0]:
        state[TIGHT] = 1
        return NONE
    shape = state[SHAPES]
    state[SHAPES] += 1
    shapes[shape, START], shapes[shape, LENGTH] = state[SHAPED], n
    shapes[shape, NEXT] = m.firsts[i] if m.roots[i] != U(0) else NONE
    for k in range(n):
        shape_slots[state[SHAPED] + k] = touched[k]
    state[SHAPED] += n
    if m.roots[i] == U(0):
        state[ROOTS] += 1
    m.roots[i], m.firsts[i] = root, shape
    return shape


@kernel
def keep(m: Any, source: Any, f: Any, root: Any) -> None:
    """Keep the way that was drafted, if there is room."""
    state, arena, offsets = m.state, m.arena, m.offsets
    if 2 * state[KEPT] >= offsets.shape[0] or state[PLACED] + 2 + state[TOUCHED] + state[DRAFTED] > arena.shape[0]:
        state[TIGHT] = 1
        return
    shape = _shape(m, root)
    if shape == NONE:
        return
    start, length, at = m.shapes[shape, START], m.shapes[shape, LENGTH], state[PLACED]
    arena[at] = shape
    for k in range(length):
        arena[at + 1 + k] = source[f, 1 + m.shape_slots[start + k]]
    arena[at + 1 + length] = state[OUTCOMES]
    for k in range(state[DRAFTED]):
        arena[at + 2 + length + k] = m.drafted[k]
    state[PLACED] = at + 2 + length + state[DRAFTED]
    mask = U(offsets.shape[0] - 1)
    cell = hash_of(arena, at, length) & mask
    while offsets[cell] != NONE:
        cell = (cell + U(1)) & mask
    offsets[cell] = at
    state[KEPT] += 1


@kernel
def rehash(m: Any, offsets: Any) -> None:
    """Put all ways into a larger table."""
    old, arena = m.offsets, m.arena
    mask = U(offsets.shape[0] - 1)
    for i in range(old.shape[0]):
        if old[i] != NONE:
            cell = hash_of(arena, old[i], m.shapes[arena[old[i]], LENGTH]) & mask
            while offsets[cell] != NONE:
                cell = (cell + U(1)) & mask
            offsets[cell] = old[i]


@kernel
def is_least(left: Any, sums: Any) -> Any:
    """Whether a row with these sums of marks stands for its orbit, and no other image has the same sums."""
    least = True
    for s in range(left.shape[0]):
        least &= sums[left[s]] < sums[left[s] + 1]
    return least


@kernel
def sum_anew(t: Any, source: Any, f: Any, arena: Any, at: Any, n: Any, base_sums: Any, sums: Any) -> None:
    """The sums of marks of a row in which some slots have changed."""
    for m in range(sums.shape[0]):
        sums[m] = base_sums[m]
    for k in range(n):
        before, after = source[f, arena[at + 2 * k]], arena[at + 1 + 2 * k]
        for m in range(sums.shape[0]):
            sums[m] += t.station_marks[after, m] - t.station_marks[before, m]


@kernel
def patch(source: Any, f: Any, arena: Any, at: Any, n: Any, slots: Any, rows: Any, g: Any) -> None:
    """Write a row, with `n` slots changed as a way says."""
    for j in range(slots + 1):
        rows[g, j] = source[f, j]
    for k in range(n):
        rows[g, arena[at + 2 * k]] = arena[at + 1 + 2 * k]


@kernel
def go(t: Any, site: Any, bench: Any, out: Any, m: Any, source: Any, f: Any, key0: Any, at: Any) -> Any:
    """Write the settled states of a way that was kept into their buckets; DONE, FULL, or BROKEN for too many images."""
    arena, state, keys_of, slots, rows, sums = m.arena, m.state, t.key_of_station, site.slots, bench.rows, bench.sums
    outcomes = arena[at]
    at += 1
    for _ in range(outcomes):
        n = arena[at]
        at += 1
        ordinal = bench.notes[SETTLED]
        bench.notes[SETTLED] = ordinal + 1
        whole = False
        if site.symmetric:
            if state[SUMMED] != f + 1:
                sum_marks(t.station_marks, t.parcel_marks, t.parcels, site.network, slots, source, f, m.base_sums)
                state[SUMMED] = f + 1
            sum_anew(t, source, f, arena, at, n, m.base_sums, sums)
            whole = not is_least(t.left, sums)
        key, may_judge = key0, whole
        if whole:
            patch(source, f, arena, at, n, slots, rows, 0)
            if not canonicalise(
                t.left, t.slot_images, t.station_images, t.parcel_images, t.station_marks, t.parcel_marks, t.parcels, site.network, slots,
                rows, 0, sums, bench.work,
            ):  # fmt: skip
                return BROKEN
            key = key_of(keys_of, t.key_of_parcel, t.base, t.multiplier, site.network, slots, rows, 0)
        else:
            for k in range(n):
                before, after = source[f, arena[at + 2 * k]], arena[at + 1 + 2 * k]
                key += keys_of[after] - keys_of[before]
                may_judge |= t.verdicts[before] != t.verdicts[after]
            if key == U(0):
                key = U(1)
        if key != key0 or bench.notes[WHOLE]:
            mixed = mix(key)
            q = mixed & U(PARTITIONS - 1)
            i = out.counts[q]
            if i >= out.keys.shape[1]:
                return FULL
            out.keys[q, i] = mixed
            out.origins[q, i] = U(bench.notes[ROW]) << U(32) | (MAY_JUDGE if may_judge else U(0)) | U(ordinal)
            claim(out.rows, q, i, slots + 1)
            if whole:
                for j in range(slots + 1):
                    out.rows[q, i, j] = rows[0, j]
            else:
                patch(source, f, arena, at, n, slots, out.rows[q], i)
            out.counts[q] = i + 1
        at += 2 * n
    return DONE
