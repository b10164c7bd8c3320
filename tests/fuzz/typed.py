"""Typed resources for campaigns: two machines with two GPUs and two disks, and sessions that need one of each, both GPUs, or a GPU."""

from __future__ import annotations

from typing import Any

from sim import Scenario
from sim.protocol.mutants import Mutant

WORKER = {"session_resources": {"gpu": 2, "disk": 2}, "session_shapes": [{"gpu": 1}, {"gpu": 2}, {"gpu": 1, "disk": 1}],
          "restart_after": "5s"}  # fmt: skip


def using(**units: int) -> list[dict[str, Any]]:
    """A session with so many units, and two activities; it has ten seconds of patience and survives restarts."""
    create = {"op": "create", "as": "s", "creation": "3m", "execution": "600s", "resources": units, "patience": "10s"}
    act = {"op": "act", "in": "s", "activity": "step", "ignore": True}
    return [{**create, "survive_restart": True, "grace": "1m"}, {"op": "defer_complete", "in": "s"}, act, act]


def typed_resources(*mutants: Mutant, **more: Any) -> Scenario:
    """Nine workflows with a session each, soon after each other."""
    planted = [mutant.name.lower() for mutant in mutants]
    demands = {"one": {"gpu": 1}, "all": {"gpu": 2}, "both": {"gpu": 1, "disk": 1}}
    workflows = [
        {"id": name, "count": 3, "program": using(**units), "arrival": {"every": {"exponential": "5s"}}} for name, units in demands.items()
    ]
    return Scenario.from_dict(
        {
            "name": "typed",
            "protocol": "host",
            "until": "30m",
            "workers": [{"name": name, **WORKER, "mutants": planted} for name in ("a", "b")],
            "activities": {"step": {"duration": {"exponential": "10s"}, "heartbeat_every": "1s", "obeys_cancellation": True}},
            "workflows": workflows,
            **more,
        }
    )
