"""A worker's resources by type, and the line of sessions that wait for them at its door (docs/design/typed-resources.md).

    a demand arrives:  more than the worker has at all                         -> never
                       all of it is left                                       -> granted: all of it is taken at once
                       otherwise, if it may wait                               -> waits: the last in line
                       otherwise                                               -> turned away: there may be room elsewhere
    something is free: granted to the first in line for whom all of it is left by those before it
    a session ends:    all that it took is free, and the line is looked at before anything else

* What is *left* is what is free less all that those in line ask for (those before it, for somebody in line). So nothing is given past
  anybody who waits for it, and who asks for something of which there is plenty does not wait behind those who lack something else.
* Nothing is ever held by who waits: a demand is taken as a whole or not at all, in one step.
* A demand is polled for while it would be granted (`is_open`); those that may wait, while nobody whom such a poll has brought stands in
  line with the same demand (`has_place`). What others ask for does not count: those of other demands can take turns there for ever.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sim.protocol.mutants import Mutant, Mutants
from sim.workflow.resources import Amounts, covers


class Admission(Enum):
    """What becomes of a demand that has arrived."""

    GRANTED = "granted"
    WAITS = "waits in line"
    TURNED_AWAY = "turned away"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in line. `own`: of a session that this host alone can serve; it did not come from the waiting queue."""

    key: Hashable
    demand: Amounts
    own: bool = False


@dataclass(slots=True)
class ResourceBucket:
    """`free` of `size` are free, by type. `line`: who waits, in the order of arrival."""

    size: Amounts
    free: dict[str, int]
    line: list[Place] = field(default_factory=list)
    mutants: Mutants = ()

    @classmethod
    def full(cls, size: Amounts, mutants: Mutants = ()) -> ResourceBucket:
        """All of it is free."""
        return cls(size, dict(size), [], mutants)

    def fits(self, demand: Amounts) -> bool:
        """Whether all of a demand is free."""
        return self._is_left(demand, [])

    def is_open(self, demand: Amounts) -> bool:
        """Whether a demand would be granted if it came now, as far as these resources go."""
        return self._is_left(demand, self.line)

    def has_place(self, demand: Amounts) -> bool:
        """Whether nobody from the waiting queue of a demand is in line."""
        return not any(place.demand == demand and not place.own for place in self.line)

    def admit(self, key: Hashable, demand: Amounts, may_wait: bool, token_free: bool, own: bool = False) -> Admission:
        """A demand has arrived. If it is granted, `take` has to follow; if it waits, it is in line. `own`: see `Place`."""
        if not covers(dict(self.size), demand):
            return Admission.NEVER
        if token_free and self.is_open(demand):
            return Admission.GRANTED
        if not may_wait:
            return Admission.TURNED_AWAY
        self.line.append(Place(key, demand, own))
        return Admission.WAITS

    def next_in_line(self) -> Hashable | None:
        """Who is to be granted now; it leaves the line, and `take` has to follow. None: nobody."""
        for i, place in enumerate(self.line):
            if self._is_left(place.demand, self.line[:i]):
                del self.line[i]
                return place.key
        return None

    def leave(self, key: Hashable) -> None:
        """Whoever waits there waits no more."""
        self.line = [place for place in self.line if place.key != key]

    def take(self, demand: Amounts) -> Amounts:
        """Take a demand as a whole; what was taken."""
        counted = self._counted(demand)
        if Mutant.PARTIAL_GRANT in self.mutants:
            counted = tuple((kind, min(amount, self.free[kind])) for kind, amount in counted if self.free[kind] > 0)
        for kind, amount in counted:
            self.free[kind] -= amount
        return counted

    def give_back(self, taken: Amounts) -> None:
        """What `take` gave is free again."""
        for kind, amount in taken:
            self.free[kind] += amount

    def _is_left(self, demand: Amounts, line: list[Place]) -> bool:
        """Whether all of a demand is free beside what these ask for."""
        left = dict(self.free)
        for place in () if Mutant.LINE_NOT_KEPT in self.mutants else line:
            for kind, amount in place.demand:
                left[kind] -= amount
        counted = self._counted(demand)
        if Mutant.PARTIAL_GRANT in self.mutants:
            return any(left[kind] > 0 for kind, _ in counted)
        return covers(left, counted)

    def _counted(self, demand: Amounts) -> Amounts:
        """What is counted of a demand: all of it."""
        return demand[:-1] if Mutant.RESOURCE_TYPE_FORGOTTEN in self.mutants and len(demand) > 1 else demand


def free_amounts(free: Mapping[str, int]) -> Amounts:
    """What is free, in the order of types; 0 is said, too."""
    return tuple(sorted(free.items()))
