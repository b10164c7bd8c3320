"""The engines the simulator is measured against, each used the way its own users would use it at its best.

Three loads:

* bare events: how fast a kernel can do nothing but advance time, `POPULATION` events pending throughout;
* closed loop: the load of the session workload with everything but the queue taken away. `POPULATION` customers share
  `SLOTS` slots; each asks for a slot, holds it for the sum of three exponential activities, releases it and starts over
  at once. Population equals slots here, so nobody ever waits: it is the cheapest form of the load, in favour of the peers;
* queue with patience: M/M/10 with arrivals at 9/s, mean service 1 s and exponential patience with mean 2 s (Erlang A).

A peer whose package is missing yields a measurement that says so; it never fails the run. Packages are imported on first
use and outside the timed part. Every engine simulates the same model, but not from the same random numbers (Ciw draws its
own): the `check` of a measurement shows that the models agree.
"""

from __future__ import annotations

import heapq
import importlib
import itertools
import operator
import random
from collections.abc import Callable, Generator
from typing import Any

from benchmarks.table import Measurement, stopwatch

PACKAGES = ("simpy", "ciw", "salabim")

SEED = 20240229

POPULATION = 100
SLOTS = 100  # 20 stations of 5 slots, taken as one pool
ACTIVITIES = 3
ACTIVITY_MEAN = 20.0

SERVERS = 10
ARRIVAL_RATE = 9.0
SERVICE_MEAN = 1.0
PATIENCE_MEAN = 2.0


def load(package: str) -> Any | None:
    """Import an optional package; None when it is not installed."""
    # By name, because these packages are neither dependencies nor (Ciw, salabim) typed. Only the package itself may be
    # missing: a broken installation of it must show as the error that it is.
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        return None


def _not_installed(package: str) -> Measurement:
    return Measurement.not_available(f"not installed (pip install {package})")


# --- bare events ------------------------------------------------------------------------------------------------------


def _delays() -> Callable[[], float]:
    """An endless supply of drawn delays: drawing them would cost as much as the event and is not what is measured."""
    rng = random.Random(SEED)
    return itertools.cycle([rng.expovariate(1.0) for _ in range(4096)]).__next__


def heapq_events(n: int) -> Measurement:
    """Pop and push on a heap of `POPULATION` entries, with a tie-break number and a payload but nothing that acts on it.

    The ceiling for any kernel in Python around `heapq`. `heapreplace` would be faster still, but no simulator can use it:
    it learns what comes next only by handling what it popped.
    """
    delay, pop, push = _delays(), heapq.heappop, heapq.heappush
    payload = object()
    heap: list[tuple[float, int, object]] = []
    for number in range(POPULATION):
        push(heap, (delay(), number, payload))
    with stopwatch() as watch:
        for number in range(POPULATION, POPULATION + n):
            now, _, what = pop(heap)
            push(heap, (now + delay(), number, what))
    return watch.measurement(n)


def simpy_timeouts_callbacks(n: int) -> Measurement:
    """Bare simpy timeouts, each followed up by a callback: the least that simpy can do per event."""
    simpy = load("simpy")
    if simpy is None:
        return _not_installed("simpy")
    env = simpy.Environment()
    timeout, delay = env.timeout, _delays()
    left = n - POPULATION

    def fire(_event: Any) -> None:
        nonlocal left
        if left > 0:
            left -= 1
            timeout(delay()).callbacks.append(fire)

    for _ in range(min(n, POPULATION)):
        timeout(delay()).callbacks.append(fire)
    with stopwatch() as watch:
        env.run()
    return watch.measurement(n)


def simpy_timeouts_processes(n: int) -> Measurement:
    """Bare simpy timeouts in `POPULATION` processes that do nothing but wait: how simpy is normally written."""
    simpy = load("simpy")
    if simpy is None:
        return _not_installed("simpy")
    env = simpy.Environment()
    timeout, delay = env.timeout, _delays()
    each, rest = divmod(n, POPULATION)

    def sleeper(times: int) -> Generator[Any, Any, None]:
        for _ in range(times):
            yield timeout(delay())

    for number in range(POPULATION):
        env.process(sleeper(each + (number < rest)))
    with stopwatch() as watch:
        env.run()
    return watch.measurement(n)


# --- closed loop ------------------------------------------------------------------------------------------------------


def closed_loop_simpy(n: int, *, each_activity: bool = False) -> Measurement:
    """The closed loop in simpy: a `Resource` and one process per customer, until `n` sessions are complete.

    A session is one hold by default. With `each_activity`, its three activities are an event each, as they have to be as
    soon as anything is to happen between them.
    """
    simpy = load("simpy")
    if simpy is None:
        return _not_installed("simpy")
    env = simpy.Environment()
    slots = simpy.Resource(env, capacity=SLOTS)
    request, release, timeout = slots.request, slots.release, env.timeout
    draw, rate = random.Random(SEED).expovariate, 1.0 / ACTIVITY_MEAN
    done = env.event()
    sessions = 0

    def customer() -> Generator[Any, Any, None]:
        nonlocal sessions
        while True:
            slot = request()
            yield slot
            if each_activity:
                for _ in range(ACTIVITIES):
                    yield timeout(draw(rate))
            else:
                yield timeout(draw(rate) + draw(rate) + draw(rate))
            release(slot)  # rather than a `with` block, which costs a tenth or two more and guards against interrupts only
            sessions += 1
            if sessions == n:
                done.succeed()

    for _ in range(POPULATION):
        env.process(customer())
    with stopwatch() as watch:
        env.run(until=done)
    return watch.measurement(sessions, per_sim_second=sessions / env.now)


def closed_loop_ciw(n: int) -> Measurement:
    """The closed loop in Ciw, until `n` sessions are complete.

    Ciw is a library for open networks and has no initial population. Its own way to a closed one is a single batch
    arrival of all customers at time 0, after which no one arrives any more, and a router that sends whoever is served back
    to the same node. The router is a custom one that also counts: it lets one customer out when the count is reached, and
    the run is until the first customer leaves, so that it ends at exactly `n` sessions. It costs less than the transition
    matrix ``[[1.0]]``, which samples.

    The service time is a sum of exponentials by `CombinedDistribution`, which is quicker to draw from than
    `ciw.dists.Erlang`. The three activities cannot be services of their own, because a customer gives its server back
    after each.
    """
    ciw = load("ciw")
    if ciw is None:
        return _not_installed("ciw")

    class BackUntil(ciw.routing.NodeRouting):  # type: ignore[misc, name-defined]
        sessions = 0

        def next_node(self, ind: Any) -> Any:
            self.sessions += 1
            return self.simulation.nodes[-1] if self.sessions >= n else self.node

    activity = ciw.dists.Exponential(rate=1.0 / ACTIVITY_MEAN)
    total = activity
    for _ in range(ACTIVITIES - 1):
        total = ciw.dists.CombinedDistribution(total, activity, operator.add)
    router = BackUntil()
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([0.0, float("inf")])],
        batching_distributions=[ciw.dists.Deterministic(POPULATION)],
        service_distributions=[total],
        number_of_servers=[SLOTS],
        routing=ciw.routing.NetworkRouting(routers=[router]),
    )
    ciw.seed(SEED)
    simulation = ciw.Simulation(network)
    with stopwatch() as watch:
        simulation.simulate_until_max_customers(1)
    return watch.measurement(router.sessions, per_sim_second=router.sessions / simulation.current_time)


def closed_loop_salabim(n: int, *, each_activity: bool = False) -> Measurement:
    """The closed loop in salabim: a `Resource` and one component per customer, until `n` sessions are complete.

    With ``yieldless=False``, that is with generators: the default needs greenlet and is no faster here. Monitors are off,
    as nothing here reads them, and the resource is anonymous, which saves it the list of who holds what: that alone is
    worth about half as much again.
    """
    salabim = load("salabim")
    if salabim is None:
        return _not_installed("salabim")
    env = salabim.Environment(trace=False, yieldless=False, random_seed=SEED)
    slots = salabim.Resource("slots", capacity=SLOTS, anonymous=True, monitor=False, env=env)
    _mute(slots)
    draw, rate = random.Random(SEED).expovariate, 1.0 / ACTIVITY_MEAN
    sessions = 0

    class Customer(salabim.Component):  # type: ignore[misc, name-defined]
        def process(self) -> Generator[Any, Any, None]:
            nonlocal sessions
            while True:
                yield self.request(slots)
                if each_activity:
                    for _ in range(ACTIVITIES):
                        yield self.hold(draw(rate))
                else:
                    yield self.hold(draw(rate) + draw(rate) + draw(rate))
                slots.release(1)
                sessions += 1
                if sessions == n:
                    env.main().activate()

    for _ in range(POPULATION):
        customer = Customer(env=env)
        customer.status.monitor(False)
        customer.mode.monitor(False)
    with stopwatch() as watch:
        env.run()
    return watch.measurement(sessions, per_sim_second=sessions / env.now())


def _mute(resource: Any) -> None:
    # A salabim resource keeps recording these two whatever its `monitor` argument says of the rest.
    for monitor in (resource.claimed_quantity, resource.available_quantity, resource.occupancy, resource.capacity):
        monitor.monitor(False)


# --- queue with patience ----------------------------------------------------------------------------------------------


def patience_loss() -> float:
    """The exact share of customers who lose patience in the queue above (Erlang A), for the checks to be held against."""
    load_, service, patience = ARRIVAL_RATE, 1.0 / SERVICE_MEAN, 1.0 / PATIENCE_MEAN
    weight, total, lost = 1.0, 0.0, 0.0
    for present in itertools.count():
        waiting = max(present - SERVERS, 0)
        total += weight
        lost += weight * waiting * patience
        if present > SERVERS and weight < total * 1e-16:
            return lost / total / load_
        weight *= load_ / (min(present + 1, SERVERS) * service + max(present + 1 - SERVERS, 0) * patience)
    raise AssertionError("unreachable")


def patience_simpy(n: int) -> Measurement:
    """`n` customers through the queue with patience in simpy: its documented way, a request or a timeout.

    The timeout and the condition are only made when the request was not granted on the spot.
    """
    simpy = load("simpy")
    if simpy is None:
        return _not_installed("simpy")
    env = simpy.Environment()
    servers = simpy.Resource(env, capacity=SERVERS)
    request, release, timeout, process = servers.request, servers.release, env.timeout, env.process
    draw = random.Random(SEED).expovariate
    lost = 0

    def customer() -> Generator[Any, Any, None]:
        nonlocal lost
        server = request()
        if not server.triggered:
            yield server | timeout(draw(1.0 / PATIENCE_MEAN))
            if not server.triggered:
                server.cancel()
                lost += 1
                return
        yield timeout(draw(1.0 / SERVICE_MEAN))
        release(server)

    def arrivals() -> Generator[Any, Any, None]:
        for _ in range(n):
            yield timeout(draw(ARRIVAL_RATE))
            process(customer())

    process(arrivals())
    with stopwatch() as watch:
        env.run()
    return watch.measurement(n, lost=lost / n)


def patience_ciw(n: int) -> Measurement:
    """`n` customers through the queue with patience in Ciw: `reneging_time_distributions`, which is made for it."""
    ciw = load("ciw")
    if ciw is None:
        return _not_installed("ciw")
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=ARRIVAL_RATE)],
        service_distributions=[ciw.dists.Exponential(rate=1.0 / SERVICE_MEAN)],
        reneging_time_distributions=[ciw.dists.Exponential(rate=1.0 / PATIENCE_MEAN)],
        number_of_servers=[SERVERS],
    )
    ciw.seed(SEED)
    simulation = ciw.Simulation(network)
    with stopwatch() as watch:
        simulation.simulate_until_max_customers(n, method="Finish")
    lost = sum(1 for record in simulation.get_all_records() if record.record_type == "renege")
    return watch.measurement(n, lost=lost / n)


def patience_salabim(n: int) -> Measurement:
    """`n` customers through the queue with patience in salabim: `request(..., fail_delay=...)`, which is made for it.

    Nearly all of its time goes into creating the components, whose signatures salabim inspects one by one; their monitors
    stay on, because turning off those of a component that lives this briefly costs as much as it saves.
    """
    salabim = load("salabim")
    if salabim is None:
        return _not_installed("salabim")
    env = salabim.Environment(trace=False, yieldless=False, random_seed=SEED)
    servers = salabim.Resource("servers", capacity=SERVERS, anonymous=True, monitor=False, env=env)
    _mute(servers)
    draw = random.Random(SEED).expovariate
    lost = 0

    class Customer(salabim.Component):  # type: ignore[misc, name-defined]
        def process(self) -> Generator[Any, Any, None]:
            nonlocal lost
            yield self.request(servers, fail_delay=draw(1.0 / PATIENCE_MEAN))
            if self.failed():
                lost += 1
                return
            yield self.hold(draw(1.0 / SERVICE_MEAN))
            servers.release(1)

    class Arrivals(salabim.Component):  # type: ignore[misc, name-defined]
        def process(self) -> Generator[Any, Any, None]:
            for _ in range(n):
                yield self.hold(draw(ARRIVAL_RATE))
                Customer(env=env)

    Arrivals(env=env)
    with stopwatch() as watch:
        env.run()
    return watch.measurement(n, lost=lost / n)
