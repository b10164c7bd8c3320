"""A plan does faults when they are due, and nothing else; it knows no protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from sim.faults import At, AtMoment, AtRate, Fault, FaultPlan, Moment, Moments, Sighting, Undo
from sim.model.laws import Constant, Law


class Seen(Struct, frozen=True):
    colour: str
    size: int = 0


class Clock:
    """An agenda on which time is told by hand."""

    def __init__(self) -> None:
        self.now = 0
        self.agenda: list[tuple[int, str, Callable[[], None]]] = []
        self.listeners: list[tuple[type, Callable[[int, str, object], None]]] = []

    def schedule(self, time: int, name: str, action: Callable[[], None]) -> None:
        assert time >= self.now
        self.agenda.append((time, name, action))

    def listen(self, kind: type, listener: Callable[[int, str, object], None]) -> None:
        self.listeners.append((kind, listener))

    def see(self, observation: object) -> None:
        for kind, listener in self.listeners:
            if type(observation) is kind:
                listener(self.now, "node", observation)

    def run(self, until: int) -> None:
        while due := sorted((e for e in self.agenda if e[0] <= until), key=lambda e: e[:2]):
            self.agenda.remove(due[0])
            self.now = due[0][0]
            due[0][2]()
        self.now = until


class Deeds:
    """Operations that only write down what is asked of them."""

    def __init__(self, clock: Clock, nobody: bool = False) -> None:
        self.clock = clock
        self.nobody = nobody
        self.done: list[tuple[int, str, str]] = []
        self.sightings: list[Sighting | None] = []

    def find(self, fault: Fault, sighting: Sighting | None) -> str | None:
        self.sightings.append(sighting)
        return None if self.nobody else fault.target

    def apply(self, fault: Fault, target: str) -> Undo | None:
        self.done.append((self.clock.now, fault.kind, target))
        return lambda: self.done.append((self.clock.now, f"end of {fault.kind}", target))


def sample(what: str, entity: str, ordinal: int, law: Law) -> int:
    return law.sample(0) + ordinal


def plan(*faults: Fault, nobody: bool = False) -> tuple[Clock, Deeds, FaultPlan]:
    clock = Clock()
    deeds = Deeds(clock, nobody)
    made = FaultPlan(faults, clock, deeds, sample)
    made.begin()
    return clock, deeds, made


def test_at_a_time_and_undone() -> None:
    clock, deeds, made = plan(Fault("kill", "a", At(5), lasts=10), Fault("stop", "b", At(7)))
    clock.run(100)
    assert deeds.done == [(5, "kill", "a"), (7, "stop", "b"), (15, "end of kill", "a")]
    assert made.done == [1, 1]


RED = Moment("red", Seen, {"colour": "red"})


def moment_plan(**when: Any) -> tuple[Clock, Deeds]:
    clock, deeds, _ = plan(Fault("kill", "a", AtMoment(RED, **when)))
    for time in range(10, 60, 10):
        clock.run(time)
        clock.see(Seen("blue", time))
        clock.see(Seen("red", time))
    clock.run(1_000)
    return clock, deeds


def test_at_moments() -> None:
    assert [t for t, _, _ in moment_plan()[1].done] == [10]
    assert [t for t, _, _ in moment_plan(nth=3)[1].done] == [30]
    assert [t for t, _, _ in moment_plan(nth=2, count=2, after=5)[1].done] == [25, 35]
    assert [t for t, _, _ in moment_plan(count=None, until=30)[1].done] == [10, 20, 30]
    assert [t for t, _, _ in moment_plan(where={"size": 40})[1].done] == [40]
    assert moment_plan(nth=9)[1].done == []


def test_a_moment_is_never_acted_upon_within_itself() -> None:
    clock, deeds, _ = plan(Fault("kill", "a", AtMoment(RED)))
    clock.see(Seen("red", 1))
    assert deeds.done == []
    clock.run(0)
    assert deeds.done == [(0, "kill", "a")]
    assert deeds.sightings == [Sighting(0, "node", {"colour": "red", "size": 1})]


def test_at_a_rate() -> None:
    clock, deeds, _ = plan(Fault("kill", "a", AtRate(Constant(10), count=3)), Fault("stop", "b", AtRate(Constant(20), until=50)))
    clock.run(1_000)
    # The n-th gap is n longer than the law says: gaps are drawn by number.
    assert deeds.done == [(11, "kill", "a"), (21, "stop", "b"), (23, "kill", "a"), (36, "kill", "a"), (43, "stop", "b")]


def test_nobody_there() -> None:
    clock, deeds, made = plan(Fault("kill", "a", At(5), lasts=10), nobody=True)
    clock.run(100)
    assert deeds.done == []
    assert made.done == [0]


def test_the_registry() -> None:
    moments = Moments([RED])
    assert "red" in moments
    assert "blue" not in moments
    assert moments["red"] is RED
    assert moments.names == ["red"]
