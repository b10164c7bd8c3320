"""`session-sim fuzz`: many seeds of a scenario, each with random faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sim.cli.exits import Exit, WrongInput, check_writable, guarded, leave
from sim.cli.options import AsJson, Settings
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.fuzz.result import FuzzResult
    from sim.fuzz.subject import Chunk
    from sim.scenario.load import Scenario

TRIES: Final = 400
"""Runs that making a tape smaller may take."""
EXAMPLE = """
Example:

  session-sim fuzz jobqueue_small --runs 200 --jobs 2

  session-sim fuzz crash_mid_session --runs 5000 --until-plateau --goal "creation retried" --json
"""


@guarded
def command(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file, the name of one that ships, or - for standard input.")
    ],
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many seeds.")] = 1000,
    jobs: Annotated[int, typer.Option("--jobs", min=0, help="Processes; 0 is one per core.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="The first seed.")] = 1,
    until_plateau: Annotated[bool, typer.Option("--until-plateau", help="Stop early when nothing new comes any more.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Tapes and the finished runs go there; fuzz-SCENARIO when absent.")
    ] = None,
    schedule: Annotated[
        str, typer.Option("--schedule", metavar="uniform|priority|guided", help="Who decides what is due when.")
    ] = "uniform",
    goals: Annotated[
        list[str] | None,
        typer.Option("--goal", metavar="NAME", help="A moment that has to be seen, or a property that has to be put to the test."),
    ] = None,
    shrink: Annotated[int, typer.Option("--shrink", min=0, help="Runs that making a tape small may take; 0: none.")] = TRIES,
    guard: Annotated[
        int | None, typer.Option("--guard", min=0, help="Seeds to run again in a fresh process; one in fifty when absent, at most 20.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Run nothing; print what the nemesis has in store for the first seed.")] = False,
    overrides: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario under many seeds with random faults, and say what broke, how often, and what was covered.

    The faults of a seed are drawn by a nemesis: some kinds only, at random times, at random moments, or aimed at moments at which
    the protocol is easily hurt. After a while all of them end, and every workflow has to finish. The scenario's [fuzz] table says
    what may happen and what may break. What broke has a tape for replay, explain, shrink and diff. A campaign that was
    interrupted, or killed, goes on where it was when the same command is given again.
    """
    from sim.cli import load

    loaded = load.scenario(scenario, overrides or [])
    _check_names(goals or [], schedule)
    if plan:
        _show_plan(loaded, seed, as_json)
    folder = out if out is not None else Path(f"fuzz-{loaded.name}")
    check_writable(folder)
    result = _fuzz(loaded, runs, jobs, seed, until_plateau, folder, schedule, goals or [], shrink, guard)
    if as_json:
        print_json({**result.to_json(), "files": {"store": str(folder / STORE)}})
    else:
        from sim.cli import fuzz_view

        fuzz_view.show(to_user(), result)
    leave(exit_code(result))


command.__doc__ = (command.__doc__ or "") + "\n" + EXAMPLE

STORE: Final = "campaign.sqlite"


def exit_code(result: FuzzResult) -> Exit:
    """Interrupted; or something broke that was not expected to; or a goal was not met."""
    if result.stopped == "interrupted":
        return Exit.INTERRUPTED
    if not result.as_expected:
        return Exit.NOT_AS_EXPECTED
    return Exit.INCOMPLETE if result.coverage.missing else Exit.OK


def _check_names(goals: list[str], schedule: str) -> None:
    from sim.fuzz.schedulers import of_name
    from sim.scenario.judging import property_names
    from sim.scenario.moments import MOMENTS
    from sim.scenario.problems import did_you_mean

    known = [*MOMENTS.names, *property_names()]
    for name in goals:
        if name not in known:
            raise WrongInput(f"--goal {name}: there is no moment and no property of this name; {did_you_mean(name, known)}")
    if schedule == "pctcp":
        raise WrongInput("--schedule pctcp: its bound holds without a clock only; try session-sim check SCENARIO --walks 1000")
    try:
        of_name(schedule)
    except ValueError as error:
        raise WrongInput(f"--schedule: {error}") from None


def _show_plan(loaded: Scenario, seed: int, as_json: bool) -> None:
    """What a seed has in store, without running it."""
    from sim.scenario.fuzzing import ground_of

    plan = ground_of(loaded).plan(seed)
    if as_json:
        print_json({"seed": seed, "kinds": list(plan.kinds), "aims": list(plan.aims), "faults": list(plan.tables)})
    else:
        from sim.cli import fuzz_view

        fuzz_view.show_plan(to_user(), plan)
    leave(Exit.OK)


def _fuzz(
    loaded: Scenario, runs: int, jobs: int, seed: int, until_plateau: bool, folder: Path, schedule: str, goals: list[str],
    shrink: int, guard: int | None,
) -> FuzzResult:  # fmt: skip
    from sim.fuzz import fuzz
    from sim.sweep.store import StoreError

    bar = _Bar(loaded.name, runs)
    try:
        return fuzz(
            loaded, runs, seed=seed, jobs=jobs, until_plateau=until_plateau, store=folder / STORE, out=folder, shrink=shrink,
            guarded=guard, schedule=schedule, goals=goals, tell=bar,
        )  # fmt: skip
    except StoreError as error:
        raise WrongInput(str(error)) from None
    finally:
        bar.stop()


class _Bar:
    """A progress bar, where somebody looks at a terminal."""

    def __init__(self, name: str, runs: int) -> None:
        self._name, self._runs = name, runs
        self._shown: Any = None
        self._task: Any = None

    def __call__(self, known: Chunk, runs: int) -> None:
        console = to_side()
        if not console.is_terminal:
            return
        if self._shown is None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._shown = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[more]}"),
                TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
            )  # fmt: skip
            self._shown.start()
            self._task = self._shown.add_task(f"fuzzing {self._name}", total=self._runs, more="")
        more = f"{len(known.broken)} broken · {len(known.transitions)} transitions"
        self._shown.update(self._task, completed=len(known.rows), more=more)
        if len(known.rows) >= self._runs:
            self._shown.update(self._task, description=f"fuzzing {self._name}: tapes")

    def stop(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None
