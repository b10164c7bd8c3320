"""Which law of delay each link has: one for what workers send, one for what they get, and workers' own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.model.inputs import Name
from sim.model.laws import Law
from sim.protocol.names import SERVER
from sim.scenario.latencies import Direction, most
from sim.simulator.places import CallLaws, Delays


@dataclass(frozen=True, slots=True)
class Legs:
    """One leg of a call each: to the server, and back."""

    request: Law
    response: Law


@dataclass(frozen=True, slots=True)
class NetworkDelays(Delays):
    """Laws by process, whichever start of it; `everybody` for those without their own."""

    everybody: Legs | None = None
    processes: Mapping[str, Legs] = field(default_factory=dict)
    requests: Direction = field(default_factory=Direction)
    responses: Direction = field(default_factory=Direction)
    steps_us: int = 0
    """The most that steps at either end add to an exchange."""

    def law(self, source: Name, target: Name) -> Law:
        up = target == SERVER
        legs = self.processes.get((source if up else target).rpartition(".")[0], self.everybody)
        if legs is None:
            return self.other
        return legs.request if up else legs.response

    def calls(self, source: Name, target: Name) -> CallLaws | None:
        direction = self.requests if target == SERVER else self.responses
        return direction or None

    @property
    def longest_us(self) -> int:
        """The largest delay of one message, with what it takes at either end, microseconds."""
        legs = [*([self.everybody] if self.everybody is not None else []), *self.processes.values()]
        everywhere = max((most(law) for leg in legs for law in (leg.request, leg.response)), default=0)
        both = (self.requests, self.responses)
        return max(everywhere, *(d.longest_way_us for d in both)) + max(d.longest_besides_us for d in both) + self.steps_us
