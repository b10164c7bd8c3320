"""When the steps of a run without a clock can have happened: difference constraints over its steps.

Every timer that fires says how long before its step it was armed; every timer that has not fired says how long ago at most.
The earliest times that satisfy all of this are found by Bellman and Ford's algorithm; where there are none, a cycle of
constraints says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.model import effects as fx
from sim.model.inputs import Fired, Name, Reply, Tag
from sim.model.instant import CRASH, Micro, Way
from sim.model.spans import Clamp, Drawn, Exactly, Excess, Half, Least, Left, NotBefore, Plus, Span, UnlessOver, Within

Key = tuple[Name, Tag]

HOUR: Final = 3_600_000_000
"""In microseconds."""


class Clockless(Exception):
    """No clock allows these steps; the message has the constraints that contradict each other."""


@dataclass(frozen=True, slots=True)
class Running:
    """A timer or deadline that began at step `since` and lasts from `least` to `most` microseconds (None: no limit)."""

    since: int
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Constraint:
    """Step `later` comes at least `apart` microseconds after step `earlier` (`apart` may be negative)."""

    earlier: int
    later: int
    apart: int
    why: str


def times(ways: Sequence[Way], is_idle: Callable[[int, Key], bool] = lambda step, key: False) -> list[int]:
    """The earliest time of each step, microseconds after the first state.

    Args:
        ways: what happened in each step.
        is_idle: whether firing this timer after this step changes nothing: then it may have done so unnoticed.

    Raises:
        Clockless: there are no such times.
    """
    return _earliest(_Reading(is_idle).read(ways), len(ways))


def extremes(ways: Sequence[Way], is_idle: Callable[[int, Key], bool] = lambda step, key: False) -> Iterator[list[int]]:
    """Times of all steps, as `times` gives them, that are as far apart as its timers allow, and as close together: for each step those
    where all that comes after it is as late, or as early, as it can be.

    Whatever compares the time between two steps with a length is decided by some of them as by any others.

    Raises:
        Clockless: there are no such times.
    """
    constraints, steps = _Reading(is_idle).read(ways), len(ways)
    _earliest(constraints, steps)
    # What nothing bounds is later than any length that is spoken of.
    far = sum(abs(c.apart) for c in constraints) + HOUR
    met: set[tuple[int, ...]] = set()
    for step in range(steps + 1):
        for at in (_late_after(constraints, steps, step, far), _early_after(constraints, steps, step, far)):
            found = tuple(time - at[0] for time in at[1:])
            if found not in met:
                met.add(found)
                yield list(found)


def _late_after(constraints: Sequence[Constraint], steps: int, step: int, far: int) -> list[int]:
    """The latest times of all steps where this one is at 0."""
    at = [far] * (steps + 1)
    at[step] = 0
    changed = True
    while changed:
        changed = False
        for c in constraints:
            if at[c.earlier] > at[c.later] - c.apart:
                at[c.earlier], changed = at[c.later] - c.apart, True
    return at


def _early_after(constraints: Sequence[Constraint], steps: int, step: int, far: int) -> list[int]:
    """The earliest times of all steps where this one is at 0: the latest, seen from the other end of time."""
    back = [Constraint(c.later, c.earlier, c.apart, "") for c in constraints]
    return [-time for time in _late_after(back, steps, step, far)]


def _earliest(constraints: Sequence[Constraint], steps: int) -> list[int]:
    """The earliest time of each step. Raises Clockless."""
    at, came_by = [0] * (steps + 1), dict[int, Constraint]()
    for _ in range(len(at) + 1):
        late = [c for c in constraints if at[c.earlier] + c.apart > at[c.later]]
        if not late:
            return at[1:]
        for c in late:
            if at[c.earlier] + c.apart > at[c.later]:
                at[c.later] = at[c.earlier] + c.apart
                came_by[c.later] = c
    raise Clockless("; ".join(c.why for c in _cycle(came_by, late[0].later) if c.why))


def _cycle(came_by: dict[int, Constraint], step: int) -> list[Constraint]:
    """A cycle among the constraints by which steps got their times."""
    seen: list[int] = []
    while step not in seen and step in came_by:
        seen.append(step)
        step = came_by[step].earlier
    return [came_by[s] for s in reversed(seen[seen.index(step) if step in seen else 0 :])]


@dataclass(slots=True)
class _Reading:
    """Constraints, read off step by step."""

    is_idle: Callable[[int, Key], bool]
    constraints: list[Constraint] = field(default_factory=list)
    timers: dict[Key, Running] = field(default_factory=dict)
    deadlines: dict[Key, Running] = field(default_factory=dict)

    def read(self, ways: Sequence[Way]) -> list[Constraint]:
        for step, way in enumerate(ways, 1):
            self.constraints.append(Constraint(step - 1, step, 0, ""))
            for micro in way:
                self._micro(step, micro)
        for key in list(self.timers):
            self._stopped(len(ways), key)
        return self.constraints

    def _micro(self, step: int, micro: Micro) -> None:
        if isinstance(micro.event, Fired):
            self._fired(step, (micro.node, micro.event.tag))
        elif isinstance(micro.event, Reply):
            self._stopped(step, (micro.node, micro.event.tag))
        elif micro.event == CRASH:
            self._gone(step, micro.node)
        for effect in micro.outcome.effects if micro.outcome is not None else ():
            self._effect(step, micro.node, effect)

    def _effect(self, step: int, node: Name, effect: fx.Effect) -> None:
        match effect:
            case fx.Arm(tag=tag, after=after, fires=fires, late=late):
                running = self._running(step, node, after)
                if late is not None and running.most is not None:
                    latest = self._running(step, node, late).most
                    running = Running(running.since, running.least, None if latest is None else running.most + latest)
                self._stopped(step, (node, tag))
                (self.timers if fires else self.deadlines)[node, tag] = running
            case fx.Request(tag=tag, budget=budget) if budget is not None:
                self.timers[node, tag] = self._running(step, node, budget)
            case fx.Disarm(tag=tag) | fx.Abandon(tag=tag):
                self._stopped(step, (node, tag))
                self.deadlines.pop((node, tag), None)
            case fx.Retire(name=name):
                self._gone(step, name)
            case _:
                pass

    def _fired(self, step: int, key: Key) -> None:
        running = self.timers.pop(key, None)
        if running is None:
            return
        self.constraints.append(Constraint(running.since, step, running.least, _words(key, running, step, "fires")))
        if running.most is not None:
            self.constraints.append(Constraint(step, running.since, -running.most, _words(key, running, step, "fires")))

    def _stopped(self, step: int, key: Key) -> None:
        """A timer has not fired by this step."""
        running = self.timers.pop(key, None)
        if running is not None and running.most is not None and running.since < step and not self.is_idle(running.since, key):
            self.constraints.append(Constraint(step, running.since, -running.most, _words(key, running, step, "has not fired by")))

    def _gone(self, step: int, node: Name) -> None:
        for key in [key for key in self.timers if key[0] == node]:
            self._stopped(step, key)

    def _running(self, step: int, node: Name, span: Span) -> Running:
        match span:
            case Exactly(us=us):
                return Running(step, us, us)
            case Within(lo=lo, hi=hi):
                return Running(step, lo, hi)
            case Drawn(law=law):
                return Running(step, *law.bounds())
            case Left(tag=tag):
                return self.timers.get((node, tag)) or self.deadlines.get((node, tag)) or Running(step, 0, None)
            case UnlessOver(span=inner):
                return self._running(step, node, inner)
            case Plus(first=inner, second=Excess()):
                # The excess of a limit on how often: a path has far fewer of these than come in one burst.
                return self._running(step, node, inner)
            case NotBefore(span=inner) | Plus(first=inner):
                known = self._running(step, node, inner)
                return Running(known.since, known.least, None)
            case _:
                return Running(step, *self._bounds(step, node, span))

    def _bounds(self, step: int, node: Name, span: Span) -> tuple[int, int | None]:
        """How long a span is from this step on, at least and at most."""
        match span:
            case Clamp(span=inner, lo=lo, hi=hi):
                least, most = self._bounds(step, node, inner)
                return min(max(least, lo), hi), hi if most is None else min(max(most, lo), hi)
            case Half(span=inner):
                least, most = self._bounds(step, node, inner)
                return least // 2, None if most is None else most // 2
            case Least(first=first, second=second):
                one, other = self._bounds(step, node, first), self._bounds(step, node, second)
                limits = [most for _, most in (one, other) if most is not None]
                return min(one[0], other[0]), min(limits, default=None)
            case Exactly() | Within() | Drawn() | Left():
                running = self._running(step, node, span)
                return (running.least if running.since == step else 0), running.most
            case _:
                return 0, None


def _words(key: Key, running: Running, step: int, what: str) -> str:
    limit = "any time" if running.most is None else f"{running.least / 1e6:g} to {running.most / 1e6:g} s"
    tag = " ".join(map(str, key[1])) if isinstance(key[1], tuple) else str(key[1])
    return f"{key[0]}: timer {tag}, begun in step {running.since}, lasts {limit} and {what} in step {step}"
