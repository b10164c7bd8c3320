"""What an outcome does to a row: stations are set, answers are taken out, and what is sent becomes mail or is delivered soon.

Rows are those of a stack of levels, as `instant_kernels.py` walks it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.kernel import inlined, kernel
from sim.checker.kernels import ADDED, CLASH, PURGES, REPLY, ROOM, SETS, SLOT, STATION, TO, add_mail
from sim.checker.way_kernels import TRAVELS, touch

U = np.uint64
HEAD, TAIL, CURSOR = 0, 1, 2
"""Columns of `marks` of a level: its urgent parcels begin and end here, the next branch to take."""
FRESH, GONE, CRASHED = 1, 2, 4
"""What happens to another slot besides: it must have been empty before; the node's parts go with it; and callees get to know."""
TOO_DEEP: Final = -3


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
def post(network: Any, parcels: Any, rows: Any, level: Any, first: Any, urgent: Any, marks: Any, parcel: Any, travels: Any) -> Any:
    """A parcel is sent: it becomes mail, or is delivered soon; 0, TOO_DEEP or ROOM."""
    if travels:
        count = add_mail(network, parcels, rows, level, first, np.int64(rows[level, 0]), parcel)
        if count < 0:
            return ROOM
        rows[level, 0] = count
        return 0
    if marks[level, TAIL] >= urgent.shape[1]:
        return TOO_DEEP
    urgent[level, marks[level, TAIL]] = parcel
    marks[level, TAIL] += 1
    return 0


@inlined
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
                done = post(network, parcels, rows, level, first, urgent, marks, willed[k], travels[willed[k]])
                if done != 0:
                    return done
        part = following[part]
    return 0


@inlined
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
            done = post(network, parcels, rows, level, first, urgent, marks, added[k, 0], travels[added[k, 0]])
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
