"""Workers with typed resources may be taken apart and put together between any two inputs: nobody notices."""

from __future__ import annotations

from sim.protocol import observations as obs
from sim.simulator.simulation import Simulation
from sim.workflow.resources import amounts
from sim.workflow.variants import Variant
from tests.protocol.clusters import act, cluster, create, done, start
from tests.protocol.test_restore import Restoring


def digest(simulation: type[Simulation]) -> tuple[str, set[type]]:
    """Sessions of several demands, a crash, a restart and a stop; and what was seen of resources."""
    options = {"variant": Variant.HOST, "session_resources": amounts({"gpu": 2, "disk": 1}), "worker_stop_timeout": 2_000_000}
    made = cluster("AB", 5, simulation, options)
    seen: set[type] = set()
    for kind in (obs.ResourcesTaken, obs.ResourcesReturned, obs.SessionWaits, obs.SessionWaitsNoMore, obs.SessionTurnedAway):
        made.sim.listen(kind, lambda time, node, o: seen.add(type(o)))
    for i, units in enumerate(({"gpu": 1}, {"gpu": 2}, {"gpu": 1, "disk": 1}, {"disk": 1}, {"gpu": 2}, {"gpu": 1})):
        made_of = create(creation="90s", heartbeat="5s", survive_restart=True, resources=units, patience="1s")
        start(made, f"w{i}", [made_of, act("a", 3_000, beat_ms=200, hb="2s", ignore=True), done()])
    made.sim.schedule(1_500_000, "kill", lambda: made.kill("A"))
    made.sim.schedule(4_000_000, "start", lambda: made.start_process("A"))
    made.sim.schedule(9_000_000, "stop", lambda: made.stop("B"))
    made.sim.run(until=120_000_000)
    return made.sim.digest.hexdigest(), seen


def test_restored_nodes_handle_alike() -> None:
    restored, seen = digest(Restoring)
    assert restored == digest(Simulation)[0]
    assert len(seen) == 5
