"""What a check of a scenario found, held to a clock: each broken promise with the shortest way that a run confirms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from sim.checker.result import CheckResult, Verdict
from sim.checker.traces import Leg
from sim.model.instant import InstantWorld
from sim.scenario.confirm import Idle, Step, confirm
from sim.scenario.load import Scenario
from sim.trace.tape import Tape

SECONDS: Final = 20.0
"""How long ways to break one promise are tried."""
TRIES: Final = 40
"""Runs for each way."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`tape`: the run that confirms `path`. Without one, `path` is the shortest and `why` says what keeps clocks from it.

    `clockless`: how many ways were passed over because no clock allows them, or none breaks the promise by them; `untested`: how many
    because no run came of them.
    `untried`: whether time was up before all ways that the search kept had been tried.
    """

    path: tuple[Leg, ...]
    tape: Tape | None
    why: str
    clockless: int
    untested: int
    untried: bool = False
    at: tuple[int, ...] | None = None
    """When the steps of `path` happen in that run, microseconds, where each is at a time of its own."""


def findings(scenario: Scenario, world: InstantWorld, result: CheckResult, seconds: float = SECONDS) -> Mapping[str, Finding]:
    """For each broken property: the shortest of its ways that a run with a clock confirms; `seconds` are spent on each at most."""
    found = {}
    for name, judgement in result.properties.items():
        if judgement.verdict is Verdict.BROKEN and judgement.path is not None:
            found[name] = _finding(scenario, world, name, judgement.path, judgement.ways(), seconds)
    return found


def with_more_ways(
    scenario: Scenario, world: InstantWorld, found: Mapping[str, Finding], again: Callable[[], CheckResult]
) -> Mapping[str, Finding]:
    """The same findings; those that no run confirms are looked for once more among the ways that another search kept.

    A search keeps one way to each state, and interchangeable nodes under one name: another one, without that, keeps others.
    `again`: that search, made where there is a finding that needs it.
    """
    unconfirmed = {name for name, finding in found.items() if finding.tape is None}
    if not unconfirmed:
        return found
    result = again()
    wanted = {name: judgement for name, judgement in result.properties.items() if name in unconfirmed}
    more = findings(scenario, world, replace(result, properties=wanted))
    return {name: _better(finding, more.get(name)) for name, finding in found.items()}


def _better(finding: Finding, other: Finding | None) -> Finding:
    """The finding that is confirmed, or the first with the ways of both."""
    if other is None:
        return finding
    clockless, untested = finding.clockless + other.clockless, finding.untested + other.untested
    chosen = other if other.tape is not None else finding
    return replace(chosen, clockless=clockless, untested=untested, untried=finding.untried or other.untried)


def _finding(
    scenario: Scenario, world: InstantWorld, name: str, shortest: tuple[Leg, ...], ways: Iterator[tuple[Leg, ...]], seconds: float
) -> Finding:
    began, clockless, untested, why = monotonic(), 0, 0, ""
    for legs in ways:
        held = confirm(scenario, name, _steps(legs), Idle(world, [world.initial(), *(leg.state for leg in legs)]), TRIES)
        if held.tape is not None:
            return Finding(legs, held.tape, "", clockless, untested)
        clockless += held.clockless
        untested += not held.clockless
        why = why or held.why
        if monotonic() - began > seconds:
            return Finding(shortest, None, why, clockless, untested, next(ways, None) is not None)
    return Finding(shortest, None, why, clockless, untested)


def _steps(legs: tuple[Leg, ...]) -> list[Step]:
    return [(leg.choice, leg.outcome) for leg in legs if isinstance(leg.outcome, tuple)]
