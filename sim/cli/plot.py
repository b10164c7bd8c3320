"""`session-sim plot`: the figures of a sweep, or of a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.exits import Exit, WrongInput, check_writable, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.report.plots.files import Drawn

SQLITE = b"SQLite format 3\0"


@guarded
def command(
    what: Annotated[str, typer.Argument(metavar="STORE_OR_RUN", help="The store of a sweep, a tape, or a directory that run --out wrote.")],
    figure: Annotated[
        list[str] | None,
        typer.Option("--figure", metavar="NAME", help="Only this figure; may be repeated. Else all that can be drawn."),
    ] = None,
    column: Annotated[
        str, typer.Option("--column", metavar="NAME", help="What heat-map and before-after show of a sweep.")
    ] = "creation_wait_mean_s",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the figures go.")] = Path("figures"),
    as_json: AsJson = False,
) -> None:
    """Draw figures, each as SVG and PNG, for light and for dark pages.

    Example: session-sim plot results.sweep --figure wait-against-load --out figures
    """
    check_writable(out)
    drawn = _of_sweep(what, figure or [], column, out) if _is_store(what) else _of_run(what, figure or [], out)
    files = [str(file) for file in drawn.files]
    if as_json:
        print_json({"files": files, "not_drawn": drawn.unsuitable})
    else:
        for file in files:
            to_user().print(file, markup=False, soft_wrap=True)
    for name, reason in drawn.unsuitable.items():
        if figure:
            raise WrongInput(f"{what}: the figure {name} cannot be drawn: {reason}")
        to_side().print(f"not drawn: {name}: {reason}", markup=False, soft_wrap=True)
    if not files:
        raise WrongInput(f"{what}: none of the figures can be drawn of it")
    leave(Exit.OK)


def _is_store(what: str) -> bool:
    if not os.path.isfile(what):
        return False
    with open(what, "rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _known(names: list[str], figures: list[str], what: str) -> None:
    from sim.scenario.problems import did_you_mean

    for name in names:
        if name not in figures:
            raise WrongInput(f"--figure {name}: {what} has no such figure; {did_you_mean(name, figures)}")


def _of_sweep(what: str, names: list[str], column: str, out: Path) -> Drawn:
    from sim.cli.progress import patiently
    from sim.report.plots import sweeps
    from sim.sizing.swept import Swept
    from sim.sweep.store import StoreError

    _known(names, list(sweeps.FIGURES), "a sweep")
    try:
        swept = Swept.read(what)
    except StoreError as error:
        raise WrongInput(str(error)) from None
    with patiently("drawing"):
        return sweeps.draw_all(swept, out, names, column)


def _of_run(what: str, names: list[str], out: Path) -> Drawn:
    from sim.cli import load
    from sim.cli.progress import patiently
    from sim.cli.rerun import rerun
    from sim.report.plots import runs
    from sim.report.timeline import TimelineCollector
    from sim.scenario.measures import Measures

    _known(names, list(runs.FIGURES), "a run")
    tape = load.tape(what)
    collector, measures = TimelineCollector(), Measures(runs.MEASURES)
    with patiently("running the tape again"):
        result = rerun(tape, [collector, measures])
    if result.digest != tape.digest:
        to_side().print("warning: the run is not the one on the tape (session-sim replay says where they part)", style="yellow")
    line, title = collector.timeline(result.ended_at_us), f"{result.scenario}, seed {result.seed}"
    return runs.draw_all(line, measures.values(), title, out, names)
