"""How much of each type of resource is in use, and how long sessions wait for what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sim.properties.base import Listener, Setting
from sim.properties.scene import Scene
from sim.protocol import observations as obs
from sim.scenario.measures.base import Curve, Measure, mean_s, quantile_s
from sim.scenario.operations import GONE
from sim.workflow import seen
from sim.workflow.resources import spelled

NOTHING = "nothing"
"""What the demand of sessions that ask for nothing is called."""


class Resources(Measure):
    """By type: units that workers which are there have, and that sessions hold, as means over the run, and their share. By demand:
    the waits of sessions that were created, and how many were not.
    """

    columns: ClassVar = (
        "units", "units_used", "units_used_share", "waits_by_demand_s", "waits_p90_by_demand_s", "not_created_by_demand", "turned_away",
        "waited_at_door",
    )  # fmt: skip

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        super().__init__(setting, scene, epsilon)
        self._have: dict[str, Curve] = {}
        self._used: dict[str, Curve] = {}
        self._of_worker: dict[str, dict[str, int]] = {}
        self._held: dict[tuple[str, str, int], dict[str, int]] = {}
        self._asked: dict[str, tuple[int, str]] = {}
        self._waits: dict[str, list[int]] = {}
        self._failed: dict[str, int] = {}
        self._turned_away = self._at_door = 0

    def listeners(self) -> Mapping[type, Listener]:
        """What is seen."""
        return {
            obs.WorkerHasResources: self._started,
            obs.ResourcesTaken: self._taken,
            obs.ResourcesReturned: self._returned,
            obs.SessionTurnedAway: self._turned,
            obs.SessionWaits: self._waiting,
            obs.FaultHappened: self._fault,
            seen.SessionAsked: self._asks,
            seen.SessionCreated: self._created,
            seen.SessionNotCreated: self._not_created,
        }

    def _change(self, curves: dict[str, Curve], time: int, units: Mapping[str, int], sign: int) -> None:
        for kind, amount in units.items():
            curves.setdefault(kind, Curve()).change(time, sign * amount)

    def _started(self, time: int, node: str, o: obs.WorkerHasResources) -> None:
        self._of_worker[node] = dict(o.resources)
        self._change(self._have, time, self._of_worker[node], 1)

    def _taken(self, time: int, node: str, o: obs.ResourcesTaken) -> None:
        self._held[node, o.session, o.attempt] = dict(o.taken)
        self._change(self._used, time, dict(o.taken), 1)

    def _returned(self, time: int, node: str, o: obs.ResourcesReturned) -> None:
        self._change(self._used, time, self._held.pop((node, o.session, o.attempt), {}), -1)

    def _turned(self, time: int, node: str, o: obs.SessionTurnedAway) -> None:
        self._turned_away += 1

    def _waiting(self, time: int, node: str, o: obs.SessionWaits) -> None:
        self._at_door += 1

    def _fault(self, time: int, node: str, o: obs.FaultHappened) -> None:
        if o.kind not in GONE:
            return
        for worker in [w for w in self._of_worker if w.partition("/")[0] == o.place]:
            self._change(self._have, time, self._of_worker.pop(worker), -1)
            for key in [key for key in self._held if key[0] == worker]:
                self._change(self._used, time, self._held.pop(key), -1)

    def _asks(self, time: int, node: str, o: seen.SessionAsked) -> None:
        self._asked.setdefault(o.session, (time, spelled(o.resources) or NOTHING))

    def _created(self, time: int, node: str, o: seen.SessionCreated) -> None:
        since, demand = self._asked.pop(o.session, (0, ""))
        if demand:
            self._waits.setdefault(demand, []).append(time - since)

    def _not_created(self, time: int, node: str, o: seen.SessionNotCreated) -> None:
        _, demand = self._asked.pop(o.session, (0, ""))
        if demand:
            self._failed[demand] = self._failed.get(demand, 0) + 1

    def values(self, end: int) -> dict[str, Any]:
        """The figures."""
        have = {kind: self._have[kind].mean(end) for kind in sorted(self._have)}
        used = {kind: self._used[kind].mean(end) if kind in self._used else 0.0 for kind in have}
        demands = sorted({*self._waits, *self._failed})
        return {
            "units": have,
            "units_used": used,
            "units_used_share": {kind: used[kind] / have[kind] if have[kind] else 0.0 for kind in have},
            "waits_by_demand_s": {demand: mean_s(self._waits.get(demand, [])) for demand in demands},
            "waits_p90_by_demand_s": {demand: quantile_s(self._waits.get(demand, []), 900) for demand in demands},
            "not_created_by_demand": {demand: self._failed.get(demand, 0) for demand in demands},
            "turned_away": self._turned_away,
            "waited_at_door": self._at_door,
        }
