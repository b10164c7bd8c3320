"""Small scenarios for tests, and an observer that keeps what it sees."""

from __future__ import annotations

from typing import Any

from sim import RunResult, Scenario, run
from sim.protocol.observations import FaultHappened
from sim.scenario.cluster import Cluster
from sim.simulator.simulation import Simulation

SECOND = 1_000_000


def act(ms: int = 20_000, **more: Any) -> dict[str, Any]:
    """A step that works in session `s`."""
    return {"op": "act", "in": "s", "work": {"name": "work", "ms": ms}, **more}


CREATE: dict[str, Any] = {"op": "create", "as": "s", "creation": "60s", "execution": "600s"}
DEFER: dict[str, Any] = {"op": "defer_complete", "in": "s"}
HAPPY: list[dict[str, Any]] = [CREATE, DEFER, act()]


def tables(program: list[dict[str, Any]] | None = None, count: int = 2, **more: Any) -> dict[str, Any]:
    """A scenario's tables: workers w1, w2 with 2 slots each and delays of 1 ms, a workflow `w`."""
    content: dict[str, Any] = {
        "name": "test",
        "network": {"request": "1ms", "response": "1ms"},
        "workers": [{"name": "w", "count": count, "max_concurrent_session_execution_size": 2}],
        "workflows": [{"id": "w", "program": HAPPY if program is None else program}],
    }
    return content | more


def scenario(program: list[dict[str, Any]] | None = None, count: int = 2, **more: Any) -> Scenario:
    """The scenario of these tables."""
    return Scenario.from_dict(tables(program, count, **more))


class Seen:
    """Keeps (seconds, node, observation) of these classes."""

    def __init__(self, *kinds: type) -> None:
        self.kinds = kinds
        self.all: list[tuple[float, str, Any]] = []
        self.cluster: Cluster | None = None

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        self.cluster = cluster
        for kind in self.kinds:
            simulation.listen(kind, lambda time, node, o: self.all.append((time / SECOND, node, o)))

    def times(self, kind: type, **fields: Any) -> list[float]:
        """When observations of a class with these fields were seen, seconds."""
        return [t for t, _, o in self.all if type(o) is kind and all(getattr(o, k) == v for k, v in fields.items())]

    def faults(self, kind: str) -> list[float]:
        """When faults of a kind happened, seconds."""
        return [t for t, _, o in self.all if type(o) is FaultHappened and o.kind == kind]


def watch(one: Scenario, *kinds: type, seed: int = 1) -> tuple[Seen, RunResult]:
    """Run and keep observations of these classes."""
    seen = Seen(*kinds)
    return seen, run(one, seed, observers=[seen])


def histories(result: RunResult, run_name: str = "server/run/w/1") -> list[str]:
    """The event types of a run's history."""
    assert result.recorder is not None
    return [type(e.event).__name__ for e in result.recorder[run_name].events]
