"""`session-sim sweep`: a scenario for many values of its keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sim.cli.exits import Exit, WrongInput, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.sweep.load import Sweep
    from sim.sweep.plan import Plan
    from sim.sweep.questions import Question
    from sim.sweep.stopping import Claim, Trials
    from sim.sweep.store import Row, Store
    from sim.sweep.sweeping import Done, Progress

MOST_SHOWN: Final = 40
"""Cells in the printed table."""

EXAMPLE = """
Example:

  session-sim sweep contention --out contention.db --export contention.csv

  session-sim sweep contention --out contention.db --precision 5% --jobs 2

  session-sim sweep contention --out contention.db --test 'P(creation_wait_max_s > 1m) < 10%' --statistic 'p90(creation_wait_max_s)'
"""


@guarded
def command(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep file, the name of one that ships, or - for standard input.")],
    out: Annotated[Path, typer.Option("--out", metavar="STORE", help="The file for results; what it has is not run again.")],
    export: Annotated[Path | None, typer.Option("--export", metavar="FILE", help="Write a table of all runs: .csv or .parquet.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="J", min=0, help="Processes; 0: as many as there are cores.")] = 0,
    dask: Annotated[str, typer.Option("--dask", metavar="ADDRESS", help="Run it on the workers of this dask scheduler.")] = "",
    precision: Annotated[
        str | None, typer.Option("--precision", metavar="SHARE", help="Go on until means are known so well, such as 5%.")
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", metavar="CLAIM", help="Go on until a claim is decided, such as 'P(creation wait > 30s) < 1%'.")
    ] = None,
    statistic: Annotated[
        list[str] | None,
        typer.Option("--statistic", metavar="WHAT", help="Tell this besides means, such as 'p90(creation_wait_max_s)'; may be repeated."),
    ] = None,
    replications: Annotated[
        int | None, typer.Option("--replications", metavar="N", min=1, help="Runs of every cell; with a precision or a test: at most.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the scenario in every cell; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario for every combination of values, each under the same seeds, and keep the figures of all runs.

    What is in the store already is not run again, so an interrupted sweep goes on where it was: give the same command again.
    """
    loaded = _loaded(sweep, overrides or [])
    plan = _planned(loaded, _share(precision), replications, test)
    questions = _questions(loaded, statistic or [])
    done, told = _carried_out(loaded, plan, out, export, jobs, dask, questions, as_json)
    files = {"export": str(export)} if export is not None else {}
    if as_json:
        facts = {"cells": done.cells, "runs": done.runs, "resumed": done.resumed, "store": str(out)}
        print_json({**facts, "undecided": list(done.undecided), **told, "files": files})
    else:
        _conclude(done, out, export, plan.test is not None)
    leave(Exit.INCOMPLETE if done.undecided else Exit.OK)


command.__doc__ = (command.__doc__ or "") + "\n" + EXAMPLE


def _loaded(argument: str, overrides: list[str]) -> Sweep:
    from sim.cli import places
    from sim.cli.output import STDIN, read_text
    from sim.sweep.load import Sweep

    if argument == "-":
        return Sweep.parse(read_text("-"), overrides, STDIN, Path("stdin"))
    return Sweep.load(places.find_sweep(argument), overrides)


def _share(text: str | None) -> float | None:
    from sim.sweep.schema import read_share

    if text is None:
        return None
    try:
        share = read_share(text)
    except ValueError as error:
        raise WrongInput(f"--precision {error}") from None
    assert isinstance(share, float)
    return share


def _planned(loaded: Sweep, precision: float | None, replications: int | None, claim: str | None) -> Plan:
    from sim.sweep.plan import plan_of

    try:
        return plan_of(loaded, precision, replications, claim)
    except ValueError as error:
        raise WrongInput(f"--test {error}") from None


def _questions(loaded: Sweep, texts: list[str]) -> list[Question]:
    from sim.sweep.questions import read_question

    try:
        return [read_question(text, loaded.wanted.columns) for text in [*loaded.model.statistics, *texts]]
    except ValueError as error:
        raise WrongInput(f"--statistic {error}") from None


def _carried_out(
    loaded: Sweep, plan: Plan, out: Path, export: Path | None, jobs: int, dask: str, questions: list[Question], as_json: bool
) -> tuple[Done, dict[str, Any]]:
    """Run, export and show, or gather what JSON says besides; what goes wrong becomes a message for users."""
    from sim.sweep.executor import JobLost
    from sim.sweep.export import ExportError, check_export
    from sim.sweep.pools import ClusterError
    from sim.sweep.store import Store, StoreError
    from sim.sweep.sweeping import KIND

    try:
        if export is not None:
            check_export(export)
        with Store(out, KIND) as store:
            done = _run(loaded, plan, store, jobs, dask)
            if export is not None:
                _export(store, plan, export)
            if as_json:
                return done, _told(store, plan, questions)
            _show(loaded, store, plan, questions)
            return done, {}
    except (StoreError, ClusterError, ExportError) as error:
        raise WrongInput(str(error)) from error
    except JobLost as error:
        to_side().print(f"error: {error}; what was finished is kept in {out}", markup=False, soft_wrap=True)
        leave(Exit.INCOMPLETE)


def _run(loaded: Sweep, plan: Plan, store: Store, jobs: int, dask: str) -> Done:
    from sim.sweep.executor import Executor
    from sim.sweep.sweeping import carry_out

    with Executor(jobs, dask, "sim.cli.watchdog:begin") as executor, _watched(loaded) as progress:
        try:
            return carry_out(loaded, plan, store, executor, progress)
        except KeyboardInterrupt:
            store.commit()
            kept = f"interrupted: {store.count():,} runs are kept in {store.path}; the same command goes on from there"
            to_side().print(kept, markup=False, soft_wrap=True)
            executor.close(at_once=True)
            leave(Exit.INTERRUPTED)


@contextmanager
def _watched(loaded: Sweep) -> Iterator[Progress]:
    """A bar with the time that is left, where somebody looks at a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = to_side()
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("runs, left"), TimeRemainingColumn(),
        TextColumn("since"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(loaded.name, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _export(store: Store, plan: Plan, path: Path) -> None:
    from sim.sweep.export import export
    from sim.sweep.result import runs_in

    export(plan, runs_in(store, plan), path)


def _told(store: Store, plan: Plan, questions: list[Question]) -> dict[str, Any]:
    """Of each cell what was asked besides means, and what was decided; nothing when nothing was asked."""
    from sim.sweep.load import label

    found: dict[str, Any] = {"statistics": [], "tests": []}
    for cell in plan.cells:
        rows = list(plan.counting(store.rows(cell.key))) if questions or plan.test is not None else []
        name = label(plan.axes, cell.values)
        for question in questions:
            answer = question.answer(rows)
            more = {} if answer.cut is None else {"cut": answer.cut, "long_enough": answer.sure}
            found["statistics"].append({"cell": name, "statistic": question.text, **answer.interval.plain(), **more})
        if plan.test is not None:
            test = _decided(plan.test, rows)
            facts = {"verdict": test.verdict, "failures": test.failures, "trials": test.trials, **test.interval.plain()}
            found["tests"].append({"cell": name, "claim": plan.test.claim, **facts})
    return {key: value for key, value in found.items() if value}


def _decided(test: Claim, rows: list[tuple[int, Row]]) -> Trials:
    from sim.sweep.stopping import trials_of

    found = trials_of(test)
    for seed, row in rows:
        found.add(seed, row)
    return found


def _show(loaded: Sweep, store: Store, plan: Plan, questions: list[Question]) -> None:
    """A table with a row for each cell: every number with its interval."""
    from rich.table import Table

    from sim.sweep.columns import shown_columns
    from sim.sweep.load import spelled
    from sim.sweep.result import estimate

    columns = shown_columns(plan.columns, loaded.model.metrics)
    table = Table(box=None, pad_edge=False, header_style="bold")
    claims = [] if plan.test is None else [plan.test.claim]
    for name in (*plan.axes, "runs", *columns, *(question.text for question in questions), *claims):
        table.add_column(name, justify="right", overflow="fold")
    for number, cell in enumerate(plan.cells[:MOST_SHOWN]):
        rows = list(plan.counting(store.rows(cell.key)))
        found: list[object] = [estimate(number, cell.values, name, [row.get(name) for _, row in rows]) for name in columns]
        found += [question.answer(rows) for question in questions]
        found += [] if plan.test is None else [_decided(plan.test, rows)]
        table.add_row(*map(spelled, cell.values), str(len(rows)), *map(str, found))
    console = to_user()
    console.print(f"[bold]{loaded.name}[/bold]" + (f" · {loaded.model.title}" if loaded.model.title else ""))
    console.print()
    console.print(table)
    if len(plan.cells) > MOST_SHOWN:
        console.print(f"and {len(plan.cells) - MOST_SHOWN:,} more cells, which --export writes")
    console.print("\nmeans over runs, with their 95 % intervals", style="dim")


def _conclude(done: Done, out: Path, export: Path | None, claimed: bool) -> None:
    console = to_user()
    before = f", {done.resumed:,} of them from before" if done.resumed else ""
    console.print(f"{done.cells:,} cells, {done.runs:,} runs{before}", markup=False)
    for name, path in (("store:", out), ("export:", export)):
        if path is not None:
            console.print(f"{name:<8} {path}", soft_wrap=True, markup=False)
    what = "not decided" if claimed else "not known precisely enough"
    for label in done.undecided[:MOST_SHOWN]:
        to_side().print(f"{what}: {label or 'the only cell'}; give more --replications", markup=False, soft_wrap=True)
