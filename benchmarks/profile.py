"""What one session of workload W costs, and where (``python -m benchmarks.profile``).

Two tables: how often each input is handled per session, and the time inside each module. The profiler slows calls down,
so only the shares of the second table mean something.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.own import ROOT, scenario
from sim.model.inputs import Deliver, Fired, Input, Reply
from sim.scenario.run import PreparedRun
from sim.simulator.seats import Seat


def inputs_per_session(sessions: int) -> Counter[str]:
    """How often each kind of input was handled in the whole run."""
    prepared = PreparedRun(scenario(sessions), 1)
    counted: Counter[str] = Counter()
    handle = prepared.sim.handle

    def counting(seat: Seat, event: Input) -> None:
        counted[spell(event)] += 1
        handle(seat, event)

    prepared.sim.handle = counting  # type: ignore[method-assign]
    prepared.run()
    return counted


def spell(event: Input) -> str:
    """An input by its class and that of its message, or the first part of its timer's tag."""
    match event:
        case Deliver(message=message):
            return f"message {type(message).__name__}"
        case Reply(message=message):
            return f"reply {type(message).__name__}"
        case Fired(tag=tag):
            return f"timer {tag[0] if isinstance(tag, tuple) else tag}"
        case _:
            return type(event).__name__


def time_by_module(sessions: int) -> tuple[float, list[tuple[str, float, int]]]:
    """(total seconds, [(module, seconds inside it, calls)]) under the profiler."""
    prepared = PreparedRun(scenario(sessions), 1)
    profiler = cProfile.Profile()
    profiler.runcall(prepared.run)
    spent: dict[str, tuple[float, int]] = {}
    for (file, _, _), (_, calls, inside, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        name = module_of(file)
        seconds, count = spent.get(name, (0.0, 0))
        spent[name] = (seconds + inside, count + calls)
    rows = sorted(((name, *values) for name, values in spent.items()), key=lambda row: -row[1])
    return sum(row[1] for row in rows), rows


def module_of(file: str) -> str:
    """The project's module, or the package, that a file belongs to."""
    path = Path(file)
    if path.is_relative_to(ROOT):
        return str(path.relative_to(ROOT))
    return "simpy" if "simpy" in path.parts else "Python and built-in functions"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description="What one session of workload W costs.")
    parser.add_argument("--sessions", type=int, default=500, help="how many sessions to average over (default: 500)")
    sessions = parser.parse_args(argv).sessions
    counted = inputs_per_session(sessions)
    print(f"inputs handled per session: {counted.total() / sessions:.1f}")
    for name, count in counted.most_common():
        if count >= sessions / 2:
            print(f"  {count / sessions:6.2f}  {name}")
    total, rows = time_by_module(sessions)
    print("share of time by module (under the profiler), and function calls per session")
    for name, seconds, calls in rows[:24]:
        print(f"  {seconds / total:6.1%}  {calls / sessions:7.0f}  {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
