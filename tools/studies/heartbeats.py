"""Heartbeat timeout: how soon a crash is known, against how many sessions fail for nothing."""

from __future__ import annotations

from pathlib import Path

from sim.report.plots import detection, false_failures, files
from sim.sizing.swept import Figure, Swept, numeric
from sim.sweep import Sweep, sweep
from sim.sweep.statistics import Interval, zero_failures
from tools.studies.page import fill, table


def make(folder: Path) -> None:
    """Run the three sweeps, and write their tables and figures."""
    crash, outage, pause = (_swept(folder / f"{name}.toml") for name in ("crash", "outage", "pause"))
    files.write("detection", folder, lambda: detection.draw(crash))
    fill(folder / "README.md", "crash", _delays(crash))
    files.write("false-failures-outage", folder, lambda: false_failures.draw(outage))
    fill(folder / "README.md", "outage", _failures(outage, false_failures.share))
    title = "Sessions that fail because their worker stands still"
    files.write("failures-pause", folder, lambda: false_failures.draw(pause, false_failures.failed, title))
    fill(folder / "README.md", "pause", _failures(pause, false_failures.failed))


def _swept(path: Path) -> Swept:
    made = Sweep.load(path)
    return Swept.of(sweep(made), made)


def _delays(swept: Swept) -> str:
    rows = []
    for cell in range(len(swept.result.plan.cells)):
        timeout = numeric(swept.value(cell, 0)) or 0.0
        interval = min(timeout / 3, 10.0)
        mean = swept.interval(cell, lambda row: row.get("detection_mean_s"))
        most = max(row["detection_max_s"] for row in swept.rows(cell) if row.get("detection_max_s") is not None)
        expected = f"{timeout - interval:.1f} to {timeout:.1f}"
        rows.append((f"{timeout:g}", f"{interval:.2f}", f"{mean.estimate:.2f} ± {mean.half_width:.2f}", f"{most:.2f}", expected))
    return table(["H, s", "heartbeats every, s", "mean delay, s", "longest, s", "P2.4 (d), s"], rows)


def _failures(swept: Swept, value: Figure) -> str:
    timeouts = list(dict.fromkeys(cell.values[0] for cell in swept.result.plan.cells))
    lengths = list(dict.fromkeys(cell.values[1] for cell in swept.result.plan.cells))
    rows = []
    for timeout in timeouts:
        cells = [next(n for n, c in enumerate(swept.result.plan.cells) if c.values == (timeout, length)) for length in lengths]
        rows.append((timeout, *(_share(swept.interval(cell, value)) for cell in cells)))
    return table(["H", *lengths], rows)


def _share(share: Interval) -> str:
    """A share with its interval; one that was the same in all runs has none, but for how many runs may be otherwise."""
    if share.half_width == 0:
        return f"{share.estimate:.0%} ({zero_failures(share.n).high:.0%})"
    return f"{share.estimate:.0%} ± {min(share.half_width, 1):.0%}"
