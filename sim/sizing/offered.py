"""What a scenario offers to its slots, in the words of queueing theory; as far as it can be told from the scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sim.model.durations import parse_duration
from sim.model.laws import Exponential, Law
from sim.scenario.schema import ScenarioModel, WorkflowSection
from sim.scenario.workers import worker_plans
from sim.sizing.load import squared_variation
from sim.sizing.theory import Spread, Waiting, allen_cunneen


@dataclass(frozen=True, slots=True)
class Offered:
    """Arrivals a second, mean hold in seconds, slots in all, CreationTimeout in seconds (None: several, or none).

    `exact`: Poisson arrivals and exponential holds, so that theory is exact but for the protocol's own time.
    """

    rate: float
    hold: float
    servers: int
    patience: float | None
    spread: Spread
    exact: bool

    @property
    def per_slot(self) -> float:
        """Offered load of a slot."""
        return self.rate * self.hold / self.servers

    def queue(self, patient: bool = False) -> Waiting | None:
        """M/M/c, or M/M/c+D with the CreationTimeout; None where it has no steady state."""
        patience = None if patient else self.patience
        if patience is None and self.per_slot >= 1:
            return None
        return Waiting(self.servers, self.rate, self.hold, patience)

    @property
    def leaves(self) -> bool:
        """Whether CreationTimeouts matter: one session in a thousand or more would time out if holds were exponential."""
        return self.patience is not None and Waiting(self.servers, self.rate, self.hold, self.patience).lost >= 1e-3

    def mean_wait(self) -> float | None:
        """Mean wait of those who are served: as the formula says if it is exact or if sessions time out, else as Allen and Cunneen do.

        None where there is no steady state.
        """
        if self.exact or self.leaves:
            queue = self.queue()
            return None if queue is None else queue.mean_served
        return allen_cunneen(self.servers, self.rate, self.hold, self.spread) if self.per_slot < 1 else None


def offered(model: ScenarioModel) -> Offered | None:
    """What a scenario offers, if it has open arrivals by laws and programs (as data) that ask for one session each."""
    parts = [_part(section, model) for section in model.workflows]
    known = [part for part in parts if part is not None]
    if not known or len(known) != len(parts):
        return None
    rate = sum(part.rate for part in known)
    hold = sum(part.rate * part.hold for part in known) / rate
    servers = sum(plan.spec.options.sessions for plan in worker_plans(model) if plan.spec.options.session_worker)
    patiences = {part.patience for part in known}
    alone = known[0] if len(known) == 1 else None
    spread = Spread(alone.arrivals, alone.holds) if alone is not None else Spread()
    return Offered(rate, hold, servers, patiences.pop() if len(patiences) == 1 else None, spread, alone is not None and alone.exact)


@dataclass(frozen=True, slots=True)
class _Part:
    rate: float
    hold: float
    patience: float | None
    arrivals: float
    holds: float
    exact: bool


def _part(section: WorkflowSection, model: ScenarioModel) -> _Part | None:
    arrival = section.arrival
    gap: Law | None = Exponential(arrival.poisson) if arrival.poisson is not None else arrival.every
    if gap is None or section.program is None:
        return None
    steps = list(_steps(section.program))
    created = [step for step in steps if step.get("op") == "create"]
    if len(created) != 1:
        return None
    laws = [_law(step, model) for step in steps if step.get("op") == "act" and step.get("in") == created[0].get("as")]
    known = [law for law in laws if law is not None]
    if not known or len(known) != len(laws) or sum(law.mean() for law in known) == 0:
        return None
    mean = sum(law.mean() for law in known)
    variance = sum(squared_variation(law) * law.mean() ** 2 for law in known)
    exact = isinstance(gap, Exponential) and len(known) == 1 and isinstance(known[0], Exponential)
    patience = parse_duration(str(created[0]["creation"])) / 1e6
    return _Part(1e6 / gap.mean(), mean / 1e6, patience, squared_variation(gap), variance / mean**2, exact)


def _steps(program: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for step in program:
        yield step
        yield from _steps(step.get("steps", ()))


def _law(step: Mapping[str, Any], model: ScenarioModel) -> Law | None:
    section = model.activities.get(str(step.get("activity", "")))
    return None if section is None else section.duration
