"""How little a planted bug needs to show: the deviations of the shortest way that the checker finds and a run with a clock confirms.

They are counted as those of a run that was shrunk (`sim.shrink.measure`): faults as often as they happen, and choices that are not the
default schedule's. The run that confirms a way has a seed, so all of its choices are chance's. So they are gone over to the default
schedule, as far as the promise is broken all the same; nothing else of the run is made smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim import Scenario, Tape
from sim.model.instant import InstantWorld
from sim.model.world import Enabled, State
from sim.scenario.confirm import Idle, Step, confirm
from sim.shrink import schedule
from sim.shrink.measure import Deviations, deviations_of, measure
from sim.shrink.search import Budget, Search, descend
from sim.shrink.sketch import Sketch, Trial, run_sketch, tables_of

MARGIN: Final = 3
"""So many deviations more than the checker's least a shrunk run may have."""
TRIES: Final = 500
"""Runs that counting may take."""
SEARCHED: Final[dict[str, dict[str, int]]] = {
    "kill": {"crashes": 1}, "stop": {"stops": 1}, "partition": {"lost_requests": 1, "slow": 1},
}  # fmt: skip
"""What a fault of a scenario is for a check."""


@dataclass(frozen=True, slots=True)
class Least:
    """`deviations`: of the way, which has so many `steps`; or None where there is none, and `why`."""

    deviations: Deviations | None = None
    steps: int = 0
    why: str = ""

    def __str__(self) -> str:
        return self.why if self.deviations is None else f"{self.deviations.faults} + {self.deviations.choices} ({self.steps} steps)"

    def allows(self, shrunk: Deviations) -> bool | None:
        """Whether a shrunk run is small enough; None if nobody knows. Fewer than no deviations there are not."""
        least = 0 if self.deviations is None else self.deviations.total
        if shrunk.total <= least + MARGIN:
            return True
        return None if self.deviations is None else False


def counted(tape: Tape, promise: str) -> Deviations:
    """The deviations of the run on a tape: its scenario and faults as they are, its choices the default schedule's where that does."""
    scenario = Scenario.from_dict(tape.scenario, source="the tape's scenario")
    start = Sketch(tables_of(scenario), tape.seed, tape.deviations)
    search = Search(start, run_sketch(start, (promise,)), Trial.of(start, promise).seen, measure, lambda one: one.key, Budget(TRIES))
    schedule.without_chance(search)
    if not search.value.quiet:
        spelled = schedule.spelled_out(search.value)
        if spelled is None or not search.consider(spelled):
            raise ValueError(f"{promise}: the run without a seed is another; expected the one on the tape, spelled out")
        descend(search, (schedule.fewer_choices,))
    return deviations_of(search.value, search.evidence)


def held_to_a_clock(scenario: Scenario, world: InstantWorld, promise: str, stem: Sequence[Enabled]) -> Tape | None:
    """A run with a clock along the way into a lasso."""
    states, steps = _walked(world, world.initial(), stem)
    return confirm(scenario, promise, steps, Idle(world, states)).tape


def _walked(world: InstantWorld, state: State, stem: Sequence[Enabled]) -> tuple[list[State], list[Step]]:
    """The states along a way, of whose choices the outcomes are those after which its next one is possible."""
    if not stem:
        return [state], []
    for way, after in world.apply(state, stem[0]):
        if len(stem) == 1 or stem[1] in world.enabled(after):
            try:
                states, steps = _walked(world, after, stem[1:])
            except LookupError:
                continue
            return [state, *states], [(stem[0], way), *steps]
    raise LookupError(f"{stem[0]} does not lead on; expected the stem of a lasso of this world")
