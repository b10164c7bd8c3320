"""Symmetry: interchangeable nodes, and what swapping two of them makes of stations and parcels.

A group's permutations are made of swaps of neighbours. Every station and parcel knows its image under each such swap,
and has a *mark* per member of a group: a hash of what it says about that member, with all others of the group made
equal. The sum of a state's marks for a member does not depend on what the member is called, so members can be put in
the order of their sums; those whose sums are equal are tried in every order (`orbits.canonicalise`). So equal orbits
have equal representatives: the counts are of true orbits.

Where names are made of words (`InstantWorld.words`), what is swapped are words. Local states are large there, so a mark is
not a hash of what one says: it tells which orbit it belongs to, at each member in whose slots it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import cast

import numpy as np

from sim.checker.columns import Array, Column
from sim.checker.intern import Interner, ModelError, Overflow, Station
from sim.checker.keys import splitmix
from sim.model.apart import rename_bundle
from sim.model.canon import Frozen, by_key
from sim.model.inputs import Name, Tag
from sim.model.renaming import rename
from sim.model.words import Words
from sim.model.world import Parcel

MOST = 1_000_000
"""Stations or parcels that may come from renaming others."""


class Symmetry:
    """The images and marks of everything interned, for some groups of names."""

    def __init__(self, interner: Interner, groups: Sequence[Sequence[Name]], words: bool = False) -> None:
        self.interner = interner
        self.words = words
        if any(isinstance(group, str) for group in groups):
            raise ModelError(f"symmetry: {list(groups)} are names; expected groups of names, each in brackets of its own")
        groups = [group for group in groups if len(group) > 1]
        members = [name for group in groups for name in group]
        if len(set(members)) != len(members):
            raise ModelError(f"symmetry: {members} has a name twice; groups of interchangeable nodes must not overlap")
        swaps = [{a: b, b: a} for group in groups for a, b in pairwise(group)]
        self.swaps: list[Mapping[str, str]] = [Words(swap) for swap in swaps] if words else list(swaps)
        self.left = [members.index(a) for group in groups for a, _ in pairwise(group)]
        """Per swap: the number of its first member; the second is the next one."""
        general = {name: f"*{number}" for number, group in enumerate(groups) for name in group}
        self.members = members
        self.views = [{**general, name: "@"} for name in members]
        width = len(self.swaps)
        self._stations = Column(np.int32, width=max(1, width))
        self._parcels = Column(np.int32, width=max(1, width))
        self._station_marks = Column(np.uint64, width=max(1, len(members)))
        self._parcel_marks = Column(np.uint64, width=max(1, len(members)))
        self._station_images: list[tuple[int, ...]] = []
        self._parcel_images: list[tuple[int, ...]] = []
        """Rows of these columns, for those who ask for one at a time."""
        self._images: dict[tuple[int, int], int] = {}
        """(station, swap) -> image, of those that are known before their turn."""
        self._elements: list[tuple[int, ...]] = []
        self._to_least: dict[int, list[tuple[int, ...]]] = {}
        """By station: what `to_least` found."""
        self._turns = [[(t, 3 if abs(left - other) > 1 else 5) for t, other in enumerate(self.left) if other != left] for left in self.left]
        """Per swap: others, and after how many turns of these and itself it alone is left to do: of those that have a member in common
        6 make no difference, of others 4."""
        self._slots: list[tuple[int, ...]] = []
        """Per slot: its images."""
        self._finders = [re.compile(rf"(?<!\w){re.escape(member)}(?!\w)") for member in members]
        self._there: list[tuple[bool, ...]] = []
        """Per slot: which members its name has in it."""

    def sync(self) -> None:
        """Fill in what is new. Images are interned in turn, until nothing new comes of it. Raises Overflow."""
        if not self.swaps:
            return
        stations, parcels, slots = self.interner.stations, self.interner.parcels, self.interner.names
        while self._stations.size < len(stations) or self._parcels.size < len(parcels) or len(self._slots) < len(slots):
            if max(len(stations), len(parcels)) > MOST:
                raise Overflow(f"renaming nodes makes more than {MOST:,} local states or messages; check without symmetry")
            for slot in range(len(self._slots), len(slots)):
                self._slot(slot)
            for number in range(self._stations.size, len(stations)):
                self._station(number, stations[number])
            for number in range(self._parcels.size, len(parcels)):
                self._parcel(parcels[number])
        if self.words:
            self._mark_orbits(self._station_marks, self._station_images, self._slot_of_station)
            self._mark_orbits(self._parcel_marks, self._parcel_images, self._slot_of_parcel)

    def _slot(self, slot: int) -> None:
        name, part = self.interner.names[slot], self.interner.parts[slot]
        self._slots.append(tuple(self.interner.slot(names.get(name, name), rename(part, names)) for names in self.swaps))
        text = f"{name} {part}"
        self._there.append(tuple(finder.search(text) is not None for finder in self._finders))

    def _slot_of_station(self, number: int) -> int:
        station = self.interner.stations[number]
        return station.slot if station is not None else 0

    def _slot_of_parcel(self, number: int) -> int:
        parcel = self.interner.parcels[number]
        return self.interner.slot(parcel.to) if parcel is not None else 0

    def _mark_orbits(self, marks: Column, images: list[tuple[int, ...]], slot_of: Callable[[int], int]) -> None:
        """The marks of what is new, all of whose images are known: nothing new belongs to an orbit that is known."""
        first: dict[int, int] = {0: 0}
        for number in range(marks.size, len(images)):
            orbit, todo = first.get(number, number), [number]
            while todo:
                one = todo.pop()
                if one not in first:
                    first[one] = orbit
                    todo += images[one]
            there = self._there[slot_of(number)] if number else ()
            marks.append(tuple(splitmix(orbit) if here else 0 for here in there) or (0,) * len(self._finders))

    def _station(self, number: int, station: Station | None) -> None:
        if station is None:
            self._keep(self._stations, self._station_images, (0,) * len(self.swaps))
            if not self.words:
                self._station_marks.append(0)
            return
        images = tuple([self._image(number, station, swap) for swap in range(len(self.swaps))])
        for swap in range(len(self.swaps)):
            del self._images[number, swap]
        self._keep(self._stations, self._station_images, images)
        if not self.words:
            name = self.interner.names[station.slot]
            whole: list[Frozen] = [(names.get(name, name), self._content(station, names)) for names in self.views]
            self._station_marks.append(tuple(map(digest, whole)))

    @staticmethod
    def _keep(column: Column, rows: list[tuple[int, ...]], images: tuple[int, ...]) -> None:
        column.append(images)
        rows.append(images)

    def _image(self, number: int, station: Station, swap: int) -> int:
        """A station's image. A swap is its own inverse, so that of an image need not be worked out."""
        image = self._images.get((number, swap))
        if image is None:
            image = self._by_other_ways(number, swap)
        if image is None:
            image = self.interner.station(self._renamed(station, self.swaps[swap]))
        self._images[number, swap] = image
        if image > number:
            self._images[image, swap] = number
        return image

    def _by_other_ways(self, number: int, swap: int) -> int | None:
        """The image under a swap where others lead to the same: two swaps in turn, as often as makes no difference, but for the last."""
        for other, often in self._turns[swap]:
            image: int | None = number
            for turn in range(often):
                assert image is not None
                image = self._known_image(image, swap if turn % 2 else other)
                if image is None:
                    break
            else:
                return image
        return None

    def _known_image(self, number: int, swap: int) -> int | None:
        return self._station_images[number][swap] if number < len(self._station_images) else self._images.get((number, swap))

    def _parcel(self, parcel: Parcel | None) -> None:
        if parcel is None:
            self._keep(self._parcels, self._parcel_images, (0,) * len(self.swaps))
            if not self.words:
                self._parcel_marks.append(0)
            return
        images = [rename(parcel, names) for names in self.swaps]
        numbers = tuple([self.interner.parcel(image) for image in images if isinstance(image, Parcel)])
        self._keep(self._parcels, self._parcel_images, numbers)
        if not self.words:
            self._parcel_marks.append(tuple(digest(rename(parcel, names)) for names in self.views))

    def _content(self, station: Station, names: Mapping[Name, Name]) -> tuple[Frozen, Frozen, Frozen, Frozen]:
        timers, calls = (
            tuple(by_key([cast(tuple[Tag, Frozen], rename(item, names)) for item in items])) if items else ()
            for items in (station.timers, station.calls)
        )
        if self.interner.parts[station.slot] is not None:
            local: Frozen = rename_bundle(self.interner.bundle_of(station), names)
        else:
            local = station.kind.rename(station.local, names) if station.kind is not None else None
        return (station.kind.__qualname__ if station.kind is not None else None, local, timers, calls)

    def _renamed(self, station: Station, names: Mapping[Name, Name]) -> Station:
        _, local, timers, calls = self._content(station, names)
        assert isinstance(timers, tuple)
        assert isinstance(calls, tuple)
        name, part = self.interner.names[station.slot], self.interner.parts[station.slot]
        return Station(self.interner.slot(names.get(name, name), rename(part, names)), station.kind, local, timers, calls)

    # -- numbers under a renaming: a sequence of swaps ----------------------------------------------------------------------

    def elements(self, most: int = 48) -> list[tuple[int, ...]]:
        """Sequences of swaps that make all renamings of the groups, each once; only none and single swaps where there are more
        than `most`.
        """
        found: list[tuple[int, ...]] = [()]
        seen = {tuple(range(len(self.members)))}
        ends: dict[tuple[int, ...], tuple[int, ...]] = {(): tuple(range(len(self.members)))}
        for element in found:
            for swap, left in enumerate(self.left):
                order = list(ends[element])
                order[left], order[left + 1] = order[left + 1], order[left]
                if tuple(order) not in seen:
                    seen.add(tuple(order))
                    ends[(*element, swap)] = tuple(order)
                    found.append((*element, swap))
                    if len(found) > most:
                        return [(), *((swap,) for swap in range(len(self.swaps)))]
        return found

    def to_least(self, number: int) -> list[tuple[int, ...]]:
        """The elements that make of a station the one with the least number that it can be."""
        if not self._elements:
            self._elements = self.elements()
        found = self._to_least.get(number)
        if found is None:
            images = [self.station_image(number, element) for element in self._elements]
            least = min(images)
            found = self._to_least[number] = [element for element, image in zip(self._elements, images, strict=True) if image == least]
        return found

    def slot_image(self, slot: int, element: Sequence[int]) -> int:
        """The slot that has another's name afterwards."""
        for swap in element:
            slot = self._slots[slot][swap]
        return slot

    def station_image(self, number: int, element: Sequence[int]) -> int:
        """What becomes of a station."""
        for swap in element:
            number = self._station_images[number][swap]
        return number

    def parcel_image(self, number: int, element: Sequence[int]) -> int:
        """What becomes of a parcel."""
        for swap in element:
            number = self._parcel_images[number][swap]
        return number

    def tag_image(self, tag: Tag, element: Sequence[int]) -> Tag:
        """What becomes of the tag of a call."""
        for swap in element:
            tag = rename(tag, self.swaps[swap])
        return tag

    def tables(self) -> dict[str, Array]:
        """The columns of `Tables` that belong to symmetry."""
        moved = np.array(self._slots, np.int64).reshape(-1, len(self.swaps)).T if self.swaps else np.zeros((0, 0), np.int64)
        return {
            "left": np.array(self.left, np.int64),
            "slot_images": np.ascontiguousarray(moved),
            "station_images": self._stations.data,
            "parcel_images": self._parcels.data,
            "station_marks": self._station_marks.data,
            "parcel_marks": self._parcel_marks.data,
        }


def digest(value: Frozen) -> int:
    """64 bits that depend on a value alone."""
    return int.from_bytes(blake2b(repr(value).encode(), digest_size=8).digest(), "little")
