"""Difference constraints: how far apart events are at least, when each can be at the earliest and the latest, and why never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Clockless(Exception):
    """No clock allows these steps; the message has the constraints that contradict each other."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """Event `later` comes at least `apart` microseconds after event `earlier` (`apart` may be negative)."""

    earlier: int
    later: int
    apart: int
    why: str = ""


def earliest(constraints: Sequence[Constraint], events: int) -> list[int]:
    """The earliest time of each event. Raises Clockless."""
    at, came_by = [0] * events, dict[int, Constraint]()
    for _ in range(events + 1):
        late = [c for c in constraints if at[c.earlier] + c.apart > at[c.later]]
        if not late:
            return at
        for c in late:
            if at[c.earlier] + c.apart > at[c.later]:
                at[c.later] = at[c.earlier] + c.apart
                came_by[c.later] = c
    raise Clockless("; ".join(dict.fromkeys(c.why for c in _cycle(came_by, late[0].later) if c.why)))


def _cycle(came_by: dict[int, Constraint], event: int) -> list[Constraint]:
    """A cycle among the constraints by which events got their times."""
    seen: list[int] = []
    while event not in seen and event in came_by:
        seen.append(event)
        event = came_by[event].earlier
    return [came_by[e] for e in reversed(seen[seen.index(event) if event in seen else 0 :])]


def latest(constraints: Sequence[Constraint], events: int, event: int, far: int) -> list[int]:
    """The latest times of all events where this one is at 0; `far` for those that nothing bounds."""
    at = [far] * events
    at[event] = 0
    changed = True
    while changed:
        changed = False
        for c in constraints:
            if at[c.earlier] > at[c.later] - c.apart:
                at[c.earlier], changed = at[c.later] - c.apart, True
    return at


def earliest_after(constraints: Sequence[Constraint], events: int, event: int, far: int) -> list[int]:
    """The earliest times of all events where this one is at 0: the latest, seen from the other end of time."""
    back = [Constraint(c.later, c.earlier, c.apart) for c in constraints]
    return [-time for time in latest(back, events, event, far)]
