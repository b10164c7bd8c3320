"""`session-sim shrink`: a failing run made as small as can be."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.exits import Exit, WrongInput, check_writable, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.shrink import Shrunk

TAPE = Annotated[str, typer.Argument(metavar="TAPE", help="The tape of a failing run, a directory that run --out wrote, or -.")]
PROPERTY = Annotated[str, typer.Option("--property", metavar="NAME", help="What it breaks, if it breaks several promises.")]
TRIES = Annotated[int, typer.Option("--tries", min=1, help="How many runs the search may take.")]


@guarded
def command(
    tape: TAPE,
    broken: PROPERTY = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write tape, scenario and regression test there.")] = None,
    tries: TRIES = 2_000,
    as_json: AsJson = False,
) -> None:
    """Make a failing run smaller: the least that breaks the same promise, and the fault that is guilty.

    Example: session-sim shrink failing.tape --property no_false_alarm --out small
    """
    from sim.cli import load
    from sim.cli.progress import patiently
    from sim.shrink import shrink

    recorded = load.tape(tape)
    known(broken)
    if out is not None:
        check_writable(out)
    with patiently("shrinking"), sought(), interruptible() as interrupted:
        small = shrink(recorded, broken, tries=tries, tell=side(as_json), stop=lambda: bool(interrupted))
    files = write(small, out) if out is not None else {}
    if as_json:
        print_json({**small.to_json(), "tape": files.get("tape"), "files": files})
    else:
        _show(small, files)
    leave(Exit.INTERRUPTED if interrupted else Exit.OK if small.complete else Exit.INCOMPLETE)


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Ctrl-C ends the search, which then gives what it has found; a second one ends the command. The list is empty until then."""
    noticed: list[int] = []

    def notice(number: int, frame: object) -> None:
        noticed.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, notice)
    try:
        yield noticed
    finally:
        signal.signal(signal.SIGINT, before)


def known(name: str) -> None:
    """Refuse a property that nobody knows."""
    from sim.properties import KNOWN
    from sim.scenario.problems import did_you_mean

    if name and name not in KNOWN:
        raise WrongInput(f"--property {name}: there is no such property; {did_you_mean(name, list(KNOWN))}")


@contextmanager
def sought() -> Iterator[None]:
    """A run that does not break what was sought is the user's mistake."""
    from sim.shrink import NotBroken

    try:
        yield
    except NotBroken as error:
        raise WrongInput(str(error)) from None


def side(quiet: bool) -> Callable[[str], None]:
    """Who tells people how far it is."""
    console = to_side()
    return (lambda _: None) if quiet else (lambda text: console.print(text, style="dim", markup=False, soft_wrap=True))


def write(small: Shrunk, out: Path) -> dict[str, str]:
    """Write the smaller run's files, and say where, by kind."""
    from sim.report.regression import regression_test, scenario_text

    files = {"tape": out / "shrunk.tape", "scenario": out / "shrunk.toml", "test": out / f"test_{small.broken}.py"}
    small.tape.write(files["tape"])
    files["scenario"].write_text(scenario_text(small), "utf-8")
    files["test"].write_text(regression_test(small), "utf-8")
    return {kind: str(path) for kind, path in files.items()}


def _show(small: Shrunk, files: dict[str, str]) -> None:
    from sim.report.regression import counted, scenario_text

    console = to_user()
    before = "" if small.before is None else f" of {counted(small.before.faults, small.before.choices)}"
    console.print(f"{small.broken} is broken by {counted(small.deviations.faults, small.deviations.choices)}{before}", style="bold red")
    for suspect in small.suspects:
        verdict = "guilty" if suspect.guilty else "not guilty"
        console.print(f"  {verdict}: {suspect.words} (broken with it: {suspect.present} seeds, without it: {suspect.absent})", markup=False)
    for label, value in small.tape.deviations.items():
        console.print(f"  unusual: {label} = {value:,}", markup=False, soft_wrap=True)
    console.print()
    whole = f"{files['scenario']} has both in one" if files else "--out DIR writes both in one file"
    console.print(scenario_text(small, whole), markup=False, soft_wrap=True)
    console.print(
        f"seed {small.tape.seed}; {small.tries} runs" + ("" if small.complete else ", and the budget was spent: --tries"), style="dim"
    )
    for kind, path in files.items():
        console.print(f"{kind + ':':<11} {path}", soft_wrap=True, markup=False)
    if "tape" in files:
        console.print(f"{'again:':<11} session-sim replay {files['tape']}", soft_wrap=True, markup=False)
