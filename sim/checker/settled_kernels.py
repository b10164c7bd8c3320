"""What becomes of settled states that are new: which of them need not be looked at, and the rows, traces and verdicts of the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.checker.kernel import kernel
from sim.checker.kernels import PARTITIONS
from sim.checker.mixing import mix, unmix
from sim.checker.row_kernels import place_of_row
from sim.checker.verdict_kernels import judge
from sim.checker.way_kernels import MAY_JUDGE

U = np.uint64


@kernel
def sift(x: Any, key_of_station: Any, tables: Any, shifts: Any, keys: Any, rows: Any, fresh: Any, number: Any) -> Any:
    """Keep of the `number` new ones in a partition those that were not met with an environment that allows more; how many that are.

    The table of a partition, in `tables`, says by `shifts` in which cell a mixed key is looked for.
    """
    kept = 0
    for j in range(number):
        buffer, i = fresh[j] >> U(32), fresh[j] & U(0xFFFFFFFF)
        station = rows[buffer, i, 1 + x.environment]
        rest = unmix(keys[buffer, i]) - key_of_station[station]
        is_met = False
        for k in range(x.above[station, 0], x.above[station, 1]):
            key = mix(rest + key_of_station[x.larger[k]])
            table, cell = tables[key & U(PARTITIONS - 1)], key >> shifts[key & U(PARTITIONS - 1)]
            while table[cell] != U(0) and table[cell] != key:
                cell = (cell + U(1)) & U(table.shape[0] - 1)
            if table[cell] == key:
                is_met = True
                break
        if not is_met:
            fresh[kept] = fresh[j]
            kept += 1
    return kept


@kernel
def write(
    slots: Any, bucket_keys: Any, origins: Any, bucket_rows: Any, q: Any, fresh: Any, begin_at: Any, end: Any, rows: Any, chunks: Any,
    out_keys: Any, parents: Any, outcomes: Any, at: Any, base: Any, station_marks: Any, promises: Any, goals: Any, pair_masks: Any,
    hits: Any, source: Any, witnesses: Any,
) -> Any:  # fmt: skip
    """As `kernels.materialise`, from the rows of the buckets.

    `witnesses[k]` gets the rows that break promise k while the state before them kept it, as many as fit; `source` are the chunks of its
    layer.
    """
    for j in range(begin_at, end):
        buffer, i = fresh[j] >> U(32), fresh[j] & U(0xFFFFFFFF)
        origin = origins[buffer, q, i]
        g = at + j - begin_at
        length = slots + 1 + np.int64(bucket_rows[buffer, q, i, 0])
        if length > rows.shape[1]:
            return j
        place = place_of_row(chunks, g)
        for k in range(length):
            rows[place, k] = bucket_rows[buffer, q, i, k]
        out_keys[g] = unmix(bucket_keys[buffer, q, i])
        parents[g] = base + np.int64(origin >> U(32))
        outcomes[g] = np.int64(origin & U(0x7FFFFFFF))
        if origin & MAY_JUDGE and promises | goals:
            false = judge(station_marks, pair_masks, slots, rows, place)
            reached, broken = ~false & goals, false & promises
            if broken != U(0):
                broken &= ~judge(station_marks, pair_masks, slots, rows, place_of_row(source, np.int64(origin >> U(32))))
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
