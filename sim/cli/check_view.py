"""What `session-sim check` shows: verdicts, the shortest way to each state that decides one, and what it was bought with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sim.history.events import Wrote
from sim.model.instant import TICK, lost_of, seen_of
from sim.model.promises import Exercised

if TYPE_CHECKING:
    from sim.checker.result import CheckResult, Judgement
    from sim.checker.traces import Leg
    from sim.cli.check import Written
    from sim.scenario.findings import Finding

SIGNS = {"held": "✓", "broken": "✗", "not exercised": "-", "undecidable": "?"}
MIB = 1 << 20
STYLES = {"held": "green", "broken": "bold red"}


def show(
    console: Console, model: str, result: CheckResult, found: Mapping[str, Finding], written: Written, expected: Mapping[str, str]
) -> None:  # fmt: skip
    """Print a result for people. `expected`: what the scenario says of properties."""
    console.print(f"[bold]{model}[/bold]", soft_wrap=True)
    console.print()
    for name, judgement in result.properties.items():
        verdict = judgement.verdict.value
        style = STYLES.get(verdict, "yellow")
        console.print(
            f"{SIGNS[verdict]} {name:<24} {_verdict(judgement)}{_held(found.get(name))}{_expected(expected.get(name))}",
            style=style,
            markup=False,
        )
    for name, judgement in result.properties.items():
        if judgement.verdict.value == "broken" and judgement.path is not None:
            path = found[name].path if name in found else judgement.path
            console.print(f"\nThe shortest way to break “{name}”{_passed_over(found.get(name))}, {len(path)} steps:", markup=False)
            _story(console, path, result.bounds.get("unit", ""), found[name].at if name in found else None)
            if name in written.tapes:
                console.print(f"to see it: session-sim explain {written.tapes[name]}", markup=False, soft_wrap=True)
            if name in written.diagrams:
                console.print(f"as a sequence diagram: {written.diagrams[name]}", markup=False, soft_wrap=True)
    if written.machines:
        console.print(f"\nState machines, painted in {next(iter(written.machines.values())).svg.parent}:", markup=False, soft_wrap=True)
        for painted in written.machines.values():
            for line in painted.lines():
                console.print(line, markup=False, soft_wrap=True)
    console.print()
    many = "" if result.states == 1 else "s"
    what = f"orbit{many} of states" if result.bounds.get("symmetry") else f"state{many}"
    rate = result.states / max(result.search_s, 1e-9)
    console.print(
        f"{result.states:,} {what}, {result.generated:,} successors, depth {result.depth}, {result.deadlocks:,} without successor"
    )
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in result.local_states.items())
    console.print(f"local states: {kinds}; handlers were called {result.handler_calls:,} times{_kept(result)}", markup=False)
    seconds = f"{result.search_s:.2f} s of search ({rate:,.0f} a second), {result.compile_s:.2f} s of compilation"
    console.print(f"{seconds}, {result.bytes_per_state:.0f} bytes a state")
    bounds = ", ".join(f"{key}: {_bound(value)}" for key, value in result.bounds.items())
    console.print(f"holds for {bounds}", markup=False)
    if result.collision_probability:
        console.print(
            f"two states may have been taken for one with a probability of at most {result.collision_probability:.1e} (--exact: 0)"
        )
    if not result.complete:
        console.print(f"INCOMPLETE: {result.stopped}", style="bold yellow", markup=False)


def _kept(result: CheckResult) -> str:
    """How much memory what handlers did takes, where that is worth a word."""
    return f" ({result.compiled_bytes / MIB:,.0f} MiB)" if result.compiled_bytes >= MIB else ""


def _verdict(judgement: Judgement) -> str:
    if judgement.goal:
        return f"reached in {judgement.length} steps" if judgement.path is not None else f"{judgement.verdict.value}: never reached"
    return judgement.verdict.value


def _held(finding: Finding | None) -> str:
    """Whether a run with a clock confirms it."""
    if finding is None:
        return ""
    if finding.tape is not None:
        return ", confirmed"
    tried = f"{finding.clockless + finding.untested} ways tried, {finding.clockless} of them ruled out by clocks"
    return f", not confirmed: {finding.why} ({tried}{', then time was up' if finding.untried else ''})"


def _expected(verdict: str | None) -> str:
    """What the scenario's `[expect]` says, where it says something."""
    return "" if verdict is None else f" (the scenario expects: {verdict})"


def _passed_over(finding: Finding | None) -> str:
    if finding is None or finding.tape is None or not finding.clockless:
        return ""
    return f" that a clock allows ({finding.clockless} others are ruled out)"


def _bound(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(group if isinstance(group, str) else " = ".join(group) for group in value) or "none"
    return str(value)


def _story(console: Console, path: Sequence[Leg], unit: object, at: Sequence[int] | None) -> None:
    """Step by step, with times in seconds where they are known; units of time that pass one after the other are told together."""
    number = 0
    for is_tick, legs in groupby(path, key=lambda leg: leg.choice == TICK):
        if is_tick:
            ticks = len(list(legs))
            number += ticks
            console.print(f"{number:4}  time passes: {ticks} x {unit}", markup=False)
            continue
        for leg in legs:
            number += 1
            time = f"{at[number - 1] / 1e6:.6f} s  " if at is not None else ""
            told(console, number, f"{time}{leg.told}", leg.outcome)


def told(console: Console, number: int, label: str, outcome: Any) -> None:
    """A step: what happened, what got lost, and what could be seen."""
    console.print(f"{number:4}  {label}", markup=False, soft_wrap=True)
    for lost in lost_of(outcome):
        console.print(f"        ✗ {lost}", markup=False, soft_wrap=True)
    for seen in seen_of(outcome):
        if isinstance(seen, Exercised | Wrote):
            continue
        sentence = getattr(seen, "sentence", None)
        console.print(f"        → {sentence() if sentence is not None else seen}", markup=False, soft_wrap=True)
