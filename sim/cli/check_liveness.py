"""`session-sim check --liveness`: what has to come in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sim.cli.exits import Exit, WrongInput
from sim.model.inputs import Move

if TYPE_CHECKING:
    from sim.model.system import System
    from sim.model.world import Enabled
    from sim.scenario.liveness import InTheEnd
    from sim.scenario.load import Scenario


def judged(scenario: Scenario | None, system: System, limit: int) -> Mapping[str, InTheEnd]:
    """Each promise of what comes in the end. Raises WrongInput where there is none."""
    from sim.model.instant import InstantWorld
    from sim.scenario.liveness import LIMIT, in_the_end

    world = system.world
    if scenario is None or not isinstance(world, InstantWorld):
        raise WrongInput("--liveness: for scenarios only; for a model call sim.checker.liveness.leads_to")
    if world.ticks is not None:
        raise WrongInput("--liveness: what comes in the end is decided without a clock; expected --time untimed beside it")
    return in_the_end(scenario, system, limit=min(limit, LIMIT))


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
        console.print("\nIn the end, if every timer that may fire does so some time:")
    for name, end in ends.items():
        verdict = end.verdict.value
        console.print(f"{SIGNS[verdict]} {name:<24} {verdict}{', ' + end.why if end.why else ''}", style=STYLES.get(verdict, "yellow"))
        if end.lasso is not None:
            console.print(f"\nNot so: {SENTENCES[name]} After {len(end.lasso.stem)} steps", markup=False)
            for number, label in enumerate(_labels(end.lasso.stem), 1):
                console.print(f"{number:4}  {label}", markup=False, soft_wrap=True)
            console.print("      and then for ever:" if end.lasso.cycle else "      nothing can happen any more.")
            for label in _labels(end.lasso.cycle):
                console.print(f"      {label}", markup=False, soft_wrap=True)


def exit_code(ends: Mapping[str, InTheEnd], so_far: Exit) -> Exit:
    """A lasso is held to no clock, so by itself it leaves something undecided."""
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
