"""When a run ends: when all workflows that were to be started are closed, and a while after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.protocol import observations as obs
from sim.scenario.arrivals import Arrivals
from sim.simulator.simulation import Simulation


class StepLimit:
    """Whether a run is to stop: when it is over, or after so many instants at which something happened (`reached`).

    A fault at a moment may bring that moment about, and so itself, for ever and at one and the same time.
    """

    __slots__ = ("_ending", "_most", "steps")

    def __init__(self, ending: Ending, most: int | None) -> None:
        self._ending, self._most, self.steps = ending, most, 0

    def __call__(self) -> bool:
        if self._ending.over or self.steps == self._most:
            return True
        self.steps += 1
        return False

    @property
    def reached(self) -> bool:
        """Whether the run was cut off."""
        return self._most is not None and self.steps >= self._most and not self._ending.over


class Ending:
    """`over` is set when `grace` microseconds have passed with nothing open and nothing to come.

    A workflow may be started (and a start be on its way) meanwhile: then the wait begins anew.
    """

    def __init__(self, sim: Simulation, arrivals: Sequence[Arrivals], open_workflows: Mapping[str, None], grace: int) -> None:
        self.over = False
        self._sim = sim
        self._arrivals = arrivals
        self._open = open_workflows
        self._grace = grace
        self._waits = 0

    def begin(self) -> None:
        """Listen from now on; to be called after whoever keeps `open_workflows`."""
        self._sim.listen(obs.WorkflowClosed, self._closed)

    def _idle(self) -> bool:
        return not self._open and all(arrivals.over for arrivals in self._arrivals)

    def _closed(self, time: int, node: str, closed: object) -> None:
        if self._idle():
            self._waits += 1
            mine = self._waits
            self._sim.schedule(time + self._grace, "the end", lambda: self._perhaps(mine))

    def _perhaps(self, wait: int) -> None:
        if wait == self._waits and self._idle():
            self.over = True
