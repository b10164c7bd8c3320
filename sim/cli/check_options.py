"""The options of `session-sim check`, one after the other as its help lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

# -- what is checked ---------------------------------------------------------------------------------------------------

Model: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO_OR_MODEL", help="A scenario; or a Python file with a function build() that returns a System, or FILE:NAME."
    ),
]
Settings: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the scenario, or a parameter of the model.")
]
TimeMeaning: TypeAlias = Annotated[
    str, typer.Option("--time", metavar="windows|untimed|free", help="What timers mean; see below. Of a scenario: windows.")
]
Unit: TypeAlias = Annotated[
    str, typer.Option("--unit", metavar="DURATION", help="The unit of time of windows; a quarter of the SDK's heartbeat timeout.")
]

Messages: TypeAlias = Annotated[
    str, typer.Option("--messages", metavar="at-once|travel", help="How they go between workers and the server; travel: in any order.")
]

# -- budgets of faults -------------------------------------------------------------------------------------------------

Crashes: TypeAlias = Annotated[int, typer.Option("--crashes", min=0, help="Crashes of worker processes, all together.")]
Restarts: TypeAlias = Annotated[int, typer.Option("--restarts", min=0, help="Restarts of crashed or lost ones.")]
Stops: TypeAlias = Annotated[int, typer.Option("--stops", min=0, help="Graceful stops.")]
Cancels: TypeAlias = Annotated[int, typer.Option("--cancels", min=0, help="Cancellations of workflows.")]
LostRequests: TypeAlias = Annotated[int, typer.Option("--lost-requests", min=0, help="Calls that do not arrive.")]
LostResponses: TypeAlias = Annotated[int, typer.Option("--lost-responses", min=0, help="Calls whose answer does not arrive.")]
LostMachines: TypeAlias = Annotated[int, typer.Option("--lost-machines", min=0, help="Machines that vanish: nobody is told.")]
Pauses: TypeAlias = Annotated[int, typer.Option("--pauses", min=0, help="Processes that stand still for a while.")]
Partitions: TypeAlias = Annotated[int, typer.Option("--partitions", min=0, help="Processes that cannot reach the server for a while.")]
Duplicates: TypeAlias = Annotated[int, typer.Option("--duplicates", min=0, help="Calls that arrive twice.")]
Slow: TypeAlias = Annotated[int, typer.Option("--slow", min=0, help="Timers that fire although something would have come before them.")]
Retries: TypeAlias = Annotated[
    int, typer.Option("--retries", min=0, help="Retries of activities and of workflow tasks that timed out, all together.")
]

# -- how it is searched ------------------------------------------------------------------------------------------------

Properties: TypeAlias = Annotated[
    list[str] | None, typer.Option("--property", metavar="NAME", help="Check only this property of a scenario; may be repeated.")
]
NoSymmetry: TypeAlias = Annotated[bool, typer.Option("--no-symmetry", help="Tell interchangeable nodes apart.")]
NoReduction: TypeAlias = Annotated[
    bool,
    typer.Option("--no-reduction", help="Leave nothing out of a scenario's world, and keep nodes whole: the same verdicts, more states."),
]
Liveness: TypeAlias = Annotated[
    bool, typer.Option("--liveness", help="Say also what comes in the end: that workflows end, creations return, slots are freed.")
]
Deadlock: TypeAlias = Annotated[
    bool, typer.Option("--deadlock", help="Of a model: a state after which nothing can happen breaks a promise too, “no deadlock”.")
]
Exact: TypeAlias = Annotated[bool, typer.Option("--exact", help="No fingerprints: states packed into 63 bits, or compared whole.")]
Jobs: TypeAlias = Annotated[int, typer.Option("--jobs", min=0, help="Threads; 0 is one per core.")]
Memory: TypeAlias = Annotated[float, typer.Option("--memory", metavar="GIB", min=0, help="Most memory to use; 0 is half of the machine's.")]
Limit: TypeAlias = Annotated[int, typer.Option("--limit", metavar="STATES", min=1, help="Stop after so many states.")]
FingerprintSeed: TypeAlias = Annotated[int, typer.Option("--fingerprint-seed", help="Other fingerprints: an independent second opinion.")]
Small: TypeAlias = Annotated[bool, typer.Option("--small", help="The plain search: slow, without numba, the reference of the other.")]

# -- walks instead -----------------------------------------------------------------------------------------------------

Walks: TypeAlias = Annotated[
    int | None, typer.Option("--walks", metavar="N", min=1, help="Not every state, but so many ways by chance: for what is too large.")
]
Schedule: TypeAlias = Annotated[
    str, typer.Option("--schedule", metavar="pctcp|uniform", help="Of walks: with a bound for bugs of --depth, or evenly.")
]
Depth: TypeAlias = Annotated[int, typer.Option("--depth", min=1, help="Of walks: how many events have to be in order to show a bug.")]
Seed: TypeAlias = Annotated[int, typer.Option("--seed", help="Of walks: the first seed.")]

# -- what is written ---------------------------------------------------------------------------------------------------

Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Write there sequence diagrams and tapes of what is broken, and state machines with coverage."
    ),
]
Graph: TypeAlias = Annotated[Path | None, typer.Option("--graph", metavar="FILE", help="Write the state graph: .graphml or .dot.")]
