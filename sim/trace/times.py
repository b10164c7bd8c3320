"""When the steps of a run without a clock can have happened: difference constraints over its steps, and over when timers are due.

A timer that is armed is due some time after its step; one that fires does so when it is due; one that has not fired was not due
yet. What a node asked about its timers, and was answered, says which is due before which. The earliest times that satisfy all
of this are found by Bellman and Ford's algorithm; where there are none, a cycle of constraints says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.model import effects as fx
from sim.model.inputs import Fired, Name, Reply, Tag
from sim.model.instant import CRASH, Micro, Way
from sim.model.spans import (
    Clamp,
    Drawn,
    DueBefore,
    Exactly,
    Excess,
    Greatest,
    Half,
    Least,
    Left,
    LeftBelow,
    NotBefore,
    Overdue,
    Plus,
    Span,
    TimeTest,
    UnlessOver,
    Within,
)
from sim.trace.constraints import Clockless, Constraint, earliest, earliest_after, latest

__all__ = ["Clockless", "Key", "Solved", "extremes", "solved", "times"]

Key = tuple[Name, Tag]

HOUR: Final = 3_600_000_000
"""In microseconds."""
MOST: Final = 16
"""Ways to read the same steps that are told apart: beyond, what is not known yet stays open."""


@dataclass(frozen=True, slots=True)
class Running:
    """A timer or deadline that began at step `since` and lasts from `least` to `most` microseconds (None: no limit).

    `due`: the number of the event that it is due; numbers of steps come before.
    """

    since: int
    least: int
    most: int | None
    due: int


@dataclass(frozen=True, slots=True)
class Solved:
    """`at`: the time of each step, microseconds after the first state. `drawn`: lengths left to chance, in order: whose, label, length."""

    at: list[int]
    drawn: list[tuple[Name, str, int]]


Idle = Callable[[int, Key], bool]
"""Whether firing this timer after this step changes nothing: then it may have done so unnoticed."""


def _never(step: int, key: Key) -> bool:
    return False


def times(ways: Sequence[Way], is_idle: Idle = _never) -> list[int]:
    """The earliest time of each step, microseconds after the first state. Raises Clockless where there are no such times."""
    return solved(ways, is_idle).at


def solved(ways: Sequence[Way], is_idle: Idle = _never, gap: int = 0) -> Solved:
    """The earliest times of all steps, at least `gap` microseconds apart.

    Raises:
        Clockless: there are no such times.
    """
    reading = next(_readings(ways, is_idle, gap))
    at = earliest(reading.constraints, reading.events)
    return Solved(at[1 : len(ways) + 1], [(name, label, at[running.due] - at[step]) for name, label, step, running in reading.drawn])


def extremes(ways: Sequence[Way], is_idle: Idle = _never) -> Iterator[list[int]]:
    """Times of all steps, as `times` gives them, that are as far apart as its timers allow, and as close together: for each step those
    where all that comes after it is as late, or as early, as it can be.

    Whatever compares the time between two steps with a length is decided by some of them as by any others.

    Raises:
        Clockless: there are no such times.
    """
    steps, met = len(ways), set[tuple[int, ...]]()
    for reading in _readings(ways, is_idle, 0):
        # What nothing bounds is later than any length that is spoken of.
        far = sum(abs(c.apart) for c in reading.constraints) + HOUR
        for step in range(steps + 1):
            for times_of in (latest, earliest_after):
                at = times_of(reading.constraints, reading.events, step, far)
                found = tuple(time - at[0] for time in at[1 : steps + 1])
                if found not in met:
                    met.add(found)
                    yield list(found)


def _readings(ways: Sequence[Way], is_idle: Idle, gap: int) -> Iterator[_Reading]:
    """What may be read off these steps, and has times: each time that what is left of a deadline counts, it has passed, or has not.

    Raises:
        Clockless: nothing of it has times.
    """
    todo, found, why = [_read(ways, is_idle, gap, ())], 0, Clockless()
    earliest(todo[0].constraints, todo[0].events)
    while todo:
        reading = todo.pop()
        if len(reading.passed) >= reading.asked or found == MOST:
            found += 1
            yield reading
            continue
        # What has not passed comes first. What is decided without the rest is not gone into.
        for passed in (True, False):
            more = _read(ways, is_idle, gap, (*reading.passed, passed))
            try:
                earliest(more.constraints, more.events)
                todo.append(more)
            except Clockless as reason:
                why = reason
    if not found:
        raise why


def _read(ways: Sequence[Way], is_idle: Idle, gap: int, passed: tuple[bool, ...]) -> _Reading:
    reading = _Reading(is_idle, gap, passed, len(ways) + 1)
    reading.read(ways)
    return reading


@dataclass(slots=True)
class _Reading:
    """Constraints, read off step by step."""

    is_idle: Idle
    gap: int
    passed: tuple[bool, ...]
    """Each time that what is left of a deadline counts: whether it has passed by then. Of the rest that is not said."""
    events: int
    """How many there are: the first state, the steps, and when timers are due."""
    constraints: list[Constraint] = field(default_factory=list)
    timers: dict[Key, Running] = field(default_factory=dict)
    deadlines: dict[Key, Running] = field(default_factory=dict)
    asked: int = 0
    """How often what is left of a deadline counted."""
    drawn: list[tuple[Name, str, int, Running]] = field(default_factory=list)
    """Lengths that are left to chance: who they belong to, under which label, the step, the timer."""

    def read(self, ways: Sequence[Way]) -> None:
        for step, way in enumerate(ways, 1):
            self._bound(step - 1, step, self.gap)
            for micro in way:
                self._micro(step, micro)
        for key in list(self.timers):
            self._stopped(len(ways), key)

    def _bound(self, earlier: int, later: int, apart: int, why: str = "") -> None:
        self.constraints.append(Constraint(earlier, later, apart, why))

    def _micro(self, step: int, micro: Micro) -> None:
        if isinstance(micro.event, Fired):
            self._fired(step, (micro.node, micro.event.tag))
        elif isinstance(micro.event, Reply):
            self._stopped(step, (micro.node, micro.event.tag))
        elif micro.event == CRASH:
            self._gone(step, micro.node)
        if micro.outcome is None:
            return
        done, effects = 0, micro.outcome.effects
        for (before, question), answer in zip(micro.outcome.asked, micro.outcome.answers, strict=False):
            for effect in effects[done:before]:
                self._effect(step, micro.node, effect)
            done = before
            self._answered(step, micro.node, question, answer)
        for effect in effects[done:]:
            self._effect(step, micro.node, effect)

    # -- timers ----------------------------------------------------------------------------------------------------------

    def _effect(self, step: int, node: Name, effect: fx.Effect) -> None:
        match effect:
            case fx.Arm(tag=tag, after=after, fires=fires, late=late):
                running = self._armed(step, node, after)
                if late is not None and running.most is not None:
                    latest = self._armed(step, node, late).most
                    running = self._running(running.since, running.least, None if latest is None else running.most + latest)
                self._stopped(step, (node, tag))
                (self.timers if fires else self.deadlines)[node, tag] = running
            case fx.Request(tag=tag, budget=budget) if budget is not None:
                self.timers[node, tag] = self._armed(step, node, budget)
            case fx.Disarm(tag=tag) | fx.Abandon(tag=tag):
                self._stopped(step, (node, tag))
                self.deadlines.pop((node, tag), None)
            case fx.Retire(name=name):
                self._gone(step, name)
            case _:
                pass

    def _fired(self, step: int, key: Key) -> None:
        running = self.timers.pop(key, None)
        if running is not None:
            why = _words(key, running, step, "fires")
            self._bound(running.due, step, 0, why)
            self._bound(step, running.due, 0, why)

    def _stopped(self, step: int, key: Key) -> None:
        """A timer has not fired by this step."""
        running = self.timers.pop(key, None)
        if running is not None and running.most is not None and running.since < step and not self.is_idle(running.since, key):
            self._bound(step, running.due, self.gap, _words(key, running, step, "has not fired by"))

    def _gone(self, step: int, node: Name) -> None:
        for key in [key for key in self.timers if key[0] == node]:
            self._stopped(step, key)
        for key in [key for key in self.deadlines if key[0] == node]:
            del self.deadlines[key]

    def _of(self, node: Name, tag: Tag) -> Running | None:
        return self.timers.get((node, tag)) or self.deadlines.get((node, tag))

    # -- answers ---------------------------------------------------------------------------------------------------------

    def _answered(self, step: int, node: Name, question: fx.Question, answer: int) -> None:
        """What follows from the answer to a question about time."""
        match question:
            case fx.Holds(test=test):
                self._holds(step, node, test, bool(answer))
            case fx.Earliest(tags=tags):
                if (chosen := self._of(node, tags[answer])) is None:
                    return
                for other in (running for tag in tags if (running := self._of(node, tag)) is not None):
                    self._bound(chosen.due, other.due, 0, _said(node, tags[answer], step, "is due first"))
            case _:
                pass

    def _holds(self, step: int, node: Name, test: TimeTest, yes: bool) -> None:
        match test:
            case Overdue(tag=tag) if (running := self._of(node, tag)) is not None:
                words = _said(node, tag, step, "is overdue" if yes else "is not overdue")
                self._bound(*((running.due, step, 0) if yes else (step, running.due, 1)), words)
            case LeftBelow(tag=tag, span=span) if (running := self._of(node, tag)) is not None:
                least, most = self._bounds(step, node, span)
                if not yes:
                    self._bound(step, running.due, least, _said(node, tag, step, "has that much left"))
                elif most is not None:
                    self._bound(running.due, step, 1 - most, _said(node, tag, step, "has less than that left"))
            case DueBefore(first=first, second=second):
                one, other = self._of(node, first), self._of(node, second)
                if one is not None and other is not None:
                    words = _said(node, first, step, f"is {'' if yes else 'not '}due before {_name(second)}")
                    self._bound(*((one.due, other.due, 1) if yes else (other.due, one.due, 0)), words)
            case _:
                pass

    # -- lengths ---------------------------------------------------------------------------------------------------------

    def _running(self, since: int, least: int, most: int | None) -> Running:
        running = Running(since, least, most, self.events)
        self.events += 1
        self._bound(since, running.due, least)
        if most is not None:
            self._bound(running.due, since, -most)
        return running

    def _armed(self, step: int, node: Name, span: Span) -> Running:
        match span:
            case Within(label=label, lo=lo, hi=hi):
                return self._by_chance(step, node, label, lo, hi)
            case Drawn(label=label, law=law, entity=entity):
                return self._by_chance(step, entity or node, label, *law.bounds())
            case Left(tag=tag):
                return self._left(step, node, tag)
            case UnlessOver(span=inner):
                return self._armed(step, node, inner)
            case Plus(first=inner, second=Excess()):
                # The excess of a limit on how often: a path has far fewer of these than come in one burst.
                return self._armed(step, node, inner)
            case NotBefore(span=inner) | Plus(first=Left() as inner):
                known = self._armed(step, node, inner)
                return self._running(known.since, known.least, None)
            case _:
                return self._running(step, *self._bounds(step, node, span))

    def _left(self, step: int, node: Name, tag: Tag) -> Running:
        """Until another timer, which has not fired, or deadline, which may have passed."""
        if (timer := self.timers.get((node, tag))) is not None:
            return timer
        deadline = self.deadlines.get((node, tag))
        if deadline is None:
            return self._running(step, 0, None)
        self.asked += 1
        if self.asked > len(self.passed):
            running = self._running(step, 0, None)
            self._bound(deadline.due, running.due, 0)
            return running
        if self.passed[self.asked - 1]:
            self._bound(deadline.due, step, 0, _said(node, tag, step, "has passed"))
            return self._running(step, 0, 0)
        self._bound(step, deadline.due, 0, _said(node, tag, step, "has not passed"))
        return deadline

    def _by_chance(self, step: int, owner: Name, label: str, least: int, most: int | None) -> Running:
        running = self._running(step, least, most)
        self.drawn.append((owner, label, step, running))
        return running

    def _bounds(self, step: int, node: Name, span: Span) -> tuple[int, int | None]:
        """How long a span is from this step on, at least and at most."""
        match span:
            case Exactly(us=us):
                return us, us
            case Within(lo=lo, hi=hi):
                return lo, hi
            case Drawn(law=law):
                return law.bounds()
            case Left(tag=tag) if (running := self._of(node, tag)) is not None:
                return (running.least if running.since == step else 0), running.most
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
            case Plus(first=first, second=second):
                one, other = self._bounds(step, node, first), self._bounds(step, node, second)
                return one[0] + other[0], None if one[1] is None or other[1] is None else one[1] + other[1]
            case Greatest(first=first, second=second):
                one, other = self._bounds(step, node, first), self._bounds(step, node, second)
                return max(one[0], other[0]), None if one[1] is None or other[1] is None else max(one[1], other[1])
            case _:
                return 0, None


def _words(key: Key, running: Running, step: int, what: str) -> str:
    limit = "any time" if running.most is None else f"{running.least / 1e6:g} to {running.most / 1e6:g} s"
    return f"{key[0]}: timer {_name(key[1])}, begun in step {running.since}, lasts {limit} and {what} in step {step}"


def _said(node: Name, tag: Tag, step: int, what: str) -> str:
    return f"{node}: timer {_name(tag)} {what} in step {step}"


def _name(tag: Tag) -> str:
    return " ".join(map(str, tag)) if isinstance(tag, tuple) else str(tag)
