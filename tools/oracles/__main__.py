"""Makes the table: `python -m tools.oracles --out reports/oracles` (a quarter of an hour of one core)."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sim.model.laws import Exponential, LogNormal
from tools.oracles.cell import BATCHES, CUSTOMERS, SECOND, Cell, Row, measured
from tools.oracles.table import page

HOLD: Final = 10 * SECOND
POOLS: Final = ((1, 1), (2, 1), (5, 2), (20, 5))
"""Workers and slots: 1, 2, 10 and 100 slots."""
LOADS: Final = (0.5, 0.8, 0.95)


def cells() -> Iterator[Cell]:
    """The rows of the table."""
    for workers, slots in POOLS:
        for load in LOADS:
            yield Cell(workers, slots, load, Exponential(HOLD))
    for workers, slots in POOLS:
        # Two services' worth of the whole pool; with many slots a tenth of a hold, so that some do get one.
        yield Cell(workers, slots, 1.2, Exponential(HOLD), patience_s=10 * max(0.1, 2 / (workers * slots)))
    for (workers, slots), sigma in (((2, 1), 500), ((2, 1), 1000), ((5, 2), 500), ((5, 2), 1000)):
        for load in (0.8, 0.95):
            # The median that makes the mean a hold: mean = median exp(sigma^2 / 2).
            median = round(HOLD / 2.718281828459045 ** ((sigma / 1000) ** 2 / 2))
            yield Cell(workers, slots, load, LogNormal(median, sigma))


def main() -> None:
    """Simulate all rows and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.oracles", description="The simulated queue against theory.")
    parser.add_argument("--out", type=Path, required=True, help="where README.md goes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=3_000, help="of each seed, that count")
    parser.add_argument("--warm-up", type=int, default=1_000, help="of each seed, before them")
    options = parser.parse_args()
    began = time.process_time()
    rows: list[Row] = []
    for cell in cells():
        rows.append(measured(cell, range(1, options.seeds + 1), options.sessions, options.warm_up))
        row = rows[-1]
        print(
            f"{cell.servers} slots, load {cell.load:g}: theory {row.theory:.4f} s, simulated {row.simulated.mean:.4f} ± "
            f"{row.simulated.reach:.4f}, p {row.p}, {time.process_time() - began:.0f} s",
            file=sys.stderr,
        )
    facts = {
        "command": " ".join(["python -m tools.oracles", *sys.argv[1:]]), "when": f"{(time.process_time() - began) / 60:.0f} minutes",
        "seeds": options.seeds, "sessions": options.sessions, "warm_up": options.warm_up, "batches": BATCHES * options.seeds,
        "customers": CUSTOMERS,
    }  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "README.md").write_text(page(rows, facts), "utf-8")


if __name__ == "__main__":
    main()
