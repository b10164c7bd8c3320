"""A scenario that prints as what makes it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.scenario.load import Scenario
from sim.testing.toml import to_toml


@dataclass(frozen=True, slots=True, repr=False)
class Example(Scenario):
    """A scenario that was drawn; it prints as Python that makes it again, around the text of a file that runs."""

    def __repr__(self) -> str:
        quotes, raw = ("'''", "") if '"""' in (text := to_toml(self)) else ('"""', "r")
        return f"Scenario.parse({raw}{quotes}\n{text}{quotes})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis prints examples with IPython's protocol, and would print the fields of a dataclass otherwise."""
        printer.text(repr(self))
