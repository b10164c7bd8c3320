"""Two-phase commit, exhaustively, with this checker and with others, in turn: `make bench-checker`.

With nine resource managers, in the same rounds, also the session protocol with this checker: how many distinct states it
finds a second, beside what the others find of two-phase commit.

Every tool checks the invariant and keeps what it needs to show a trace. Seconds are those of the search alone, as each
tool tells them (TLC in whole seconds, with its start); beside them stand those of the whole process, its processor time
(which other work on the machine changes less), and the peak of its memory. Rounds go through all tools, so that a
machine that drifts does so for all.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from benchmarks.checker.peers import OWN, PEERS, SESSIONS, Measured, Peer, Unavailable, seconds_of

STATES = {3: 288, 5: 8_832, 7: 296_448, 9: 10_340_352}


def measure(peer: Peer, n: int) -> Measured:
    """One run in a process of its own. Raises Unavailable."""
    words = list(peer.command(n))
    began = perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    whole = perf_counter() - began
    states, seconds = re.search(peer.states, said), re.search(peer.seconds, said)
    if states is None:
        raise Unavailable(f"said nothing of states: {said.strip()[-300:]}")
    # Spin says nothing of seconds when there were less than a hundredth.
    spent = seconds_of(seconds[1]) if seconds is not None else whole
    distinct = int(states[1].replace(",", "")) - peer.extra_states
    return Measured(distinct, spent, whole, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, peer.held in said)


def main() -> None:
    """Measure, and print one table per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[7, 9], help="resource managers (default: 7 9)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", action=argparse.BooleanOptionalAction, default=True, help="the session protocol, too (some 5 GB)")
    parser.add_argument("--only", default="", help="only tools whose name contains this")
    arguments = parser.parse_args()
    console = Console(width=140)
    for n in arguments.sizes:
        own = [*OWN, *SESSIONS] if n == max(STATES) and arguments.sessions else OWN
        chosen = [peer for peer in [*own, *PEERS] if n <= peer.largest and arguments.only in peer.name]
        runs: dict[Peer, list[Measured]] = {peer: [] for peer in chosen}
        skipped: dict[Peer, str] = {}
        for _ in range(arguments.rounds):
            for peer in chosen:
                if peer not in skipped:
                    try:
                        runs[peer].append(measure(peer, n))
                    except Unavailable as why:
                        skipped[peer] = str(why)
        show(console, n, [peer for peer in chosen if peer not in SESSIONS], runs, skipped)
        if set(SESSIONS) & set(runs):
            show_rates(console, runs)


def show_rates(console: Console, runs: dict[Peer, list[Measured]]) -> None:
    """Distinct states a second: of the session protocol, and of two-phase commit with each tool, with ratios paired by round."""
    table = Table("tool", "system", "states/s", *(f"sessions, {peer.name}: x" for peer in SESSIONS), title="distinct states a second")
    rates = {peer: [run.states / run.search_s for run in done] for peer, done in runs.items() if done}
    for peer, found in rates.items():
        pairs = ([*zip(rates[ours], found, strict=False)] if ours in rates else [] for ours in SESSIONS)
        ratios = (f"{median(one / other for one, other in pair):.2f}" if pair else "" for pair in pairs)
        each = " ".join(f"{rate:,.0f}" for rate in found)
        table.add_row(peer.name, "sessions" if peer in SESSIONS else "two-phase commit", f"{median(found):,.0f} ({each})", *ratios)
    console.print(table)


def show(console: Console, n: int, chosen: list[Peer], runs: dict[Peer, list[Measured]], skipped: dict[Peer, str]) -> None:
    """One table; `x` is how many times as long as our search on one core."""
    table = Table(
        "tool", "flags", "search s", "x", "process s", "cpu s", "bytes/state", "states", "promise", title=f"two-phase commit, n = {n}"
    )
    ours = median(run.search_s for run in runs[OWN[0]]) if runs.get(OWN[0]) else None
    for peer in chosen:
        done = runs[peer]
        if peer in skipped or not done:
            table.add_row(peer.name, peer.flags, f"skipped: {skipped.get(peer, '')}")
            continue
        search = median(run.search_s for run in done)
        all_s = " ".join(f"{run.search_s:.2f}" for run in done)
        right = "" if done[0].states == STATES.get(n, done[0].states) else " WRONG"
        table.add_row(
            peer.name,
            peer.flags,
            f"{search:.2f} ({all_s})",
            f"{search / ours:.1f}" if ours else "",
            f"{median(run.whole_s for run in done):.2f}",
            f"{median(run.cpu_s for run in done):.2f}",
            f"{max(run.peak for run in done) / done[0].states:.0f}",
            f"{done[0].states:,}{right}",
            "held" if all(run.held for run in done) else "BROKEN",
        )
    console.print(table)


if __name__ == "__main__":
    main()
