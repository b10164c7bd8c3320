"""What a check found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    # They need numba, and verdicts are spoken of without it, too.
    from sim.checker.coverage import Handled
    from sim.checker.traces import Leg

NO_DEADLOCK: Final = "no deadlock"
"""A promise that every system may be held to."""


class Verdict(Enum):
    """What became of a promise or a goal."""

    HELD = "held"
    BROKEN = "broken"
    NOT_EXERCISED = "not exercised"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A promise or a goal: its verdict, and the shortest path to the state that decides it, if one does.

    A promise is `held` when it is true in every state, `broken` by a path. A goal is `held` when a path reaches it,
    `not exercised` when no state does. A search that ended early leaves `undecidable` what it has not decided.
    """

    verdict: Verdict
    goal: bool = False
    path: tuple[Leg, ...] | None = None
    others: Callable[[], Iterator[tuple[Leg, ...]]] | None = field(default=None, compare=False, repr=False)
    """Further ways to break the promise, shortest first, the first one included; worked out when they are asked for."""

    def ways(self) -> Iterator[tuple[Leg, ...]]:
        """All ways to break the promise that are known, shortest first."""
        return self.others() if self.others is not None else iter([self.path] if self.path is not None else [])

    @property
    def length(self) -> int | None:
        """Steps of the path."""
        return len(self.path) if self.path is not None else None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Counts are of distinct states, or with symmetry of orbits. `seconds` are of compilation and of the search."""

    states: int
    generated: int
    depth: int
    complete: bool
    stopped: str
    """Why the search ended early, empty if it did not."""
    deadlocks: int
    """States in which nothing can happen any more, of those that were looked at; whether that is an end or a deadlock only a promise
    can say."""
    deadlock: tuple[Leg, ...] | None
    """The shortest path to the first of them."""
    properties: dict[str, Judgement]
    compile_s: float
    search_s: float
    bytes_per_state: float
    """The most memory that tables, visited set, traces and layers had together, over the number of states."""
    compiled_bytes: int
    """What handlers were asked, and what came of it, in memory, with its tables: as the system tells it, 0 where it does not."""
    handler_calls: int
    local_states: dict[str, int]
    """Different local states, by class of node."""
    collision_probability: float
    """An upper bound of the chance that two states shared a fingerprint, 0 when the search was exact."""
    bounds: dict[str, object] = field(default_factory=dict)
    """What the verdicts hold for: network, losses, symmetry."""
    handled: Callable[[], Iterator[Handled]] = field(default=lambda: iter(()), compare=False, repr=False)
    """What handlers were asked, and what came of it, for all that want to know more (`sim.checker.coverage`)."""

    @property
    def as_expected(self) -> bool:
        """No promise is broken."""
        return all(judgement.verdict is not Verdict.BROKEN for judgement in self.properties.values())

    @property
    def decided(self) -> bool:
        """Everything was seen, and every goal reached."""
        return self.complete and not any(j.goal and j.verdict is Verdict.NOT_EXERCISED for j in self.properties.values())

    def without_deadlock(self) -> CheckResult:
        """The same with one promise more: that there is no state without successors."""
        verdict = Verdict.BROKEN if self.deadlocks else Verdict.HELD if self.complete else Verdict.UNDECIDABLE
        return replace(self, properties={**self.properties, NO_DEADLOCK: Judgement(verdict, path=self.deadlock)})
