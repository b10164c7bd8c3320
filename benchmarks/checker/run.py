"""Two-phase commit, exhaustively, with this checker and with others, in turn: `make bench-checker`.

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

from benchmarks.checker.peers import OWN, PEERS, Measured, Peer, Unavailable, seconds_of

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
    parser.add_argument("--only", default="", help="only tools whose name contains this")
    arguments = parser.parse_args()
    console = Console(width=140)
    for n in arguments.sizes:
        chosen = [peer for peer in [*OWN, *PEERS] if n <= peer.largest and arguments.only in peer.name]
        runs: dict[str, list[Measured]] = {peer.name: [] for peer in chosen}
        skipped: dict[str, str] = {}
        for _ in range(arguments.rounds):
            for peer in chosen:
                if peer.name not in skipped:
                    try:
                        runs[peer.name].append(measure(peer, n))
                    except Unavailable as why:
                        skipped[peer.name] = str(why)
        show(console, n, chosen, runs, skipped)


def show(console: Console, n: int, chosen: list[Peer], runs: dict[str, list[Measured]], skipped: dict[str, str]) -> None:
    """One table; `x` is how many times as long as our search on one core."""
    table = Table(
        "tool", "flags", "search s", "x", "process s", "cpu s", "bytes/state", "states", "promise", title=f"two-phase commit, n = {n}"
    )
    ours = median(run.search_s for run in runs[OWN[0].name]) if runs.get(OWN[0].name) else None
    for peer in chosen:
        done = runs[peer.name]
        if peer.name in skipped or not done:
            table.add_row(peer.name, peer.flags, f"skipped: {skipped.get(peer.name, '')}")
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
