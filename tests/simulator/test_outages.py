"""What is done to places and links: nothing is reordered, nothing comes back from the dead, and overlapping faults make sense."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model.inputs import Deliver, Fault, Fired, Move, Name
from sim.model.laws import Constant, Uniform
from sim.model.spans import Exactly, UnlessOver, Within
from sim.simulator import outages
from sim.simulator.places import Condition, Delays, Fate, Rule
from sim.simulator.simulation import Simulation
from tests.models import Logged, Puppet, puppet, stage, tell

DELAYS = Delays(Uniform(0, 3000))


def messages(sim: Logged, name: Name) -> list[object]:
    """What was delivered to a node, in order."""
    return [event.message for _, event in sim.inputs(name) if isinstance(event, Deliver)]


def at(sim: Simulation, time: int, operation: Callable[..., None], *places: Name) -> None:
    sim.schedule(time, operation.__name__, lambda: operation(sim, *places))


@given(st.integers(), st.lists(st.integers(0, 9000), max_size=12), st.lists(st.integers(0, 9000), max_size=6))
def test_a_link_keeps_its_order_whatever_is_held(seed: int, sendings: list[int], holds: list[int]) -> None:
    sim = stage("a", "b", seed=seed, delays=DELAYS)
    for i, time in enumerate(sorted(sendings)):
        tell(sim, "a", ("send", "b", i), at=time)
    for i, time in enumerate(sorted(holds)):
        at(sim, time, outages.release if i % 2 else outages.hold, "a", "b")
    at(sim, 20_000, outages.release, "a", "b")
    sim.run()
    assert messages(sim, "b") == list(range(len(sendings)))


def test_what_waited_is_not_overtaken_by_what_arrives_with_the_release() -> None:
    sim = stage("a", "b")
    outages.hold(sim, "a", "b")
    tell(sim, "a", ("send", "b", 1))
    tell(sim, "a", ("send", "b", 2), at=4000)
    at(sim, 5000, outages.release, "a", "b")
    sim.run()
    assert [(time, event.message) for time, event in sim.inputs("b")] == [(5000, 1), (5000, 2)]  # type: ignore[union-attr]


def test_one_direction_is_held_and_the_other_is_not() -> None:
    sim = stage("a", "b")
    outages.hold(sim, "a", "b")
    tell(sim, "a", ("send", "b", 1))
    tell(sim, "b", ("send", "a", 2))
    sim.run()
    assert (messages(sim, "a"), messages(sim, "b")) == ([2], [])
    assert sim.agenda.pending() == 0


def test_a_frozen_place_does_everything_later_in_due_order() -> None:
    sim = stage("a", "b")
    tell(sim, "b", ("arm", "t", Exactly(3000)), ("arm", "s", Within("w", 1500, 1500)))
    tell(sim, "a", ("send", "b", 1), at=1000)  # due at 2000
    tell(sim, "a", ("send", "b", 2), at=2500)  # due at 3500
    at(sim, 1200, outages.freeze, "b")
    at(sim, 9000, outages.unfreeze, "b")
    sim.run()
    assert sim.inputs("b")[1:] == [(9000, Fired("s")), (9000, Deliver(1, "a")), (9000, Fired("t")), (9000, Deliver(2, "a"))]


def test_a_frozen_place_has_not_sent_what_a_tape_says_it_kept() -> None:
    sim = stage("a", "b", deviations={"kept|a>b|int|1": 1})
    tell(sim, "a", ("send", "b", 1), ("send", "b", 2), at=1000)
    at(sim, 1500, outages.freeze, "a")
    at(sim, 9000, outages.unfreeze, "a")
    sim.run()
    assert sim.inputs("b") == [(2000, Deliver(2, "a")), (9000, Deliver(1, "a"))]


def test_what_a_frozen_place_kept_is_never_sent_if_it_dies() -> None:
    sim = stage("a", "b", deviations={"kept|a>b|int|1": 1})
    tell(sim, "a", ("send", "b", 1), at=1000)
    at(sim, 1500, outages.freeze, "a")
    at(sim, 3000, outages.kill, "a")
    sim.run()
    assert sim.inputs("b") == []


def test_a_timer_that_came_due_in_a_frozen_place_can_still_be_stopped() -> None:
    sim = stage("b", "a")
    puppet(sim, "b").on["stop"] = (("disarm", "t"),)
    tell(sim, "b", ("arm", "t", Exactly(3000)))
    tell(sim, "a", ("send", "b", "stop"), at=1000)
    at(sim, 1500, outages.freeze, "b")
    at(sim, 9000, outages.unfreeze, "b")
    sim.run()
    assert sim.timers_fired == 0


def test_a_tape_may_say_that_a_timer_of_a_frozen_place_is_taken_up_later() -> None:
    sim = stage("b", deviations={"late|b released|Fired|1": 7})
    tell(sim, "b", ("arm", "t", Exactly(3000)), ("arm", "u", Exactly(4000)))
    at(sim, 1500, outages.freeze, "b")
    at(sim, 9000, outages.unfreeze, "b")
    sim.run()
    assert sim.inputs("b")[1:] == [(9000, Fired("u")), (9007, Fired("t"))]


def test_what_is_bound_to_a_timer_that_is_over_lasts_no_time_even_if_that_is_taken_up_later() -> None:
    sim = stage("b", deviations={"late|b released|Fired|1": 7})
    tell(sim, "b", ("arm", "t", Exactly(3000)))
    at(sim, 1500, outages.freeze, "b")
    at(sim, 9000, outages.unfreeze, "b")
    tell(sim, "b", ("arm", "call", UnlessOver(Exactly(5000), "t")), at=9000)
    sim.run()
    assert [(time, event) for time, event in sim.inputs("b") if isinstance(event, Fired)] == [(9000, Fired("call")), (9007, Fired("t"))]


def test_a_frozen_place_makes_no_moves() -> None:
    sim = stage("a", think=Constant(1000))
    sim.add("b", Puppet((("arm", "t", Exactly(0)),)), "b")
    at(sim, 500, outages.freeze, "b")
    at(sim, 9000, outages.unfreeze, "b")
    sim.run()
    assert sim.inputs("b") == [(9000, Move("go")), (9000, Fired("t"))]


def test_a_server_that_is_back_fires_what_ran_out_and_keeps_its_state() -> None:
    sim = stage("s/1", "s/2", "a")
    tell(sim, "s/1", ("arm", "t", Exactly(3000)))
    tell(sim, "s/2", ("arm", "t", Exactly(2000)))
    at(sim, 1000, outages.stop_serving, "s")
    at(sim, 5000, outages.serve_again, "s")
    sim.run()
    assert [(time, node) for time, node, event, _ in sim.log if event == Fired("t")] == [(5000, "s/2"), (5000, "s/1")]


def test_the_dead_stay_dead() -> None:
    sim = stage("b", "a")
    tell(sim, "b", ("arm", "t", Exactly(3000)), ("send", "a", "farewell"))
    sim.add("b/mover", Puppet((("send", "a", "I move"),)), "b")
    at(sim, 10, outages.freeze, "b")
    at(sim, 5000, outages.kill, "b")
    at(sim, 6000, outages.unfreeze, "b")
    at(sim, 6000, outages.serve_again, "b")
    at(sim, 7000, outages.freeze, "b")
    at(sim, 7000, outages.stop_serving, "b")
    at(sim, 7500, outages.unfreeze, "b")
    tell(sim, "a", ("send", "b", "are you there?"), at=8000)
    sim.run()
    assert sim.place("b").condition is Condition.DEAD
    assert messages(sim, "a") == ["farewell"]
    assert [event for _, event in sim.inputs("b")] == [Fault("do", (("arm", "t", Exactly(3000)), ("send", "a", "farewell")))]


def test_nothing_of_an_earlier_life_reaches_the_next() -> None:
    sim = stage("a", "b", think=Constant(4000))
    sim.add("b/mover", Puppet((("send", "a", "from the first life"),)), "b")
    tell(sim, "b", ("arm", "t", Exactly(3000)))
    tell(sim, "a", ("send", "b", "for the first life"), at=1000)
    at(sim, 1500, outages.kill, "b")
    at(sim, 1600, outages.revive, "b")

    def again() -> None:
        sim.add("b", Puppet(), "b")
        sim.add("b/mover", Puppet(), "b")

    sim.schedule(1700, "again", again)
    tell(sim, "a", ("send", "b", "for the second life"), at=1800)
    sim.run()
    assert messages(sim, "b") == ["for the second life"]
    assert messages(sim, "a") == []
    assert sim.timers_fired == 0


def test_what_waited_in_a_frozen_place_dies_with_it() -> None:
    sim = stage("a", "b")
    tell(sim, "a", ("send", "b", "for the first life"))
    at(sim, 500, outages.freeze, "b")
    at(sim, 1500, outages.kill, "b")
    at(sim, 1600, outages.revive, "b")
    sim.schedule(1700, "again", lambda: sim.add("b", Puppet(), "b") and None)
    at(sim, 1800, outages.freeze, "b")
    at(sim, 1900, outages.unfreeze, "b")
    sim.run()
    assert messages(sim, "b") == []


@pytest.mark.parametrize("end", [outages.kill, outages.lose_machine])
def test_faults_of_a_direction_outlive_the_places(end: Callable[[Simulation, Name], None]) -> None:
    sim = stage("a", "b")
    sim.link("a", "b").rules.append(Rule(lambda message: message == 1, Fate.LOSE))
    outages.hold(sim, "b", "a")
    tell(sim, "b", ("send", "a", 0))
    sim.run(until=2000)
    end(sim, "b")
    outages.revive(sim, "b")
    sim.add("b", Puppet(), "b")
    tell(sim, "a", ("send", "b", 1), ("send", "b", 2))
    tell(sim, "b", ("send", "a", 3))
    sim.run()
    assert (messages(sim, "b"), messages(sim, "a")) == ([2], [])
    outages.release(sim, "b", "a")
    # What a process has sent is not its own any more; what a machine has sent goes down with it here.
    assert messages(sim, "a") == ([0, 3] if end is outages.kill else [3])


def test_a_place_that_is_not_dead_is_not_revived() -> None:
    sim = stage("a", "b")
    outages.freeze(sim, "b")
    outages.revive(sim, "b")
    assert sim.place("b").condition is Condition.FROZEN
    outages.lose_machine(sim, "b")
    outages.kill(sim, "b")
    assert sim.place("b").condition is Condition.LOST


OPERATIONS = [
    outages.kill,
    outages.lose_machine,
    outages.revive,
    outages.freeze,
    outages.unfreeze,
    outages.stop_serving,
    outages.serve_again,
]


@given(
    st.integers(),
    st.lists(st.tuples(st.integers(0, 30_000), st.sampled_from(OPERATIONS), st.sampled_from("ab")), max_size=12),
    st.lists(st.tuples(st.integers(0, 30_000), st.booleans(), st.sampled_from(["ab", "ba"])), max_size=6),
)
def test_any_faults_at_any_time(seed: int, faults: list[tuple[int, Callable[..., None], str]], holds: list[tuple[int, bool, str]]) -> None:
    sim = stage("a", "b", seed=seed, delays=DELAYS)
    puppet(sim, "b").on["?"] = (("answer", "!"),)
    for i in range(10):
        tell(sim, "a", ("call", "b", "?", i, Exactly(5000)), ("arm", ("own", i), Within("w", 0, 4000)), at=3000 * i)
    for time, operation, place in faults:
        at(sim, time, operation, place)
    for time, held, (source, target) in holds:
        at(sim, time, outages.hold if held else outages.release, source, target)
    sim.run()
    assert sim.agenda.pending() == 0
    if (alive := sim.seats.get("a")) is not None and alive.place.condition is Condition.UP:
        # Every call has come to an end, in one way.
        ends = [event.tag for _, event in sim.inputs("a") if not isinstance(event, (Fault, Deliver))]  # type: ignore[union-attr]
        assert alive.calls == {}
        assert len(ends) == len(set(ends))


@pytest.mark.parametrize(("label", "expected"), [("late|a>b|int|1", 5000), ("caught|a>b|int|1", 9000)])
def test_what_had_arrived_before_a_hold_does_not_wait_for_its_end(label: str, expected: int) -> None:
    """It is dealt with when it is due, as late as that is, unless a tape has it still on its way then."""
    sim = stage("a", "b", deviations={"late|a>b|int|1": 4000, **({label: 1} if "caught" in label else {})}, delays=Delays(Constant(1000)))
    tell(sim, "a", ("send", "b", 1))
    at(sim, 2000, outages.hold, "a", "b")
    at(sim, 9000, outages.release, "a", "b")
    sim.run()
    assert [time for time, event in sim.inputs("b") if isinstance(event, Deliver)] == [expected]


@pytest.mark.parametrize("gives_up", [False, True])
def test_a_request_that_is_held_up_is_never_sent_if_its_caller_gives_up(gives_up: bool) -> None:
    sim = stage("a", "b", delays=Delays(Constant(1000)))
    sim.link("a", "b").rules.append(Rule(lambda message: True, Fate.DELAY, value=5000))
    tell(sim, "a", ("call", "b", 1, "x"))
    if gives_up:
        tell(sim, "a", ("abandon", "x"), at=2000)
    sim.run()
    assert messages(sim, "b") == ([] if gives_up else [1])
