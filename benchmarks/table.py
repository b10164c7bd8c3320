"""Run contestants in interleaved rounds and print one table of rates and ratios.

A rate alone says as much about the machine as about the code, so every table carries ratios to a reference row
measured in the same rounds, and says how far the rounds were apart.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

#: Spread between rounds (as a share of the median) above which the note under the table asks for another run.
NOISY_SPREAD = 0.15
#: CPU seconds per wall second below which a measurement evidently had to share its core.
BUSY_SHARE = 0.95


@dataclass(frozen=True)
class Measurement:
    """What one run of one contestant yielded.

    `check` holds the model's own figures (a loss share, a throughput in simulated time): contestants of one unit
    simulate the same model, and these are what shows that they really do.
    """

    count: int
    seconds: float
    cpu_seconds: float | None = None
    check: Mapping[str, float] = field(default_factory=dict)
    #: Set instead of a result when the contestant cannot run here, e.g. "not installed".
    missing: str | None = None

    @property
    def rate(self) -> float | None:
        """Units per wall second; None when nothing was measured."""
        return self.count / self.seconds if self.missing is None and self.seconds > 0 else None

    @property
    def cpu_rate(self) -> float | None:
        """Units per second of processor time; None when nothing was measured."""
        return self.count / self.cpu_seconds if self.missing is None and self.cpu_seconds else None

    @classmethod
    def not_available(cls, why: str) -> Measurement:
        return cls(count=0, seconds=0.0, missing=why)


@dataclass(frozen=True)
class Contestant:
    """One row: `run` performs the whole load once and times only the part that counts."""

    name: str
    unit: str
    run: Callable[[], Measurement]
    note: str = ""


@dataclass
class Stopwatch:
    wall: float = 0.0
    cpu: float = 0.0

    def measurement(self, count: int, **check: float) -> Measurement:
        return Measurement(count=count, seconds=self.wall, cpu_seconds=self.cpu, check=check)


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time a block in wall and CPU seconds."""
    # Whatever the contestant before left behind must not be collected on this one's clock. The collector itself stays
    # on: the garbage an engine makes is part of what it costs.
    gc.collect()
    watch = Stopwatch()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        yield watch
    finally:
        watch.wall, watch.cpu = time.perf_counter() - wall, time.process_time() - cpu


@dataclass
class Row:
    """A contestant with its measurements, one per round, in the order of the rounds."""

    contestant: Contestant
    measurements: list[Measurement] = field(default_factory=list)

    @property
    def missing(self) -> str | None:
        return next((m.missing for m in self.measurements if m.missing is not None), None)

    @property
    def rates(self) -> list[float]:
        return [rate for m in self.measurements if (rate := m.rate) is not None]

    @property
    def median(self) -> float | None:
        return statistics.median(self.rates) if self.rates else None

    @property
    def spread(self) -> float | None:
        """Distance between the best and the worst round as a share of the median."""
        median = self.median
        return (max(self.rates) - min(self.rates)) / median if median else None

    @property
    def cpu_share(self) -> float | None:
        """CPU seconds per wall second over all rounds: well below 1 means that the machine was busy elsewhere."""
        timed = [(m.cpu_seconds, m.seconds) for m in self.measurements if m.cpu_seconds is not None and m.seconds > 0]
        return sum(cpu for cpu, _ in timed) / sum(wall for _, wall in timed) if timed else None

    def ratio_to(self, reference: Row) -> float | None:
        """Median over the rounds of this rate to the reference's rate of the same round.

        Paired by round, because a machine that slows down slows both: the ratio of two medians would mix rounds.
        """
        pairs = zip(self.measurements, reference.measurements, strict=True)
        ratios = [mine.rate / theirs.rate for mine, theirs in pairs if mine.rate and theirs.rate]
        return statistics.median(ratios) if ratios else None

    def cpu_ratio_to(self, reference: Row) -> float | None:
        """The same of units per second of processor time, which a busy machine disturbs less; None when it was not taken."""
        pairs = zip(self.measurements, reference.measurements, strict=True)
        ratios = [mine.cpu_rate / theirs.cpu_rate for mine, theirs in pairs if mine.cpu_rate and theirs.cpu_rate]
        return statistics.median(ratios) if ratios else None


def run_rounds(contestants: Sequence[Contestant], rounds: int = 3, progress: Callable[[int, Contestant], None] | None = None) -> list[Row]:
    """Run every contestant once per round, so that a slow spell of the machine hits all of them and not just one."""
    if rounds < 1:
        raise ValueError("rounds must be at least 1")
    names = [contestant.name for contestant in contestants]
    if len(set(names)) != len(names):
        raise ValueError("contestants must have distinct names: rows and references go by name")
    rows = [Row(contestant) for contestant in contestants]
    for number in range(1, rounds + 1):
        for row in rows:
            if progress is not None:
                progress(number, row.contestant)
            row.measurements.append(row.contestant.run())
    return rows


def references_by_unit(rows: Sequence[Row], names: Sequence[str]) -> dict[str, Row]:
    """The reference row of each unit: the row named for it; rates of different units are never compared.

    A later name wins over an earlier one of the same unit, so defaults can come first and a user's choice after them.
    """
    by_name = {row.contestant.name: row for row in rows}
    references: dict[str, Row] = {}
    for name in names:
        if name not in by_name:
            raise ValueError(f"no such row: {name!r} (there are: {', '.join(map(repr, by_name))})")
        references[by_name[name].contestant.unit] = by_name[name]
    return references


def environment(packages: Sequence[str] = ()) -> dict[str, Any]:
    """What someone needs to judge the figures, without anything that names the machine or its user."""
    versions: dict[str, str] = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "packages": versions,
    }


def noise_note(rows: Sequence[Row]) -> str:
    """One honest sentence or two about how far these figures can be trusted."""
    note = "Rates depend on the machine and the moment; compare the ratios, which are paired by round."
    noisy = [row.contestant.name for row in rows if (row.spread or 0.0) > NOISY_SPREAD]
    if noisy:
        note += f" Rounds differ by more than {NOISY_SPREAD:.0%}: {'; '.join(noisy)}. Run more rounds."
    busy = [row.contestant.name for row in rows if (row.cpu_share or 1.0) < BUSY_SHARE]
    if busy:
        note += f" The machine was busy with something else (CPU below wall time) during: {'; '.join(busy)}."
    return note


def print_table(rows: Sequence[Row], references: Sequence[str], title: str, env: Mapping[str, Any], console: Console) -> None:
    """Print the rows grouped by unit, with the ratio to the reference of their unit and the model's own figures."""
    by_unit = references_by_unit(rows, references)
    table = Table(title=title, title_justify="left")
    table.add_column("contestant")
    for heading in ("median", "spread", "ratio", "of cpu time"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    table.add_column("model check")
    for unit in dict.fromkeys(row.contestant.unit for row in rows):
        for row in rows:
            if row.contestant.unit != unit:
                continue
            reference = by_unit.get(unit)
            if row.median is None:
                table.add_row(row.contestant.name, row.missing or "no result", "", "", "", unit, "", style="dim")
                continue
            ratios = (None, None) if reference is None else (row.ratio_to(reference), row.cpu_ratio_to(reference))
            texts = ["-" if ratio is None else "1 (reference)" if row is reference else f"{ratio:.2f}x" for ratio in ratios]
            check = ", ".join(f"{key} {value:.4g}" for key, value in row.measurements[-1].check.items())
            table.add_row(row.contestant.name, f"{row.median:,.0f}", f"{row.spread or 0.0:.0%}", *texts, unit, check)
        table.add_section()
    console.print(table)
    packages = ", ".join(f"{name} {version}" for name, version in env["packages"].items())
    console.print(f"{env['python']}, {env['system']}, {env['cpus']} CPUs, load {env['load_average']}; {packages}", highlight=False)
    console.print(f"Median of {len(rows[0].measurements) if rows else 0} interleaved rounds. {noise_note(rows)}", highlight=False)
    for row in rows:
        if row.contestant.note:
            console.print(f"  {row.contestant.name}: {row.contestant.note}", highlight=False, style="dim")


def as_json(rows: Sequence[Row], references: Sequence[str], env: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in the table and each round behind it."""
    by_unit = references_by_unit(rows, references)
    results = []
    for row in rows:
        reference = by_unit.get(row.contestant.unit)
        results.append(
            {
                "name": row.contestant.name,
                "unit": row.contestant.unit,
                "note": row.contestant.note,
                "missing": row.missing,
                "median": row.median,
                "spread": row.spread,
                "cpu_share": row.cpu_share,
                "reference": None if reference is None else reference.contestant.name,
                "ratio": None if reference is None else row.ratio_to(reference),
                "cpu_ratio": None if reference is None else row.cpu_ratio_to(reference),
                "rounds": [
                    {"count": m.count, "seconds": m.seconds, "cpu_seconds": m.cpu_seconds, "rate": m.rate, "check": dict(m.check)}
                    for m in row.measurements
                ],
            }
        )
    return {"environment": dict(env), "note": noise_note(rows), "results": results}


def measure(
    contestants: Sequence[Contestant],
    *,
    references: Sequence[str] = (),
    rounds: int = 3,
    title: str = "Throughput",
    packages: Sequence[str] = (),
    json_file: Path | None = None,
    console: Console | None = None,
) -> list[Row]:
    """Run, print and, when asked, write the JSON file; the one call most scripts need."""
    console = console or Console()
    env = environment(packages)  # before the rounds, so that the load average is not our own
    with console.status("") as status:
        rows = run_rounds(contestants, rounds, lambda number, contestant: status.update(f"round {number}/{rounds}: {contestant.name}"))
    print_table(rows, references, title, env, console)
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(rows, references, env), indent=2) + "\n", encoding="utf-8")
    return rows
