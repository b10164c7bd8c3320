"""Which planted bugs walks without a clock find, and how soon: ``python -m tools.planted.untimed [--walks N] [--out reports/fuzz]``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from sim import Scenario
from sim.fuzz.walks import ORDERS, TRIAL_SEED, Order
from sim.model.chains import width
from sim.model.pctcp import Pctcp, bound
from sim.model.system import System
from sim.model.walks import Scheduler, Uniform, walk
from sim.properties.automaton import timeless
from sim.protocol.mutants import Mutant
from sim.scenario.checked import Bounds, system_of
from tests.shrink.planted import CASES, Planted
from tools.planted.least import SEARCHED

MOST: Final = 300
"""Steps of a walk."""
DEPTH: Final = 2
TRIALS: Final = 5
APART: Final = 1_000

HEAD: Final = """# Which planted bugs walks without a clock find, and how soon

`python -m tools.planted.untimed --walks {walks}`: the planted bugs that break promises which are not about time, each in the scenario that
it is known by (`tests/properties/scenarios_planted.py`), as `session-sim check --walks` goes through it: all workflows at once, timers
in any order that nothing forbids, and the scenario's fault, if it has one, once and at any moment. The numbers are walks until the
promise breaks: of three rows of first seeds 1, 1001 and 2001 the middle one, and the largest in brackets; `>{walks}`: not in so many.

*uniform*: what can happen next is equally likely. *pctcp*: chains of events with priorities, one of which falls {falls} time in a walk
(depth {depth}), which finds a bug that {depth} events in order show with a probability of at least 1/(w n^(d-1)) (`sim/model/pctcp.py`):
*w* is the most events of a walk with nothing to do with one another, *n* the number of events the schedule was made for, *bound* what that comes to, and *so many
walks* how many it promises to do with at 95 %. The bound is for orders that can show a bug at all; where one event or two choices of
the environment do, walks are much quicker than it says.
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.planted.untimed", description="Which planted bugs walks find.")
    parser.add_argument("--walks", type=int, default=50, help="walks at most (50)")
    parser.add_argument("--out", type=Path, default=Path("reports/fuzz"), help="where untimed.md goes (reports/fuzz)")
    options = parser.parse_args(argv)
    heads = ["bug", "promise", *ORDERS, "w", "n", "bound", "so many walks"]
    lines = [
        HEAD.format(walks=options.walks, depth=DEPTH, falls=DEPTH - 1),
        f"| {' | '.join(heads)} |\n|---|---|{'---:|' * (len(heads) - 2)}",
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    for name, mutant, planted in CASES:
        if name in timeless():
            lines.append(_line(name, mutant, planted, options.walks))
            print(lines[-1], flush=True)
            (options.out / "untimed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def _system(name: str, mutant: Mutant, planted: Planted) -> System:
    tables: dict[str, Any] = {**planted.tables(mutant), "faults": []}
    budgets: dict[str, int] = {}
    for fault in planted.faults:
        budgets |= SEARCHED.get(fault["kind"], {})
    return system_of(Scenario.from_dict(tables), Bounds(**budgets), (name,))


def _line(name: str, mutant: Mutant, planted: Planted, most: int) -> str:
    system = _system(name, mutant, planted)
    trials = [walk(system.world, Uniform(TRIAL_SEED - nth), TRIAL_SEED - nth, MOST) for nth in range(TRIALS)]
    events, widest = max(len(one.events) for one in trials), max(width(one.events) for one in trials)
    cells = [f"`{mutant.name.lower()}`: {mutant.value}", f"`{name}`"]
    for order in ORDERS:
        numbers = [_until_broken(system, order, 1 + row * APART, most, events) for row in range(3)]
        cells.append(f"{_number(median(numbers), most)} ({_number(max(numbers), most)})")
    least = bound(widest, events, DEPTH)
    cells += [str(widest), str(events), f"{least:.2g}", f"{round(3 / least):,}"]
    return f"| {' | '.join(cells)} |"


def _until_broken(system: System, order: Order, first: int, most: int, events: int) -> int:
    """How many walks it takes; one more than `most` when it takes more."""
    for seed in range(first, first + most):
        scheduler: Scheduler = Uniform(seed) if order == "uniform" else Pctcp(seed, DEPTH, events)
        if walk(system.world, scheduler, seed, MOST, system.invariants).broken:
            return seed - first + 1
    return most + 1


def _number(value: float, most: int) -> str:
    return f">{most}" if value > most else f"{value:g}"


if __name__ == "__main__":
    raise SystemExit(main())
