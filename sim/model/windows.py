"""Time in ticks: what is left of a timer, when a clock is only known to within a unit.

A *tick* passes when a clock that shows multiples of the unit moves on. A timer that lasts d microseconds lets floor(d / u)
or ceil(d / u) ticks pass, depending on when within a unit it began, and exactly d / u when that is a whole number. So a
*window* says how many ticks must still pass before a timer may end, and how many may; what ends within one tick ends in
every order. Every run of real clocks is a run of ticks, and not the other way round: where ticks never break a promise
clocks do not either, and what ticks break has to be held to clocks (`sim.trace.times`).

Where nothing is known of a length its window is wide. That allows more runs, never fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from msgspec import Struct

from sim.model import effects as fx
from sim.model.durations import format_duration
from sim.model.inputs import Tag
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
)  # fmt: skip


class Window(Struct, frozen=True):
    """At least `lo` ticks are left and at most `hi` (None: no limit). A deadline that has surely passed has `hi` -1."""

    lo: int
    hi: int | None

    def later(self) -> Window:
        """The window after one more tick."""
        return Window(max(0, self.lo - 1), None if self.hi is None else max(-1, self.hi - 1))

    def left(self) -> Window:
        """What is left as a length: none where it has passed."""
        return OVER if self.hi is not None and self.hi < 0 else self


OVER = Window(0, 0)
ANY = Window(0, None)


class Armed(Struct, frozen=True):
    """How a timer is armed. `beaten_by`: see `Step.arm`; `window`: None where no tick counts; a deadline never fires."""

    beaten_by: tuple[Hashable, ...] = ()
    window: Window | None = None
    fires: bool = True

    def later(self) -> Armed:
        """The same after one more tick."""
        return self if self.window is None else Armed(self.beaten_by, self.window.later(), self.fires)

    @property
    def must_end(self) -> bool:
        """Whether no tick may pass before this fires."""
        return self.fires and self.window is not None and self.window.hi == 0

    @property
    def may_fire(self) -> bool:
        """Whether this may fire now, as far as ticks are concerned."""
        return self.fires and (self.window is None or self.window.lo == 0)


FOREVER = Armed()
"""A timer of a world without ticks: it may fire at any time."""

LeftOf = Callable[[Tag], Armed | None]
"""How the asking node's own timers and deadlines are armed; None for one that is not."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Lengths and questions in units of `unit` microseconds.

    Of what lasts longer than `most` ticks it is only known that it lasts so long: that keeps states few.
    """

    unit: int
    most: int = 64

    @property
    def horizon(self) -> int:
        """Microseconds beyond which lengths are not told apart."""
        return self.unit * self.most

    def said(self) -> dict[str, object]:
        """What a verdict holds for, as it stands beside it."""
        return {"time": "windows", "unit": format_duration(self.unit), "horizon": format_duration(self.horizon)}

    def window(self, span: Span, left: LeftOf, late: Span | None = None) -> Window:
        """The window of a timer that is armed now for `span`, and may fire `late` by that much."""
        found = self._plus(self._window(span, left), self._window(late, left)) if late is not None else self._window(span, left)
        if found.hi is not None and found.hi <= self.most:
            return found
        return Window(min(found.lo, self.most), None)

    def allows(self, question: fx.Question, answer: int, left: LeftOf) -> bool:
        """Whether some clock gives this answer; what is no question about time has any."""
        match question:
            case fx.Holds(test=Overdue(tag=tag) | LeftBelow(tag=tag) | DueBefore(first=tag)) if left(tag) is None:
                # What is asked about a timer that is not armed has the answer no.
                return not answer
            case fx.Holds(test=test):
                return self._may_hold(test, left) if answer else self._may_fail(test, left)
            case fx.Earliest(tags=tags):
                limits = [window.hi for window in (self._of(tag, left) for tag in tags) if window.hi is not None]
                return self._of(tags[answer], left).lo <= min(limits, default=self.most)
            case _:
                return True

    # -- lengths ---------------------------------------------------------------------------------------------------------

    def _exactly(self, least: int, most: int | None) -> Window:
        return Window(least // self.unit, None if most is None else -(-most // self.unit))

    def _of(self, tag: Tag, left: LeftOf) -> Window:
        """What is left of a timer or deadline; none of what is not armed."""
        armed = left(tag)
        return OVER if armed is None else ANY if armed.window is None else armed.window.left()

    def _window(self, span: Span, left: LeftOf) -> Window:
        match span:
            case Exactly(us=us):
                return self._exactly(us, us)
            case Within(lo=lo, hi=hi):
                return self._exactly(lo, hi)
            case Drawn(law=law):
                return self._exactly(*law.bounds())
            case Left(tag=tag):
                return self._of(tag, left)
            case Clamp(span=inner, lo=lo, hi=hi):
                return _least(_greatest(self._window(inner, left), self._exactly(lo, lo)), self._exactly(hi, hi))
            case Least(first=first, second=second):
                return _least(self._window(first, left), self._window(second, left))
            case Greatest(first=first, second=second):
                return _greatest(self._window(first, left), self._window(second, left))
            case Plus(first=first, second=second):
                return self._plus(self._window(first, left), self._window(second, left))
            case Excess(tag=tag, over=over):
                whole, less = self._of(tag, left), self._exactly(over, over)
                return Window(max(0, whole.lo - (less.hi or 0)), None if whole.hi is None else max(0, whole.hi - less.lo))
            case UnlessOver(span=inner):
                return self._window(inner, left)
            case Half(span=inner):
                # n ticks that are left are more than n - 1 and less than n + 1 units.
                whole = self._window(inner, left)
                return Window(max(0, whole.lo - 1) // 2, None if whole.hi is None else (whole.hi + 2) // 2)
            case NotBefore(span=inner, after=after):
                # The mark was set before now, nobody knows when.
                known = self._window(inner, left)
                return Window(known.lo, None if known.hi is None else max(known.hi, -(-after // self.unit)))
            case _:
                return ANY

    @staticmethod
    def _plus(first: Window, second: Window) -> Window:
        return Window(first.lo + second.lo, None if first.hi is None or second.hi is None else first.hi + second.hi)

    # -- questions -------------------------------------------------------------------------------------------------------

    def _may_hold(self, test: TimeTest, left: LeftOf) -> bool:
        match test:
            case Overdue(tag=tag):
                return self._of(tag, left).lo == 0
            case LeftBelow(tag=tag, span=span):
                return _may_precede(self._of(tag, left), self._window(span, left))
            case DueBefore(first=first, second=second):
                return left(second) is None or _may_precede(self._of(first, left), self._of(second, left))
            case _:
                return True

    def _may_fail(self, test: TimeTest, left: LeftOf) -> bool:
        match test:
            case Overdue(tag=tag):
                armed = left(tag)
                return armed is None or armed.window is None or armed.window.hi is None or armed.window.hi >= 0
            case LeftBelow(tag=tag, span=span):
                return _may_precede(self._window(span, left), self._of(tag, left))
            case DueBefore(first=first, second=second):
                return left(second) is not None and _may_precede(self._of(second, left), self._of(first, left))
            case _:
                return True


def _may_precede(first: Window, second: Window) -> bool:
    """Whether the first may end in the same tick as the second, or before."""
    return second.hi is None or first.lo <= second.hi


def _least(first: Window, second: Window) -> Window:
    limits = [window.hi for window in (first, second) if window.hi is not None]
    return Window(min(first.lo, second.lo), min(limits, default=None))


def _greatest(first: Window, second: Window) -> Window:
    return Window(max(first.lo, second.lo), None if first.hi is None or second.hi is None else max(first.hi, second.hi))
