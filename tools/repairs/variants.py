"""The columns of the table: the original, each repair alone, all of them. A further variant of the protocol is a few lines here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.workflow.repairs import ALL, NEEDS, Repair, repairs_of
from sim.workflow.variants import Variant as Protocol


@dataclass(frozen=True, slots=True)
class Variant:
    """`tables`: what a scenario says for it; `options`: what `WorkerOptions` say for it, in clusters that are made by hand.

    `thorough`: searched in all scopes, and not only in those that tell whether it breaks something.
    """

    name: str
    tables: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    thorough: bool = False


def of_repairs(name: str, names: list[str], thorough: bool = False) -> Variant:
    """The original with these repairs."""
    return Variant(name, {"repairs": names} if names else {}, {"repairs": repairs_of(names)}, thorough)


def without(name: str) -> Variant:
    """All repairs but one, and but those that need it: it would come with them."""
    left = [repair for repair in ALL if Repair[name.upper()] not in (repair, NEEDS.get(repair))]
    return of_repairs(f"all but {name}", [repair.name.lower() for repair in left])


HOST: Final = Variant("host sessions", {"protocol": "host"}, {"variant": Protocol.HOST})
"""The variant in which sessions outlive a restart; typed resources are an option of it, and without types it is the same."""
NAMES: Final = [repair.name.lower() for repair in Repair]
ORIGINAL: Final = of_repairs("original", [], thorough=True)
ALONE: Final = [of_repairs(name, [name]) for name in NAMES]
ALL_REPAIRS: Final = of_repairs("all", NAMES, thorough=True)
WITHOUT: Final = [without(name) for name in NAMES]
"""The ablation."""
VARIANTS: Final = [ORIGINAL, *ALONE, ALL_REPAIRS, HOST]
