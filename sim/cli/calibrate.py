"""`session-sim calibrate`: latencies learned from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.exits import Exit, WrongInput, check_writable, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.evidence.calibrate import Calibration


@guarded
def command(
    recordings: Annotated[
        list[str],
        typer.Argument(metavar="CASE_OR_HISTORY...", help="Folders with case.json and log.jsonl, or histories as Temporal exports them."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file of latencies to write.")] = Path("latencies.toml"),
    pictures: Annotated[
        Path | None, typer.Option("--pictures", metavar="DIR", help="Draw recorded against fitted there, a figure for each quantity.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn latencies, lengths of activities and arrivals from recordings of a real server, for use in any scenario.

    Histories alone tell sums; the log of calls that workers wrote beside them tells the parts.

    Example: session-sim calibrate recordings/ --out latencies.toml
    """
    check_writable(out.parent)
    calibration = _calibrated(recordings)
    files = [str(file) for file in _write(calibration, out, pictures)]
    for damaged in calibration.damaged:
        to_side().print(f"error: {damaged}", markup=False, soft_wrap=True)
    if as_json:
        print_json({**calibration.to_json(), "file": files[0], "pictures": files[1:]})
    else:
        _show(calibration)
        to_user().print(f"latencies: {files[0]}", soft_wrap=True, markup=False)
        if pictures is not None:
            to_user().print(f"pictures:  {len(files) - 1} files in {pictures}", soft_wrap=True, markup=False)
    leave(Exit.WRONG_INPUT if calibration.damaged else Exit.OK)


def _calibrated(paths: list[str]) -> Calibration:
    from sim.cli.progress import patiently
    from sim.evidence.calibrate import calibrate
    from sim.evidence.case import CaseError
    from sim.history.temporal_reader import HistoryError

    try:
        with patiently("reading recordings"):
            return calibrate(paths)
    except (HistoryError, CaseError, ValueError) as error:
        raise WrongInput(str(error)) from None


def _write(calibration: Calibration, out: Path, pictures: Path | None) -> list[Path]:
    from sim.evidence.calibrate_toml import to_toml

    try:
        out.write_text(to_toml(calibration), "utf-8")
    except OSError as error:
        raise WrongInput(f"{out}: cannot be written ({error.strerror})") from None
    if pictures is None:
        return [out]
    from sim.report.plots import calibration as drawing

    check_writable(pictures)
    return [out, *drawing.draw_all(calibration.fitted, pictures)]


def _show(calibration: Calibration) -> None:
    from rich.table import Table

    from sim.model.durations import format_duration

    table = Table(box=None, pad_edge=False)
    for heading in ("quantity", "values", "law", "median", "95 %", "p"):
        table.add_column(heading, justify="left" if heading in ("quantity", "law") else "right")
    for name, fitted in calibration.fitted.items():
        median, high = (format_duration(_rounded(fitted.law.sample(round(share * 2**64) - 1))) for share in (0.5, 0.95))
        p = "" if fitted.ks_p is None else f"{fitted.ks_p:.3f}"
        table.add_row(name, str(fitted.n), fitted.family, median, high, p)
    to_user().print(table)


def _rounded(us: int) -> int:
    """Three digits are enough for a table."""
    places = max(0, len(str(us)) - 3)
    return round(us, -places)
