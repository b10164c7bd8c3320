"""What is simultaneous happens by (node, label), and what is over leaves nothing behind."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.model.inputs import Fired
from sim.model.spans import Exactly, Within
from sim.simulator.agenda import Agenda, LaneEntry
from sim.simulator.seats import Later
from tests.models import Order, puppet, stage, tell


def never() -> bool:
    return False


class Bell(LaneEntry):
    """Writes its name down when it is carried out."""

    def __init__(self, agenda: Agenda, length: int, name: str, rung: list[tuple[int, str]]) -> None:
        super().__init__(agenda.now + length, agenda.lane(length))
        self.agenda, self.name, self.rung = agenda, name, rung
        agenda.lane(length).add(self)

    def key(self) -> tuple[str, str]:
        return ("bell", self.name)

    def run(self) -> None:
        if self.live:
            self.live = False
            self.rung.append((self.agenda.now, self.name))


@pytest.mark.parametrize("order", list(permutations([("a", "y"), ("b", "x"), ("a", "x"), ("", "z")])))
def test_simultaneous_entries_are_ordered_by_node_and_label(order: tuple[tuple[str, str], ...]) -> None:
    agenda, done = Agenda(), []
    for key in order:
        agenda.at(5, Later(key, lambda key=key: done.append(key)))  # type: ignore[misc]
    agenda.run(None, never)
    assert done == [("", "z"), ("a", "x"), ("a", "y"), ("b", "x")]


def test_entries_of_lanes_and_others_are_ordered_together() -> None:
    agenda, rung = Agenda(), []
    Bell(agenda, 5, "late", rung)
    agenda.at(5, Later(("bell", "middle"), lambda: rung.append((agenda.now, "middle"))))
    agenda.at(2, Later(("", ""), lambda: (Bell(agenda, 3, "early", rung), None)[1]))
    agenda.run(None, never)
    assert rung == [(5, "early"), (5, "late"), (5, "middle")]


def test_what_is_put_on_the_agenda_for_now_still_happens_now() -> None:
    agenda, done = Agenda(), []
    agenda.at(3, Later(("z", ""), lambda: agenda.at(3, Later(("a", ""), lambda: done.append(agenda.now)))))
    agenda.run(None, never)
    assert done == [3]


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from([0, 5, 10]), st.booleans()), max_size=60))
def test_lanes_do_what_a_sorted_list_does(timers: list[tuple[int, int, bool]]) -> None:
    agenda, rung, bells, expected = Agenda(), [], [], []
    for i, (start, length, dropped) in enumerate(timers):
        name = f"{i:03d}"
        agenda.at(start, Later(("", name), lambda length=length, name=name: bells.append(Bell(agenda, length, name, rung))))  # type: ignore[misc]
        if dropped:
            agenda.at(start + 4, Later(("", f"drop {name}"), lambda name=name: next(b for b in bells if b.name == name).drop()))  # type: ignore[misc]
        if not dropped or length == 0:
            expected.append((start + length, name))
    agenda.run(None, never)
    assert sorted(rung) == sorted(expected)
    assert [time for time, _ in rung] == sorted(time for time, _ in rung)
    assert agenda.pending() == 0


def test_many_timers_started_and_stopped_leave_nothing_behind() -> None:
    agenda, rung = Agenda(), []
    for i in range(10_000):
        Bell(agenda, 60_000_000, str(i), rung).drop()
        assert agenda.pending() == 0
    # The queue is swept, not only counted down.
    assert len(agenda.lane(60_000_000)._queue) < 200
    agenda.run(None, never)
    assert rung == []


def test_a_sweep_keeps_what_lives_and_its_order() -> None:
    agenda, rung = Agenda(), []
    bells = [Bell(agenda, 7, f"{i:04d}", rung) for i in range(1000)]
    for i, bell in enumerate(bells):
        if i % 10:
            bell.drop()
            bell.drop()  # twice is once
    assert agenda.pending() == 100
    agenda.run(None, never)
    assert rung == [(7, f"{i:04d}") for i in range(0, 1000, 10)]
    assert agenda.pending() == 0


def test_a_run_goes_up_to_and_including_its_end_and_can_go_on() -> None:
    agenda, done = Agenda(), []
    for time in (5, 10, 20):
        agenda.at(time, Later(("", ""), lambda: done.append(agenda.now)))
    agenda.run(10, never)
    assert (done, agenda.now) == ([5, 10], 10)
    agenda.run(15, never)
    assert (done, agenda.now) == ([5, 10], 15)
    # Put on the agenda from outside, counted from where the run stopped.
    agenda.at(17, Later(("", ""), lambda: done.append(agenda.now)))
    agenda.run(12, never)
    assert agenda.now == 15
    agenda.run(None, never)
    assert (done, agenda.now) == ([5, 10, 17, 20], 20)


def test_a_run_stops_when_told() -> None:
    agenda, done = Agenda(), []
    for time in (5, 10, 20):
        agenda.at(time, Later(("", ""), lambda: done.append(agenda.now)))
    agenda.run(None, lambda: len(done) == 2)
    assert done == [5, 10]
    assert agenda.pending() == 1


ARM: Order = ("arm", "t", Exactly(10))
DRAWN: Order = ("arm", "t", Within("x", 10, 10))


@pytest.mark.parametrize("arm", [ARM, DRAWN])
def test_timers_of_nodes(arm: Order) -> None:
    sim = stage("a", "b")
    tell(sim, "b", arm)
    tell(sim, "a", arm, ("arm", "s", Exactly(10)))
    tell(sim, "a", arm, at=3)
    tell(sim, "b", ("disarm", "t"), ("disarm", "unknown"), at=4)
    sim.run(until=4)
    assert sim.agenda.pending() == 2
    sim.run()
    assert (sim.inputs("b")[-1][0], puppet(sim, "b").heard) == (4, [])
    assert [(time, event) for time, event in sim.inputs("a") if isinstance(event, Fired)] == [(10, Fired("s")), (13, Fired("t"))]
    assert sim.agenda.pending() == 0
    assert sim.timers_fired == 2


def test_a_timer_dropped_at_the_very_instant_it_is_due_does_not_fire() -> None:
    sim = stage("a")
    puppet(sim, "a").on[Fired("s")] = (("disarm", "t"),)
    tell(sim, "a", ("arm", "s", Exactly(10)), ("arm", "t", Within("x", 10, 10)))
    sim.run()
    assert puppet(sim, "a").heard == [Fired("s")]


def test_a_node_that_is_removed_takes_its_timers_along() -> None:
    sim = stage("a")
    tell(sim, "a", ARM, ("arm", "u", Within("x", 50, 60)), ("deadline", "d", Exactly(5)))
    tell(sim, "a", ("retire", "a"), at=1)
    sim.run(until=1)
    assert sim.agenda.pending() == 0
    sim.run()
    assert sim.timers_fired == 0
