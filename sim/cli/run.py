"""`session-sim run`: a scenario under a seed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.exits import Exit, check_writable, guarded, leave
from sim.cli.options import AsJson, Settings
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.scenario.load import Scenario

EXAMPLE = """
Example:

  session-sim run file_processing --seed 7 --out reports/demo

  session-sim run contention --seed 1 --set workers.w.count=20 --json
"""


@guarded
def command(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file, the name of one that ships, or - for standard input.")
    ],
    seed: Annotated[int, typer.Option("--seed", help="The luck: same scenario and seed, same run, to the byte.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write tape, timeline, report and metrics there.")] = None,
    histories: Annotated[Path | None, typer.Option("--histories", metavar="DIR", help="Write every run's history there.")] = None,
    full_tape: Annotated[bool, typer.Option("--full-tape", help="Put every choice on the tape, not only the deviations.")] = False,
    overrides: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario and say what happened and whether every promise held."""
    from sim.cli import load
    from sim.cli.artifacts import Ran, Watchers
    from sim.cli.troubles import Troubles
    from sim.cli.workflows_file import WorkflowsFile

    loaded = load.scenario(scenario, overrides or [])
    for folder in (out, histories):
        if folder is not None:
            check_writable(folder)
    watchers = Watchers(workflows=WorkflowsFile(out)) if out is not None else None
    troubles = Troubles()
    observers = [troubles, *(watchers.observers() if watchers else [])]
    result = _simulate(loaded, seed, full_tape, histories is not None, observers)
    listed = watchers.workflows.finish() if watchers is not None and watchers.workflows is not None else None
    text, again = load.scenario_text(scenario, loaded), reproduce(scenario, seed, overrides or (), out)
    ran = Ran(result, _judged(result, loaded), loaded, text, again, watchers, str(listed or ""))
    files, problems = _write(ran, out, histories)
    for warning in troubles.warnings():
        to_side().print(warning, style="yellow", markup=False, soft_wrap=True)
    if as_json:
        print_json({**ran.to_json(), "files": files})
    else:
        _show(ran, files)
    say_unwritten(problems)
    leave(Exit.OK if result.as_expected else Exit.NOT_AS_EXPECTED)


command.__doc__ = (command.__doc__ or "") + "\n" + EXAMPLE


def reproduce(scenario: str, seed: int, overrides: Sequence[str], out: Path | None = None) -> str:
    """The command that does the same again. What came from standard input is only on the tape."""
    if scenario == "-" and out is not None:
        return shlex.join(["session-sim", "replay", str(out / "run.tape")])
    words = ["session-sim", "run", scenario, "--seed", str(seed)]
    for override in overrides:
        words += ["--set", override]
    return shlex.join(words)


def _simulate(loaded: Scenario, seed: int, full_tape: bool, histories: bool, observers: list[Any]) -> Any:
    from sim.cli.progress import watching
    from sim.scenario.run import run

    with watching(f"running {loaded.name}", total_workflows(loaded)) as watch:
        return run(loaded, seed, full_tape=full_tape, histories=histories, observers=[*observers, watch])


def total_workflows(loaded: Scenario) -> int | None:
    """How many workflows a scenario starts, None when chance or time decides."""
    total = 0
    for section in loaded.model.workflows:
        arrival = section.arrival
        if arrival.poisson or arrival.every or arrival.burst or (arrival.closed is not None and arrival.closed.total is None):
            return None
        if arrival.closed is not None:
            total += arrival.closed.total or 0
        else:
            times = arrival.at or (arrival.file if isinstance(arrival.file, list) else None)
            total += (section.count or 1) * (len(times) if times else 1)
    return total


def _judged(result: Any, loaded: Scenario) -> Any:
    from sim.cli.judgement import judged

    return judged(result, loaded.model.expect)


def _write(ran: Any, out: Path | None, histories: Path | None) -> tuple[dict[str, str], list[str]]:
    """Write everything, and say where, and what could not be written."""
    from sim.cli.artifacts import write_all, write_histories

    files: dict[str, str] = {}
    problems: list[str] = []
    if out is not None:
        files |= write_all(ran, out)
    if histories is not None:
        folders = [histories]
        if out is not None and (out / "histories").resolve() != histories.resolve():
            folders.append(out / "histories")
        for folder in folders:
            problems += write_histories(ran.result.recorder, folder, ran.scenario.model.cluster.sdk_version)
        files["histories"] = str(histories)
    return files, problems


def say_unwritten(problems: Sequence[str]) -> None:
    """Say which histories were not written, and end the command if there are any."""
    for problem in problems:
        to_side().print(f"error: {problem}", markup=False, soft_wrap=True)
    if problems:
        leave(Exit.WRONG_INPUT)


def _show(ran: Any, files: dict[str, str]) -> None:
    """The summary, and below it what one looks for: the verdict, the picture, the report, how to do it again."""
    from rich.markup import escape

    from sim.report import summary

    console = to_user()
    name = f"[bold]{escape(ran.result.scenario)}[/bold], seed {ran.result.seed}"
    console.print(name + (f" · {escape(ran.scenario.model.title)}" if ran.scenario.model.title else ""))
    console.print()
    console.print(summary.summary(ran.result.to_json(), ran.judged))
    console.print()
    style = "green" if ran.result.as_expected else "bold red"
    console.print(summary.conclusion(ran.judged), style=style)
    for kind in ("timeline", "report", "histories"):
        if kind in files:
            console.print(f"{kind + ':':<11} {files[kind]}", soft_wrap=True)
    console.print(f"{'again:':<11} {ran.command}", soft_wrap=True, markup=False)
    for label in ran.result.unused_deviations:
        to_side().print(f"warning: no choice of the run has met the deviation {label}")
