"""Kernels of symmetry: swapping two nodes in a row, and the one row that stands for all its images.

`images` is (images of slots, of stations, of parcels), a row per swap in the first and a column per swap in the others.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.checker.kernel import kernel

ORDERED = 2
PAIR = 1
"""As in `kernels`."""
MOST_IMAGES: Final = 5_040
"""Images of one state, with equal sums of marks, that are compared at most: as many as seven nodes have orders."""


@kernel
def swap(
    slot_images: Any, station_images: Any, parcel_images: Any, parcels: Any, network: Any, slots: Any, rows: Any, f: Any, s: Any, out: Any,
    g: Any,
) -> None:  # fmt: skip
    """Write the image of a row under swap `s`."""
    out[g, 0] = rows[f, 0]
    for i in range(slots):
        out[g, 1 + slot_images[s, i]] = station_images[rows[f, 1 + i], s]
    first = slots + 1
    for j in range(first, first + rows[f, 0]):
        parcel = parcel_images[rows[f, j], s]
        k = j
        if network < ORDERED:
            while k > first and out[g, k - 1] > parcel:
                out[g, k] = out[g, k - 1]
                k -= 1
        elif network == ORDERED:
            # Links are in the order of their numbers, and their images may be in another.
            while k > first and parcels[out[g, k - 1], PAIR] > parcels[parcel, PAIR]:
                out[g, k] = out[g, k - 1]
                k -= 1
        out[g, k] = parcel


@kernel
def compare(slots: Any, rows: Any, f: Any, others: Any, g: Any) -> Any:
    """Less than, equal to or more than 0, as the first row is less than, equal to or more than the second."""
    for j in range(slots + 1 + np.int64(rows[f, 0])):
        if rows[f, j] != others[g, j]:
            return -1 if rows[f, j] < others[g, j] else 1
    return 0


@kernel
def sum_marks(station_marks: Any, parcel_marks: Any, parcels: Any, network: Any, slots: Any, rows: Any, f: Any, sums: Any) -> None:
    """What a row says of each member, as a number that does not depend on what the member is called."""
    for m in range(sums.shape[0]):
        total = np.uint64(0)
        for i in range(1, slots + 1):
            total += station_marks[rows[f, i], m]
        place, first = np.uint64(1), slots + 1
        for j in range(first, first + rows[f, 0]):
            if network == ORDERED and j > first and parcels[rows[f, j - 1], PAIR] != parcels[rows[f, j], PAIR]:
                place = np.uint64(1)
            total += parcel_marks[rows[f, j], m] * place
            if network >= ORDERED:
                place += np.uint64(2)
        sums[m] = total


@kernel
def canonicalise(
    left: Any, slot_images: Any, station_images: Any, parcel_images: Any, station_marks: Any, parcel_marks: Any, parcels: Any, network: Any,
    slots: Any, rows: Any, f: Any, sums: Any, work: Any,
) -> Any:  # fmt: skip
    """Replace a row by the representative of its orbit; False when it has more images than `work` has rows for."""
    n = left.shape[0]
    sum_marks(station_marks, parcel_marks, parcels, network, slots, rows, f, sums)
    sorted_by_now = False
    while not sorted_by_now:
        sorted_by_now = True
        for s in range(n):
            a = left[s]
            if sums[a] > sums[a + 1]:
                sums[a], sums[a + 1] = sums[a + 1], sums[a]
                swap(slot_images, station_images, parcel_images, parcels, network, slots, rows, f, s, work, 0)
                for j in range(slots + 1 + np.int64(rows[f, 0])):
                    rows[f, j] = work[0, j]
                sorted_by_now = False
    # What is left are members with equal sums: every image under their swaps, of which the least is taken.
    length = slots + 1 + np.int64(rows[f, 0])
    for j in range(length):
        work[0, j] = rows[f, j]
    count, done = 1, 0
    while done < count:
        for s in range(n):
            if sums[left[s]] == sums[left[s] + 1]:
                if count >= work.shape[0]:
                    return False
                swap(slot_images, station_images, parcel_images, parcels, network, slots, work, done, s, work, count)
                known = False
                for k in range(count):
                    if compare(slots, work, k, work, count) == 0:
                        known = True
                        break
                if not known:
                    count += 1
        done += 1
    best = 0
    for k in range(1, count):
        if compare(slots, work, k, work, best) < 0:
            best = k
    for j in range(length):
        rows[f, j] = work[best, j]
    return True
