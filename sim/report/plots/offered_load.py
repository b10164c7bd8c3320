"""Figures over the offered load: which load a cell has, and curves of cells that differ in nothing else."""

from __future__ import annotations

from sim.report.plots.series import Unsuitable
from sim.sizing.offered import Offered
from sim.sizing.swept import Swept

NEEDS = "cells with open arrivals by a law, programs of one session each, and different offered loads"


def by_load(swept: Swept) -> tuple[dict[int, Offered], dict[str, list[int]]]:
    """The load of each cell, and the cells of each curve: those with as many slots and the same CreationTimeout.

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
    return known, groups


def thousandths(low: float, high: float, count: int = 120) -> list[float]:
    """So many points from low to high."""
    return [low + (high - low) * i / (count - 1) for i in range(count)]
