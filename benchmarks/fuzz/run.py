"""Campaigns beside simloop's, in turn: ``python -m benchmarks.fuzz.run [--simloop CHECKOUT] [--rounds N]``.

Each row runs in a process of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.fuzz import apart, simloop
from benchmarks.table import Contestant, measure

SEEDS = "seeds/s"
JOBS = "activities or jobs/s"


def contestants(checkout: Path | None, python: str | None, seeds: int) -> list[Contestant]:
    """All rows, in the order in which a round runs them."""
    note = "its own settings, campaign.py green --jobs 1; the job of a row is its whole protocol of lease and acknowledgement"
    runs = max(seeds // 10, 1)
    return [
        Contestant("session-sim, campaign", SEEDS, partial(apart.plain, "campaign", seeds), "3 workers, 8 sessions of one activity"),
        Contestant("session-sim (compiled), campaign", SEEDS, partial(apart.compiled, "campaign", seeds), "the build of `make fast`"),
        Contestant("simloop, job queue", SEEDS, partial(simloop.seeds_per_second, checkout, seeds, python), note),
        Contestant("session-sim, job queue", JOBS, partial(apart.plain, "queue", runs), "20 workflows of 3 activities"),
        Contestant("session-sim (compiled), job queue", JOBS, partial(apart.compiled, "queue", runs)),
        Contestant("simloop, jobs", JOBS, partial(simloop.jobs_per_second, checkout, seeds, python)),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz.run",
        description="Measure campaigns of session-sim, in plain Python and with the compiled build, beside simloop's. "
        "Rows that cannot be measured say what is missing.",
    )
    parser.add_argument("--simloop", type=Path, metavar="DIR", help="a checkout of simloop's repository, for its example and its script")
    newer = f"3.12 or later; the first of {', '.join(simloop.PYTHONS)} in PATH when absent"
    parser.add_argument("--python", metavar="PATH", help=f"the Python that simloop's environment is made with, once: {newer}")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; each runs all contestants in turn (default: 3)")
    parser.add_argument("--seeds", type=int, default=200, help="seeds of a campaign; our job queue runs a tenth as often (default: 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table and all rounds to FILE")
    options = parser.parse_args(argv)
    checkout = options.simloop.resolve() if options.simloop else None
    measure(
        contestants(checkout, options.python, options.seeds),
        references=["simloop, job queue", "simloop, jobs"],
        rounds=options.rounds,
        title="Campaigns, one core",
        json_file=options.json,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
