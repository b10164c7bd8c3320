"""What a server that was away finds: pollers that wait together, sticky queues that it does not know any more."""

from __future__ import annotations

from sim.protocol.queue import TaskQueue
from sim.protocol.worker.node import Worker
from sim.protocol.worker.pollers import Kind
from tests.protocol.clusters import cluster


def test_pollers_of_a_component_share_their_backoff() -> None:
    """P3.3, 4: each wait of either of two pollers makes the next one of both longer; the single creation poller waits by itself."""
    made = cluster("A")
    made.sim.schedule(1_000_000, "away", made.stop_server)
    made.sim.run(8_000_000)
    (worker,) = [seat.node for seat in made.sim.seats.values() if isinstance(seat.node, Worker)]
    # Of two pollers one waits 0.2, 0.8, 3.2 s and then the seventh wait, the other 0.4, 1.6 s and the sixth; one alone 0.2 to 3.2 s, too.
    assert sorted(poller.errors for poller in worker.pollers.of(Kind.RESOURCE)) == [6, 7]
    assert [poller.errors for poller in worker.pollers.of(Kind.CREATION)] == [6]


def test_a_success_of_one_poller_ends_the_backoff_of_all() -> None:
    made = cluster("A")
    made.sim.schedule(1_000_000, "away", made.stop_server)
    made.sim.schedule(4_000_000, "back", made.start_server)
    made.sim.run(80_000_000)
    (worker,) = [seat.node for seat in made.sim.seats.values() if isinstance(seat.node, Worker)]
    assert worker.pollers.failures == {}


def test_a_sticky_queue_is_unknown_until_its_worker_polls_again() -> None:
    """P4.5.8: until then its tasks are refused."""
    made = cluster("A")
    made.sim.run(500_000)
    sticky = next(name for name, seat in made.sim.seats.items() if isinstance(seat.node, TaskQueue) and seat.node.sticky)
    queue = made.sim.seats[sticky].node
    assert isinstance(queue, TaskQueue)
    assert queue.loaded
    made.stop_server()
    assert not queue.loaded
    made.start_server()
    made.sim.run(60_000_000)
    assert queue.loaded


def test_waits_after_errors_end_at_ten_seconds() -> None:
    made = cluster("A")
    (worker,) = [seat.node for seat in made.sim.seats.values() if isinstance(seat.node, Worker)]
    poller = worker.pollers.of(Kind.CREATION)[0]
    poller.errors = 7
    assert poller.waits() == (8_000_000, 10_000_000)
