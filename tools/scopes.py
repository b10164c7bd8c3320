"""How far checks of sessions go: ``python -m tools.scopes [--only WORDS] [--seconds 60]``.

Each scope is searched with all thirteen promises, and with all reductions; the smaller ones also with each of them turned off. A search
that takes longer than it may, or more memory, is stopped, and its row says where. What was measured is kept in
`scopes.json`, so that scopes can be measured one by one; `scopes.md` is made of all of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any, Final

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.intern import Overflow
from sim.checker.result import CheckResult, Verdict
from sim.checker.search import Progress
from sim.checker.warm import warm
from sim.scenario.checked import NO_REDUCTIONS, Bounds, Reductions, system_of
from tools.finding_scopes import PROGRAM, RECREATED, cluster, named

NAME: Final = "scopes"
TWICE: Final = [
    step
    for session in ("a", "b")
    for step in (
        {"op": "create", "as": session, "creation": "60s", "execution": "600s"},
        {"op": "act", "in": session, "work": {"name": "work", "ms": 30_000}},
        {"op": "complete", "in": session},
    )
]
"""Two sessions, one after the other."""
PROGRAMS: Final = {"one session": PROGRAM, "two sessions": TWICE, "recreated over ContinueAsNew": RECREATED}

ALL: Final = Reductions()
VARIANTS: Final[dict[str, tuple[Reductions, dict[str, bool]]]] = {
    "all": (ALL, {}),
    "subsumption": (ALL, {"subsumption": False}),
    "symmetry": (ALL, {"symmetry": False, "sharing": False}),
    "parts": (ALL, {"parts": False}),
    **{name: (replace(ALL, **{name: False}), {}) for name in ALL.names},
    "none": (NO_REDUCTIONS, {"symmetry": False, "sharing": False, "parts": False, "subsumption": False}),
}
"""With all reductions, without one of them, with none at all."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is searched. `variants`: whether it is small enough to be searched without reductions, too."""

    group: str
    size: tuple[int, int, int]
    budgets: tuple[str, ...] = ()
    program: str = "one session"
    variants: bool = False

    def __str__(self) -> str:
        return named(self.size, self.program, self.budgets)

    def scenario(self) -> Scenario:
        return Scenario.from_dict(cluster(self.size, PROGRAMS[self.program]))


SMALL, LARGE, LARGEST, PROGRAMMED = "every budget alone, in pairs and together", "crash and lost response", "the largest", "other workflows"
SCOPES: Final = (
    Scope(SMALL, (2, 1, 1), ("crashes",), variants=True),
    Scope(SMALL, (2, 1, 1), ("stops",), variants=True),
    Scope(SMALL, (2, 1, 1), ("slow",), variants=True),
    Scope(SMALL, (2, 1, 1), ("lost_responses",), variants=True),
    Scope(SMALL, (2, 1, 1), ("lost_machines",), variants=True),
    Scope(SMALL, (2, 1, 1), ("duplicates",)),
    Scope(SMALL, (2, 1, 1), ("pauses",)),
    Scope(SMALL, (2, 1, 1), ("partitions",)),
    Scope(SMALL, (2, 1, 1), ("crashes", "restarts"), variants=True),
    Scope(SMALL, (1, 1, 1), ("crashes", "lost_responses", "stops", "slow")),
    Scope(SMALL, (2, 1, 1), ("crashes", "lost_responses", "stops", "slow")),
    Scope(SMALL, (2, 1, 2), (), variants=True),
    Scope(SMALL, (2, 1, 2), ("crashes",), variants=True),
    Scope(SMALL, (2, 1, 2), ("stops",)),
    Scope(SMALL, (2, 1, 2), ("slow",)),
    Scope(SMALL, (2, 1, 2), ("lost_responses",)),
    Scope(SMALL, (2, 1, 2), ("lost_machines",)),
    Scope(SMALL, (2, 1, 2), ("duplicates",)),
    Scope(SMALL, (2, 1, 2), ("crashes", "restarts")),
    Scope(SMALL, (2, 1, 2), ("crashes", "stops")),
    Scope(SMALL, (2, 1, 2), ("crashes", "slow")),
    Scope(SMALL, (2, 1, 2), ("stops", "slow")),
    Scope(SMALL, (2, 1, 2), ("crashes", "stops", "slow")),
    Scope(LARGE, (2, 1, 2), ("crashes", "lost_responses")),
    Scope(LARGE, (2, 1, 2), ("crashes", "lost_responses", "stops", "slow")),
    Scope(LARGE, (2, 2, 3), ("crashes", "lost_responses")),
    Scope(PROGRAMMED, (2, 1, 1), ("cancels",), variants=True),
    Scope(PROGRAMMED, (2, 1, 2), ("cancels",)),
    Scope(PROGRAMMED, (2, 1, 2), ("cancels", "crashes")),
    Scope(PROGRAMMED, (2, 2, 3), ("cancels",)),
    Scope(PROGRAMMED, (2, 1, 1), ("crashes",), "two sessions", variants=True),
    Scope(PROGRAMMED, (2, 1, 2), (), "two sessions"),
    Scope(PROGRAMMED, (2, 1, 2), ("stops",), "two sessions"),
    Scope(PROGRAMMED, (2, 1, 2), ("cancels",), "two sessions"),
    Scope(PROGRAMMED, (2, 1, 2), ("crashes",), "two sessions"),
    Scope(PROGRAMMED, (2, 2, 3), (), "two sessions"),
    Scope(PROGRAMMED, (2, 1, 1), ("crashes",), "recreated over ContinueAsNew", variants=True),
    Scope(PROGRAMMED, (2, 1, 2), (), "recreated over ContinueAsNew"),
    Scope(PROGRAMMED, (2, 1, 2), ("stops",), "recreated over ContinueAsNew"),
    Scope(PROGRAMMED, (2, 1, 2), ("cancels",), "recreated over ContinueAsNew"),
    Scope(PROGRAMMED, (2, 1, 2), ("crashes",), "recreated over ContinueAsNew"),
    Scope(PROGRAMMED, (2, 2, 3), (), "recreated over ContinueAsNew"),
    Scope(LARGEST, (2, 2, 3), ()),
    Scope(LARGEST, (2, 2, 3), ("stops",)),
    Scope(LARGEST, (2, 2, 3), ("crashes",)),
    Scope(LARGEST, (2, 2, 4), ()),
    Scope(LARGEST, (3, 1, 3), ("crashes",)),
    Scope(LARGEST, (3, 2, 3), ("crashes",)),
    Scope(LARGEST, (2, 2, 4), ("crashes",)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/checker"))
    parser.add_argument("--only", default="", help="scopes in whose name or group this stands")
    parser.add_argument("--again", action="store_true", help="measure what was measured before, too")
    parser.add_argument("--variants", action=argparse.BooleanOptionalAction, default=True, help="small scopes without reductions, too")
    parser.add_argument("--seconds", type=float, default=60, help="of one search at most, of the time that its threads work")
    parser.add_argument("--memory", type=float, default=6, help="GiB")
    parser.add_argument("--jobs", type=int, default=0, help="threads; 0 is one per core")
    options = parser.parse_args()
    kept = options.out / f"{NAME}.json"
    rows: dict[str, dict[str, dict[str, Any]]] = json.loads(kept.read_text()) if kept.exists() else {}
    for scope in SCOPES:
        if options.only not in f"{scope.group}: {scope}":
            continue
        for variant in VARIANTS if scope.variants and options.variants else ("all",):
            if variant in rows.get(str(scope), {}) and not options.again:
                continue
            row = measured(scope, variant, options.seconds, options.memory, options.jobs)
            print(scope, variant, row, flush=True)
            rows.setdefault(str(scope), {})[variant] = row
            kept.write_text(json.dumps({str(s): rows[str(s)] for s in SCOPES if str(s) in rows}, indent=1) + "\n")
    (options.out / f"{NAME}.md").write_text("\n".join(page(rows)) + "\n")


def measured(scope: Scope, variant: str, seconds: float, memory: float, jobs: int) -> dict[str, Any]:
    """One search as a row."""
    reductions, how = VARIANTS[variant]
    system = system_of(scope.scenario(), Bounds(**dict.fromkeys(scope.budgets, 1)), None, reductions)
    warm(system.world)
    ends = process_time() + seconds

    def watch(progress: Progress) -> None:
        if process_time() > ends:
            raise Overflow(f"{seconds:g} s were over at depth {progress.depth}")

    began = process_time()
    result = check(system, Options(jobs=jobs, memory=int(memory * 2**30), **how), watch)
    return as_row(result, process_time() - began)


def as_row(result: CheckResult, seconds: float) -> dict[str, Any]:
    """What is kept of a search."""
    return {
        "states": result.states,
        "generated": result.generated,
        "depth": result.depth,
        "stopped": result.stopped,
        "seconds": round(seconds, 1),
        "bytes_per_state": round(result.bytes_per_state),
        "handler_calls": result.handler_calls,
        "local_states": result.local_states,
        "broken": sorted(name for name, judgement in result.properties.items() if judgement.verdict is Verdict.BROKEN),
        "exercised": sum(judgement.verdict is not Verdict.NOT_EXERCISED for judgement in result.properties.values()),
    }


def page(rows: dict[str, dict[str, dict[str, Any]]]) -> Iterator[str]:
    yield "# How far checks of sessions go\n"
    yield "`python -m tools.scopes`: workers x slots x workflows, what each workflow does, and one of each fault that is named; all"
    yield "thirteen promises, without a clock (`untimed`). States are orbits: counted up to the names of workers and workflows. The"
    yield "share is that of handler calls in successors. Seconds are those that a search's threads worked, with the ways of what is broken."
    yield "[findings](findings.md) has each budget alone in clusters up to 2 x 2 x 3."
    for group in dict.fromkeys(scope.group for scope in SCOPES if str(scope) in rows):
        yield f"\n## {group.capitalize()}\n"
        yield "| scope | states | successors | depth | bytes a state | handler calls | share | local states | time | broken |"
        yield "|---|---:|---:|---:|---:|---:|---:|---|---:|---|"
        for scope in SCOPES:
            if scope.group == group and str(scope) in rows:
                yield _line(str(scope), rows[str(scope)]["all"])
    yield "\n## Without reductions\n"
    yield "What each of them is worth: states and seconds when it alone is turned off, and with none. Verdicts are the same wherever a"
    yield "search ended.\n"
    yield f"| scope | {' | '.join('all' if v == 'all' else 'none' if v == 'none' else f'without {v}' for v in VARIANTS)} |"
    yield "|---|" + "---:|" * len(VARIANTS)
    for name, found in rows.items():
        if len(found) > 1:
            yield f"| {name} | {' | '.join(_short(found[variant]) if variant in found else '' for variant in VARIANTS)} |"
    unlike = [name for name, found in rows.items() if len({tuple(r["broken"]) for r in found.values() if not r["stopped"]}) > 1]
    assert not unlike, f"verdicts differ between reductions: {unlike}"


def _line(scope: str, row: dict[str, Any]) -> str:
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in row["local_states"].items() if kind in ("Run", "Worker", "RemoteWorker", "Watcher"))
    states = f"{row['states']:,}" + (f" (stopped: {row['stopped']})" if row["stopped"] else "")
    share = f"{100 * row['handler_calls'] / max(1, row['generated']):,.1f} %"
    return (
        f"| {scope} | {states} | {row['generated']:,} | {row['depth']} | {row['bytes_per_state']:,} | {row['handler_calls']:,} | {share} | "
        f"{kinds} | {_seconds(row)} | {', '.join(row['broken']) or 'nothing'} |"
    )


def _short(row: dict[str, Any]) -> str:
    return f"{'more than ' if row['stopped'] else ''}{row['states']:,} in {_seconds(row)}"


def _seconds(row: dict[str, Any]) -> str:
    return f"{row['seconds']:,} s"


if __name__ == "__main__":
    main()
