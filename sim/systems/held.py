"""What a check of a model in windows found, held to a clock: each broken promise with the shortest way that a run confirms.

Ticks are coarser than clocks. A way is confirmed when its steps have times that its timers allow, and a run of the simulator in which
everything happens at these times ends in a state that breaks the same promise; the run's tape has all that it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sim.checker.result import CheckResult, Verdict
from sim.checker.traces import Leg
from sim.model.explorer import Invariant
from sim.model.instant import InstantWorld, Way
from sim.model.system import System
from sim.scenario.confirm import Idle
from sim.scenario.findings import Finding
from sim.scenario.run import program_version
from sim.systems.run import again, simulate
from sim.systems.steered import Steered
from sim.trace.tape import Tape
from sim.trace.times import Clockless, Solved, solved


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model is: what its tapes say. `settings`: what it was built with, `KEY=VALUE`."""

    model: str
    settings: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"model": self.model, "settings": list(self.settings)}


def findings(source: Source, system: System, result: CheckResult) -> Mapping[str, Finding]:
    """For each broken promise: the shortest of its ways that a run with a clock confirms."""
    world = system.world
    assert isinstance(world, InstantWorld)
    found = {}
    for name, judgement in result.properties.items():
        if judgement.verdict is Verdict.BROKEN and judgement.path is not None and name in system.invariants:
            found[name] = _finding(source, system, world, name, judgement.path, judgement.ways())
    return found


def _finding(
    source: Source, system: System, world: InstantWorld, name: str, shortest: tuple[Leg, ...], ways: Iterator[tuple[Leg, ...]]
) -> Finding:
    clockless, untested, why = 0, 0, ""
    for legs in ways:
        try:
            times, tape = _run(source, system, world, name, legs)
        except Clockless as reason:
            clockless, why = clockless + 1, why or f"no clock allows it: {reason}"
            continue
        if tape is not None:
            return Finding(legs, tape, "", clockless, untested, at=tuple(times.at))
        untested, why = untested + 1, why or "the run with its steps at their times does not break it"
    return Finding(shortest, None, why, clockless, untested)


def _run(source: Source, system: System, world: InstantWorld, name: str, legs: tuple[Leg, ...]) -> tuple[Solved, Tape | None]:
    """Times of the steps, and the tape of a run that has them and breaks the promise, if there is one. Raises Clockless."""
    is_idle = Idle(world, [world.initial(), *(leg.state for leg in legs)])
    ways = [leg.outcome for leg in legs if isinstance(leg.outcome, tuple)]
    at_once = solved(ways, is_idle)
    for times in (*_apart(ways, is_idle), at_once):
        tape = _tape(source, system, name, system.invariants[name], Steered(legs, times), times.at[-1] if times.at else 0)
        if tape is not None:
            return times, tape
    return at_once, None


def _apart(ways: Sequence[Way], is_idle: Idle) -> Iterator[Solved]:
    """Times at which no two steps happen at the same moment, where they would have no order of their own; none if that cannot be."""
    with suppress(Clockless):
        yield solved(ways, is_idle, gap=1)


def _tape(source: Source, system: System, name: str, promise: Invariant, choices: Steered, until: int) -> Tape | None:
    """The tape of the run that these choices lead to, if the promise is broken in its end."""
    if promise(simulate(system, choices, until, choices.attend).state):
        return None
    # Once more, from what the tape says alone.
    run = again(system, choices.taken, until)
    if promise(run.state):
        return None
    scenario = {**source.to_dict(), "breaks": name}
    return Tape(
        scenario=scenario, seed=choices.seed, deviations=choices.taken, digest=run.digest, ended_at_us=until, made_by=program_version()
    )
