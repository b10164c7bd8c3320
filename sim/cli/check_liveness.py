"""`session-sim check --liveness`: what has to come in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sim.cli.exits import Exit, WrongInput
from sim.model.inputs import Move

if TYPE_CHECKING:
    from sim.checker.liveness import InTheEnd
    from sim.model.system import System
    from sim.model.world import Enabled
    from sim.scenario.load import Scenario


def judged(scenario: Scenario | None, system: System, limit: int, states: int) -> Mapping[str, InTheEnd]:
    """Each promise of what comes in the end: of a scenario the protocol's, of a model its own. `states`: how many a search has found.

    Raises WrongInput with a clock.
    """
    from sim.checker import liveness
    from sim.model.instant import InstantWorld

    world = system.world
    if isinstance(world, InstantWorld) and world.ticks is not None:
        return _without_a_clock(scenario, system)
    if scenario is None:
        return liveness.judged(system, min(limit, liveness.LIMIT), states)
    from sim.scenario.liveness import LIMIT, in_the_end

    return in_the_end(scenario, system, limit=min(limit, LIMIT))


def _without_a_clock(scenario: Scenario | None, system: System) -> Mapping[str, InTheEnd]:
    from sim.checker.liveness import InTheEnd
    from sim.checker.result import Verdict

    if scenario is not None:
        raise WrongInput("--liveness: what comes in the end is decided without a clock; expected --time untimed beside it")
    return {name: InTheEnd(Verdict.UNDECIDABLE, why="decided without a clock only") for name in system.in_the_end}


def to_json(ends: Mapping[str, InTheEnd]) -> dict[str, Any]:
    """Rows of `properties`: as those of others, with the `cycle` that a lasso ends in."""
    return {
        name: {
            "verdict": end.verdict.value,
            "goal": False,
            "confirmed": False,
            "length": len(end.lasso.stem) + len(end.lasso.cycle) if end.lasso is not None else None,
            "tape": None,
            "path": _labels(end.lasso.stem) if end.lasso is not None else None,
            "cycle": _labels(end.lasso.cycle) if end.lasso is not None else None,
            "diagram": None,
            **({"why": end.why} if end.why else {}),
        }
        for name, end in ends.items()
    }


def show(console: Console, ends: Mapping[str, InTheEnd]) -> None:
    """Print them for people."""
    from sim.cli.check_view import SIGNS, STYLES
    from sim.properties.pending import SENTENCES

    if ends:
        console.print("\nIn the end, if what is possible all the time happens some time:")
    for name, end in ends.items():
        verdict = end.verdict.value
        console.print(f"{SIGNS[verdict]} {name:<24} {verdict}{', ' + end.why if end.why else ''}", style=STYLES.get(verdict, "yellow"))
        if end.lasso is not None:
            promised = SENTENCES.get(name, f"“{name}”.")
            console.print(f"\nNot so: {promised} After {len(end.lasso.stem)} steps", markup=False)
            stem, cycle = end.lasso.told()
            for number, label in enumerate(stem, 1):
                console.print(f"{number:4}  {label}", markup=False, soft_wrap=True)
            console.print("      and then for ever:" if end.lasso.cycle else "      nothing can happen any more.")
            for label in cycle:
                console.print(f"      {label}", markup=False, soft_wrap=True)


def exit_code(ends: Mapping[str, InTheEnd], so_far: Exit, is_model: bool) -> Exit:
    """A lasso of a scenario is held to no clock, so by itself it leaves something undecided; a model has none."""
    if is_model and any(end.lasso is not None for end in ends.values()):
        return Exit.NOT_AS_EXPECTED
    undecided = any(end.lasso is not None or end.why for end in ends.values())
    return Exit.INCOMPLETE if so_far is Exit.OK and undecided else so_far


def _labels(steps: tuple[Enabled, ...]) -> list[str]:
    return [_label(step) for step in steps]


def _label(step: Enabled) -> str:
    match step.event:
        case Move(label=tuple(words)):
            return f"{step.node}: {' '.join(map(str, words))}"
        case _:
            return step.label()
