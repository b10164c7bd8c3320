"""Where a run meets the properties: which are judged, by which setting, and whether that is what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sim.scenario.network import NetworkDelays
from sim.scenario.schema import ScenarioModel

if TYPE_CHECKING:
    from sim.properties.base import Property, Setting

UNREMARKABLE = ("held", "not exercised")
"""What is expected of a property of which the scenario says nothing."""


def _all() -> Mapping[str, Property]:
    try:
        from sim.properties import ALL
    except ImportError:
        return {}
    return ALL


def property_names() -> list[str]:
    """The names of all properties."""
    return list(_all())


def chosen(model: ScenarioModel, names: Sequence[str] | None = None) -> list[Property]:
    """The properties to judge: `names`, or what the scenario says. Raises ValueError when a name is unknown."""
    known = _all()
    if names is None:
        names = model.properties.enable if model.properties.enable is not None else list(known)
        names = [name for name in names if name not in model.properties.disable]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"there is no property {', '.join(unknown)}; known are {', '.join(known)}")
    return [known[name] for name in names]


def setting_of(model: ScenarioModel, delays: NetworkDelays) -> Setting:
    """What the properties may know of this scenario beside what they see."""
    from sim.properties.base import Setting

    faults = bool(model.faults)
    return Setting(max_call_delay_us=delays.longest_us, faults=faults)


def as_expected(model: ScenarioModel, verdicts: Mapping[str, str]) -> bool:
    """Whether every verdict is the expected one. A property that was not judged cannot disappoint."""
    return all(
        verdict == model.expect[name] if name in model.expect else verdict in UNREMARKABLE for name, verdict in verdicts.items()
    )  # fmt: skip
