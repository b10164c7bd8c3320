"""Where a run meets the properties: which are judged, by which setting, and whether that is what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sim.properties import DEMANDS, KNOWN, promises
from sim.properties.base import Property, Setting
from sim.scenario.network import NetworkDelays
from sim.scenario.schema import ScenarioModel
from sim.workflow.variants import Variant

FINISH_WITHIN: Final = 3 * 3_600_000_000
"""How long what is open may take once all faults are over, microseconds: longer than the timeouts that workflows usually have."""
UNREMARKABLE = ("held", "not exercised")
"""What is expected of a property of which the scenario says nothing."""


def property_names() -> list[str]:
    """The names of all properties that a scenario may name: promises, demands, duties of workflow code."""
    return list(KNOWN)


def chosen(model: ScenarioModel, properties: Sequence[str | Property] | None = None) -> list[Property]:
    """The properties to judge: `properties`, or what the scenario says; where it says nothing, all promises.

    A property that this program does not have is given itself instead of its name. Raises ValueError when a name is
    unknown, or two properties have one.
    """
    if properties is None:
        named = model.properties.enable if model.properties.enable is not None else [*promises(Variant(model.protocol)), *_demanded(model)]
        properties = [name for name in named if name not in model.properties.disable]
    unknown = [one for one in properties if isinstance(one, str) and one not in KNOWN]
    if unknown:
        raise ValueError(f"there is no property {', '.join(unknown)}; known are {', '.join(KNOWN)}")
    found: dict[str, Property] = {}
    for one in properties:
        p = KNOWN[one] if isinstance(one, str) else one
        if found.setdefault(p.name, p) is not p:
            raise ValueError(f"two properties are called {p.name!r}; give one of them another name")
    return list(found.values())


def _demanded(model: ScenarioModel) -> list[str]:
    """What the scenario demands beside the promises: that workflows end, if it says when nothing is wrong any more."""
    return list(DEMANDS) if model.fuzz is not None and model.fuzz.quiet_after is not None else []


def setting_of(model: ScenarioModel, delays: NetworkDelays) -> Setting:
    """What the properties may know of this scenario beside what they see."""
    setting = Setting(max_call_delay_us=delays.longest_us, faults=bool(model.faults), until_us=model.until)
    if model.fuzz is None or model.fuzz.quiet_after is None:
        return setting
    return replace(setting, quiet_from_us=model.fuzz.quiet_after, finish_within_us=model.fuzz.finish_within or FINISH_WITHIN)


def as_expected(model: ScenarioModel, verdicts: Mapping[str, str]) -> bool:
    """Whether every verdict is the expected one. A property that was not judged cannot disappoint."""
    return all(
        verdict == model.expect[name] if name in model.expect else verdict in UNREMARKABLE for name, verdict in verdicts.items()
    )  # fmt: skip
