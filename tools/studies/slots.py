"""How many slots are enough for a load: the curve, and the answer of `session-sim size`."""

from __future__ import annotations

import json
from pathlib import Path

from sim.model.laws import Exponential
from sim.report.plots import files, frontier, queue_over_time, utilisation, wait_against_load
from sim.sizing.load import Load
from sim.sizing.measure import Effort
from sim.sizing.sizing import SizeResult, size
from sim.sizing.swept import Swept
from sim.sizing.targets import read_target
from sim.sizing.theory import allen_cunneen
from sim.sizing.words import read_law, read_range, read_rate
from sim.sweep import Sweep, sweep
from tools.studies.page import fill, share, spelled, table

TARGETS = ("p99(creation wait) < 30s", "P(creation timeout) < 1%")


def make(folder: Path) -> None:
    """Run the sweep and the search, and write tables and figures."""
    made = Sweep.load(folder / "sweep.toml")
    swept = Swept.of(sweep(made), made)
    files.write("wait-against-load", folder, lambda: wait_against_load.draw(swept))
    files.write("slots-in-use", folder, lambda: utilisation.draw(swept))
    smallest = next(iter(swept.rows(0)))
    files.write("queue-over-time", folder, lambda: queue_over_time.draw(smallest, f"{swept.result.label(0)}, first run"))
    fill(folder / "README.md", "sweep", _table(swept))
    result = size(
        Load(Exponential(read_rate("6/m")), read_law("lognormal:1m:0.5")),
        read_range("2..14", "workers"), read_range("1..4", "slots"), [read_target(text) for text in TARGETS], Effort(1_000, 10),
    )  # fmt: skip
    files.write("frontier", folder, lambda: frontier.draw(result))
    fill(folder / "README.md", "size", _size(result))
    (folder / "size.json").write_text(json.dumps(result.to_json(), indent=1) + "\n", "utf-8")


def _table(swept: Swept) -> str:
    rows = []
    for cell in range(len(swept.result.plan.cells)):
        known = swept.offered(cell)
        assert known is not None
        wait = swept.interval(cell, lambda row: row.get("creation_wait_mean_s"))
        theory = allen_cunneen(known.servers, known.rate, known.hold, known.spread)
        runs = list(swept.rows(cell))
        late = [row["creation_wait_over_30s"] for row in runs], [row["creation_wait_judged_30s"] for row in runs]
        lost = [row["sessions_creation_timed_out"] for row in runs], [row["sessions_asked"] for row in runs]
        used = swept.interval(cell, lambda row: row["slots_utilisation"])
        rows.append(
            (
                swept.value(cell, 0), known.servers, f"{known.per_slot:.2f}", spelled(wait), f"{theory:.3g}",
                share(*late), share(*lost), f"{spelled(used, 100)} %",
            )
        )  # fmt: skip
    heads = ["workers", "slots", "offered load", "mean wait, s", "without a timeout, s", "wait > 30 s", "timed out", "slots in use"]
    return table(heads, rows)


def _size(result: SizeResult) -> str:
    pool = result.pool
    assert pool is not None
    answer = f"**{pool.workers} workers with {pool.slots} slots each**, of these pools:\n\n"
    points = [
        (p.slots, p.workers, p.slots * p.workers, f"{p.cost:g}", f"{p.sessions:,}", "meets, fewest" if p.enough else p.decision, p.by)
        for p in result.points
    ]
    known = [(f"`{name}`", str(interval)) for name, interval in result.intervals().items()]
    broken = [(b.change, b.decision.value, f"`{b.by}`" if b.by else "") for b in result.breaks]
    return "\n".join([
        answer + table(["slots each", "workers", "slots", "cost", "sessions", "", "because of"], points),
        "\nWhat it does, with 95 % intervals:\n", table(["", "estimate [interval]"], known),
        "\nWhat would break it:\n", table(["change", "it then", "because of"], broken),
    ])  # fmt: skip
