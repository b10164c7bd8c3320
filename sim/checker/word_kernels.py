"""The inner loops of a search whose states are words: a packed key says everything, so no row is kept beside it.

`kernels` tells what a round is; these are the same steps. What they are quick by: mail is a set of bits, so that of all
deliveries those that change nothing are told by one operation for each node, without being looked at one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.checker.intrinsics import bits_set, lowest_bit
from sim.checker.kernel import kernel
from sim.checker.kernels import COUNT, IDLE, U, clashes, is_full, note_hits, propose, tally, unmix

SHIFT, MASK, FIRST, MAIL = 0, 1, 2, 3
"""Columns of `Fields.fields`, a row per slot: where its field is, as wide as the mask; its first place; the mail for it."""
KNOWN, USEFUL, SINGLE, OWN, STATION, ALONE, TOGETHER, AGAINST = range(8)
"""Columns of `Fields.places`, a row for each thing that a field may say. Bits of mail: what has been compiled; what changes something;
what has one outcome. Then the entry of what the station does by itself, its number, and its row of `Tables.marks`."""
UNKNOWN = U(0xFFFFFFFFFFFFFFFF)
"""In OWN: not compiled yet."""


@kernel
def place_of(fields: Any, slot: Any, key: Any) -> Any:
    """The row of `Fields.places` that says who is in a slot."""
    return fields[slot, FIRST] + (key >> fields[slot, SHIFT] & fields[slot, MASK])


@kernel
def put_misses(station: Any, asks: Any, unknown: Any, lowest: Any, misses: Any, missed: Any) -> Any:
    """Note what has to be compiled: what the station does by itself, if `asks`, and these parcels; as many as there is room for."""
    if asks and missed < misses.shape[0]:
        misses[missed, 0], misses[missed, 1] = station, 0
        missed += 1
    while unknown and missed < misses.shape[0]:
        misses[missed, 0], misses[missed, 1] = station, lowest_bit(unknown) - lowest + 1
        unknown &= unknown - U(1)
        missed += 1
    return missed


@kernel
def look(
    fields: Any, places: Any, deliveries: Any, lowest: Any, key: Any, last: Any, added: Any, entries: Any, misses: Any, missed: Any
) -> Any:  # fmt: skip
    """Collect the entries that change something; (how many, how many successors there are in all, misses so far).

    Of slots before `last` only deliveries of the mail `added`. The number is -1 where something has to be compiled first.
    """
    n, successors, complete = np.int64(0), np.int64(0), True
    for slot in range(fields.shape[0]):
        place = place_of(fields, slot, key)
        waiting, own = key & fields[slot, MAIL], places[place, OWN]
        unknown = waiting & ~places[place, KNOWN]
        if own == UNKNOWN or unknown:
            missed = put_misses(np.int64(places[place, STATION]), own == UNKNOWN, unknown, lowest, misses, missed)
            complete = False
        if complete:
            # Without a branch, which would be mispredicted often.
            entry = np.int64(own)
            entries[n] = entry
            n += ((entry & IDLE) ^ 1) & np.int64(slot >= last)
            single = places[place, SINGLE]
            successors += (entry >> 2 & COUNT) + bits_set(waiting & single)
            useful = waiting & places[place, USEFUL]
            several = useful & ~single
            while several:
                successors += deliveries[places[place, STATION], lowest_bit(several) - lowest] >> 2 & COUNT
                several &= several - U(1)
            if slot < last:
                useful &= added
            while useful:
                entries[n] = deliveries[places[place, STATION], lowest_bit(useful) - lowest]
                useful &= useful - U(1)
                n += 1
    return (n if complete else -1), successors, missed


@kernel
def expand(
    fields: Any, places: Any, deliveries: Any, effects: Any, lowest: Any, states: Any, came_by: Any, once: Any, todo: Any, keys: Any,
    origins: Any, counts: Any, entries: Any, pending: Any, misses: Any, stats: Any,
) -> Any:  # fmt: skip
    """As `kernels.expand`, for states that are words: write the successors of the states `todo` into buckets.

    `effects`: rows (what an outcome adds to a key, mail that it puts there, its slot). `came_by`: the outcome by which each state was
    found. `once`: whether two steps that commute are taken in one order only, see `words`.
    """
    n_pending, missed = 0, 0
    for position in range(todo.shape[0]):
        f = todo[position]
        key0 = states[f]
        last, added = np.int64(0), U(0)
        if once:
            last, added = np.int64(effects[came_by[f], 2]), effects[came_by[f], 1]
        n, successors, missed = look(fields, places, deliveries, lowest, key0, last, added, entries, misses, missed)
        if n < 0:
            pending[n_pending] = f
            n_pending += 1
            continue
        if is_full(counts, keys.shape[1], successors):
            return position, n_pending, missed
        tally(stats, successors, f)
        for k in range(n):
            start = entries[k] >> 20
            for outcome in range(start, start + (entries[k] >> 2 & COUNT)):
                key = (key0 + effects[outcome, 0]) | effects[outcome, 1]
                if key != key0:
                    propose(keys, origins, counts, key, f, outcome)
    return todo.shape[0], n_pending, missed


@kernel
def judge(fields: Any, places: Any, pair_masks: Any, key: Any) -> Any:
    """The predicates that are false in a state, as bits; see `kernels.judge`."""
    alone, together, clash = U(0), U(0), U(0)
    for slot in range(fields.shape[0]):
        place = place_of(fields, slot, key)
        alone |= places[place, ALONE]
        clash |= places[place, AGAINST] & together
        together |= places[place, TOGETHER]
    return alone | clashes(pair_masks, clash)


@kernel
def write(
    fields: Any, places: Any, keys: Any, origins: Any, q: Any, fresh: Any, number: Any, out_keys: Any, parents: Any, outcomes: Any,
    at: Any, base: Any, promises: Any, goals: Any, pair_masks: Any, hits: Any,
) -> None:  # fmt: skip
    """Write the first `number` new states of a partition from row `at` on, with their trace, and judge them.

    `base` is the number of the first state of the layer that they come from; `hits` as in `kernels.materialise`.
    """
    for j in range(number):
        buffer, i = fresh[j] >> U(32), fresh[j] & U(0xFFFFFFFF)
        origin, key, g = origins[buffer, q, i], unmix(keys[buffer, q, i]), at + j
        out_keys[g] = key
        parents[g] = U(base) + (origin >> U(32))
        outcomes[g] = origin & U(0xFFFFFFFF)
        if promises | goals:
            note_hits(judge(fields, places, pair_masks, key), promises, goals, hits, g)
