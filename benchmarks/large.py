"""A thousand workers and a million sessions: does a run stay as cheap as it began? (``python -m benchmarks.large``)

The load is workload W with 1,000 workers of 5 slots and 5,000 workflows in a closed loop. The cost per session over the
whole run is compared with that over its first 10,000 sessions; the memory per live session is what the process grew by
from an empty cluster to the steady state, per slot in use.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.own import JOBQUEUE
from sim.protocol.observations import WorkflowClosed
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun

WORKERS = 1_000
SLOTS = 5
FIRST = 10_000


@dataclass
class Progress:
    """Counts completed sessions and notes CPU time and memory on the way."""

    total: int
    began: float
    done: int = 0
    cpu_first: float = 0.0
    resident_first: int = 0
    shown: float = 0.0

    def closed(self, time_us: int, node: str, observation: object) -> None:
        self.done += 1
        if self.done == FIRST:
            self.cpu_first = time.process_time() - self.began
            self.resident_first = resident()
        if self.done % 1_000 == 0 and time.monotonic() - self.shown > 5:
            self.shown = time.monotonic()
            cpu = time.process_time() - self.began
            print(f"  {self.done:>9,} sessions, {cpu:8.1f} s, {self.done / cpu:6.0f}/s, {resident() / 2**20:6.0f} MiB", file=sys.stderr)


def resident() -> int:
    """Resident memory of this process now, bytes."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description="1,000 workers, a million sessions.")
    parser.add_argument("--sessions", type=int, default=1_000_000, help=f"how many, at least {2 * FIRST:,} (default: 1,000,000)")
    options = parser.parse_args(argv)
    if options.sessions < 2 * FIRST:
        parser.error(f"--sessions must be at least {2 * FIRST}")
    population = WORKERS * SLOTS
    scenario = Scenario.load(
        JOBQUEUE,
        [
            f"workers.0.count={WORKERS}",
            f"workflows.0.arrival.closed.population={population}",
            f"workflows.0.arrival.closed.total={options.sessions}",
            'until="100000h"',
        ],
    )
    session = PreparedRun(scenario, 1)
    empty = resident()
    progress = Progress(options.sessions, time.process_time())
    session.sim.listen(WorkflowClosed, progress.closed)
    session.run()
    cpu = time.process_time() - progress.began
    report(progress, cpu, empty, population, session)
    return 0


def report(progress: Progress, cpu: float, empty: int, population: int, session: PreparedRun) -> None:
    """Print what was measured."""
    first = progress.cpu_first / FIRST
    rest = (cpu - progress.cpu_first) / (progress.done - FIRST)
    print(f"{progress.done:,} sessions on {WORKERS:,} workers: {cpu:.1f} s of CPU, {progress.done / cpu:.0f} sessions/s")
    print(f"cost per session: {1e6 * first:.0f} us over the first {FIRST:,}, {1e6 * rest:.0f} us after them ({rest / first - 1:+.0%})")
    print(f"memory per live session: {(progress.resident_first - empty) / population / 1024:.1f} KiB")
    grown = resident() - progress.resident_first
    print(f"memory grown since session {FIRST:,}: {grown / 2**20:.0f} MiB, {grown / (progress.done - FIRST):.0f} bytes a finished session")
    print(f"left on the agenda: {session.sim.agenda.pending():,}; nodes: {len(session.sim.seats):,}")


if __name__ == "__main__":
    raise SystemExit(main())
