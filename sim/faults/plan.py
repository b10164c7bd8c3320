"""Carries faults out: at their times, at moments of the protocol, or at a rate, and undoes those that last for a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sim.faults.fault import At, AtMoment, AtRate, Fault
from sim.faults.moments import Sighting
from sim.faults.operations import Operations
from sim.model.inputs import Name
from sim.model.laws import Law


class Clockwork(Protocol):
    """The simulation, as a plan sees it."""

    @property
    def now(self) -> int:
        """Microseconds of true time since the start."""

    def schedule(self, time: int, name: str, action: Callable[[], None]) -> None:
        """Do something at a time; `name` orders it among what is simultaneous."""

    def listen(self, kind: type, listener: Callable[[int, Name, object], None]) -> None:
        """Call back for every observation of this class."""


Sample = Callable[[str, str, int, Law], int]
"""A value of a law by (purpose, entity, ordinal from 1): a choice of the run like any other."""


class FaultPlan:
    """The faults of one run. `done` counts what was done, in the order of `faults`; those that never happened are 0.

    `happened`: each of them with the fault's number, its time in microseconds, and whom it hit. `first`: the number of the
    first of them in the run, when it has others besides.
    """

    def __init__(self, faults: Sequence[Fault], clockwork: Clockwork, operations: Operations, sample: Sample, first: int = 0) -> None:
        self.faults = tuple(faults)
        self.done = [0] * len(self.faults)
        self.happened: list[tuple[int, int, str]] = []
        self._clock = clockwork
        self._operations = operations
        self._sample = sample
        self._first = first

    def begin(self) -> None:
        """Put everything on the agenda. To be called once, before the run."""
        for number, fault in enumerate(self.faults):
            match fault.when:
                case At(us):
                    self._later(number, us, None)
                case AtMoment() as when:
                    self._watch(number, when)
                case AtRate() as when:
                    self._repeat(number, when, 1, self._clock.now)

    def _label(self, number: int, what: str) -> str:
        return f"fault {self._first + number:03d} {what}"

    def _later(self, number: int, time: int, sighting: Sighting | None) -> None:
        # Never inside an observation: a node is just handling an input.
        self._clock.schedule(time, self._label(number, "begins"), lambda: self._do(number, sighting))

    def _watch(self, number: int, when: AtMoment) -> None:
        seen = 0

        def listener(time: int, node: Name, observation: object) -> None:
            nonlocal seen
            if when.count is not None and seen >= when.nth + when.count - 1:
                return  # it has happened as often as it may
            for fields in when.moment.sightings(node, observation, when.where):
                seen += 1
                late = when.until is not None and time + when.after > when.until
                if seen >= when.nth and (when.count is None or seen < when.nth + when.count) and not late:
                    self._later(number, time + when.after, Sighting(time, node, fields))

        self._clock.listen(when.moment.observation, listener)

    def _repeat(self, number: int, when: AtRate, ordinal: int, start: int) -> None:
        if when.count is not None and ordinal > when.count:
            return
        time = start + self._sample("fault", f"{self._first + number:03d} {self.faults[number].kind}", ordinal, when.gap)
        if when.until is not None and time > when.until:
            return

        def again() -> None:
            self._do(number, None)
            self._repeat(number, when, ordinal + 1, time)

        self._clock.schedule(time, self._label(number, "begins"), again)

    def _do(self, number: int, sighting: Sighting | None) -> None:
        fault = self.faults[number]
        target = self._operations.find(fault, sighting)
        if target is None:
            return
        self.done[number] += 1
        self.happened.append((number, self._clock.now, target))
        undo = self._operations.apply(fault, target)
        if undo is not None and fault.lasts is not None:
            self._clock.schedule(self._clock.now + fault.lasts, self._label(number, "ends"), undo)
