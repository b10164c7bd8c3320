"""The inner loops of a search whose states are words: a packed key says everything, so no row is kept beside it.

`kernels` tells what a round is; these are the same steps. What they are quick by: mail is a set of bits, so that of all
deliveries those that change nothing are told by one operation for each node, without being looked at one by one. And what a processor
cannot foresee is kept out of branches: blocks of states are first asked what each has to take, then all of that is taken in one loop.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.entry_kernels import COUNT
from sim.checker.intrinsics import bits_set, lowest_bit
from sim.checker.kernel import kernel
from sim.checker.kernels import U, fullest, propose, tally
from sim.checker.mixing import unmix
from sim.checker.verdict_kernels import clashes, note_hits

SHIFT, MASK, FIRST = range(3)
"""Columns of `Fields.fields`, a row per slot: where its field is, as wide as the mask; its first place."""
KNOWN, SINGLE, SEVERAL, OWN, OFFERS, STATION = range(6)
"""Columns of `Fields.places`, a row for each thing that a field may say. As choices: mail of which it is known what becomes of it; the part
of it that has one outcome; the part that has more. Then how many outcomes has what the node does by itself; the choices that lead
elsewhere; who it is."""
ALONE, TOGETHER, AGAINST = range(3)
"""Columns of `Fields.marks`, by place: those of `Tables.marks`."""
ADDS, PUTS, AWAKE, SHOWS = range(4)
"""Columns of `Fields.effects`, a row per outcome: what it adds to a key; the mail that it puts there; the choices that have to be looked at
after it; whether predicates may tell the node that it leaves from the one that was there."""
SLOT, COLUMN = range(2)
"""Columns of `Fields.choices`, a row per choice: whose it is, and the column of `Fields.entries`."""
UNKNOWN = U(1 << 40)
"""In OWN: not compiled yet. More than all that nodes have together."""
BLOCK: Final = 256
"""States that are looked at before their successors are written."""


@kernel
def place_of(fields: Any, slot: Any, key: Any) -> Any:
    """The row of `Fields.places` that says who is in a slot."""
    return fields[slot, FIRST] + (key >> fields[slot, SHIFT] & fields[slot, MASK])


@kernel
def choices_of(key: Any, lowest: Any, slots: Any) -> Any:
    """The mail of a state as choices: a bit for each parcel, behind those of the slots. (The key's highest bit is none of any parcel.)"""
    return key >> lowest << slots


@kernel
def put_misses(fields: Any, places: Any, mail: Any, key: Any, to: Any, misses: Any, missed: Any) -> Any:
    """Note what has to be compiled for a state, as far as there is room: what stations do by themselves, and what becomes of mail."""
    slots = fields.shape[0]
    for slot in range(slots):
        place = place_of(fields, U(slot), key)
        if places[place, OWN] == UNKNOWN and missed < misses.shape[0]:
            misses[missed, 0], misses[missed, 1] = places[place, STATION], 0
            missed += 1
        unknown = mail & to[slot] & ~places[place, KNOWN]
        while unknown and missed < misses.shape[0]:
            misses[missed, 0], misses[missed, 1] = places[place, STATION], lowest_bit(unknown) - slots + 1
            unknown &= unknown - U(1)
            missed += 1
    return missed


@kernel
def count_several(fields: Any, places: Any, entries: Any, choices: Any, several: Any, key: Any) -> Any:
    """The outcomes of deliveries that have more than one, together."""
    n = U(0)
    while several:
        choice = U(lowest_bit(several))
        place = place_of(fields, choices[choice, SLOT], key)
        n += entries[places[place, STATION], choices[choice, COLUMN]] >> U(2) & U(COUNT)
        several &= several - U(1)
    return n


@kernel
def expand(
    fields: Any, places: Any, entries: Any, choices: Any, to: Any, effects: Any, lowest: Any, most: Any, states: Any, came_by: Any,
    once: Any, todo: Any, keys: Any, origins: Any, counts: Any, listed: Any, pending: Any, misses: Any, stats: Any,
) -> Any:  # fmt: skip
    """As `kernels.expand`, for states that are words: write the successors of the states `todo` into buckets.

    `came_by`: the outcome by which each state was found. `once`: whether two steps that commute are taken in one order only, see `words`.
    `most`: how many outcomes one choice has at most. `listed`: room for a block.
    """
    done, n_pending, missed = np.int64(0), np.int64(0), np.int64(0)
    while done < todo.shape[0]:
        room = np.int64(keys.shape[1]) - fullest(counts)
        before = done
        done, n, n_pending, missed = survey(
            fields, places, entries, choices, to, effects, lowest, most, states, came_by, once, todo, done, room, listed, pending,
            n_pending, misses, missed, stats,
        )  # fmt: skip
        offer(fields, places, entries, choices, effects, states, listed, n, keys, origins, counts)
        if done < min(before + BLOCK, todo.shape[0]):
            break
    return done, n_pending, missed


@kernel
def survey(
    fields: Any, places: Any, entries: Any, choices: Any, to: Any, effects: Any, lowest: Any, most: Any, states: Any, came_by: Any,
    once: Any, todo: Any, begin: Any, room: Any, listed: Any, pending: Any, n_pending: Any, misses: Any, missed: Any, stats: Any,
) -> Any:  # fmt: skip
    """List the states of a block that have choices which have to be taken, with these as bits.

    Stops before the buckets have no `room` for what may come of it. Returns (how far it came, how many are listed, pending, misses).
    """
    slots, n = U(fields.shape[0]), U(0)
    end = min(begin + BLOCK, todo.shape[0])
    for position in range(begin, end):
        f = U(todo[U(position)])
        key = states[f]
        mail = choices_of(key, lowest, slots)
        # Without branches: of what is asked here hardly anything is ever the case.
        known, single, several, successors, offers = U(0), U(0), U(0), U(0), U(0)
        for i in range(fields.shape[0]):
            slot = U(i)
            place = place_of(fields, slot, key)
            known |= places[place, KNOWN]
            single |= places[place, SINGLE]
            several |= places[place, SEVERAL]
            successors += places[place, OWN]
            offers |= places[place, OFFERS]
        if successors >= UNKNOWN or mail & to[slots] & ~known:
            missed = put_misses(fields, places, mail, key, to, misses, missed)
            pending[n_pending] = f
            n_pending += 1
            continue
        successors += U(bits_set(mail & single))
        if mail & several:
            successors += count_several(fields, places, entries, choices, mail & several, key)
        offers &= mail | (U(1) << slots) - U(1)
        if once:
            offers &= effects[U(came_by[f]), AWAKE]
        room -= bits_set(offers) * most
        if room < 0:
            return np.int64(position), n, n_pending, missed
        tally(stats, np.int64(successors), f)
        listed[n, U(0)], listed[n, U(1)] = f, offers
        n += U(offers != U(0))
    return np.int64(end), n, n_pending, missed


@kernel
def offer(
    fields: Any, places: Any, entries: Any, choices: Any, effects: Any, states: Any, listed: Any, n: Any, keys: Any, origins: Any,
    counts: Any,
) -> None:  # fmt: skip
    """Propose what comes of the choices that are listed.

    One loop over all: how many a state has would be mispredicted often.
    """
    number, offers = U(0), listed[U(0), U(1)]
    while number < n:
        f = listed[number, U(0)]
        key0, choice = states[f], U(lowest_bit(offers))
        place = place_of(fields, choices[choice, SLOT], key0)
        entry = entries[places[place, STATION], choices[choice, COLUMN]]
        outcome = entry >> U(20)
        end = outcome + (entry >> U(2) & U(COUNT))
        while outcome < end:
            key = (key0 + effects[outcome, ADDS]) | effects[outcome, PUTS]
            propose(keys, origins, counts, key, f, outcome, key != key0)
            outcome += U(1)
        offers &= offers - U(1)
        number += U(offers == U(0))
        offers = offers if offers else listed[number, U(1)]


@kernel
def judge(fields: Any, marks: Any, pair_masks: Any, key: Any) -> Any:
    """The predicates that are false in a state, as bits; see `kernels.judge`."""
    alone, together, clash = U(0), U(0), U(0)
    for slot in range(fields.shape[0]):
        place = place_of(fields, U(slot), key)
        alone |= marks[place, ALONE]
        clash |= marks[place, AGAINST] & together
        together |= marks[place, TOGETHER]
    return alone | clashes(pair_masks, clash)


@kernel
def write(
    fields: Any, marks: Any, effects: Any, keys: Any, origins: Any, q: Any, fresh: Any, number: Any, out_keys: Any, parents: Any,
    outcomes: Any, at: Any, base: Any, promises: Any, goals: Any, pair_masks: Any, hits: Any,
) -> None:  # fmt: skip
    """Write the first `number` new states of a partition from row `at` on, with their trace, and judge them.

    `base` is the number of the first state of the layer that they come from; `hits` as in `kernels.materialise`. What is still looked for
    was not so where they come from: where no predicate can tell what changed, it is not so here either.
    """
    wanted = promises | goals
    for j in range(number):
        one, g = fresh[U(j)], U(at) + U(j)
        buffer, i = one >> U(32), one & U(0xFFFFFFFF)
        origin, key = origins[buffer, U(q), i], unmix(keys[buffer, U(q), i])
        outcome = origin & U(0xFFFFFFFF)
        out_keys[g] = key
        parents[g] = U(base) + (origin >> U(32))
        outcomes[g] = outcome
        if effects[outcome, SHOWS] & wanted:
            note_hits(judge(fields, marks, pair_masks, key), promises, goals, hits, g)
