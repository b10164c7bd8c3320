"""Figures over the offered load: which load a cell has, and curves of cells that differ in nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from sim.report.plots.series import Unsuitable
from sim.sizing.offered import Offered
from sim.sizing.swept import Swept

NEEDS = "cells with open arrivals by a law, programs of one session each, and different offered loads"


def by_load(swept: Swept) -> tuple[dict[int, Offered], dict[str, list[int]]]:
    """The load of each cell, and the cells of each curve: those with as many slots and the same CreationTimeout.

    Where all of these stand alone, since the slots are what differs, they make one curve.

    Raises:
        Unsuitable: the loads are not known, or all the same.
    """
    known = {cell: found for cell in range(len(swept.result.plan.cells)) if (found := swept.offered(cell)) is not None}
    if len({round(found.per_slot, 9) for found in known.values()}) < 2:
        raise Unsuitable(f"it needs {NEEDS}")
    groups: dict[str, list[int]] = {}
    for cell, found in known.items():
        patience = "" if found.patience is None else f", CreationTimeout {found.patience:g} s"
        groups.setdefault(f"{found.servers} slots{patience}", []).append(cell)
    if all(len(cells) == 1 for cells in groups.values()):
        return known, {"": list(known)}
    return known, groups


def theory(base: list[Offered], of: Callable[[Offered], float | None], most: float = math.inf) -> tuple[list[float], list[float]]:
    """A line of theory over the load: between the loads of cells that differ in nothing else, or through cells that differ in slots.

    `of`: what theory says of a load, None for nothing; points above `most` are left out.
    """
    loads = sorted(found.per_slot for found in base)
    if len({found.servers for found in base}) == 1:
        points = [replace(base[0], rate=load * base[0].servers / base[0].hold) for load in thousandths(loads[0], loads[-1])]
    else:
        points = sorted(base, key=lambda found: found.per_slot)
    told = [(point.per_slot, value) for point in points if (value := of(point)) is not None and value <= most]
    return [x for x, _ in told], [y for _, y in told]


def thousandths(low: float, high: float, count: int = 120) -> list[float]:
    """So many points from low to high."""
    return [low + (high - low) * i / (count - 1) for i in range(count)]
