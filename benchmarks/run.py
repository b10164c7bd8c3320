"""Run the benchmarks side by side in one process: ``python -m benchmarks.run [--quick] [--rounds N] [--json FILE]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import audit, own, peers
from benchmarks.table import Contestant, Measurement, measure

EVENTS = "events/s"
SESSIONS = "sessions/s"
CUSTOMERS = "customers/s"
HISTORIES = "histories/s"

#: The row that the others of its unit are compared with.
REFERENCES = ("simpy timeouts, processes", "closed loop, simpy", "patience, simpy")


def peer_contestants(quick: bool = False) -> list[Contestant]:
    """The other engines, with loads that take each of them about a second, or a fifth of that when quick."""
    scale = 5 if quick else 1

    def row(name: str, unit: str, run: Callable[[int], Measurement], n: int, note: str = "") -> Contestant:
        return Contestant(name, unit, partial(run, n // scale), note)

    by_activity_simpy = partial(peers.closed_loop_simpy, each_activity=True)
    by_activity_salabim = partial(peers.closed_loop_salabim, each_activity=True)
    return [
        row("heapq, pop and push", EVENTS, peers.heapq_events, 2_000_000, "no callback: a ceiling, not a simulator"),
        row("simpy timeouts, callbacks", EVENTS, peers.simpy_timeouts_callbacks, 500_000),
        row("simpy timeouts, processes", EVENTS, peers.simpy_timeouts_processes, 500_000),
        row("closed loop, simpy", SESSIONS, peers.closed_loop_simpy, 100_000),
        row("closed loop, simpy, by activity", SESSIONS, by_activity_simpy, 50_000, "three events a session instead of one"),
        row("closed loop, ciw", SESSIONS, peers.closed_loop_ciw, 40_000, "a batch at time 0 and a router back to the node"),
        row("closed loop, salabim", SESSIONS, peers.closed_loop_salabim, 40_000),
        row("closed loop, salabim, by activity", SESSIONS, by_activity_salabim, 30_000, "three events a session instead of one"),
        row("patience, simpy", CUSTOMERS, peers.patience_simpy, 50_000, f"exact share lost: {peers.patience_loss():.4f}"),
        row("patience, ciw", CUSTOMERS, peers.patience_ciw, 20_000),
        row("patience, salabim", CUSTOMERS, peers.patience_salabim, 4_000),
    ]


def own_contestants(quick: bool = False) -> list[Contestant]:
    """This project's simulator, in the units above."""
    scale = 5 if quick else 1
    rows = [
        Contestant("session-sim, messages of W", EVENTS, partial(own.messages_per_second, 500 // scale), "delivered between nodes"),
        *(Contestant(f"session-sim, {name}", SESSIONS, partial(own.variant(length), 500 // scale)) for length, name in own.LENGTHS.items()),
        Contestant("session-sim, audit", HISTORIES, partial(audit.histories_per_second, 1000 // scale), "recorded ones, of 50 events each"),
    ]
    return rows


def contestants(quick: bool = False) -> list[Contestant]:
    """All rows of the table, in the order in which a round runs them."""
    return [*own_contestants(quick), *peer_contestants(quick)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure the simulator beside other engines.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; each runs all contestants in turn (default: 3)")
    parser.add_argument("--quick", action="store_true", help="a fifth of the load: to see that all run, not to quote")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all rounds to FILE")
    parser.add_argument("--only", metavar="TEXT", help="only contestants whose name contains TEXT")
    parser.add_argument(
        "--reference", action="append", default=[], metavar="NAME", help="compare rows of its unit with row NAME; may be repeated"
    )
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    chosen = [contestant for contestant in contestants(options.quick) if not options.only or options.only in contestant.name]
    if not chosen:
        parser.error(f"no contestant's name contains {options.only!r}")
    names = {contestant.name for contestant in chosen}
    unknown = [name for name in options.reference if name not in names]
    if unknown:
        parser.error(f"no such contestant: {unknown[0]!r}")
    measure(
        chosen,
        # A default reference may have been filtered out by --only; one asked for by name may not.
        references=[*(name for name in REFERENCES if name in names), *options.reference],
        rounds=options.rounds,
        title="Throughput, quick (not to be quoted)" if options.quick else "Throughput",
        packages=peers.PACKAGES,
        json_file=options.json,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
