"""What the checker says of host sessions in small scopes: ``python -m tools.host_scopes``; writes `reports/host-sessions/checker.md`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import CheckResult, Verdict
from sim.properties.automaton import timeless
from sim.scenario.checked import Bounds, system_of
from sim.workflow.variants import Variant

REPORT: Final = Path(__file__).parent.parent / "reports" / "host-sessions" / "checker.md"
PROGRAM: Final[list[dict[str, Any]]] = [
    {"op": "create", "as": "s", "creation": "60s", "execution": "600s", "survive_restart": True},
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s", "work": {"ms": 2000, "obey": True}},
]
SCOPES: Final[dict[str, tuple[int, int, dict[str, int]]]] = {
    "nothing happens": (1, 1, {}),
    "crash, restart": (1, 1, {"crashes": 1, "restarts": 1}),
    "two crashes, two restarts": (1, 1, {"crashes": 2, "restarts": 2}),
    "crash, restart, cancel": (1, 1, {"crashes": 1, "restarts": 1, "cancels": 1}),
    "graceful stop": (2, 1, {"stops": 1}),
    "lost answer": (1, 1, {"lost_responses": 1}),
    "lost request": (1, 1, {"lost_requests": 1}),
    "slow": (2, 1, {"slow": 1}),
    "crash, restart, two processes": (2, 1, {"crashes": 1, "restarts": 1}),
    "slow, two slots": (1, 2, {"slow": 1}),
    "slow twice": (2, 1, {"slow": 2}),
}
"""Name -> processes of the host, slots of each, and what may happen. One workflow with one session and one activity."""
HEAD: Final = """# Host sessions in the checker

`python -m tools.host_scopes`: one workflow with one session and one activity that looks at its context; processes of one host; time
untimed. A number is the length of the shortest way to where the promise is broken; `-`: never put to the test. At most {limit:,} states
each; a scope that was not finished says so.

"""


def checked(scope: tuple[int, int, dict[str, int]], limit: int) -> CheckResult:
    """Search a scope for all promises that are not about time."""
    processes, slots, budgets = scope
    tables = {
        "protocol": "host",
        "workers": [{"name": "w", "count": processes, "resource_id": "h", "max_concurrent_session_execution_size": slots}],
        "workflows": [{"id": "job", "program": PROGRAM}],
    }
    return check(system_of(Scenario.from_dict(tables), Bounds(**budgets), timeless(Variant.HOST)), Options(jobs=1, limit=limit))


def cell(result: CheckResult, name: str) -> str:
    """What is said of a promise."""
    judged = result.properties[name]
    if judged.verdict is Verdict.BROKEN:
        return f"broken, {len(judged.path)}" if judged.path is not None else "broken"
    return "held" if judged.verdict is Verdict.HELD else "-"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.host_scopes", description="Host sessions in the checker.")
    parser.add_argument("--limit", type=int, default=200_000, help="states of a scope at most (200,000)")
    parser.add_argument("--out", type=Path, default=REPORT, help=f"the report ({REPORT.name})")
    options = parser.parse_args(argv)
    found: dict[str, CheckResult] = {}
    for name, scope in SCOPES.items():
        found[name] = checked(scope, options.limit)
        print(f"{name}: {found[name].states:,} states", flush=True)
        options.out.write_text(HEAD.format(limit=options.limit) + page(found), "utf-8")
    return 0


def page(found: dict[str, CheckResult]) -> str:
    """The scopes, and the table of verdicts."""
    lines = ["| scope | processes | slots | states | finished |", "|---|---:|---:|---:|---|"]
    for name, result in found.items():
        processes, slots, _ = SCOPES[name]
        lines.append(f"| {name} | {processes} | {slots} | {result.states:,} | {'yes' if result.complete else 'no'} |")
    lines += ["", f"| promise | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for promise in timeless(Variant.HOST):
        lines.append(f"| `{promise}` | {' | '.join(cell(result, promise) for result in found.values())} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
