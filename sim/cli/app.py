"""The command line: what commands there are."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from sim.cli import (
    audit,
    calibrate,
    check,
    conform,
    describe,
    diff,
    doctor,
    explain,
    fuzz,
    new,
    plot,
    replay,
    report,
    run,
    schema,
    shrink,
    size,
    sweep,
    versions,
)
from sim.cli import list as list_command
from sim.cli.exits import ignore_abandoned

COMMANDS = (
    ("run", run.command),
    ("replay", replay.command),
    ("explain", explain.command),
    ("diff", diff.command),
    ("shrink", shrink.command),
    ("report", report.command),
    ("audit", audit.command),
    ("conform", conform.command),
    ("calibrate", calibrate.command),
    ("check", check.command),
    ("fuzz", fuzz.command),
    ("sweep", sweep.command),
    ("plot", plot.command),
    ("size", size.command),
    ("list", list_command.command),
    ("describe", describe.command),
    ("schema", schema.command),
    ("new", new.command),
    ("doctor", doctor.command),
)

app = typer.Typer(
    name="session-sim",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(versions.text())
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and what is modelled.")
    ] = False,
) -> None:
    """A deterministic simulator of Temporal's worker sessions.

    Describe a cluster, a workload and faults in a scenario; run it under a seed; see what happened, whether every promise
    held, and a tape that replays to the same bytes.

    Example: session-sim run file_processing --seed 7 --out reports/demo
    """


def _help(function: Callable[..., object]) -> str:
    """What a docstring says, for terminals of any width: its paragraphs are wrapped there, and its brackets are no markup."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", function.__doc__ or "")]
    return "\n\n".join(part for part in paragraphs if part).replace("[", r"\[")


for _name, _function in COMMANDS:
    app.command(_name, help=_help(_function))(_function)


def start() -> None:
    """Run the command line; ends the process with its exit code."""
    sys.unraisablehook = ignore_abandoned
    app(prog_name="session-sim")
