"""Which law of delay each link has: one for what workers send, one for what they get, and workers' own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.model.inputs import Name
from sim.model.laws import Law
from sim.protocol.names import SERVER
from sim.simulator.places import Delays


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

    def law(self, source: Name, target: Name) -> Law:
        up = target == SERVER
        legs = self.processes.get((source if up else target).rpartition(".")[0], self.everybody)
        if legs is None:
            return self.other
        return legs.request if up else legs.response

    @property
    def longest_us(self) -> int:
        """The largest delay of one message, microseconds."""
        legs = [*([self.everybody] if self.everybody is not None else []), *self.processes.values()]
        return max((law.bounds()[1] or law.bounds()[0] for leg in legs for law in (leg.request, leg.response)), default=0)
