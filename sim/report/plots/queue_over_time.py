"""Sessions that wait, and slots in use, over the time of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.report.plots import series, style
from sim.report.plots.series import Unsuitable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS = 'the measures `queue` (metrics = [..., "queue"] in a sweep)'


def draw(row: dict[str, Any], title: str = "") -> Figure:
    """Draw both curves of a run's row: `queue_curve` and `slots_curve`.

    Raises:
        Unsuitable: the row does not have them.
    """
    if not row.get("queue_curve") or not row.get("slots_curve"):
        raise Unsuitable(f"it needs {NEEDS}")
    with style.settings():
        figure, axes = series.sheet("Sessions that wait, and slots in use", title, width=9, height=3.4)
        waiting, used = _steps(row["queue_curve"]), _steps(row["slots_curve"])
        end = max(waiting[0][-1], used[0][-1])
        axes.fill_between(*used, step="post", color=series.COLOURS[4], alpha=0.35, linewidth=0)
        axes.step(*used, where="post", color=series.COLOURS[0], linewidth=1.3, label="slots in use")
        axes.step(*waiting, where="post", color=series.COLOURS[5], linewidth=1.3, linestyle=(0, (5, 1)), label="sessions that wait")
        axes.set_xlim(0, end)
        axes.set_ylim(bottom=0)
        style.time_axis(axes, end)
        axes.set_xlabel("time of the run")
        axes.legend(loc="upper right", frameon=False, ncols=2, fontsize=8, bbox_to_anchor=(1.0, 1.2))
        return figure


def _steps(curve: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Means over stretches of `every_s` seconds as steps."""
    every, means = float(curve["every_s"]), [float(mean) for mean in curve["means"]] or [0.0]
    return [every * number for number in range(len(means) + 1)], [*means, means[-1]]
