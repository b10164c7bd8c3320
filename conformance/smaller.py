"""Smaller scenarios than a given one: what can be left out of its table, or be made simpler. Pure; nothing is run here.

This is the reducing half of delta debugging (A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input",
2002): of every list, chunks of half, a quarter, and so on down to single items are left out; what depends on something that
is left out goes with it. Whoever shrinks asks for the candidates, smaller ones first, tries them, and starts anew from the
first that will do.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sim.shrink.programs import Steps, Table, chunks, numbered, plainer, shorter_programs, simpler_programs, size

_KEPT: Final = {
    "workers": ("name",),
    "workflows": ("id", "program"),
    "faults": ("kind", "target", "at", "moment", "for", "method", "name", "delay", "direction"),
}  # fmt: skip
"""What stays of each kind of table; anything else is a refinement that may not matter."""

_AT_LEAST_ONE: Final = ("workers", "workflows")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A smaller table, and in words what is different."""

    what: str
    table: Table

    @property
    def size(self) -> int:
        return size(self.table)

    @property
    def key(self) -> str:
        """The same for equal tables."""
        return json.dumps(self.table, sort_keys=True)


def candidates(table: Table) -> list[Candidate]:
    """All scenarios that are one reduction smaller, the smallest first, each once. The given table stays as it is."""
    found: dict[str, Candidate] = {}
    for candidate in (*_shorter(table), *_simpler(table)):
        found.setdefault(candidate.key, candidate)
    least = size(table)
    return sorted((c for c in found.values() if c.size <= least and c.table != table), key=lambda c: c.size)


# -- shorter lists -----------------------------------------------------------------------------------------------------


def _shorter(table: Table) -> Iterator[Candidate]:
    for name in ("faults", "workflows", "workers"):
        items = table.get(name, [])
        for chunk in chunks(len(items), int(name in _AT_LEAST_ONE)):
            smaller = copy.deepcopy(table)
            gone = [items[i] for i in chunk]
            smaller[name] = [copy.deepcopy(item) for i, item in enumerate(items) if i not in chunk]
            names = {item.get("name" if name == "workers" else "id") for item in gone} if name != "faults" else set()
            smaller["faults"] = [fault for fault in smaller.get("faults", []) if fault.get("target") not in names]
            yield Candidate(f"without {name} {numbered(chunk)}", smaller)
    for number, workflow in enumerate(table.get("workflows", [])):
        for what, program in shorter_programs(workflow.get("program", [])):
            yield Candidate(f"{workflow.get('id', number)}: {what}", _with_program(table, number, program))


def _with_program(table: Table, number: int, program: Steps) -> Table:
    changed = copy.deepcopy(table)
    changed["workflows"][number]["program"] = program
    return changed


# -- simpler items -----------------------------------------------------------------------------------------------------


def _simpler(table: Table) -> Iterator[Candidate]:
    """Items without what refines them: all of it, then one by one."""
    for name in ("workers", "workflows", "faults"):
        for i, item in enumerate(table.get(name, [])):
            for what, plain in (*plainer(item, _KEPT[name]), *_endless(item)):
                smaller = copy.deepcopy(table)
                smaller[name][i] = plain
                yield Candidate(f"{name} {i + 1}: {what}", smaller)
    for number, workflow in enumerate(table.get("workflows", [])):
        for what, program in simpler_programs(workflow.get("program", [])):
            yield Candidate(f"{workflow.get('id', number)}: {what}", _with_program(table, number, program))


def _endless(item: Table) -> Iterator[tuple[str, Table]]:
    # Without an end a fault is another fault, but perhaps as good.
    if "for" in item and item.get("kind") not in ("server_outage", "pause", "partition"):
        yield "without its end", {key: value for key, value in item.items() if key != "for"}


__all__ = ["Candidate", "Steps", "Table", "candidates", "shorter_programs", "size"]
