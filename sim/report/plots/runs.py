"""All figures of one run, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.report.plots import fairness, files, queue_over_time, slots, timeline, waits
from sim.report.plots.series import Unsuitable
from sim.report.timeline_parts import Timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES: Final = ("queue", "fairness", "sessions")
"""What has to be gathered of the run, besides its timeline."""

FIGURES: Final[dict[str, Callable[[Timeline, dict[str, Any], str], Figure]]] = {
    "timeline": lambda line, row, title: timeline.draw(line, title),
    "waits": lambda line, row, title: _waits(row, title),
    "slots": lambda line, row, title: slots.draw(line, title),
    "queue-over-time": lambda line, row, title: queue_over_time.draw(row, title),
    "served-order": lambda line, row, title: fairness.draw_order(row.get("served_order", []), title),
}
"""Figure -> what draws it of a timeline, the measures of the run, and a title."""


def _waits(row: dict[str, Any], title: str) -> Figure:
    known = [round(wait * 1e6) for wait in row.get("waits_s", []) if wait is not None]
    if not known:
        raise Unsuitable("it needs sessions that were created")
    return waits.draw(known, title=title)


def draw_all(line: Timeline, row: dict[str, Any], title: str, directory: Path, names: Sequence[str] = ()) -> files.Drawn:
    """Draw these figures (default: all that the run allows), as SVG and PNG, light and dark.

    Raises:
        KeyError: there is no figure of this name.
    """
    return files.write_each(FIGURES, names, directory, line, row, title)
