"""Ticks against clocks: whatever real timers do, their windows allow it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model import effects as fx
from sim.model.spans import Clamp, DueBefore, Exactly, Excess, Greatest, Half, Least, Left, LeftBelow, Overdue, Plus, Span, TimeTest, Within
from sim.model.windows import ANY, Armed, Ticks, Window

UNIT = 10
TICKS = Ticks(UNIT)
TAGS = ("a", "b", "c")
lengths = st.integers(0, 60)


@dataclass(frozen=True)
class Clock:
    """Real timers at an instant: by tag, when they end, microseconds after now (None: not armed); `phase` is the instant's own."""

    phase: int
    ends: dict[str, int]

    def ticks(self, length: int) -> int:
        """How many ticks pass until so many microseconds from now."""
        return (self.phase + length) // UNIT

    def armed(self, tag: object) -> Armed | None:
        """The tightest window that a timer can have; one that is over but still kept has passed."""
        if tag not in self.ends:
            return None
        end = self.ends[str(tag)]
        passed = Window(0, -1 if self.ticks(end) < 0 else 0)
        return Armed(window=passed if end <= 0 else Window(self.ticks(end), self.ticks(end)), fires=False)

    def left(self, tag: object) -> int:
        """What is left of a timer, as a driver with a clock computes it."""
        return max(0, self.ends.get(str(tag), 0))


clocks = st.builds(Clock, st.integers(0, UNIT - 1), st.dictionaries(st.sampled_from(TAGS), st.integers(-30, 80)))


def spans() -> st.SearchStrategy[Span]:
    simple = st.builds(Exactly, lengths) | st.builds(Left, st.sampled_from(TAGS)) | st.builds(Excess, st.sampled_from(TAGS), lengths)

    def grown(inner: st.SearchStrategy[Span]) -> st.SearchStrategy[Span]:
        bounds = st.tuples(lengths, lengths).map(sorted)
        return (
            st.builds(Half, inner)
            | st.builds(Least, inner, inner)
            | st.builds(Greatest, inner, inner)
            | st.builds(Plus, inner, inner)
            | st.builds(lambda span, lohi: Clamp(span, *lohi), inner, bounds)
        )

    return st.recursive(simple, grown, max_leaves=4)


def length(span: Span, clock: Clock) -> int:
    """A span in microseconds."""
    match span:
        case Exactly(us=us):
            return us
        case Left(tag=tag):
            return clock.left(tag)
        case Excess(tag=tag, over=over):
            return max(0, clock.left(tag) - over)
        case Half(span=inner):
            return length(inner, clock) // 2
        case Clamp(span=inner, lo=lo, hi=hi):
            return min(max(length(inner, clock), lo), hi)
        case Least(first=first, second=second):
            return min(length(first, clock), length(second, clock))
        case Greatest(first=first, second=second):
            return max(length(first, clock), length(second, clock))
        case Plus(first=first, second=second):
            return length(first, clock) + length(second, clock)
    raise AssertionError(span)


@given(spans(), clocks)
def test_the_window_of_a_span_has_the_ticks_that_a_clock_lets_pass(span: Span, clock: Clock) -> None:
    window = TICKS.window(span, clock.armed)
    passed = clock.ticks(length(span, clock))
    assert window.lo <= passed
    assert window.hi is None or passed <= window.hi


@given(st.integers(0, UNIT - 1), st.integers(0, 40), st.integers(0, 40), st.integers(0, 1))
def test_a_timer_fires_within_its_window_and_no_tick_passes_beyond(phase: int, lo: int, more: int, late: int) -> None:
    """Tick by tick beside a clock: when it ends the window is open, and until then every tick is allowed."""
    end = phase + lo + more * late
    armed = Armed(window=TICKS.window(Within("w", lo, lo + more), lambda tag: None))
    for _ in range(end // UNIT):
        assert not armed.must_end
        armed = armed.later()
    assert armed.may_fire


def answer(test: TimeTest, clock: Clock) -> bool:
    """As `sim.simulator.step` gives it: no, of a timer that is not armed."""
    match test:
        case Overdue(tag=tag):
            return tag in clock.ends and clock.ends[str(tag)] <= 0
        case LeftBelow(tag=tag, span=span):
            return tag in clock.ends and clock.left(tag) < length(span, clock)
        case DueBefore(first=first, second=second):
            return first in clock.ends and (second not in clock.ends or clock.left(first) < clock.left(second))
    raise AssertionError(test)


tests = (
    st.builds(Overdue, st.sampled_from(TAGS))
    | st.builds(LeftBelow, st.sampled_from(TAGS), spans())
    | st.builds(DueBefore, st.sampled_from(TAGS), st.sampled_from(TAGS))
)


@given(tests, clocks)
def test_the_answer_that_a_clock_gives_is_allowed(test: TimeTest, clock: Clock) -> None:
    assert TICKS.allows(fx.Holds(test), answer(test, clock), clock.armed)


@given(st.lists(st.sampled_from(TAGS), min_size=2, max_size=3, unique=True), clocks)
def test_the_first_of_several_timers_is_allowed(tags: list[str], clock: Clock) -> None:
    first = min(range(len(tags)), key=lambda i: clock.left(tags[i]))
    assert TICKS.allows(fx.Earliest(tuple(tags)), first, clock.armed)


@pytest.mark.parametrize(
    ("question", "answer", "allowed"),
    [
        (fx.Holds(Overdue("soon")), 0, True),
        (fx.Holds(Overdue("soon")), 1, True),
        (fx.Holds(Overdue("later")), 1, False),
        (fx.Holds(Overdue("over")), 0, False),
        (fx.Holds(Overdue("nothing")), 0, True),
        (fx.Holds(Overdue("nothing")), 1, False),
        (fx.Holds(LeftBelow("nothing", Exactly(UNIT))), 0, True),
        (fx.Holds(LeftBelow("nothing", Exactly(UNIT))), 1, False),
        (fx.Holds(DueBefore("nothing", "soon")), 0, True),
        (fx.Holds(DueBefore("nothing", "soon")), 1, False),
        (fx.Holds(DueBefore("later", "nothing")), 0, False),
        (fx.Holds(DueBefore("later", "nothing")), 1, True),
        (fx.Holds(LeftBelow("later", Exactly(UNIT))), 1, False),
        (fx.Holds(LeftBelow("soon", Exactly(3 * UNIT))), 0, False),
        (fx.Holds(DueBefore("later", "soon")), 1, False),
        (fx.Earliest(("later", "soon")), 0, False),
        (fx.Earliest(("later", "soon")), 1, True),
        (fx.Choice("which", 2), 1, True),
    ],
)
def test_what_no_clock_answers_is_not_allowed(question: fx.Question, answer: int, allowed: bool) -> None:
    left = {"soon": Window(0, 0), "later": Window(2, 3), "over": Window(0, -1)}
    assert TICKS.allows(question, answer, lambda tag: Armed(window=left[str(tag)]) if tag in left else None) is allowed


def test_whole_units_are_exact_and_long_times_are_only_known_to_be_long() -> None:
    assert Ticks(5).window(Exactly(20), lambda tag: None) == Window(4, 4)
    assert Ticks(5).window(Exactly(21), lambda tag: None) == Window(4, 5)
    assert Ticks(5, most=3).window(Exactly(20), lambda tag: None) == Window(3, None)
    assert Ticks(5).window(Left("call"), lambda tag: Armed()) == ANY
