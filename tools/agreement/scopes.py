"""What is compared: small clusters with at most one fault, as scenarios that the checker and the simulator both run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim import Scenario
from sim.model.instant import InstantWorld
from sim.model.system import System
from sim.model.windows import Ticks
from sim.scenario.checked import Bounds, system_of

PROGRAM: Final = [
    {"op": "create", "as": "s", "creation": "20s", "execution": "40s"},
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s"},
]
"""Timeouts of the order of the work and of a heartbeat's, so that runs differ in what comes first."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Workers, slots of each, workflows; and budgets of faults."""

    size: tuple[int, int, int]
    budgets: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        faults = " and ".join(f"{count} of {fault.replace('_', ' ')}" for fault, count in self.budgets.items()) or "no fault"
        return f"{' x '.join(map(str, self.size))}, {faults}"

    def scenario(self, delay: object = "0s") -> Scenario:
        """The scenario. When messages take no time, the cluster comes to rest after each instant. `delay`: a law, of each message."""
        workers, slots, workflows = self.size
        tables: dict[str, Any] = {
            "name": "agreement",
            "title": str(self),
            "until": "20m",
            "cluster": {"partitions": 1},
            "network": {"request": delay, "response": delay},
            "workers": [{"name": "w", "count": workers, "max_concurrent_session_execution_size": slots}],
            "workflows": [{"id": "job", "count": workflows, "program": PROGRAM, "arrival": {"at": ["0s"]}}],
            "activities": {"DoWork": {"duration": {"uniform": ["100ms", "60s"]}}},
        }
        return Scenario.from_dict(tables)

    def system(self) -> System:
        """The system to check, without properties: only what the protocol itself does is compared."""
        return system_of(self.scenario(), Bounds(**self.budgets), [])

    def world(self, unit: int) -> InstantWorld:
        """The same with a clock that moves in ticks of `unit` microseconds."""
        world = system_of(self.scenario(), Bounds(**self.budgets), [], ticks=Ticks(unit)).world
        assert isinstance(world, InstantWorld)
        return world


ONE_FAULT: Final = ("crashes", "stops", "cancels", "lost_requests", "lost_responses", "slow")
SCOPES: Final = (
    *(Scope(size, budgets) for size in ((1, 1, 1), (2, 1, 1)) for budgets in ({}, *({fault: 1} for fault in ONE_FAULT))),
    Scope((2, 1, 1), {"crashes": 1, "restarts": 1}),
    Scope((2, 1, 2)),
    Scope((2, 1, 2), {"crashes": 1}),
)
