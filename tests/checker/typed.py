"""Small pools with typed resources, for searches: workers, and workflows that create a session each."""

from __future__ import annotations

from typing import Any

from sim import Scenario
from sim.protocol.mutants import Mutant

Units = dict[str, int]


def pool(
    units: Units, *programs: list[dict[str, Any]], shapes: list[Units] | None = None, bug: Mutant | None = None, workers: int = 1
) -> Scenario:
    """Workers with so many units each, open to these demands (all without), and a workflow for each program."""
    worker: dict[str, Any] = {"name": "w", "count": workers, "session_resources": units, "session_shapes": shapes or []}
    if bug is not None:
        worker["mutants"] = [bug.name.lower()]
    workflows = [{"id": f"j{i}", "program": program} for i, program in enumerate(programs)]
    return Scenario.from_dict({"protocol": "host", "workers": [worker], "workflows": workflows})


def create(name: str = "s", creation: str = "0s", **units: int) -> dict[str, Any]:
    """Create a session with so many units; CreateSession waits for as long as it takes, unless told otherwise."""
    return {"op": "create", "as": name, "creation": creation, "execution": "600s", "resources": units}


def complete(name: str = "s") -> dict[str, Any]:
    """Complete it."""
    return {"op": "complete", "in": name}


def session(**units: int) -> list[dict[str, Any]]:
    """A workflow that creates a session and completes it."""
    return [create(**units), complete()]
