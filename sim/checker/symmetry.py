"""Symmetry: interchangeable nodes, and what swapping two of them makes of stations and parcels.

A group's permutations are made of swaps of neighbours. Every station and parcel knows its image under each such swap,
and has a *mark* per member of a group: a hash of what it says about that member, with all others of the group made
equal. The sum of a state's marks for a member does not depend on what the member is called, so members can be put in
the order of their sums; those whose sums are equal are tried in every order (`orbits.canonicalise`). So equal orbits
have equal representatives: the counts are of true orbits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from sim.checker.columns import Array, Column
from sim.checker.intern import Interner, Overflow, Station
from sim.model.canon import Frozen, rename, sort_key
from sim.model.inputs import Name
from sim.model.world import Parcel

MOST = 1_000_000
"""Stations or parcels that may come from renaming others."""


class Symmetry:
    """The images and marks of everything interned, for some groups of names."""

    def __init__(self, interner: Interner, groups: Sequence[Sequence[Name]]) -> None:
        self.interner = interner
        groups = [group for group in groups if len(group) > 1]
        members = [name for group in groups for name in group]
        if len(set(members)) != len(members):
            raise ValueError(f"symmetry: {members} has a name twice; groups of interchangeable nodes must not overlap")
        self.swaps = [{a: b, b: a} for group in groups for a, b in pairwise(group)]
        self.left = [members.index(a) for group in groups for a, _ in pairwise(group)]
        """Per swap: the number of its first member; the second is the next one."""
        general = {name: f"*{number}" for number, group in enumerate(groups) for name in group}
        self.views = [{**general, name: "@"} for name in members]
        width = len(self.swaps)
        self._stations = Column(np.int32, width=max(1, width))
        self._parcels = Column(np.int32, width=max(1, width))
        self._station_marks = Column(np.uint64, width=max(1, len(members)))
        self._parcel_marks = Column(np.uint64, width=max(1, len(members)))

    def sync(self) -> None:
        """Fill in what is new. Images are interned in turn, until nothing new comes of it. Raises Overflow."""
        if not self.swaps:
            return
        stations, parcels = self.interner.stations, self.interner.parcels
        while self._stations.size < len(stations) or self._parcels.size < len(parcels):
            if max(len(stations), len(parcels)) > MOST:
                raise Overflow(f"renaming nodes makes more than {MOST:,} local states or messages; check without symmetry")
            for number in range(self._stations.size, len(stations)):
                self._station(stations[number])
            for number in range(self._parcels.size, len(parcels)):
                self._parcel(parcels[number])

    def _station(self, station: Station | None) -> None:
        if station is None:
            self._stations.append(0)
            self._station_marks.append(0)
            return
        self._stations.append(tuple(self.interner.station(self._renamed(station, names)) for names in self.swaps))
        name = self.interner.names[station.slot]
        whole: list[Frozen] = [(names.get(name, name), self._content(station, names)) for names in self.views]
        self._station_marks.append(tuple(map(digest, whole)))

    def _parcel(self, parcel: Parcel | None) -> None:
        if parcel is None:
            self._parcels.append(0)
            self._parcel_marks.append(0)
            return
        images = [rename(parcel, names) for names in self.swaps]
        self._parcels.append(tuple(self.interner.parcel(image) for image in images if isinstance(image, Parcel)))
        self._parcel_marks.append(tuple(digest(rename(parcel, names)) for names in self.views))

    def _content(self, station: Station, names: Mapping[Name, Name]) -> tuple[Frozen, Frozen, Frozen, Frozen]:
        timers, calls = (
            tuple(sorted((rename(item, names) for item in items), key=lambda item: sort_key(item[0])))  # type: ignore[index]
            for items in (station.timers, station.calls)
        )
        local = station.kind.rename(station.local, names) if station.kind is not None else None
        return (station.kind.__qualname__ if station.kind is not None else None, local, timers, calls)

    def _renamed(self, station: Station, names: Mapping[Name, Name]) -> Station:
        _, local, timers, calls = self._content(station, names)
        assert isinstance(timers, tuple)
        assert isinstance(calls, tuple)
        name = self.interner.names[station.slot]
        return Station(self.interner.slot(names.get(name, name)), station.kind, local, timers, calls)

    def tables(self) -> dict[str, Array]:
        """The columns of `Tables` that belong to symmetry."""
        slots = self.interner.slots
        moved = [[slots[names.get(name, name)] for name in self.interner.names] for names in self.swaps]
        return {
            "left": np.array(self.left, np.int64),
            "slot_images": np.array(moved, np.int64).reshape(len(self.swaps), len(slots)),
            "station_images": self._stations.data,
            "parcel_images": self._parcels.data,
            "station_marks": self._station_marks.data,
            "parcel_marks": self._parcel_marks.data,
        }


def digest(value: Frozen) -> int:
    """64 bits that depend on a value alone."""
    return int.from_bytes(blake2b(repr(value).encode(), digest_size=8).digest(), "little")
