"""What a campaign says of each property, and the runs that show it: tapes, and what is left of them when they are made small."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim.faults.nemesis import Plan
from sim.fuzz.corpus import Corpus
from sim.fuzz.result import Properties, PropertyRow, Shrunk
from sim.fuzz.schedulers import Schedule
from sim.fuzz.subject import Chunk, again
from sim.properties.known import KNOWN_BROKEN
from sim.scenario.fuzzing import Ground
from sim.shrink import shrink
from sim.sweep.jobs import Job
from sim.sweep.statistics import proportion_interval, zero_failures
from sim.trace.tape import Tape

if TYPE_CHECKING:
    from sim.fuzz.campaign import Options
    from sim.sweep.executor import Executor

ABLATIONS: Final = 10
"""Seeds by which a fault is found guilty or not."""


def of(ground: Ground, total: Chunk, schedule: Schedule) -> Properties:
    """A row for every property that was judged, in the order of the documentation."""
    model = ground.scenario.model
    allowed = {name for name, verdict in model.expect.items() if verdict == "broken"}
    allowed |= set(model.fuzz.expect) if model.fuzz is not None else set()
    counts: dict[str, int] = {}
    for row in total.rows:
        for name in row.broken:
            counts[name] = counts.get(name, 0) + 1
    rows = total.exercised.items()
    return Properties(_row(name, runs, times, counts.get(name, 0), total, name in allowed) for name, (runs, times) in rows)


def _row(name: str, runs: int, times: int, broken: int, total: Chunk, allowed: bool) -> PropertyRow:
    tested = max(runs, broken)
    share = proportion_interval(broken, tested) if broken else zero_failures(tested)
    section, why = KNOWN_BROKEN.get(name, ("", ""))
    row = PropertyRow(
        name, tested, times, broken, share.low, share.high, allowed=allowed, known=f"{section}: {why}" if broken and section else ""
    )
    if not broken:
        return row
    first, best = total.broken[name][0], total.broken[name][-1]
    return replace(row, first_seed=first.seed, seed=best.seed, violation=best.message)


@dataclass(frozen=True, slots=True)
class Shown:
    """A job: the run that shows a property broken, again, on a tape, and made small."""

    ground: Ground
    schedule: Schedule
    seed: int
    name: str
    out: str
    shrink: int
    parent: Plan | None = None


def with_tapes(ground: Ground, rows: Properties, options: Options, executor: Executor, corpus: Corpus) -> Properties:
    """Write a tape for each broken property; those that nobody expected are made small as well."""
    if options.out is None:
        return rows
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(
            "sim.fuzz.verdicts:show",
            Shown(
                ground,
                options.schedule,
                row.seed,
                row.name,
                str(options.out),
                0 if row.allowed else options.shrink,
                corpus.parent(row.seed),
            ),
        )
        for row in rows
        if row.seed is not None
    ]
    found = {job.data.name: shown for job, shown in executor.results(jobs, len(jobs))}
    return Properties(replace(row, tape=found[row.name][0], shrunk=found[row.name][1]) if row.name in found else row for row in rows)


def endless_tape(ground: Ground, total: Chunk, options: Options, corpus: Corpus) -> str:
    """Write the tape of the first run that did not end; where it is, "" when all did, or nothing is to be written."""
    seed = next((row.seed for row in total.rows if row.did_not_end), None)
    if seed is None or options.out is None:
        return ""
    path = options.out / "did_not_end.tape"
    options.out.mkdir(parents=True, exist_ok=True)
    again(ground, seed, options.schedule, corpus.parent(seed)).tape.write(path)
    return str(path)


def show(shown: Shown) -> tuple[str, Shrunk | None]:
    """Write the tape of a run, and a smaller one if asked for; where it is, and what the smaller one comes to."""
    tape = again(shown.ground, shown.seed, shown.schedule, shown.parent).tape
    path = Path(shown.out) / f"{shown.name}.tape"
    tape.write(path)
    return str(path), _small(tape, shown) if shown.shrink else None


def _small(tape: Tape, shown: Shown) -> Shrunk:
    small = shrink(tape, shown.name, tries=shown.shrink, seeds=ABLATIONS)
    path = Path(shown.out) / f"{shown.name}.small.tape"
    small.tape.write(path)
    guilty = tuple(suspect.words for suspect in small.guilty)
    return Shrunk(small.deviations.total, str(path), small.deviations.faults, guilty, small.complete)
