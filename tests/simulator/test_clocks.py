"""Every span and every question about time, on clocks that are right, fast, slow or set wrongly."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model.draws import Draws
from sim.model.inputs import Fired
from sim.model.laws import Constant, Uniform
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
    Older,
    Overdue,
    Plus,
    Span,
    TimeTest,
    UnlessOver,
    Until,
    Within,
)
from sim.simulator.places import Clock
from tests.models import Logged, puppet, stage, tell

# At 1,000 us: 400 left of `t`, deadline `d` passed, a mark set at 0, another node's mark at 300.
SPANS: list[tuple[Span, int]] = [
    (Exactly(70), 70),
    (Exactly(0), 0),
    (Within("w", 70, 70), 70),
    (Drawn("w", Constant(70)), 70),
    (Drawn("w", Constant(70), entity="order 3", ordinal=2), 70),
    (Left("t"), 400),
    (Left("d"), 0),
    (Left("call"), 9000),
    (Left("unknown"), 0),
    (Until(1234), 234),
    (Until(1000), 0),
    (Until(3), 0),
    (Half(Exactly(71)), 35),
    (Half(Left("t")), 200),
    (Clamp(Exactly(70), 80, 90), 80),
    (Clamp(Exactly(85), 80, 90), 85),
    (Clamp(Left("t"), 80, 90), 90),
    (Least(Exactly(70), Left("t")), 70),
    (Least(Exactly(7000), Left("t")), 400),
    (Greatest(Exactly(70), Left("t")), 400),
    (Greatest(Exactly(7000), Left("t")), 7000),
    (Plus(Exactly(70), Half(Left("t"))), 270),
    (UnlessOver(Exactly(70), "t"), 70),
    (UnlessOver(Exactly(70), "d"), 0),
    (UnlessOver(Exactly(70), "unknown"), 70),
    (NotBefore(Exactly(70), "b", "mark", 1000), 300),
    (NotBefore(Exactly(700), "b", "mark", 1000), 700),
    (NotBefore(Exactly(70), "b", "unknown", 1000), 70),
    (NotBefore(Exactly(70), "nobody", "mark", 1000), 70),
]
TESTS: list[tuple[TimeTest, bool]] = [
    (LeftBelow("t", Exactly(401)), True),
    (LeftBelow("t", Exactly(400)), False),
    (LeftBelow("d", Exactly(0)), True),
    (LeftBelow("call", Left("t")), False),
    (LeftBelow("t", Left("call")), True),
    (LeftBelow("unknown", Exactly(9999)), False),
    (Older("mark", Exactly(1000)), True),
    (Older("mark", Exactly(1001)), False),
    (Older("unknown", Exactly(1)), True),
    (DueBefore("d", "t"), True),
    (DueBefore("t", "d"), False),
    (DueBefore("t", "t"), False),
    (DueBefore("t", "unknown"), True),
    (DueBefore("unknown", "t"), False),
    (Overdue("d"), True),
    (Overdue("t"), False),
    (Overdue("unknown"), False),
]


def at_a_thousand() -> Logged:
    sim = stage("a", "b")
    tell(
        sim,
        "a",
        ("arm", "t", Exactly(1400)),
        ("deadline", "d", Exactly(900)),
        ("call", "b", "?", "call", Exactly(10_000)),
        ("mark", "mark"),
    )
    tell(sim, "b", ("mark", "mark"), at=300)
    sim.run(until=999)
    return sim


@pytest.mark.parametrize(("span", "length"), SPANS, ids=repr)
@pytest.mark.parametrize("verb", ["arm", "deadline"])
def test_spans(span: Span, length: int, verb: str) -> None:
    sim = at_a_thousand()
    tell(sim, "a", (verb, "new", span), at=1000)
    sim.run(until=1000)
    if verb == "deadline":
        assert sim.seats["a"].timers["new"].due == 1000 + length
    sim.run()
    fired = [time for time, event in sim.inputs("a") if event == Fired("new")]
    assert fired == ([1000 + length] if verb == "arm" else [])


@pytest.mark.parametrize(("test", "answer"), TESTS, ids=repr)
def test_questions_about_time(test: TimeTest, answer: bool) -> None:
    sim = at_a_thousand()
    tell(sim, "a", ("holds", test), at=1000)
    sim.run(until=1000)
    assert puppet(sim, "a").heard == [("holds", answer)]


def test_no_span_and_no_question_is_forgotten_here() -> None:
    # Excess is tested below, with what it is made for.
    assert {type(span) for span, _ in SPANS} | {Excess} == set(get_args(Span))
    assert {type(test) for test, _ in TESTS} == set(get_args(TimeTest))


@pytest.mark.parametrize(("over", "due"), [(0, 1400), (100, 1300), (400, 1000), (500, 1000)])
def test_excess(over: int, due: int) -> None:
    sim = at_a_thousand()
    tell(sim, "a", ("arm", "new", Excess("t", over)), at=1000)
    sim.run()
    assert (due, Fired("new")) in sim.inputs("a")


def test_the_earliest_of_some_timers() -> None:
    sim = at_a_thousand()
    tell(sim, "a", ("earliest", ("t", "d", "call")), ("earliest", ("call", "t")), at=1000)
    tell(sim, "a", ("deadline", "same", Left("t")), ("earliest", ("same", "t")), ("earliest", ("t", "same")), at=1000)
    sim.run(until=1000)
    assert puppet(sim, "a").heard == [("earliest", "d"), ("earliest", "t"), ("earliest", "same"), ("earliest", "t")]


@pytest.mark.parametrize(("drift", "true"), [(0, 1_000_000), (1_000_000, 500_000), (-500_000, 2_000_000), (100, 999_900)])
def test_drift_stretches_every_duration(drift: int, true: int) -> None:
    sim = stage("a", clocks={"a": Clock(drift_ppm=drift, skew_us=77)})
    tell(sim, "a", ("arm", "t", Exactly(1_000_000)), ("arm", "w", Within("w", 1_000_000, 1_000_000)), ("mark", "m"))
    tell(
        sim,
        "a",
        ("arm", "rest", Left("t")),
        ("holds", LeftBelow("t", Exactly(500_010))),
        ("holds", Older("m", Exactly(500_000))),
        at=true // 2,
    )
    sim.run()
    fired = {event.tag: time for time, event in sim.inputs("a") if isinstance(event, Fired)}
    assert fired["t"] == fired["w"] == true
    assert abs(fired["rest"] - true) <= 2  # rounded twice
    assert puppet(sim, "a").heard[:2] == [("holds", True), ("holds", True)]


def test_skew_and_drift_change_what_the_wall_clock_shows() -> None:
    sim = stage("a", "b", clocks={"a": Clock(drift_ppm=1_000_000, skew_us=-300), "b": Clock(skew_us=50)})
    for name in ("a", "b"):
        tell(sim, name, ("stamp",), at=1000)
    sim.run()
    assert puppet(sim, "a").heard == [("stamp", 1700)]
    assert puppet(sim, "b").heard == [("stamp", 1050)]


@given(st.integers(-900_000, 900_000), st.integers(-10_000, 10_000), st.integers(0, 10**9), st.integers(0, 10**7))
def test_until_waits_for_the_wall_clock_of_its_own_machine(drift: int, skew: int, stamp: int, start: int) -> None:
    clock = Clock(drift, skew)
    sim = stage("a", clocks={"a": clock})
    tell(sim, "a", ("arm", "t", Until(stamp)), at=start)
    sim.run()
    end = sim.inputs("a")[-1][0]
    if clock.wall(start) >= stamp:
        assert end == start
    else:
        # Spans and readings are whole microseconds, each rounded down.
        assert stamp - 3 <= clock.wall(end) <= stamp


def test_a_place_that_is_slow_takes_longer_for_what_it_does_and_not_for_what_it_waits() -> None:
    sim = stage("a")
    sim.place("a").slow_down = 2500
    tell(sim, "a", ("arm", "works", Within("w", 100, 100)), ("arm", "works too", Drawn("d", Constant(100))), ("arm", "waits", Exactly(100)))
    sim.run()
    assert {event.tag: time for time, event in sim.inputs("a") if isinstance(event, Fired)} == {
        "works": 250,
        "works too": 250,
        "waits": 100,
    }


def test_draws_are_named_by_node_or_by_whom_they_belong_to() -> None:
    law = Uniform(0, 10**9)
    sim = stage("a", "b", seed=5)
    own, order = Drawn("d", law), Drawn("d", law, entity="order 3", ordinal=2)
    tell(sim, "a", ("arm", "1", own), ("arm", "2", own), ("arm", "x", order), ("arm", "w", Within("w", 0, 10**9)))
    tell(sim, "b", ("arm", "1", own), ("arm", "x", order))
    due = {(name, tag): timer.due for name in "ab" for tag, timer in sim.seats[name].timers.items()}
    draws, of_a = Draws(5), Draws(5).stream("d", "a")
    assert due["a", "1"] == law.sample(of_a.next())
    assert due["a", "2"] == law.sample(of_a.next())
    assert due["a", "w"] == law.sample(draws.stream("w", "a").next())
    assert due["b", "1"] == law.sample(draws.stream("d", "b").next())
    assert due["a", "x"] == due["b", "x"] == law.sample(draws.stream("d", "order 3").at(2))
