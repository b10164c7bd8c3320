"""`session-sim audit`: what recorded histories tell of sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.exits import Exit, WrongInput, check_writable, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.audit.result import AuditResult

MOST_NAMED = 3
"""So many files that are no histories are named in a warning."""


@guarded
def command(
    histories: Annotated[
        list[str], typer.Argument(metavar="HISTORY...", help="Histories as Temporal exports them: files, folders, or - for standard input.")
    ],
    slots: Annotated[
        int | None, typer.Option("--slots", metavar="N", min=1, help="MaxConcurrentSessionExecutionSize: were there ever more sessions?")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the timeline, the curves and the findings there.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every session, also those that went well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the sessions in histories of a real cluster, say how each ended and why, and which promises were broken.

    Nothing needs to be known of the workflows. JSON, one history a file, an array of them or one a line; gzip, too.

    Example: session-sim audit incident/ --slots 2 --out reports/incident
    """
    if out is not None:
        check_writable(out)
    result = _audited(histories, slots)
    files = _write(result, out) if out is not None else {}
    _warn(result)
    if as_json:
        print_json({**result.to_json(), "files": files})
    else:
        from sim.cli import audit_view

        audit_view.show(to_user(), result, every)
        for kind, file in files.items():
            to_user().print(f"{kind + ':':<11} {file}", soft_wrap=True)
    if result.damaged:
        leave(Exit.WRONG_INPUT)
    leave(Exit.OK if result.as_expected else Exit.NOT_AS_EXPECTED)


def _audited(paths: list[str], slots: int | None) -> AuditResult:
    from sim.audit import audit
    from sim.cli.progress import patiently
    from sim.history.temporal_reader import HistoryError

    try:
        with patiently("reading histories"):
            return audit(paths, slots)
    except HistoryError as error:
        raise WrongInput(str(error)) from None


def _write(result: AuditResult, out: Path) -> dict[str, str]:
    from sim.cli.audit_files import write_all

    return write_all(result, out)


def _warn(result: AuditResult) -> None:
    """Tell what was not looked at."""
    for damaged in result.damaged:
        to_side().print(f"error: {damaged}", markup=False, soft_wrap=True)
    for what, names in (("no history", result.passed_over), ("an older history of a run that is there, too", result.older)):
        if names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            text = f"left out, for it is {what}: {', '.join(names[:MOST_NAMED])}{more}"
            to_side().print(text, style="yellow", markup=False, soft_wrap=True)
