"""Runs a tape again, and says whether the same happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim import frames
from sim.history.events import Wrote
from sim.history.recorder import Recorder
from sim.scenario import shown
from sim.scenario.load import Scenario
from sim.scenario.run import PreparedRun, RunResult
from sim.scenario.tables import REPLAY
from sim.trace.tape import Tape

if TYPE_CHECKING:
    from pandas import DataFrame

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a run leaves its tape. `recorded` and `now`: the choice, `label = value`, or what is known of it."""

    at_s: float | None
    recorded: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """`digest` is that of the new run; `first_difference` None when it is the tape's."""

    identical: bool
    digest: str
    first_difference: Difference | None
    result: RunResult

    def to_json(self) -> dict[str, Any]:
        """The object that `session-sim replay --json` prints."""
        d = self.first_difference
        difference = None if d is None else {"at_s": d.at_s, "recorded": d.recorded, "now": d.now}
        properties = dict(self.result.properties)
        return {"identical": self.identical, "digest": self.digest, "first_difference": difference, "properties": properties}

    def to_frame(self) -> DataFrame:
        """Whether the same happened, as a pandas frame of one row. Raises ImportError when pandas is missing."""
        return frames.frame(REPLAY, [self])

    def _repr_html_(self) -> str:
        """The answer in a notebook, and the run."""
        return shown.page(self)


class _Comparing(dict[str, int]):
    """Takes the choices of a run as they are made, and finds the first that the tape has not in this place."""

    def __init__(self, recorded: Mapping[str, int], prepared: PreparedRun) -> None:
        super().__init__()
        self.first: Difference | None = None
        self._tape: Iterator[tuple[str, int]] = iter(recorded.items())
        self._prepared = prepared

    def __setitem__(self, label: str, value: int) -> None:
        super().__setitem__(label, value)
        if self.first is None:
            expected = next(self._tape, None)
            if expected != (label, value):
                recorded = None if expected is None else f"{expected[0]} = {expected[1]}"
                self.first = Difference(self._prepared.sim.now / SECOND, recorded, f"{label} = {value}")

    def finish(self) -> None:
        """The run is over: the tape should be, too."""
        left = next(self._tape, None)
        if self.first is None and left is not None:
            self.first = Difference(self._prepared.sim.now / SECOND, f"{left[0]} = {left[1]}", None)


def replay(tape: Tape, histories: bool = False) -> ReplayResult:
    """Run a tape: from its own scenario, seed and deviations alone.

    With all choices on the tape the first difference is found exactly; otherwise all that is known is that there is one.
    With `histories` the result's `recorder` has Temporal's history of every run.

    Raises:
        ScenarioError: the tape's scenario does not suit this program.
    """
    prepared = PreparedRun(
        Scenario.from_dict(tape.scenario, source="the tape's scenario"), tape.seed, tape.deviations, tape.choices is not None
    )
    comparing = None
    if tape.choices is not None:
        comparing = prepared.sim.choices.recorded = _Comparing(tape.choices, prepared)
    recorder = Recorder(tape.seed) if histories else None
    if recorder is not None:
        prepared.sim.listen(Wrote, recorder)
    prepared.run()
    if comparing is not None:
        comparing.finish()
    result = prepared.result(False, recorder)
    identical = result.digest == tape.digest
    difference = None if identical else (comparing.first if comparing is not None else None) or _unknown(tape, result)
    return ReplayResult(identical, result.digest, difference, result)


def _unknown(tape: Tape, result: RunResult) -> Difference:
    if tape.ended_at_us != result.ended_at_us:
        return Difference(None, f"ended at {tape.ended_at_us / SECOND:g} s", f"ended at {result.ended_at_us / SECOND:g} s")
    return Difference(None, f"digest {tape.digest}, made by {tape.made_by}", f"digest {result.digest}")
