"""A campaign on the terminal: what broke, what held and how surely, what was covered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from sim.faults.nemesis import Plan
    from sim.fuzz.result import FuzzResult, PropertyRow


def show(console: Console, result: FuzzResult) -> None:
    """The whole campaign."""
    if not result.runs:
        console.print("Interrupted before a run was finished: the same command begins again.", style="yellow")
        return
    _headline(console, result)
    broken = result.broken
    if broken:
        console.print(_broken_table(broken))
        for row in broken:
            _details(console, row)
    _endless(console, result)
    _held(console, result)
    _coverage(console, result)
    _guard(console, result)
    _conclusion(console, result)


def show_plan(console: Console, plan: Plan) -> None:
    """What the nemesis has in store for a seed, as tables of a scenario."""
    console.print(plan.sentence(), markup=False, soft_wrap=True)
    for table in plan.tables:
        console.print()
        console.print("[[faults]]", markup=False)
        for key, value in table.items():
            console.print(f"{key} = {toml(value)}", markup=False, soft_wrap=True)


def toml(value: object) -> str:
    """A value as TOML has it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case dict():
            return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
        case _:
            return str(value)


def _headline(console: Console, result: FuzzResult) -> None:
    runs, jobs = len(result.runs), result.jobs
    faults = sum(row.hit for row in result.runs)
    speed = f"{result.seeds_per_second:.0f} seeds a second" if result.seconds else "all of them finished before"
    resumed = f", {result.resumed:,} of them finished before" if result.resumed and result.seconds else ""
    console.print(
        f"[bold]{escape(result.scenario)}[/bold]: {runs:,} runs (seeds {result.first_seed} to {result.first_seed + runs - 1}){resumed}, "
        f"{faults:,} faults · {speed} on {jobs} process{'es' if jobs != 1 else ''}"
    )
    if result.stopped == "plateau":
        console.print("Stopped at a plateau: the last third of the runs brought nothing new.", style="dim")
    if result.stopped == "interrupted":
        console.print("Interrupted. What is finished is kept: the same command goes on from here.", style="yellow")
    console.print()


def _broken_table(rows: Sequence[PropertyRow]) -> Table:
    table = Table(title="Broken", title_justify="left")
    for name, justify in (("property", "left"), ("runs", "right"), ("share, 95 %", "right"), ("seed", "right"), ("", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        style = "green" if row.allowed else "yellow" if row.known else "bold red"
        word = "expected" if row.allowed else f"known: {row.known.partition(':')[0]}" if row.known else "new"
        share = f"{row.at_least:.1%} to {row.at_most:.1%}"
        table.add_row(row.name, f"{row.broken_runs:,} of {row.exercised_runs:,}", share, str(row.seed), f"[{style}]{word}[/{style}]")
    return table


def _details(console: Console, row: PropertyRow) -> None:
    console.print(f"\n[bold]{row.name}[/bold], seed {row.seed}")
    console.print(f"  {row.violation}", markup=False, soft_wrap=True)
    if row.known:
        console.print(f"  The real protocol is known for it ({row.known}); docs/PROPERTIES.md.", style="dim", markup=False, soft_wrap=True)
    if row.tape:
        console.print(f"  again:  session-sim explain {row.tape}", markup=False, soft_wrap=True)
    if row.shrunk is not None:
        small = row.shrunk
        what = f"{small.deviations} deviation{'s' if small.deviations != 1 else ''}"
        console.print(f"  small:  session-sim explain {small.tape}  ({what})", markup=False, soft_wrap=True)
        if not small.complete:
            console.print(
                f"          not the smallest yet; further: session-sim shrink {row.tape} --property {row.name}",
                markup=False,
                soft_wrap=True,
            )
        if small.guilty:
            console.print(f"  guilty: {'; '.join(small.guilty)}", markup=False, soft_wrap=True)


def _endless(console: Console, result: FuzzResult) -> None:
    seeds = result.did_not_end
    if not seeds:
        return
    runs = f"{len(seeds):,} run{'s' if len(seeds) != 1 else ''}"
    steps = f"{result.most_steps:,} steps"
    console.print(f"\n{runs} did not end within {steps}, and nothing is judged in them (first seed {seeds[0]}).", style="bold red")
    console.print("  Mostly a fault at a moment that the fault itself brings about; `count` bounds it.", style="dim")
    if result.endless_tape:
        console.print(f"  again:  session-sim replay {result.endless_tape}", markup=False, soft_wrap=True)


def _held(console: Console, result: FuzzResult) -> None:
    held = [row for row in result.properties if row.exercised_runs and not row.broken_runs]
    if held:
        table = Table(title="Held", title_justify="left")
        table.add_column("property")
        table.add_column("runs that put it to the test", justify="right")
        table.add_column("breaks, with 95 % confidence, in at most", justify="right")
        for row in held:
            table.add_row(row.name, f"{row.exercised_runs:,}", f"{row.at_most:.2%} of such runs")
        console.print()
        console.print(table)
    if result.not_exercised:
        console.print(f"Not put to the test: {', '.join(result.not_exercised)}", soft_wrap=True)


def _coverage(console: Console, result: FuzzResult) -> None:
    coverage: Any = result.coverage
    states = ", ".join(f"{number:,}" for number in coverage.new_states())
    console.print(
        f"\nCoverage: {len(coverage.transitions):,} transitions and {len(coverage.states):,} states of state machines; "
        f"new states by 1,000 seeds: {states}",
        soft_wrap=True,
    )
    hit = [f"{kind} {number:,}" for kind, (_, number) in sorted(coverage.faults.items(), key=lambda each: -each[1][1]) if number]
    never = [kind for kind, (_, number) in sorted(coverage.faults.items()) if not number]
    console.print(f"Faults that happened: {', '.join(hit) or 'none'}" + (f"; never: {', '.join(never)}" if never else ""), soft_wrap=True)
    for name, seed in coverage.goals.items():
        console.print(f"Goal met: {name} (first in seed {seed})", markup=False)
    for name in coverage.missing:
        console.print(f"Goal never met: {name}", style="yellow", markup=False)


def _guard(console: Console, result: FuzzResult) -> None:
    guard = result.guard
    if not guard.seeds:
        return
    number = len(guard.seeds)
    if guard.differing:
        console.print(f"Not deterministic: {len(guard.differing)} of {number} runs differ in a fresh process.", style="bold red")
        console.print(f"  {guard.difference}", markup=False, soft_wrap=True)
    else:
        console.print(f"Deterministic: {number} run{'s' if number != 1 else ''} again in a fresh process, with other hashes, the same.")


def _conclusion(console: Console, result: FuzzResult) -> None:
    console.print()
    wrong = [row for row in result.broken if not row.allowed]
    if result.did_not_end and not wrong:
        console.print("Nothing broke that was not expected to, but not every run ended.", style="bold red")
        return
    if not wrong:
        console.print("Nothing broke that was not expected to.", style="green")
        return
    new = [row.name for row in wrong if not row.known]
    known = [row.name for row in wrong if row.known]
    if new:
        console.print(f"Broken, and not known of the real protocol: {', '.join(new)}.", style="bold red")
    if known:
        console.print(
            f"Broken as the real protocol is known to: {', '.join(known)}. What may break can be said in the scenario's fuzz.expect.",
            style="yellow",
        )
