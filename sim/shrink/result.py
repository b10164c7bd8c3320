"""What a shrinker gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.scenario import shown
from sim.scenario.load import Scenario
from sim.shrink.ablation import Suspect, Suspects
from sim.shrink.measure import Deviations
from sim.shrink.sketch import tables_of
from sim.trace.tape import Tape


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A failing run made smaller. Plain data, so that it can be sent to another process.

    `broken`: the property that it breaks. `deviations`: faults, and choices that are not those of the default schedule; `before`
    the same of the run that was given, None if it has too many choices to count. `suspects`: every fault that is left, with how
    often the property breaks without it; a table. `tries`: runs that it took. `complete`: whether the search came to its end; otherwise
    the budget did.
    """

    tape: Tape
    broken: str
    deviations: Deviations
    before: Deviations | None
    suspects: Suspects
    tries: int
    complete: bool

    @property
    def guilty(self) -> tuple[Suspect, ...]:
        """The faults without which the property breaks less often."""
        return tuple(suspect for suspect in self.suspects if suspect.guilty)

    def _repr_html_(self) -> str:
        """What it takes, in a notebook."""
        return shown.page(self)

    def to_json(self) -> dict[str, Any]:
        """The object that `session-sim shrink --json` prints, without `files`."""
        return {
            "property": self.broken,
            "digest": self.tape.digest,
            "seed": self.tape.seed,
            "deviations": self.deviations.total,
            "faults": self.deviations.faults,
            "choices": self.deviations.choices,
            "before": None if self.before is None else {"faults": self.before.faults, "choices": self.before.choices},
            "guilty": [suspect.words for suspect in self.guilty],
            "suspects": [suspect.to_json() for suspect in self.suspects],
            "unusual": dict(self.tape.deviations),
            "scenario": tables_of(Scenario.from_dict(self.tape.scenario, source="the tape's scenario")),
            "tries": self.tries,
            "complete": self.complete,
        }
