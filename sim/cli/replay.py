"""`session-sim replay`: a tape again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sim.cli.exits import Exit, WrongInput, check_writable, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_user

if TYPE_CHECKING:
    from sim.scenario.replay import ReplayResult


@guarded
def command(
    tape: Annotated[str, typer.Argument(metavar="TAPE", help="A tape, a directory that run --out wrote, or - for standard input.")],
    histories: Annotated[Path | None, typer.Option("--histories", metavar="DIR", help="Write every run's history there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a tape again and say whether the same happened, to the byte, and which promises the run breaks.

    Example: session-sim replay reports/demo/run.tape --histories again
    """
    from sim.cli import load
    from sim.cli.progress import patiently
    from sim.cli.run import say_unwritten
    from sim.scenario.replay import replay
    from sim.trace.tape import is_of_model

    recorded = load.tape(tape, models=True)
    if is_of_model(recorded):
        from sim.cli import model_tape

        if histories is not None:
            raise WrongInput("--histories: a model writes none; expected a tape of a scenario's run")
        leave(model_tape.replay(recorded, as_json))
    if histories is not None:
        check_writable(histories)
    with patiently("replaying"):
        outcome = replay(recorded, histories is not None)
    files, problems = _write(outcome, histories)
    if as_json:
        print_json({**outcome.to_json(), "files": files})
    else:
        _show(to_user(), outcome, recorded.made_by)
    say_unwritten(problems)
    leave(Exit.OK if outcome.identical else Exit.NOT_AS_EXPECTED)


def _show(console: Console, outcome: ReplayResult, made_by: str) -> None:
    """Whether the same happened, and the promises that the new run breaks, each with when and how it does so first."""
    from sim.cli.judgement import judged
    from sim.report.clock import stamp

    if outcome.identical:
        console.print(f"Identical: digest {outcome.digest}.", style="green")
    else:
        console.print("The run is not the one on the tape.", style="bold red")
        difference = outcome.first_difference
        if difference is not None:
            when = f" at {difference.at_s:g} s" if difference.at_s is not None else ""
            console.print(f"first difference{when}:\n  recorded  {difference.recorded}\n  now       {difference.now}", markup=False)
        console.print(f"The tape was made by {made_by}. Another version of the program may choose otherwise.", style="dim")
    for one in judged(outcome.result, {}):
        if one.verdict == "broken":
            console.print(f"“{one.name}” is broken: {stamp(one.at)} {one.violation}", style="bold red", markup=False, soft_wrap=True)


def _write(outcome: ReplayResult, histories: Path | None) -> tuple[dict[str, str], list[str]]:
    """Write the histories of the new run, and say where, and what could not be written."""
    from sim.cli.artifacts import write_histories

    recorder = outcome.result.recorder
    if histories is None or recorder is None:
        return {}, []
    problems = write_histories(recorder, histories, str(outcome.result.tape.scenario["cluster"]["sdk_version"]))
    return {"histories": str(histories)}, problems
