"""Times for steps without a clock: the earliest ones, and why there are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model import effects as fx
from sim.model.inputs import Fired
from sim.model.instant import CRASH, Micro, Way
from sim.model.outcomes import Outcome
from sim.model.spans import SECOND, Clamp, DueBefore, Exactly, Half, Left, LeftBelow, Overdue, Span, Within
from sim.trace.times import Clockless, extremes, solved, times


def does(*effects: fx.Effect, node: str = "n", fires: str = "") -> Way:
    """One step in which a node takes something and asks for these."""
    return (Micro(node, Fired(fires), Outcome((), (), effects, ())),)


def arm(tag: str, span: Span) -> fx.Arm:
    return fx.Arm(tag, span)


def fires(tag: str, *effects: fx.Effect, node: str = "n") -> Way:
    return does(*effects, node=node, fires=tag)


def test_a_timer_takes_its_time() -> None:
    assert times([does(arm("a", Exactly(3 * SECOND))), fires("a")]) == [0, 3 * SECOND]


def test_a_timer_that_has_not_fired_bounds_what_comes_before() -> None:
    steps = [does(arm("a", Exactly(3 * SECOND)), arm("b", Exactly(2 * SECOND))), fires("a")]
    with pytest.raises(Clockless, match=r"timer b, begun in step 1, lasts 2 to 2 s and has not fired by in step 2"):
        times(steps)


def test_one_that_changes_nothing_may_have_fired_unnoticed() -> None:
    steps = [does(arm("a", Exactly(3 * SECOND)), arm("b", Exactly(2 * SECOND))), fires("a")]
    assert times(steps, lambda step, key: key == ("n", "b")) == [0, 3 * SECOND]


def test_a_disarmed_timer_was_disarmed_in_time() -> None:
    early = [does(arm("a", Exactly(SECOND)), arm("b", Exactly(2 * SECOND))), fires("a", fx.Disarm("b"))]
    assert times(early) == [0, SECOND]
    late = [does(arm("a", Exactly(3 * SECOND)), arm("b", Exactly(2 * SECOND))), fires("a", fx.Disarm("b"))]
    with pytest.raises(Clockless):
        times(late)


def test_later_steps_wait_for_earlier_ones_that_may_take_long() -> None:
    """The start of the second timer is put off so that the first can end before it."""
    steps = [does(arm("a", Within("x", SECOND, 9 * SECOND))), does(arm("b", Exactly(SECOND)), node="m"), fires("b", node="m"), fires("a")]
    assert times(steps) == [0, 0, SECOND, SECOND]


def test_what_is_left_of_a_deadline_counts_from_its_beginning() -> None:
    deadline = fx.Arm("due", Exactly(5 * SECOND), fires=False)
    steps = [does(deadline, arm("w", Exactly(2 * SECOND))), fires("w", arm("a", Left("due"))), fires("a")]
    assert times(steps) == [0, 2 * SECOND, 5 * SECOND]


def test_half_of_what_is_left_is_exact_where_it_has_just_begun() -> None:
    budget = Clamp(Half(Left("due")), SECOND, 10 * SECOND)
    steps = [does(arm("due", Exactly(600 * SECOND)), arm("a", budget)), fires("a")]
    assert times(steps) == [0, 10 * SECOND]


def test_a_crash_ends_timers_that_have_not_fired() -> None:
    crash: Way = (Micro("n", CRASH, None),)
    steps = [does(arm("a", Exactly(SECOND))), does(arm("b", Exactly(3 * SECOND)), node="m"), fires("b", node="m"), crash]
    with pytest.raises(Clockless, match="timer a"):
        times(steps)
    assert times([steps[0], steps[1], crash, steps[2]]) == [0, 0, 0, 3 * SECOND]


def apart(steps: list[Way], one: int, other: int) -> set[int]:
    """How long there is between two steps, in all extremes."""
    return {at[other] - at[one] for at in extremes(steps)}


def test_extremes_are_as_far_apart_and_as_close_together_as_timers_allow() -> None:
    steps = [does(arm("a", Within("x", SECOND, 9 * SECOND))), fires("a", arm("b", Within("y", 2 * SECOND, 3 * SECOND))), fires("b")]
    assert {min(apart(steps, 0, 1)), max(apart(steps, 0, 1))} == {SECOND, 9 * SECOND}
    assert {min(apart(steps, 0, 2)), max(apart(steps, 0, 2))} == {3 * SECOND, 12 * SECOND}
    assert {min(apart(steps, 1, 2)), max(apart(steps, 1, 2))} == {2 * SECOND, 3 * SECOND}


def test_extremes_are_bounded_by_a_timer_that_has_not_fired() -> None:
    steps = [does(arm("a", Exactly(3 * SECOND)), arm("b", Exactly(5 * SECOND))), fires("a"), does(node="m")]
    assert max(apart(steps, 0, 2)) == 5 * SECOND
    assert min(apart(steps, 1, 2)) == 0


def test_what_nothing_bounds_is_very_late() -> None:
    assert max(apart([does(), does(node="m")], 0, 1)) > 1000 * SECOND


def test_where_there_are_no_times_there_are_no_extremes() -> None:
    steps = [does(arm("a", Exactly(3 * SECOND)), arm("b", Exactly(2 * SECOND))), fires("a")]
    with pytest.raises(Clockless):
        list(extremes(steps))


@given(
    least=st.lists(st.integers(0, 5), min_size=1, max_size=4), wide=st.lists(st.integers(0, 5), min_size=4, max_size=4),
    pair=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)  # fmt: skip
def test_extremes_are_times_and_none_lie_beyond_them(least: list[int], wide: list[int], pair: tuple[int, int]) -> None:
    """A chain of timers, each armed when the one before fires: the times between any two are sums of their lengths."""
    spans = [(lo, lo + more) for lo, more in zip(least, wide, strict=False)]
    arms = [arm(str(k), Within(str(k), lo, hi)) for k, (lo, hi) in enumerate(spans)]
    steps = [does(arms[0]), *(fires(str(k), *arms[k + 1 : k + 2]) for k in range(len(spans)))]
    one, other = sorted(min(place, len(spans)) for place in pair)
    found = apart(steps, one, other)
    assert min(found) == sum(lo for lo, _ in spans[one:other])
    assert max(found) == sum(hi for _, hi in spans[one:other])


# -- answers -----------------------------------------------------------------------------------------------------------------


def asks(question: fx.Question, answer: int, *effects: fx.Effect, before: int = 0, fires: str = "") -> Way:
    """A step in which a node asks after so many effects, and gets this answer."""
    return (Micro("n", Fired(fires), Outcome((answer,), (), effects, (), ((before, question),))),)


def due(tag: str, span: Span) -> fx.Arm:
    return fx.Arm(tag, span, fires=False)


@pytest.mark.parametrize(("answer", "times_of"), [(0, [0, 2 * SECOND]), (1, [0, 5 * SECOND])])
def test_what_is_overdue_was_due_before(answer: int, times_of: list[int]) -> None:
    steps = [does(due("d", Exactly(5 * SECOND)), arm("w", Within("w", 2 * SECOND, 9 * SECOND)))]
    assert times([*steps, asks(fx.Holds(Overdue("d")), answer, fires="w")]) == times_of


def test_no_clock_gives_an_answer_against_its_lengths() -> None:
    steps = [does(due("d", Exactly(5 * SECOND)), arm("w", Exactly(2 * SECOND)))]
    with pytest.raises(Clockless, match="timer d is overdue in step 2"):
        times([*steps, asks(fx.Holds(Overdue("d")), 1, fires="w")])


@pytest.mark.parametrize(("answer", "possible"), [(0, True), (1, False)])
def test_how_much_is_left(answer: int, possible: bool) -> None:
    """3 s are left: not less than 3 s."""
    steps = [does(due("d", Exactly(5 * SECOND)), arm("w", Exactly(2 * SECOND)))]
    question = asks(fx.Holds(LeftBelow("d", Exactly(3 * SECOND))), answer, fires="w")
    if possible:
        assert times([*steps, question]) == [0, 2 * SECOND]
    else:
        with pytest.raises(Clockless, match="less than that left"):
            times([*steps, question])


@pytest.mark.parametrize(("spans", "answer", "possible"), [((3, 4), 1, True), ((3, 4), 0, False), ((4, 4), 1, False), ((4, 4), 0, True)])
def test_which_is_due_before_which(spans: tuple[int, int], answer: int, possible: bool) -> None:
    arms = [due(tag, Exactly(length * SECOND)) for tag, length in zip("de", spans, strict=True)]
    steps = [asks(fx.Holds(DueBefore("d", "e")), answer, *arms, before=2)]
    if possible:
        assert times(steps) == [0]
    else:
        with pytest.raises(Clockless, match="due before e"):
            times(steps)


@pytest.mark.parametrize(("answer", "possible"), [(0, False), (1, True)])
def test_the_earliest_of_several(answer: int, possible: bool) -> None:
    steps = [asks(fx.Earliest(("d", "e")), answer, due("d", Exactly(4 * SECOND)), due("e", Exactly(3 * SECOND)), before=2)]
    if possible:
        assert times(steps) == [0]
    else:
        with pytest.raises(Clockless, match="is due first"):
            times(steps)


def test_a_question_is_about_what_is_armed_when_it_is_asked() -> None:
    """Armed anew after the question: the first length counts for the answer."""
    steps = [does(due("d", Exactly(SECOND)), arm("w", Exactly(2 * SECOND)))]
    assert times([*steps, asks(fx.Holds(Overdue("d")), 1, due("d", Exactly(9 * SECOND)), before=0, fires="w")]) == [0, 2 * SECOND]


def test_lengths_that_are_left_to_chance_are_told() -> None:
    steps = [does(arm("a", Within("x", SECOND, 9 * SECOND)), arm("b", Exactly(4 * SECOND))), fires("b"), fires("a")]
    found = solved(steps, gap=1)
    assert found.at == [1, 4 * SECOND + 1, 4 * SECOND + 2]
    assert found.drawn == [("n", "x", 4 * SECOND + 1)]


def test_steps_that_have_to_be_simultaneous_have_no_gap() -> None:
    steps = [does(arm("a", Exactly(SECOND)), arm("b", Exactly(SECOND))), fires("a"), fires("b")]
    assert solved(steps).at == [0, SECOND, SECOND]
    with pytest.raises(Clockless):
        solved(steps, gap=1)


@pytest.mark.parametrize(("length", "second"), [(5, 5), (1, 2)])
def test_what_is_left_of_a_deadline_is_nothing_when_it_has_passed(length: int, second: int) -> None:
    steps = [does(due("d", Exactly(length * SECOND)), arm("w", Exactly(2 * SECOND))), fires("w", arm("a", Left("d"))), fires("a")]
    assert times(steps) == [0, 2 * SECOND, second * SECOND]
    assert apart(steps, 0, 1) == {2 * SECOND}
    assert apart(steps, 0, 2) == {second * SECOND}


def test_a_deadline_has_passed_or_not() -> None:
    """What is left of it after 2 s is 3 s, and not the 4 s after which the timer fires."""
    steps = [does(due("d", Exactly(5 * SECOND)), arm("w", Exactly(2 * SECOND)), arm("x", Exactly(6 * SECOND)))]
    for found in (times, extremes):
        with pytest.raises(Clockless, match="timer"):
            list(found([*steps, fires("w", arm("a", Left("d"))), fires("x"), fires("a")]))
