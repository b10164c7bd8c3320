"""What the `[latencies]` table of a scenario comes to: laws of single kinds of calls, of spans that are drawn, and of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from sim.model.draws import NO_CHANCE
from sim.model.inputs import Name
from sim.model.laws import Constant, Law
from sim.protocol import messages as msg
from sim.protocol.names import activity_queue
from sim.protocol.pace import Pace
from sim.scenario.calls import METHODS
from sim.scenario.schema import CallLaws, LatenciesSection, ScenarioModel
from sim.scenario.warming import Warming
from sim.simulator.busy import Busy

OTHER: Final = "other"
"""The key of calls that have none of their own."""

SPANS: Final[Mapping[str, str]] = {
    "transfer_read": "transfer read",
    "meeting": "meeting of a poll and a waiting task",
    "timer_lateness": "timer lateness",
    "goroutine_wake_up": "goroutine wake-up",
    "goroutine_answer": "goroutine answer",
}
"""Keys of the table whose law replaces that of a span in the protocol, with the span's label."""

STEPS: Final = ("workflow_task", "activity_start", "transaction", "forwarding")
"""Keys of steps that take no time unless the table says so."""

_BY_TYPE: Final = {kind: method for method, kind in METHODS.items() if kind is not msg.Poll}
_ACTIVITIES: Final = activity_queue("")


def method_of(request: object, callee: Name) -> str:
    """Temporal's name for the call that this request to `callee` is; "" for what is none of a worker's."""
    if isinstance(request, msg.Poll):
        return "PollActivityTaskQueue" if callee.startswith(_ACTIVITIES) else "PollWorkflowTaskQueue"
    return _BY_TYPE.get(type(request), "")


@dataclass(frozen=True, slots=True)
class Direction:
    """The laws of one direction by method: of the way, and of what a call takes besides."""

    way: Mapping[str, Law] = field(default_factory=dict)
    besides: Mapping[str, Law] = field(default_factory=dict)
    warming: Warming = field(default_factory=Warming)
    cold_way: Law | None = None
    cold_besides: Law | None = None
    """While the cluster is cold: of calls of all kinds."""

    def __bool__(self) -> bool:
        return bool(self.way or self.besides or self.cold_way or self.cold_besides)

    def __call__(self, request: object, callee: Name) -> tuple[Law | None, Law | None]:
        """The laws of a request to `callee`, or of the answer to it."""
        method = method_of(request, callee)
        way, besides = self.way.get(method) or self.way.get(OTHER), self.besides.get(method) or self.besides.get(OTHER)
        return (self.cold_way or way, self.cold_besides or besides) if self.warming.cold else (way, besides)

    @property
    def longest_way_us(self) -> int:
        """The largest way, microseconds; 0 without any."""
        return max(map(most, (*self.way.values(), *filter(None, (self.cold_way,)))), default=0)

    @property
    def longest_besides_us(self) -> int:
        """The most that a call takes besides, microseconds; 0 without any."""
        return max(map(most, (*self.besides.values(), *filter(None, (self.cold_besides,)))), default=0)


def warming_of(section: LatenciesSection) -> Warming:
    """How long the cluster is cold after a start."""
    return Warming(section.warming.period if section.warming is not None else 0)


def requests_of(section: LatenciesSection, warming: Warming) -> Direction:
    """To the server."""
    cold = section.warming.request if section.warming is not None else None
    return Direction(laws_by_method(section.request), laws_by_method(section.handling), warming, cold)


def responses_of(section: LatenciesSection, warming: Warming) -> Direction:
    """From the server."""
    cold = section.warming.returning if section.warming is not None else None
    return Direction(laws_by_method(section.response), laws_by_method(section.returning), warming, None, cold)


def laws_by_method(laws: CallLaws) -> dict[str, Law]:
    """The laws that were given, by method."""
    return {method: law for method in (*METHODS, OTHER) if (law := getattr(laws, method)) is not None}


def spans_of(section: LatenciesSection) -> dict[str, Law]:
    """Laws of drawn spans, by label."""
    return {label: law for key, label in SPANS.items() if (law := getattr(section, key)) is not None}


def pace_of(model: ScenarioModel) -> Pace:
    """How long steps take that otherwise take no time."""
    return Pace(**{field.name: _unless_nothing(getattr(model.latencies, field.name)) for field in fields(Pace)})


def busy_of(section: LatenciesSection, seed: int) -> Busy | None:
    """What draws of one time have in common, if anything; draws without chance have everything in common anyway."""
    if section.busy is None or section.busy.share == 0 or seed == NO_CHANCE:
        return None
    labels = frozenset((SPANS["transfer_read"], SPANS["meeting"], "workflow task", "forwarding"))
    return Busy(seed, round(1000 * section.busy.share), section.busy.period, labels)


def longest_step_us(section: LatenciesSection) -> int:
    """The largest time that the steps of one exchange add, microseconds."""
    return sum(most(law) for key in STEPS if (law := getattr(section, key)) is not None)


def _unless_nothing(law: Law | None) -> Law | None:
    return None if law is None or law == Constant(0) else law


def most(law: Law) -> int:
    """The largest value of a law, microseconds; the least one of a law without a largest."""
    low, high = law.bounds()
    return low if high is None else high
