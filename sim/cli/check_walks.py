"""`session-sim check --walks`: some ways of very many, by chance, and what that says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sim.cli.exits import Exit, WrongInput
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.fuzz.walks import PromiseRow, WalksResult
    from sim.model.instant import InstantWorld
    from sim.model.system import System
    from sim.model.walks import Walk
    from sim.scenario.confirm import Confirmation
    from sim.scenario.load import Scenario

SIGNS = {"held": "✓", "broken": "✗", "not exercised": "-"}
STYLES = {"held": "green", "broken": "bold red"}
TRIES = 20
"""Runs with a clock that may be tried for a way."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for on the command line."""

    walks: int
    seed: int
    schedule: str
    depth: int


def show(model: str, system: System, scenario: Scenario | None, asked: Asked, out: Path | None, as_json: bool) -> Exit:
    """Walk, print, and say with which code to end."""
    result = _walked(system, asked)
    ways, held = {}, {}
    for row in result.promises:
        if row.broken:
            ways[row.name], confirmation = _way_of(system, None if row.goal else scenario, row)
            if confirmation is not None:
                held[row.name] = confirmation
    tapes = _write(held, out) if out is not None else {}
    if as_json:
        print_json(_json(result, ways, held, tapes))
    else:
        _print(to_user(), model, result, ways, held, tapes)
    return _code(result, scenario, held)


def _walked(system: System, asked: Asked) -> WalksResult:
    from sim.fuzz.walks import ORDERS, walks

    if asked.schedule not in ORDERS:
        raise WrongInput(f"--schedule {asked.schedule}: expected {' or '.join(ORDERS)}")
    side = to_side()
    with side.status("walking") as status:
        return walks(
            system, asked.walks, seed=asked.seed, order=asked.schedule, depth=asked.depth,
            tell=lambda done: status.update(f"{done:,} of {asked.walks:,} walks"),
        )  # fmt: skip


def _way_of(system: System, scenario: Scenario | None, row: PromiseRow) -> tuple[Walk, Confirmation | None]:
    """The shortest walk to a broken promise (or to a goal); of a scenario's promise one that a run with a clock confirms, if any does."""
    from sim.fuzz.walks import again
    from sim.model.instant import InstantWorld

    shortest, why = again(system, row), None
    if scenario is None or not isinstance(system.world, InstantWorld):
        return shortest, None
    for way in (again(system, row, nth) for nth in range(len(row.ways))):
        confirmation = _confirmed(scenario, system.world, row.name, way)
        if confirmation.tape is not None:
            return way, confirmation
        why = why or confirmation
    return shortest, why


def _confirmed(scenario: Scenario, world: InstantWorld, name: str, way: Walk) -> Confirmation:
    from sim.scenario.confirm import Idle, confirm

    states = [world.initial(), *(stride.state for stride in way.strides)]
    steps = [(stride.event.choice, stride.outcome) for stride in way.strides]
    return confirm(scenario, name, steps, Idle(world, states), TRIES)


def _write(held: Mapping[str, Confirmation], out: Path) -> dict[str, Path]:
    tapes = {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, one in held.items():
            if one.tape is not None:
                tapes[name] = out / f"{name}.tape"
                one.tape.write(tapes[name])
    except OSError as error:
        raise WrongInput(f"{out}: tapes cannot be written there ({error.strerror})") from None
    return tapes


def _code(result: WalksResult, scenario: Scenario | None, held: Mapping[str, Confirmation]) -> Exit:
    """A broken promise, of a scenario's one that a run confirms; or else something that is left open."""
    broken = [row.name for row in result.promises if row.verdict == "broken"]
    if any(scenario is None or held[name].tape is not None for name in broken):
        return Exit.NOT_AS_EXPECTED
    return Exit.INCOMPLETE if broken or any(row.goal and not row.broken for row in result.promises) else Exit.OK


def _json(
    result: WalksResult, ways: Mapping[str, Walk], held: Mapping[str, Confirmation], tapes: Mapping[str, Path]
) -> dict[str, Any]:  # fmt: skip
    def one(row: PromiseRow) -> dict[str, Any]:
        confirmed = held.get(row.name)
        return {
            "verdict": row.verdict, "goal": row.goal, "walks_exercised": row.walks, "walks_broken": row.broken,
            "share_95": [round(row.at_least, 6), round(row.at_most, 6)],
            "first_seed": row.first_seed, "seed": ways[row.name].seed if row.name in ways else None,
            "length": len(ways[row.name].strides) if row.name in ways else None,
            "confirmed": confirmed is not None and confirmed.tape is not None,
            "tape": str(tapes[row.name]) if row.name in tapes else None,
            "path": [stride.event.choice.label() for stride in ways[row.name].strides] if row.name in ways else None,
        }  # fmt: skip

    return {**result.to_json(), "properties": {row.name: one(row) for row in result.promises}}


def _print(
    console: Console, model: str, result: WalksResult, ways: Mapping[str, Walk], held: Mapping[str, Confirmation], tapes: Mapping[str, Path]
) -> None:  # fmt: skip
    console.print(f"[bold]{model}[/bold]: {result.walks:,} walks (seeds {result.first_seed} to {result.first_seed + result.walks - 1})")
    console.print()
    for row in result.promises:
        console.print(f"{SIGNS[row.verdict]} {row.name:<24} {_said(row)}", style=STYLES.get(row.verdict, "yellow"), markup=False)
    for row in result.promises:
        if row.verdict == "broken":
            _way(console, row, ways[row.name], held.get(row.name), tapes.get(row.name))
    console.print()
    _figures(console, result)


def _said(row: PromiseRow) -> str:
    match row.verdict:
        case "broken":
            return f"broken in {row.broken:,} of {row.walks:,} ({row.at_least:.1%} to {row.at_most:.1%})"
        case "held" if row.goal:
            return f"reached in {row.broken:,} of {row.walks:,}, at best in {row.steps} steps"
        case "held":
            return f"held in {row.walks:,}: breaks, with 95 % confidence, in at most {row.at_most:.2%} of such walks"
        case other:
            return "never reached" if row.goal else f"{other}: no walk put it to the test"


def _way(console: Console, row: PromiseRow, way: Walk, held: Confirmation | None, tape: Path | None) -> None:
    from sim.cli.check_view import told

    console.print(f"\nA way to break “{row.name}”, {len(way.strides)} steps (seed {way.seed}):", markup=False)
    for number, stride in enumerate(way.strides, 1):
        told(console, number, stride.told, stride.outcome)
    if held is not None and held.tape is None:
        console.print(f"not confirmed: {held.why}", markup=False, soft_wrap=True)
    if held is not None and held.tape is not None:
        console.print("confirmed: a run with a clock breaks it with the same faults", markup=False)
    if tape is not None:
        console.print(f"to see it: session-sim explain {tape}", markup=False, soft_wrap=True)


def _figures(console: Console, result: WalksResult) -> None:
    console.print(f"At most {result.events:,} events in a walk, {result.width:,} of them with nothing to do with one another")
    if result.cut:
        console.print(f"{result.cut:,} walks did not end within {result.most:,} steps", style="yellow")
    if result.bound is None or result.missed is None or result.bound_of_any_order is None:
        return
    console.print(
        f"A bug that {result.depth} events in order show is found by a walk with a probability of at least {result.bound:.2g} = "
        f"1/(w n^(d-1)), w = {result.width}, n = {result.expected}, d = {result.depth}; by none of "
        f"{result.walks:,} with {result.missed:.2g} at most. "
        f"(For orders of any shape: 1/(w^2 n^(d-1)) = {result.bound_of_any_order:.2g}, Ozkan and others 2018.)",
        soft_wrap=True,
    )
    if result.longer:
        console.print(
            f"Nothing of that is said of {result.longer:,} walks, which had more than {result.expected:,} events.", style="yellow"
        )
