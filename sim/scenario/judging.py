"""Where a run meets the properties: which are judged, by which setting, and whether that is what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.properties import ALL, DEMANDS, KNOWN
from sim.properties.base import Property, Setting
from sim.scenario.network import NetworkDelays
from sim.scenario.schema import ScenarioModel

UNREMARKABLE = ("held", "not exercised")
"""What is expected of a property of which the scenario says nothing."""


def property_names() -> list[str]:
    """The names of all properties."""
    return list(KNOWN)


def chosen(model: ScenarioModel, names: Sequence[str] | None = None) -> list[Property]:
    """The properties to judge: `names`, or what the scenario says. Raises ValueError when a name is unknown."""
    if names is None:
        names = model.properties.enable if model.properties.enable is not None else [*ALL, *_demanded(model)]
        names = [name for name in names if name not in model.properties.disable]
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise ValueError(f"there is no property {', '.join(unknown)}; known are {', '.join(KNOWN)}")
    return [KNOWN[name] for name in names]


def _demanded(model: ScenarioModel) -> list[str]:
    """What the scenario demands beside the promises: that workflows end, if it says when nothing is wrong any more."""
    return list(DEMANDS) if model.fuzz is not None and model.fuzz.quiet_after is not None else []


def setting_of(model: ScenarioModel, delays: NetworkDelays) -> Setting:
    """What the properties may know of this scenario beside what they see."""
    fuzz = model.fuzz
    quiet, within = (fuzz.quiet_after or 0, fuzz.finish_within or 0) if fuzz is not None else (0, 0)
    return Setting(
        max_call_delay_us=delays.longest_us, faults=bool(model.faults), quiet_from_us=quiet, finish_within_us=within, until_us=model.until
    )  # fmt: skip


def as_expected(model: ScenarioModel, verdicts: Mapping[str, str]) -> bool:
    """Whether every verdict is the expected one. A property that was not judged cannot disappoint."""
    return all(
        verdict == model.expect[name] if name in model.expect else verdict in UNREMARKABLE for name, verdict in verdicts.items()
    )  # fmt: skip
