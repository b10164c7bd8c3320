"""`session-sim conform`: could this protocol have produced what a real cluster did?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from sim.cli.exits import Exit, check_writable, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.evidence.result import CaseResult, ConformResult

DEFAULT_OUT: Final = Path("reports/conformance")
STYLES: Final = {"accepted": "green", "rejected": "bold red", "undecided": "yellow", "damaged": "bold yellow"}


@guarded
def command(
    cases: Annotated[list[str], typer.Argument(metavar="CASE...", help="Folders of recorded cases, or folders of such folders.")],
    no_log: Annotated[bool, typer.Option("--no-log", help="Use the histories alone, not what the workers logged.")] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Write a tape per accepted case, and the table, there.")] = DEFAULT_OUT,
    tries: Annotated[int, typer.Option("--tries", metavar="N", min=1, help="Run the cluster of a case at most so often.")] = 400,
    as_json: AsJson = False,
) -> None:
    """Say of recorded cases whether this protocol could have produced them, and where not, what it would allow.

    A case is a folder with a case.json, the histories that a real server wrote, and the log of its workers. For each that is
    accepted a tape is written, with which the same happens again without the recording: session-sim replay TAPE.

    Example: session-sim conform tests/data/real --out reports/conformance
    """
    check_writable(out)
    kept = Kept(out)
    result = _judged(cases, not no_log, tries, kept)
    tapes = kept.tapes
    if as_json:
        print_json({**result.to_json(tapes), "files": {"table": str(out / "conformance.md")}})
    else:
        _show(result, out)
    leave(_code(result))


class Kept:
    """What is written as soon as it is known, so that nothing is lost if the command does not come to its end."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.tapes: dict[str, Path] = {}
        self._results: list[CaseResult] = []

    def take(self, case: CaseResult) -> None:
        """Write the case's tape, and the table so far; say at once what is wrong with a damaged one."""
        from sim.evidence.result import ConformResult

        self._results.append(case)
        if case.tape is not None:
            self.tapes[case.name] = self.out / f"{case.name}.tape"
            case.tape.write(self.tapes[case.name])
        if case.problem:
            to_side().print(f"error: {case.problem}", markup=False, soft_wrap=True)
        (self.out / "conformance.md").write_text(_markdown(ConformResult(tuple(self._results))), "utf-8")


def _judged(cases: list[str], with_log: bool, tries: int, kept: Kept) -> ConformResult:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from sim.evidence.conforming import conform

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = to_side()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=None)

        def judging(name: str) -> None:
            shown.update(task, description=name)

        def judged(case: CaseResult) -> None:
            shown.update(task, advance=1)
            kept.take(case)

        shown.update(task, total=_how_many(cases))
        return conform(cases, with_log=with_log, most_tries=tries, progress=judging, done=judged)


def _how_many(cases: list[str]) -> int | None:
    """So many cases there are; None when something among the paths is none."""
    from sim.evidence.case import CaseError
    from sim.evidence.conforming import case_folders

    try:
        return len(case_folders(cases))
    except CaseError:
        return None


def _code(result: ConformResult) -> Exit:
    from sim.evidence.result import Verdict

    if result.count(Verdict.DAMAGED):
        return Exit.WRONG_INPUT
    if result.count(Verdict.REJECTED):
        return Exit.NOT_AS_EXPECTED
    return Exit.INCOMPLETE if result.count(Verdict.UNDECIDED) else Exit.OK


def _show(result: ConformResult, out: Path) -> None:
    console = to_user()
    table = Table(box=None, pad_edge=False)
    for name, justify in (("case", "left"), ("verdict", "left"), ("runs", "right"), ("tries", "right"), ("largest difference", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for case in result:
        largest = "" if case.largest_difference_ms is None else f"{case.largest_difference_ms:.1f} ms"
        table.add_row(case.name, f"[{STYLES[case.verdict]}]{case.verdict}[/]", str(case.runs), str(case.tries), largest)
    console.print(table)
    for case in result:
        if case.rejection is not None:
            at = case.rejection
            where = f"{at.workflow_run}, event {at.event_id}" if at.event_id else at.workflow_run
            console.print(f"\n{case.name}: {where}", style="bold", markup=False)
            console.print(f"  recorded  {at.recorded}", markup=False)
            console.print(f"  possible  {'; '.join(at.possible)}", markup=False)
    console.print(f"\n{_summary(result)}\ntapes and table: {out}", markup=False)


def _summary(result: ConformResult) -> str:
    from sim.evidence.result import Verdict

    return ", ".join(f"{result.count(verdict)} {verdict}" for verdict in Verdict if result.count(verdict) or verdict is Verdict.ACCEPTED)


def _markdown(result: ConformResult) -> str:
    """The table as it is kept in a repository."""
    lines = ["| case | verdict | runs | tries | largest difference of times |", "|---|---|---:|---:|---:|"]
    for case in result:
        largest = "" if case.largest_difference_ms is None else f"{case.largest_difference_ms:.1f} ms"
        lines.append(f"| {case.name} | {case.verdict} | {case.runs} | {case.tries} | {largest} |")
    lines += ["", f"{_summary(result)}."]
    for case in result:
        if case.rejection is not None:
            lines.append(f"\n* **{case.name}**, {case.rejection}")
        if case.problem:
            lines.append(f"\n* **{case.name}**, {case.problem}")
    return "\n".join(lines) + "\n"
