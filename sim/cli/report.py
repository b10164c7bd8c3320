"""`session-sim report`: a failing run told so that anyone understands it, in the terminal and as one HTML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from sim.cli.exits import WrongInput, guarded
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_user
from sim.cli.shrink import PROPERTY, TRIES, known, side, sought

if TYPE_CHECKING:
    from sim.report.failure import Failure


@guarded
def command(
    tape: Annotated[str, typer.Argument(metavar="TAPE", help="The tape of a failing run, a directory that run --out wrote, or -.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the HTML file there.")] = None,
    broken: PROPERTY = "",
    tries: TRIES = 2_000,
    forks: Annotated[int, typer.Option("--forks", min=1, help="How many runs are made at each prefix to find the decisive moment.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Report a failing run: what was promised, the story, the guilty fault, when it was decided, what would have helped.

    The run is made as small as can be first, so that everything that is told matters.

    Example: session-sim report failing.tape --out failure.html
    """
    from sim.cli import load, versions
    from sim.cli.progress import patiently
    from sim.report.failure import failure_of, render
    from sim.shrink.examination import examine

    recorded = load.tape(tape)
    known(broken)
    if out is not None and not out.parent.is_dir():
        raise WrongInput(f"--out {out}: there is no directory {out.parent}; expected a file in one that exists")
    if out is not None and (out.is_dir() or not os.access(out if out.exists() else out.parent, os.W_OK)):
        raise WrongInput(f"--out {out}: cannot be written to; expected the name of a file, such as failure.html")
    with patiently("looking into the run"), sought():
        failure = failure_of(examine(recorded, broken, tries=tries, forks=forks, tell=side(as_json)), tape)
    if out is not None:
        out.write_text(render(failure, versions.program()), "utf-8", errors="backslashreplace")
    files = [str(out)] if out is not None else []
    if as_json:
        print_json({**_said(failure), "files": files})
        return
    from sim.report.failure_view import parts

    console = to_user()
    for part in parts(failure):
        console.print(part, soft_wrap=isinstance(part, Text))
    if out is not None:
        console.print(f"\n{'report:':<11} {out}", soft_wrap=True, markup=False)


def _said(failure: Failure) -> dict[str, Any]:
    """What the JSON object says of the failure, beside its files."""
    from sim.report.regression import scenario_text

    examination, decided = failure.examination, failure.decided
    jump = examination.decisive.jump
    return {
        **examination.shrunk.to_json(),
        "promise": failure.promise,
        "source": failure.source,
        "violation": {"at_s": failure.violation.time_us / 1e6, "message": failure.violation.message},
        "decided": None if jump is None or decided is None else {"at_s": max(jump[1].time, 0) / 1e6, "text": decided.text},
        "p_broken": [
            {"until_s": max(point.time, 0) / 1e6, "unplanned": point.unplanned.value, "planned": point.planned.value}
            for point in examination.decisive.points
        ],
        "nearest_passing": None if examination.passing is None else examination.passing.words,
        "story": [{"at_s": line.time / 1e6, "text": line.text} for line in failure.told()],
        "scenario_toml": scenario_text(examination.shrunk),
        "test": failure.test,
        "commands": list(failure.commands),
    }
