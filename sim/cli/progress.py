"""A progress bar for runs that take more than two seconds.

It is an observer that looks at a wall clock, which is why it lives here: nothing of it reaches the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from sim.cli.output import to_side
from sim.protocol import observations as obs
from sim.report.clock import stamp

if TYPE_CHECKING:
    from sim.scenario.cluster import Cluster
    from sim.simulator.simulation import Simulation

PATIENCE: Final = 2.0
EVERY: Final = 64
"""So many observations between two looks at the clock."""


class Watch:
    """Shows how far a run is, once it has taken two seconds. `total`: how many workflows it will start, None if unknown."""

    def __init__(self, what: str, total: int | None = None) -> None:
        self.what = what
        self.total = total
        self.began = monotonic()
        self.console = to_side()
        self.shown: Progress | None = None
        self.task: TaskID | None = None
        self.closed = 0
        self.heard = 0
        self.last = 0.0

    def attach(self, cluster: Cluster, simulation: Simulation) -> None:
        """Listen to what happens all the time."""
        simulation.listen(obs.WorkflowClosed, self._closed)
        simulation.listen(obs.AttemptEnded, self._heard)

    def _closed(self, time: int, node: str, o: Any) -> None:
        self.closed += o.status != "CONTINUED_AS_NEW"
        self._heard(time, node, o)

    def _heard(self, time: int, node: str, o: Any) -> None:
        self.heard += 1
        if self.heard % EVERY:
            return
        now = monotonic()
        # Where nobody looks at a terminal a bar would only leave empty lines.
        if not self.console.is_terminal or now - self.began < PATIENCE or now - self.last < 0.1:
            return
        self.last = now
        if self.shown is None:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[more]}"),
                TimeElapsedColumn(),
            )
            self.shown = Progress(*columns, console=self.console, transient=True)
            self.shown.start()
            self.task = self.shown.add_task(self.what, total=self.total, more="")
        assert self.task is not None
        of = f" of {self.total:,}" if self.total else ""
        self.shown.update(self.task, completed=self.closed, more=f"{self.closed:,}{of} workflows · {stamp(time, 0)} simulated")

    def stop(self) -> None:
        """Take the bar away."""
        if self.shown is not None:
            self.shown.stop()
            self.shown = None


@contextmanager
def watching(what: str, total: int | None = None) -> Iterator[Watch]:
    """A watch that is taken away at the end, however that comes."""
    watch = Watch(what, total)
    try:
        yield watch
    finally:
        watch.stop()


@contextmanager
def patiently(what: str) -> Iterator[None]:
    """A spinner once something has taken two seconds, where nothing tells how far it is."""
    console = to_side()
    if not console.is_terminal:
        yield
        return
    shown = Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True)
    shown.add_task(what, total=None)
    timer = Timer(PATIENCE, shown.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        shown.stop()
