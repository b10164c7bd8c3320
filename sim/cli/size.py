"""`session-sim size`: how many workers with how many slots are enough for a load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sim.cli.exits import Exit, WrongInput, check_writable, guarded, leave
from sim.cli.options import AsJson
from sim.cli.output import print_json, to_side, to_user

if TYPE_CHECKING:
    from sim.model.laws import Law
    from sim.sizing.load import Load
    from sim.sizing.measure import Measured
    from sim.sizing.search import Costs
    from sim.sizing.sizing import SizeResult
    from sim.sizing.targets import Target


@guarded
def command(
    arrivals: Annotated[str, typer.Option("--arrivals", metavar="RATE", help="Poisson arrivals, such as 2/s, 30/m or 5/h.")] = "",
    hold: Annotated[
        str,
        typer.Option(
            "--hold",
            metavar="LAW",
            help="How long sessions work: 10m, exponential:10m, lognormal:10m:0.5 (median, sigma), uniform:1m:5m, or a CSV file.",
        ),
    ] = "",
    histories: Annotated[
        list[Path] | None, typer.Option("--histories", metavar="PATH", help="Read arrivals and holds off histories; may be repeated.")
    ] = None,
    workers: Annotated[str, typer.Option("--workers", metavar="RANGE", help="How many workers there may be.")] = "1..100",
    slots: Annotated[str, typer.Option("--slots", metavar="RANGE", help="How many session slots a worker may have.")] = "1..8",
    target: Annotated[
        list[str] | None, typer.Option("--target", metavar="TARGET", help="What has to be achieved; may be repeated, all have to be.")
    ] = None,
    crashes: Annotated[str, typer.Option("--crashes", metavar="RATE", help="How often each worker is killed, such as 1/day.")] = "",
    creation_timeout: Annotated[str, typer.Option("--creation-timeout", metavar="DURATION", help="CreationTimeout of sessions.")] = "1m",
    heartbeat_timeout: Annotated[
        str, typer.Option("--heartbeat-timeout", metavar="DURATION", help="HeartbeatTimeout of sessions.")
    ] = "20s",
    worker_cost: Annotated[float, typer.Option("--worker-cost", help="What a worker costs.")] = 1.0,
    slot_cost: Annotated[float, typer.Option("--slot-cost", help="What each of its slots costs besides.")] = 0.1,
    sessions: Annotated[int, typer.Option("--sessions", help="Sessions of a run that count.", min=5)] = 1_000,
    runs: Annotated[int, typer.Option("--runs", help="Runs of a pool at most.", min=1)] = 10,
    seed: Annotated[int, typer.Option("--seed", help="The seed of the first run of each pool.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes; 0 for as many as there are cores.", min=0)] = 1,
    breaks: Annotated[bool, typer.Option("--breaks/--no-breaks", help="Whether to find out what would break the answer.")] = True,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Draw the frontier there.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the simulated scenarios; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the cheapest pool of workers that meets targets under a load: a guess from queueing theory, then simulations.

    Sessions whose creation times out count as having waited for ever.

    Example: session-sim size --arrivals 2/m --hold lognormal:5m:0.5 --workers 2..20 --slots 1..4 --target 'p99(creation wait) < 30s'
    """
    from sim.sizing.measure import Effort
    from sim.sizing.sizing import size

    try:
        load = _load(arrivals, hold, histories or [], crashes, creation_timeout, heartbeat_timeout, overrides or [])
        pools, targets = _pools(workers, slots), _targets(target or [])
    except ValueError as error:
        raise WrongInput(str(error)) from None
    if out is not None:
        check_writable(out)
    _warn(load, targets, sessions, pools)
    result = size(load, *pools, targets, Effort(sessions, runs, seed), _costs(worker_cost, slot_cost), breaks, _Says(), jobs)
    _end(result, out, as_json)


LONG_S: Final = 60
"""Seconds of a run from which on it is said beforehand."""


def _warn(load: Load, targets: list[Target], sessions: int, pools: tuple[range, range]) -> None:
    """Say on the side how long it takes, when it takes long; what cannot be enough is not simulated."""
    from sim.sizing.measure import takes
    from sim.sizing.search import first_guess, least_slots

    workers, slots = pools
    if least_slots(load, targets) > workers[-1] * slots[-1]:
        return
    guess = min(first_guess(load, targets), workers[-1] * slots[-1])
    number, seconds = takes(load, guess, sessions)
    if seconds >= LONG_S:
        text = (
            f"A run of a pool near {guess:,} slots has {number:,} sessions until it is full and those that count are over: some "
            f"{seconds / 60:.0f} minutes of a core, and each pool takes several runs. Narrow --workers and --slots save most; "
            "--no-breaks leaves out what would break it, --jobs 0 takes all cores."
        )
        to_side().print(text, markup=False, soft_wrap=True)


def _end(result: SizeResult, out: Path | None, as_json: bool) -> None:
    files = [str(file) for file in _draw(result, out)]
    if as_json:
        print_json({**result.to_json(), "files": files})
    else:
        _show(result, files)
    leave(Exit.OK if result.pool is not None else Exit.INCOMPLETE)


def _pools(workers: str, slots: str) -> tuple[range, range]:
    from sim.sizing.words import read_range

    return read_range(workers, "--workers"), read_range(slots, "--slots")


def _costs(worker: float, slot: float) -> Costs:
    from sim.sizing.search import Costs

    if worker < 0 or slot < 0:
        raise WrongInput(f"--worker-cost is {worker}, --slot-cost {slot}; expected at least 0")
    return Costs(worker, slot)


def _targets(texts: list[str]) -> list[Target]:
    from sim.sizing.targets import EXPECTED, read_target

    if not texts:
        raise ValueError(f"there is no --target; {EXPECTED}")
    return [read_target(text) for text in texts]


def _load(
    arrivals: str, hold: str, histories: list[Path], crashes: str, creation_timeout: str, heartbeat_timeout: str, overrides: list[str]
) -> Load:
    from sim.model.durations import parse_duration
    from sim.scenario.overrides import apply_overrides
    from sim.sizing.load import Crashes, Load
    from sim.sizing.words import read_rate

    gap, holds = _laws(arrivals, hold, histories)
    surroundings: dict[str, Any] = {}
    problems = apply_overrides(surroundings, overrides)
    if problems:
        raise ValueError(f"--set: {problems[0]}; expected keys of cluster, network or latencies, such as cluster.partitions=1")
    return Load(
        gap, holds, parse_duration(creation_timeout), parse_duration(heartbeat_timeout),
        Crashes(read_rate(crashes)) if crashes else None, surroundings,
    )  # fmt: skip


def _laws(arrivals: str, hold: str, histories: list[Path]) -> tuple[Law, Law]:
    """Laws of gaps and holds: of the histories, unless an option says otherwise."""
    from sim.model.laws import Exponential
    from sim.sizing.words import read_law, read_rate

    gap: Law | None = Exponential(read_rate(arrivals)) if arrivals else None
    holds: Law | None = read_law(hold) if hold else None
    if histories:
        observed = _observed(histories)
        return gap or observed.gap, holds or observed.hold
    if gap is None or holds is None:
        raise ValueError("--arrivals and --hold say what the load is; expected both of them, or --histories to read them off")
    return gap, holds


def _observed(histories: list[Path]) -> Any:
    from sim.history.temporal_reader import HistoryError
    from sim.sizing.from_histories import TooFewError, observe

    try:
        return observe(histories)
    except (HistoryError, TooFewError) as error:
        raise ValueError(str(error)) from None


class _Says:
    """Says on the side how far the search is, where somebody looks."""

    def __init__(self) -> None:
        self._console = to_side()

    def __call__(self, measured: Measured) -> None:
        if self._console.is_terminal:
            text = f"{measured.workers} workers, {measured.slots} slots each: run {measured.replications}, {measured.decision.value}"
            self._console.print(text, end="\r", markup=False)


def _draw(result: SizeResult, out: Path | None) -> list[Path]:
    if out is None:
        return []
    from sim.report.plots import files, frontier

    return files.write("frontier", out, lambda: frontier.draw(result))


def _show(result: SizeResult, files: list[str]) -> None:
    from rich.table import Table

    from sim.model.durations import format_duration

    say = to_user()
    load = result.load
    say.print(
        f"Load: {load.slots:.4g} slots busy on average (holds: {load.hold.describe()}; between arrivals: {load.gap.describe()}; "
        f"CreationTimeout {format_duration(load.creation_timeout)}). Theory guesses {result.guess} slots.",
        markup=False,
    )
    if result.pool is None:
        say.print(f"\nNo pool within these ranges was shown to be enough. {result.advice}", markup=False)
    else:
        pool = result.pool
        cost = result.costs.of(pool.workers, pool.slots)
        say.print(f"\nEnough: {pool.workers} workers with {pool.slots} slots each, cost {cost:g}.\n", markup=False)
        allowed = {target.text: target.limit for target in result.targets if target.is_share}
        for name, interval in result.intervals().items():
            meaning = f" of sessions miss it, {allowed[name]:g} may" if name in allowed else ""
            say.print(f"  {name}: {interval}{meaning}", markup=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("slots", "workers", "cost", "sessions", "", "because of"):
        table.add_column(heading, justify="left" if heading in ("", "because of") else "right")
    for p in result.points:
        mark = "meets, fewest" if p.enough else p.decision
        table.add_row(str(p.slots), str(p.workers), f"{p.cost:g}", f"{p.sessions:,}", mark, p.by)
    if result.points:
        say.print()
        say.print(table)
    if result.breaks:
        say.print("\nWhat would break it:", markup=False)
    for broken in result.breaks:
        say.print(f"  {broken.change}: {broken.decision.value}" + (f" ({broken.by})" if broken.by else ""), markup=False)
    for file in files:
        say.print(file, markup=False, soft_wrap=True)
