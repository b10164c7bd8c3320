"""A failing run made as small as can be: a tape and a property that it breaks become a smaller tape that breaks the same one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sim.properties.known import KNOWN_BROKEN
from sim.scenario.judging import chosen
from sim.scenario.load import Scenario
from sim.shrink import cluster, faults, schedule, values
from sim.shrink.ablation import SEEDS, ablation
from sim.shrink.faults import Shrinking
from sim.shrink.measure import Deviations, deviations_of, measure
from sim.shrink.result import Shrunk
from sim.shrink.search import Budget, Search, descend
from sim.shrink.sketch import Sketch, Trial, run_sketch, tables_of
from sim.trace.tape import Tape

TRIES: Final = 2_000
"""Runs that a search may take; most need a few hundred."""

STRUCTURE: Final = (
    faults.drop_faults, faults.spell_out, cluster.fewer_workflows, cluster.fewer_workers, cluster.shorter, cluster.fewer_slots,
    values.drop_settings, values.shorter_inputs, values.simpler_laws, faults.plain_times,
)  # fmt: skip
"""Passes that leave something out, those that leave out most first."""

FINISH: Final = (schedule.fewer_choices, *STRUCTURE, values.rounder_values, schedule.rounder_choices)


class NotBroken(Exception):
    """The run keeps the property, so there is nothing to shrink; the message says what it breaks."""


def shrink(
    tape: Tape,
    property: str = "",
    *,
    tries: int = TRIES,
    seeds: int = SEEDS,
    tell: Callable[[str], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Shrunk:
    """Make a failing run smaller.

    The run that comes out breaks the same property, in the default schedule (`seed` -1) wherever that is possible. Only the
    scenario and its luck are changed, never the protocol or workflow code. The same arguments give the same result.

    Args:
        tape: the run.
        property: what it breaks; "": the first broken property that its scenario does not expect to be broken, else the first.
        tries: how many runs the search may take.
        seeds: how many runs say of each fault whether it is guilty; 0: the tape's own schedule alone decides.
        tell: called with a line for people now and then.
        stop: asked before every run; True ends the search with what was found until then.

    Raises:
        NotBroken: the run does not break it.
        ScenarioError: the tape's scenario does not suit this program.
        ValueError: there is no such property.
    """
    scenario = Scenario.from_dict(tape.scenario, source="the tape's scenario")
    name = property or first_broken(scenario, tape)
    start = Sketch(tables_of(scenario), tape.seed, tape.deviations)
    seen = run_sketch(start, (name,))
    if seen.result.properties[name] != "broken":
        raise NotBroken(f"the run on the tape does not break {name}: it is {seen.result.properties[name]}")
    search = Search(start, seen, Trial.of(start, name).seen, measure, lambda sketch: sketch.key, Budget(tries, stop=stop))
    complete = _search(search, name, tell or (lambda _: None))
    return Shrunk(
        tape=tape_of(search.value, name),
        broken=name,
        deviations=_counted(search.value) or deviations_of(search.value, search.evidence),
        before=_counted(start),
        suspects=ablation(search.value, name, 0 if stop() else seeds),
        tries=search.budget.used,
        complete=complete,
    )


def first_broken(scenario: Scenario, tape: Tape) -> str:
    """The property that a run is about. Raises NotBroken when it breaks none."""
    seen = run_sketch(Sketch(tables_of(scenario), tape.seed, tape.deviations), _judged(scenario))
    broken = [name for name, verdict in seen.result.properties.items() if verdict == "broken"]
    if not broken:
        raise NotBroken("the run on the tape breaks no property, so there is nothing to shrink; expected the tape of a failing run")
    return next((name for name in broken if scenario.model.expect.get(name) != "broken"), broken[0])


def _judged(scenario: Scenario) -> tuple[str, ...]:
    return tuple(one.name for one in chosen(scenario.model))


def _search(search: Shrinking, name: str, tell: Callable[[str], None]) -> bool:
    """Leave out what can be left out under the seed, then go over to the default schedule and leave out the rest."""
    schedule.without_chance(search)
    if not search.value.quiet:
        tell("the default schedule does not break it; leaving out what can be left out under the seed")
        descend(search, (schedule.without_chance, *STRUCTURE))
    if not search.value.quiet:
        spelled = schedule.spelled_out(search.value)
        if spelled is not None and search.consider(spelled):
            tell(f"{len(spelled.deviations)} choices differ from the default schedule")
    return descend(search, FINISH if search.value.quiet else (*STRUCTURE, values.rounder_values))


def deviations(tape: Tape) -> Deviations | None:
    """How much of a run would not happen by itself: faults, and choices that are not those of the default schedule.

    None for a run with so many choices that nobody would count them.

    Raises:
        ScenarioError: the tape's scenario does not suit this program.
    """
    scenario = Scenario.from_dict(tape.scenario, source="the tape's scenario")
    return _counted(Sketch(tables_of(scenario), tape.seed, tape.deviations))


def _counted(sketch: Sketch) -> Deviations | None:
    spelled = schedule.spelled_out(sketch)
    return None if spelled is None else deviations_of(spelled, run_sketch(spelled, ()))


def tape_of(sketch: Sketch, property: str) -> Tape:
    """The tape of a sketch: of the same scenario with the property named."""
    return run_sketch(sketch.changed(**named(property)), (property,)).result.tape


def named(property: str) -> dict[str, Any]:
    """The tables with which a scenario judges what it was shrunk for.

    It expects what the real protocol is known to break. All else is somebody's mistake, which it shows until that is mended.
    """
    expected = {"expect": {property: "broken"}} if property in KNOWN_BROKEN else {}
    return {"properties": {"enable": [property]}, **expected}


__all__ = ["STRUCTURE", "NotBroken", "first_broken", "named", "shrink", "tape_of"]
