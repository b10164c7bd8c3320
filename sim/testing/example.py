"""A scenario that prints as what makes it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.scenario.load import Scenario
from sim.scenario.schema import ScenarioModel
from sim.scenario.toml import to_toml


def text_of(scenario: Scenario) -> str:
    """A file with the same scenario, workflow modules included; what has its default is left out."""
    content = scenario.model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    for workflow in content.get("workflows", []):
        if not workflow.get("arrival", True):
            del workflow["arrival"]
    for fault in content.get("faults", []):
        if set(fault.get("moment", ())) == {"name"}:
            fault["moment"] = fault["moment"]["name"]
    return to_toml({name: content[name] for name in ScenarioModel.model_fields if content.get(name) not in (None, {}, [])})


@dataclass(frozen=True, slots=True, repr=False)
class Example(Scenario):
    """A scenario that was drawn; it prints as Python that makes it again, around the text of a file that runs."""

    def __repr__(self) -> str:
        text = text_of(self)
        for quotes in ('"""', "'''"):
            if quotes not in text:
                return f"Scenario.parse(r{quotes}\n{text}{quotes})"
        # Code with both kinds of quotes in it.
        lines = "".join(f"    {line!r}\n" for line in text.splitlines(keepends=True))
        return f"Scenario.parse(\n{lines})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis prints examples with IPython's protocol, and would print the fields of a dataclass otherwise."""
        printer.text(repr(self))
