"""Times for steps without a clock: the earliest ones, and why there are none."""

from __future__ import annotations

import pytest

from sim.model import effects as fx
from sim.model.inputs import Fired
from sim.model.instant import CRASH, Micro, Way
from sim.model.outcomes import Outcome
from sim.model.spans import SECOND, Clamp, Exactly, Half, Left, Span, Within
from sim.trace.times import Clockless, times


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
