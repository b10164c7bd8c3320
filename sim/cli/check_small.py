"""`session-sim check --small`: the plain search of `sim.model.explorer`, for machines without numba and for second opinions."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from sim.cli import check_liveness
from sim.cli.exits import Exit
from sim.cli.output import print_json, to_user
from sim.model.system import System


def show(system: System, symmetric: bool, limit: int, as_json: bool) -> Exit:
    """Explore, print, and say with which code to end."""
    began = perf_counter()
    found = system.explore(symmetric, limit)
    ends = check_liveness.judged(None, system, limit, found.states)
    properties: dict[str, dict[str, Any]] = {}
    for name in [*system.invariants, *system.goals]:
        path = found.broken.get(name) or found.reached.get(name)
        decided = "broken" if name in found.broken else "held" if name in found.reached else None
        otherwise = "undecidable" if not found.complete else "not exercised" if name in system.goals else "held"
        labels = [choice.label() for choice in path] if path is not None else None
        properties[name] = {
            "verdict": decided or otherwise,
            "goal": name in system.goals,
            "confirmed": False,
            "length": len(path) if path is not None else None,
            "tape": None,
            "path": labels,
        }
    if as_json:
        counts = {"states": found.states, "generated": found.generated, "depth": found.depth, "complete": found.complete}
        # What only the compiled search has is there, and empty.
        others: dict[str, Any] = {
            "bytes_per_state": None,
            "compiled_bytes": None,
            "handler_calls": None,
            "local_states": {},
            "collision_probability": 0.0,
        }
        seconds = {"compile": 0.0, "search": round(perf_counter() - began, 3)}
        bounds = dict(system.bounds)
        print_json(
            {
                **counts,
                "deadlocks": found.deadlocks,
                "seconds": seconds,
                "bounds": bounds,
                "properties": {**properties, **check_liveness.to_json(ends)},
                **others,
            }
        )
    else:
        console = to_user()
        for name, row in properties.items():
            console.print(f"{name:<24} {row['verdict']}" + (f", {row['length']} steps" if row["length"] is not None else ""), markup=False)
            if row["verdict"] == "broken":
                for number, label in enumerate(row["path"], 1):
                    console.print(f"{number:4}  {label}", markup=False, soft_wrap=True)
        check_liveness.show(console, ends)
        console.print(f"{found.states:,} states, depth {found.depth}" + ("" if found.complete else f"; stopped at {limit:,} states"))
    is_decided = found.complete and all(row["verdict"] != "not exercised" for row in properties.values())
    so_far = Exit.NOT_AS_EXPECTED if found.broken else Exit.OK if is_decided else Exit.INCOMPLETE
    return check_liveness.exit_code(ends, so_far, is_model=True)
