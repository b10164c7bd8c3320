"""The columns of the table: the original, each repair alone, all of them, host sessions, typed resources.

A further variant of the protocol is a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.protocol.worker.options import DEFAULT_SIZE
from sim.workflow.repairs import ALL, NEEDS, Repair, repairs_of
from sim.workflow.variants import Variant as Protocol
from tests.properties.clusters import asking


@dataclass(frozen=True, slots=True)
class Variant:
    """`tables`: what a scenario says for it; `options`: what `WorkerOptions` say for it, in clusters that are made by hand.

    `session`: what a program asks for, beside what it does, where it creates a session. `resource`: the type of which each worker has
    as many units as slots. `thorough`: searched in all scopes, and not only in those that tell whether it breaks something.
    """

    name: str
    tables: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    session: Mapping[str, Any] = field(default_factory=dict)
    resource: str = ""
    thorough: bool = False

    def of(self, tables: Mapping[str, Any]) -> dict[str, Any]:
        """A scenario's tables for this variant."""
        workers = [{**worker, **self._units(worker)} for worker in tables["workers"]]
        nobody = tables.get("cluster", {}).get("task_queues", ())
        workflows = [{**workflow, "program": asking(workflow["program"], self.session, nobody)} for workflow in tables["workflows"]]
        return {**tables, "workers": workers, "workflows": workflows, **self.tables}

    def _units(self, worker: Mapping[str, Any]) -> dict[str, Any]:
        slots = worker.get("max_concurrent_session_execution_size", DEFAULT_SIZE)
        if not self.resource or not worker.get("enable_session_worker", True):
            return {}
        return {"session_resources": {self.resource: slots}, "session_shapes": [{self.resource: 1}]}


def of_repairs(name: str, names: list[str], thorough: bool = False) -> Variant:
    """The original with these repairs."""
    return Variant(name, {"repairs": names} if names else {}, {"repairs": repairs_of(names)}, thorough=thorough)


def without(name: str) -> Variant:
    """All repairs but one, and but those that need it: it would come with them."""
    left = [repair for repair in ALL if Repair[name.upper()] not in (repair, NEEDS.get(repair))]
    return of_repairs(f"all but {name}", [repair.name.lower() for repair in left])


SURVIVES: Final = {"survive_restart": True}
HOST: Final = Variant("host sessions", {"protocol": "host"}, {"variant": Protocol.HOST}, SURVIVES, thorough=True)
"""Every session outlives a restart."""
TYPED: Final = Variant(
    "typed resources", {"protocol": "host"}, {"variant": Protocol.HOST}, {"resources": {"gpu": 1}}, resource="gpu", thorough=True
)
"""Every session needs a unit of one type; none outlives a restart, so that what differs from the original is not that."""
NAMES: Final = [repair.name.lower() for repair in Repair]
ORIGINAL: Final = of_repairs("original", [], thorough=True)
ALONE: Final = [of_repairs(name, [name]) for name in NAMES]
ALL_REPAIRS: Final = of_repairs("all", NAMES, thorough=True)
WITHOUT: Final = [without(name) for name in NAMES]
"""The ablation."""
VARIANTS: Final = [ORIGINAL, *ALONE, ALL_REPAIRS, HOST, TYPED]
