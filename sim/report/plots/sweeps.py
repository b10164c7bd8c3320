"""All figures of a sweep, by name: those that its runs allow, and why not the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.report.plots import (
    before_after,
    creation_timeouts,
    detection,
    fairness,
    false_failures,
    files,
    heat_map,
    queue_over_time,
    utilisation,
    wait_against_load,
    wasted_work,
)
from sim.sizing.swept import Swept
from sim.sweep.columns import FIRST

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _row(swept: Swept, column: str) -> tuple[dict[str, Any], str]:
    """The first run of the last cell, and what to call it."""
    cell = len(swept.result.plan.cells) - 1
    for row in swept.rows(cell):
        if row.get(column):
            return row, swept.result.label(cell)
    return {}, ""


FIGURES: Final[dict[str, Callable[[Swept, str], Figure]]] = {
    "wait-against-load": lambda swept, column: wait_against_load.draw(swept),
    "slots-in-use": lambda swept, column: utilisation.draw(swept),
    "creation-timeouts": lambda swept, column: creation_timeouts.draw(swept),
    "queue-over-time": lambda swept, column: queue_over_time.draw(*_row(swept, "queue_curve")),
    "detection": lambda swept, column: detection.draw(swept),
    "false-failures": lambda swept, column: false_failures.draw(swept),
    "wasted-work": lambda swept, column: wasted_work.draw(swept),
    "fairness": lambda swept, column: fairness.draw(swept),
    "served-order": lambda swept, column: fairness.draw_order(*_served(swept)),
    "heat-map": heat_map.draw,
    "before-after": before_after.draw,
}
"""Figure -> what draws it of a sweep and a column (which only the last two need)."""


def _served(swept: Swept) -> tuple[list[int], str]:
    row, title = _row(swept, "served_order")
    return row.get("served_order", []), title


def draw_all(swept: Swept, directory: Path, names: Sequence[str] = (), column: str = FIRST) -> files.Drawn:
    """Draw these figures (default: all that the sweep allows), as SVG and PNG, light and dark.

    Args:
        swept: the sweep.
        directory: where they go.
        names: of figures.
        column: what heat map and comparison show.

    Raises:
        KeyError: there is no figure of this name.
    """
    return files.write_each(FIGURES, names, directory, swept, column)
