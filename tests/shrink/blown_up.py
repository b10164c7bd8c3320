"""Failing runs of which one knows how small they can be: confirmed findings of the checker, alone and in a crowd."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from sim import Scenario, Tape, run
from sim.trace.tape import read

FINDINGS = Path(__file__).parents[1] / "data" / "findings"

DEVIATIONS = {"activity_needs_slot": 1, "failure_is_failure": 1, "exclusive_work": 1, "one_binding": 1}
"""The findings, and how many faults the ways have that the checker found: no way with fewer steps has less than these."""


def finding(name: str) -> Tape:
    """The confirmed run of a finding."""
    return read(FINDINGS / f"{name}.tape")


def blown_up(name: str) -> Tape:
    """The finding's run in a crowd, under a seed that still breaks it."""
    return in_a_crowd(finding(name).scenario, name)


def in_a_crowd(tables: dict[str, Any], name: str, tries: int = 100) -> Tape:
    """The run of the first seed that breaks the property: in the midst of a crowd, else beside one with queues of its own."""
    for queue in ("", "crowd"):
        scenario = Scenario.from_dict(_crowded(tables, queue))
        for seed in range(tries):
            result = run(scenario, seed, properties=(name,))
            if result.properties[name] == "broken":
                return result.tape
    raise AssertionError(f"none of {tries} seeds breaks {name}")


def _crowded(tables: dict[str, Any], queue: str) -> dict[str, Any]:
    """A scenario with workers, workflows, faults and laws that it does not need."""
    tables = copy.deepcopy(tables)
    tables["network"] = {leg: {"lognormal": {"median": "1.7ms", "p95": "6.1ms"}} for leg in ("request", "response")}
    of_queue, mutants = {"task_queue": queue}, tables["workers"][0].get("mutants", [])
    tables["workers"] += [{"name": "more", "count": 3, "max_concurrent_session_execution_size": 4, "mutants": mutants} | of_queue]
    tables["workflows"] += [_other("other", 3) | of_queue, _other("late", 2) | of_queue | {"arrival": {"poisson": "7.3s"}}]
    tables["faults"] = [
        *tables.get("faults", ()),
        {"kind": "kill", "target": "more2", "at": "21.7s", "for": "3.1s"},
        {"kind": "delay_response", "target": "more1", "every": {"exponential": "11s"}, "until": "40s", "delay": "150ms"},
        {"kind": "partition", "target": "more3", "at": "9.25s", "for": "1.35s"},
        {"kind": "cancel", "target": "other-2", "at": "33s"},
        {"kind": "clock", "target": "server", "at": "3s", "skew": "1.5s"},
    ]
    return tables


def _other(name: str, count: int) -> dict[str, Any]:
    """Workflows that have nothing to do with it."""
    steps = [
        {"op": "create", "as": "s", "creation": "37s", "execution": "5m"},
        {"op": "defer_complete", "in": "s"},
        {"op": "act", "in": "s", "work": {"name": "fetch", "ms": 2_345, "beat_ms": 500}, "hb": "7s"},
        {"op": "sleep", "ms": 1_234},
        {"op": "act", "in": "s", "work": {"name": "store", "ms": 4_321}, "attempts": 3},
    ]
    return {"id": name, "count": count, "program": steps}
