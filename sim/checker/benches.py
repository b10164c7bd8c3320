"""What the kernels of worlds without delays write to, by name: arrays that are handed from one of them to the next as one."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from sim.checker.columns import Array

MISSING, SETTLED, WANTED, LEVEL, MISSED, WHOLE, ROW = range(7)
"""Columns of `Bench.notes`: whether an input was unknown; settled states so far; which one's row is wanted, -1: none; the level where it
stopped; how many misses there are; whether states are compared whole, so that none is passed over for its key;
and the number of the row that is looked at, in its layer."""
DEPTH: Final = 64
"""Open branches of one choice at most."""
URGENT: Final = 96
"""Deliveries of one choice that may wait at once."""


class Site(NamedTuple):
    """What is the same for all states."""

    network: int
    symmetric: bool
    slots: int


class Bench(NamedTuple):
    """What one piece of a round is worked on."""

    rows: Array
    """By level: the row of an open branch."""
    urgent: Array
    """By level: parcels that are delivered at once."""
    marks: Array
    """By level: where its urgent parcels begin and end, and the next branch to take."""
    united: Array
    """What all stations of a row will do in time, as bits."""
    notes: Array
    misses: Array
    sums: Array
    """By member of a group: the sum of its marks; and rows of images, for `orbits.canonicalise`."""
    work: Array
    stats: Array
    """As `kernels.GENERATED` and its neighbours say."""


class Buckets(NamedTuple):
    """Where the candidates of one piece go, by partition: mixed keys, (row, ordinal), rows, and how many there are."""

    keys: Array
    origins: Array
    rows: Array
    counts: Array


def stack(width: int, number: type, words: int) -> tuple[Array, Array, Array, Array, Array]:
    """The first five of a bench: rows of this width and kind of numbers, so many words of shields."""
    rows: Array = np.zeros((DEPTH, width), number)
    urgent: Array = np.zeros((DEPTH, URGENT), np.int64)
    marks: Array = np.zeros((DEPTH, 3), np.int64)
    united: Array = np.zeros(words, np.uint64)
    notes: Array = np.zeros(ROW + 1, np.int64)
    return rows, urgent, marks, united, notes
