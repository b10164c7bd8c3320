"""Simulated runs of a scope, each with its own luck, told instant by instant as what its nodes are and what came about."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sim import Scenario
from sim.model.inputs import Fired, Input, Name, Withdrawn
from sim.model.laws import Law, Uniform
from sim.protocol.messages import Poll
from sim.protocol.names import SERVER
from sim.protocol.observations import FaultHappened
from sim.scenario.following import Cause, moved
from sim.scenario.operator import CANCELS, CRASHES, RESTARTS, STOPS, Blueprint
from sim.scenario.projected import Station, StoppedClock, station_of
from sim.scenario.run import PreparedRun
from sim.simulator.digest import Digest
from sim.simulator.places import Fate, Rule

LAWS: Final[Mapping[str, Law]] = {
    "workflow task": Uniform(200, 9_000),
    "goroutine answer": Uniform(1, 200),
}
"""In microseconds, so that hardly two things happen at the same time; nothing that has a length takes no time."""
SERVER_RATES: Final = (1000, 1000, 1200, 1700, 2500, 6000)
SLOW_RATES: Final = (1000, 2500, 6000, 15_000, 40_000, 100_000)
"""Of the server's, where something may be slow: a worker is, beside a server whose clock runs ahead."""
WORKER_RATES: Final = (600, 800, 1000, 1100)
"""How fast clocks run, in thousandths: which timer comes first differs from run to run. A worker's never runs so much faster than the
server's that it would give up a long poll before the server has answered it empty, 60 s against 70 s."""
STAGGER_US: Final = 500
"""Within so much time from the start the first polls come, in any order: which worker a queue's first task goes to is left to chance. A
run is followed from then on; no task is read before a millisecond has passed."""
POLLS: Final = 5
"""Of one worker."""
INSTANTS: Final = 60
"""Of a run, about: a fault comes after one of them."""
MESSAGES: Final = 60
"""That cross in one direction, about: one of them is lost."""
FAULTS: Final = {"kill": CRASHES, "start": RESTARTS, "stop": STOPS, "cancel": CANCELS}
"""What the environment's moves are called, by the simulator's kinds of faults."""


class Log(Digest):
    """A digest that keeps what nodes took since it was last asked."""

    __slots__ = ("names", "taken")

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, Name] = {}
        self.taken: list[tuple[Name, Input]] = []

    def newcomer(self, name: str, kind: str = "") -> int:
        number = super().newcomer(name, kind)
        self.names[number] = name
        return number

    def add(self, time: int, index: int, event: Input) -> None:
        super().add(time, index, event)
        self.taken.append((self.names[index], event))


@dataclass(slots=True)
class Lost:
    """Loses one message that crosses once the cluster has come to rest: the one of this number. Withdrawals are none."""

    number: int
    ready: bool = False

    def __call__(self, message: object) -> bool:
        if isinstance(message, Withdrawn) or not self.ready:
            return False
        self.number -= 1
        return self.number < 0


def _is_poll(message: object) -> bool:
    return isinstance(message, Poll)


Settled = Callable[[Mapping[Name, Station], Sequence[Cause]], bool]
"""Told of each settled instant: all nodes as a checked world has them, and what came about; False to stop."""


class Run:
    """One run of a scope under a seed. `environment`: the name that the checked world has for whom faults come from."""

    def __init__(
        self, scenario: Scenario, seed: int, blueprints: Mapping[str, Blueprint], environment: Name, budgets: Mapping[str, int]
    ) -> None:
        self.luck = random.Random(seed)
        self.environment = environment
        self.log = Log()
        self.prepared = PreparedRun(scenario, seed, properties=(), digest=self.log)
        self.sim, self.cluster = self.prepared.sim, self.prepared.cluster
        self.stations: dict[Name, Station] = {}
        self.causes: list[Cause] = []
        self.looks = 0
        self.rates = self.luck.random() < 0.6
        self.server_rates = SLOW_RATES if budgets.get("slow") else SERVER_RATES
        self._as_checked(blueprints)
        self.sim.place(SERVER).clock = StoppedClock()
        self.sim.listen(FaultHappened, self._happened)
        self.answers_empty = bool(budgets.get("lost_requests") or budgets.get("lost_responses"))
        self.losses: list[Lost] = []
        self.due = self._faults(budgets)

    def _as_checked(self, blueprints: Mapping[str, Blueprint]) -> None:
        """Workers with the options of the checked ones; what has a time of its own gets a law."""
        cluster = self.cluster
        for name, blueprint in blueprints.items():
            cluster.specs[name] = replace(cluster.specs[name], options=blueprint.options)
            cluster.definitions, cluster.behaviours = dict(blueprint.definitions), dict(blueprint.behaviours)
        self.sim.laws = {**self.sim.laws, **LAWS}

    def _clock(self, place: Name) -> None:
        rates = self.server_rates if place == SERVER else WORKER_RATES
        rate = self.luck.choice(rates) if self.rates else 1000
        self.sim.place(place).clock = StoppedClock(rate=rate)

    def _happened(self, time: int, node: Name, fault: object) -> None:
        assert isinstance(fault, FaultHappened)
        if fault.kind == "start":
            self._clock(fault.place)
        if fault.kind in FAULTS and (fault.kind != "start" or self.looks):
            self.causes.append(moved(FAULTS[fault.kind], fault.target, self.environment))

    # -- faults ----------------------------------------------------------------------------------------------------------

    def _faults(self, budgets: Mapping[str, int]) -> dict[int, Callable[[], None]]:
        """What happens after which instant; lost messages are put on the links at once."""
        cluster, luck = self.cluster, self.luck
        processes = sorted({spec.home for spec in cluster.specs.values()})
        for process in processes:
            for _ in range(POLLS):
                rule = Rule(_is_poll, Fate.DELAY, count=1, value=luck.randrange(STAGGER_US))
                cluster.add_rule(process, True, rule, "a first poll comes later")
        due: dict[int, Callable[[], None]] = {}
        at = luck.randrange(1, INSTANTS)
        target = luck.choice(processes)
        if budgets.get("crashes"):
            due[at] = lambda: cluster.kill(target)
        if budgets.get("restarts"):
            due[at + luck.randrange(1, 20)] = lambda: cluster.start_process(target)
        if budgets.get("stops"):
            due[at] = lambda: cluster.stop(target, exits=False)
        if budgets.get("cancels"):
            due[at] = lambda: cluster.cancel_workflow("job")
        for budget, up in (("lost_requests", True), ("lost_responses", False)):
            if budgets.get(budget):
                self.losses.append(Lost(luck.randrange(MESSAGES)))
                rule = Rule(self.losses[-1], Fate.LOSE, count=1)
                for process in processes:
                    cluster.add_rule(process, up, rule, "one message is lost")
        return due

    # -- the run ---------------------------------------------------------------------------------------------------------

    def run(self, settled: Settled) -> None:
        """Run to the end, or until `settled` says so."""
        ending = self.prepared.begin()
        # The read of the first tasks is on its way by then, at the usual pace.
        self.sim.schedule(STAGGER_US, "all polls have come", lambda: self._clock(SERVER))
        over = False
        peek = self.sim.agenda.env.peek

        def stop() -> bool:
            nonlocal over
            if not over and peek() > self.sim.now:
                over = not self._look(settled)
            return over or ending.over

        self.sim.run(self.prepared.scenario.model.until, stop)

    def _look(self, settled: Settled) -> bool:
        """An instant is over."""
        if self.sim.now < STAGGER_US:
            return True
        seats, log = self.sim.seats, self.log
        changed = {name for name, _ in log.taken} | (seats.keys() - self.stations.keys())
        for name in self.stations.keys() - seats.keys():
            del self.stations[name]
        for name in changed & seats.keys():
            self.stations[name] = station_of(seats[name], self.answers_empty)
        causes = [*self.causes, *((name, event) for name, event in log.taken if isinstance(event, Fired))]
        log.taken.clear()
        self.causes.clear()
        self.looks += 1
        for loss in self.losses:
            # In the checked world nothing is lost before the first state.
            loss.ready = True
        going = settled(self.stations, causes)
        gap = int(min(self.sim.agenda.env.peek() - self.sim.now, 1_000_000))
        if going and self.due and gap > 2 and min(self.due) <= self.looks:
            fault = self.due.pop(min(self.due))
            # Between this instant and the next, so that nothing else happens with it.
            self.sim.schedule(self.sim.now + self.luck.randrange(1, gap), "fault", fault)
        return going
