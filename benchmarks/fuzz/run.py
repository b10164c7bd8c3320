"""Campaigns beside simloop's, in turn: ``python -m benchmarks.fuzz.run [--simloop CHECKOUT] [--rounds N]``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.fuzz import own, simloop
from benchmarks.table import Contestant, measure

SEEDS = "seeds/s"
JOBS = "activities or jobs/s"


def contestants(checkout: Path | None, python: str | None, seeds: int) -> list[Contestant]:
    """All rows, in the order in which a round runs them."""
    note = "its own settings, campaign.py green --jobs 1; the job of a row is its whole protocol of lease and acknowledgement"
    return [
        Contestant("session-sim, campaign", SEEDS, partial(own.seeds_per_second, seeds), "3 workers, 8 sessions of one activity"),
        Contestant("simloop, job queue", SEEDS, partial(simloop.seeds_per_second, checkout, seeds, python), note),
        Contestant("session-sim, job queue", JOBS, partial(own.activities_per_second, max(seeds // 10, 1)), "20 workflows of 3 activities"),
        Contestant("simloop, jobs", JOBS, partial(simloop.jobs_per_second, checkout, seeds, python)),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz.run", description="Measure campaigns beside simloop's.")
    parser.add_argument("--simloop", type=Path, metavar="DIR", help="a checkout of simloop's repository, for its example")
    parser.add_argument("--python", metavar="PATH", help="a Python of 3.12 or later for it; the newest in PATH when absent")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; each runs all contestants in turn (default: 3)")
    parser.add_argument("--seeds", type=int, default=200, help="seeds of a campaign (default: 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all rounds to FILE")
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
