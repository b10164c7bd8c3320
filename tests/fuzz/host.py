"""Host sessions for campaigns: two processes of one host, whose clock runs a tenth too slow, and a third that runs workflows, too.

Work takes now a moment, now minutes: so what a process began that was replaced may end after what its successor does. With such a clock
a lease outlives what the server counts: so a process may be given a session that it still holds.
"""

from __future__ import annotations

from typing import Any

from sim import Scenario
from sim.protocol.mutants import Mutant

WORKER = {"resource_id": "h", "max_concurrent_session_execution_size": 2, "worker_stop_timeout": "5s", "restart_after": "3s",
          "clock": {"drift_ppm": -100_000}}  # fmt: skip
CREATE = {"op": "create", "as": "s", "creation": "60s", "execution": "600s", "survive_restart": True, "grace": "2m"}
STEPS: list[dict[str, Any]] = [
    CREATE,
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s", "activity": "step", "ignore": True},
    {"op": "act", "in": "s", "activity": "step", "ignore": True},
    {"op": "act", "in": "s", "activity": "step", "ignore": True},
    {"op": "sleep", "ms": 60000},
]


def host_sessions(*mutants: Mutant, **more: Any) -> Scenario:
    """Two workflows with a session each."""
    planted = [mutant.name.lower() for mutant in mutants]
    return Scenario.from_dict(
        {
            "name": "host",
            "protocol": "host",
            "workers": [
                {"name": "a", **WORKER, "mutants": planted},
                {"name": "b", **WORKER, "mutants": planted},
                {"name": "w", "enable_session_worker": False, "mutants": planted},
            ],
            "activities": {"step": {"duration": {"exponential": "20s"}}},
            "workflows": [{"id": "job", "count": 2, "program": STEPS}],
            "fuzz": {"kinds": ["kill", "pause", "partition", "lose_request"], "strength": 3.0},
            **more,
        }
    )
