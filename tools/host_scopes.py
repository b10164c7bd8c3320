"""What the checker says of host sessions in small scopes: ``python -m tools.host_scopes [SCOPE ...]``.

It writes `reports/host-sessions/checker.md`, and `checker.json` beside it, in which scopes that are not searched now stay as they were.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sim import Scenario
from sim.checker.checking import Options, check
from sim.checker.result import CheckResult, Verdict
from sim.properties.automaton import timeless
from sim.scenario.checked import Bounds, system_of
from sim.workflow.variants import Variant

FOLDER: Final = Path(__file__).parent.parent / "reports" / "host-sessions"
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
    "slow, two slots": (1, 2, {"slow": 1}),
    "crash, restart, two processes": (2, 1, {"crashes": 1, "restarts": 1}),
}
"""Name -> processes of the host, slots of each, and what may happen. One workflow with one session and one activity."""
HEAD: Final = """# Host sessions in the checker

`python -m tools.host_scopes`: one workflow with one session and one activity that looks at its context; processes of one host; time
untimed. A number is the length of the shortest way to where the promise is broken; `-`: never put to the test. A scope that was not
finished says so.

"""
Found = dict[str, Any]
"""Of a scope: `states`, `complete`, and `verdicts` by promise."""


def checked(scope: tuple[int, int, dict[str, int]], limit: int) -> Found:
    """Search a scope for all promises that are not about time."""
    processes, slots, budgets = scope
    tables = {
        "protocol": "host",
        "workers": [{"name": "w", "count": processes, "resource_id": "h", "max_concurrent_session_execution_size": slots}],
        "workflows": [{"id": "job", "program": PROGRAM}],
    }
    names = timeless(Variant.HOST)
    result = check(system_of(Scenario.from_dict(tables), Bounds(**budgets), names), Options(jobs=1, limit=limit))
    return {"states": result.states, "complete": result.complete, "verdicts": {name: cell(result, name) for name in names}}


def cell(result: CheckResult, name: str) -> str:
    """What is said of a promise."""
    judged = result.properties[name]
    if judged.verdict is Verdict.BROKEN:
        return f"broken, {len(judged.path)}" if judged.path is not None else "broken"
    return "held" if judged.verdict is Verdict.HELD else "-"


def page(found: Mapping[str, Found]) -> str:
    """The scopes, and the table of verdicts."""
    lines = ["| scope | processes | slots | states | finished |", "|---|---:|---:|---:|---|"]
    shown = [name for name in SCOPES if name in found]
    for name in shown:
        processes, slots, _ = SCOPES[name]
        lines.append(f"| {name} | {processes} | {slots} | {found[name]['states']:,} | {'yes' if found[name]['complete'] else 'no'} |")
    lines += ["", f"| promise | {' | '.join(shown)} |", f"|---|{'---|' * len(shown)}"]
    for promise in timeless(Variant.HOST):
        lines.append(f"| `{promise}` | {' | '.join(found[name]['verdicts'][promise] for name in shown)} |")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.host_scopes", description="Host sessions in the checker.")
    parser.add_argument("--limit", type=int, default=200_000, help="states of a scope at most (200,000)")
    parser.add_argument("scopes", nargs="*", choices=[*SCOPES, []], help="which; all when none is named")
    options = parser.parse_args(argv)
    kept = FOLDER / "checker.json"
    found: dict[str, Found] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for name in options.scopes or SCOPES:
        found[name] = checked(SCOPES[name], options.limit)
        print(f"{name}: {found[name]['states']:,} states", flush=True)
        kept.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        (FOLDER / "checker.md").write_text(HEAD + page(found), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
