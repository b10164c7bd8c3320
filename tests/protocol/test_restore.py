"""A node may be taken apart and put together between any two inputs, and a cached execution dropped: nobody notices."""

from __future__ import annotations

from sim.model.inputs import Input
from sim.model.laws import LogNormal
from sim.protocol.pace import AT_ONCE, Pace
from sim.protocol.run import Run
from sim.scenario.cluster import Cluster
from sim.simulator.seats import Seat
from sim.simulator.simulation import Simulation
from sim.workflow.variants import Variant
from tests.protocol.clusters import act, cluster, create, done, start


class Restoring(Simulation):
    """Restores every node from its snapshot before each input."""

    def handle(self, seat: Seat, event: Input) -> None:
        before = seat.node.snapshot()
        seat.node = type(seat.node).restored(before)
        assert seat.node.snapshot() == before
        super().handle(seat, event)


def busy(made: Cluster, survive: bool = False) -> None:
    """Several workflows, a retry, heartbeats, a crash, a restart, a graceful stop, a recreated session."""
    steps = [
        {"op": "until_ok", "times": 4, "ms": 500, "steps": [
            create(creation="30s", heartbeat="5s", survive_restart=survive), act("a", 700, beat_ms=200, hb="2s"),
            act("b", 300, fail="retryable", attempts=2, ignore=True), {"op": "complete", "in": "s"},
        ]},
    ]  # fmt: skip
    for i in range(6):
        start(made, f"w{i}", steps)
    again = [{"op": "recreate", "as": "r", "signal": "t", "creation": "20s", "execution": "60s"}, done("r"), act("late", 100, "r")]
    start(made, "c", [create(), act("x", 300), {"op": "token", "in": "s", "as": "t"}, {"op": "complete", "in": "s"},
                      {"op": "continue_as_new", "steps": again}])  # fmt: skip
    made.sim.schedule(1_500_000, "kill", lambda: made.kill("A"))
    made.sim.schedule(4_000_000, "start", lambda: made.start_process("A"))
    made.sim.schedule(9_000_000, "stop", lambda: made.stop("B"))
    made.sim.schedule(10_000_000, "freeze", lambda: made.freeze("A"))
    made.sim.schedule(16_000_000, "unfreeze", lambda: made.unfreeze("A"))
    made.sim.run(until=120_000_000)


def digest(
    simulation: type[Simulation] = Simulation, cache: int = 10_000, pace: Pace = AT_ONCE, variant: Variant = Variant.SESSIONS
) -> str:
    options = {
        "max_concurrent_session_execution_size": 2, "sticky_workflow_cache_size": cache, "worker_stop_timeout": 2_000_000, "pace": pace,
        "variant": variant,
    }  # fmt: skip
    made = cluster("AB", 5, simulation, options)
    busy(made, survive=variant is Variant.HOST)
    assert not any(isinstance(seat.node, Run) for seat in made.sim.seats.values()), "all workflows have ended"
    return made.sim.digest.hexdigest()


def test_restored_nodes_handle_alike() -> None:
    assert digest(Restoring) == digest()


def test_restored_nodes_handle_alike_at_their_pace() -> None:
    """Runs with updates that others wait for, workers with tasks in hand."""
    pace = Pace(LogNormal(3_000, 900), LogNormal(2_000, 900), LogNormal(4_000, 900))
    assert digest(Restoring, pace=pace) == digest(pace=pace) != digest()


def test_restored_nodes_of_host_sessions_handle_alike() -> None:
    assert digest(Restoring, variant=Variant.HOST) == digest(variant=Variant.HOST) != digest()


def test_an_execution_is_only_a_cache() -> None:
    """Room for one (with none, the SDK has no sticky queue either); restoring a worker drops all of them too."""
    assert digest(cache=1) == digest()
    assert digest(cache=1, variant=Variant.HOST) == digest(variant=Variant.HOST)
