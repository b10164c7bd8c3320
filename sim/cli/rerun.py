"""Running a tape with somebody watching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.scenario.load import Scenario
from sim.scenario.run import RunResult, run
from sim.trace.tape import Tape


def rerun(tape: Tape, observers: Sequence[Any]) -> RunResult:
    """The run on a tape, from its own scenario, seed and deviations, watched by `observers`.

    Raises:
        ScenarioError: the tape's scenario does not suit this program.
    """
    scenario = Scenario.from_dict(tape.scenario, source="the tape's scenario")
    return run(scenario, tape.seed, deviations=tape.deviations, observers=observers)
