"""Do simulations stay within the states that the checker finds? ``python -m tools.agreement [--seeds 1000] [--out reports/checker]``.

Each small cluster is checked, and then simulated under many seeds with messages that take no time; every state that a run comes
to rest in is looked up in the checker's set.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from tools.agreement.compare import Agreement, Checked, Delayed, agreement, delayed
from tools.agreement.scopes import SCOPES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/checker"))
    parser.add_argument("--seeds", type=int, default=1000, help="runs of each cluster")
    parser.add_argument("--delayed", type=int, default=50, help="runs of each cluster with messages that take their time")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results: list[tuple[Agreement, Delayed]] = []
    for scope in SCOPES:
        began = monotonic()
        checked = Checked(scope.system())
        result = agreement(scope, range(options.seeds), checked)
        results.append((result, delayed(scope, range(options.delayed), checked)))
        print(row(result), f"{monotonic() - began:.0f} s", flush=True)
        (options.out / "agreement.md").write_text("\n".join(page(results, options.seeds, options.delayed)) + "\n")
        for what in [*result.missing, *result.astray][:2]:
            print("  ", what[:4000], flush=True)
    return 0 if all(result.agrees for result, _ in results) else 1


def page(results: Sequence[tuple[Agreement, Delayed]], seeds: int, delays: int) -> Iterator[str]:
    """The report."""
    total = sum(result.instants for result, _ in results)
    wrong = sum(len(result.missing) + len(result.astray) for result, _ in results)
    yield "# Simulations and the checker\n"
    yield f"`python -m tools.agreement --seeds {seeds}`: {len(results)} small clusters (workers x slots x workflows), {seeds:,} simulations"
    yield f"each; {total:,} times one of them came to rest. The state that it was in then, of all nodes, with timers, open calls and what"
    yield "was left of the budgets, was looked up among the states that the checker finds, and the step there among its choices."
    yield f"**Missing: {wrong or 'none'}.**\n"
    yield HOW
    yield "| cluster | checker's states | runs | followed to the end | instants | states of them | share of the checker's | missing |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    yield from (row(result) for result, _ in results)
    yield LEFT
    yield "| budget: what | runs |"
    yield "|---|---:|"
    left: dict[str, int] = {}
    for result, _ in results:
        for what, count in result.left.items():
            left[what] = left.get(what, 0) + count
    yield from (f"| {what} | {count} |" for what, count in sorted(left.items(), key=lambda item: -item[1]))
    yield "\n## With messages that take their time\n"
    yield f"{delays:,} runs of each cluster, every message 1 to 20 ms on its way. {LATE}"
    kinds = sorted({kind for _, late in results for kind in late.seen})
    yield f"| cluster | {' | '.join(kinds)} |"
    yield f"|---|{'---:|' * len(kinds)}"
    for result, late in results:
        yield f"| {result.scope} | {' | '.join(f'{late.known[kind]:,} of {late.seen[kind]:,}' for kind in kinds)} |"
    yield from (f"\n* {what}" for result, _ in results for what in (*result.missing, *result.astray))


HOW = """What makes the two comparable:

* Messages take no time, so the cluster comes to rest after each instant; there is one partition to a queue, and workers have the
  options that the checker gives them. The rest is the simulator as it is: the server's numbered deliveries and its timer queue, clocks,
  links, long polls.
* Runs differ in what the seed draws: how long activities, reads, workflow tasks and goroutines take, in which order workers begin to
  poll, how fast each clock runs (wall clocks stand still), which process a fault hits after which instant, which message is lost.
* Nodes are compared in the checker's form (`sim/scenario/projected.py`): a queue's polls wait in no order, each deadline has a timer of
  its own, deliveries have no numbers. Budgets come from the checked world's own choices (`sim/scenario/following.py`).
* States are counted up to the names of workers and workflows that are interchangeable.
"""

LEFT = """
Simulations reach few of the states with a lost call or a slow timer: after it any timer may be the next in the checker, while in a
simulation most have lengths that say who is.

## Where runs are left

A run is followed until it has done more than a budget allows. The checker's budget `slow` (`--time untimed`) is for timers that fire
although something would come before them. What such timers were, over all clusters:

* `Run Heartbeat`, `Run StartToClose`: the server's clock runs ahead of the worker's, as drawn. Slowness as it is meant.
* `Worker deadline`: a worker gives up an attempt before the server has timed it out. The two timers have the same length, and the
  server's fires 1.5 to 4 ms late, up to a second if its queue was loaded just before (P4.3.10); so the worker's is the first in most runs
  that come to it, with clocks that agree. Without the budget the checker lets the server be first: **what a worker does in that moment is
  only seen with `--slow 1`** (or with `--time windows`, where timers have lengths).
"""

LATE = """Then a cluster hardly ever comes to rest, and a
state of all nodes has no counterpart; local states of single nodes have. A worker is counted in parts, as the checker keeps it: its rest,
and each activity and workflow task. Nothing says that these states have to be the checker's: the others are those that only a message on
its way leads to, or (these runs are not cut where a budget is spent) a timer that was too slow.
"""


def row(result: Agreement) -> str:
    """A row of the table."""
    missing = len(result.missing) + len(result.astray)
    return (
        f"| {result.scope} | {result.states:,} | {result.runs:,} | {result.ended:,} | {result.instants:,} | {len(result.seen):,} | "
        f"{result.share:.0%} | {missing} |"
    )


if __name__ == "__main__":
    raise SystemExit(main())
