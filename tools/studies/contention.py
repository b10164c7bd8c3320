"""The recorded case `contention` against the same load simulated with latencies that were learned from other recordings."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from sim import run
from sim.evidence.calibrate_samples import read_recordings
from sim.evidence.case import read_case
from sim.history.temporal_json import to_json
from sim.history.temporal_reader import read_history
from sim.report.plots import files, recorded_waits
from tools.distribution import EPOCH, band, plain, waits_of, with_latencies
from tools.studies.page import fill, table

RUNS = 100


def make(folder: Path) -> None:
    """Simulate the case, and write the table and the figure."""
    recording = read_recordings([folder / "recording"])[0]
    recorded = waits_of(recording.histories)
    latencies = tomllib.loads((folder / "latencies.toml").read_text("utf-8"))["latencies"]
    scenario = with_latencies(read_case(folder / "recording"), latencies)
    simulated = []
    for seed in range(1, RUNS + 1):
        result = run(scenario, seed, histories=True, properties=())
        assert result.recorder is not None
        simulated.append(waits_of([read_history(plain(to_json(one, EPOCH, "1.48.0"))) for one in result.recorder]))
    curves = [waits for waits in simulated if len(waits) == len(recorded)]
    low, high = band(curves, len(recorded))
    files.write("contention", folder, lambda: recorded_waits.draw(recorded, curves, (low, high), "Fourteen workflows, six slots"))
    (folder / "waits.json").write_text(json.dumps({"recorded_us": recorded, "simulated_us": simulated}) + "\n", "utf-8")
    fill(folder / "README.md", "waits", _table(recorded, curves, low, high))


def _table(recorded: list[int], curves: list[list[int]], low: list[int], high: list[int]) -> str:
    rows = []
    for rank, wait in enumerate(recorded):
        middle = sorted(curve[rank] for curve in curves)[len(curves) // 2]
        inside = "yes" if low[rank] <= wait <= high[rank] else "no"
        rows.append((rank + 1, *(f"{us / 1000:.1f}" for us in (wait, middle, low[rank], high[rank])), inside))
    return table(["", "recorded, ms", "simulated median, ms", "band from, ms", "to, ms", "inside"], rows)
