"""Original against host sessions: work lost and time to finish under rolling deploys, crashes, and machines that vanish."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from sim.report.plots import files, series, style
from sim.sizing.swept import Figure as Value
from sim.sizing.swept import Swept, numeric
from sim.sweep import Sweep, sweep
from sim.sweep.statistics import Interval
from tools.studies.page import fill, table

MINUTE: Final = 60.0
LABELS: Final = {"sessions": "original", "host": "host sessions"}
STUDIES: Final[dict[str, tuple[str, str]]] = {
    "deploys": ("a deploy of one worker every", "Rolling deploys"),
    "crashes": ("mean time between crashes", "Crashes"),
    "losses": ("the volume is back after", "Machines that vanish"),
}
"""Sweep -> what its axis is, and the title of its figures."""


def make(folder: Path) -> None:
    """Run the three sweeps, and write their tables and figures."""
    for name, (axis, title) in STUDIES.items():
        made = Sweep.load(folder / f"{name}.toml")
        swept = Swept.of(sweep(made), made)
        files.write(f"{name}-work", folder, partial(draw, swept, f"{title}: work for nothing", axis, _lost))
        files.write(f"{name}-time", folder, partial(draw, swept, f"{title}: until all is done", axis, _minutes))
        fill(folder / "README.md", name, _table(swept, axis))


def _lost(row: dict[str, object]) -> float | None:
    share = row.get("wasted_share")
    return share if isinstance(share, float) else None


def _minutes(row: dict[str, object]) -> float | None:
    ended = row.get("ended_at_s")
    return ended / MINUTE if isinstance(ended, float) else None


def _at(value: object) -> float:
    """Where a value of the axis stands, in seconds: of a law its mean."""
    text = next(iter(value.values())) if isinstance(value, dict) else value
    seconds = numeric(text)
    if seconds is None:
        raise ValueError(f"the axis has the value {value!r}; expected a duration, or an exponential law of one")
    return seconds


def draw(swept: Swept, title: str, axis: str, value: Value) -> Figure:
    """A curve for each protocol, with its intervals, against the second axis."""
    drawn = [
        series.Curve(LABELS[curve.label.rpartition("=")[2].strip()], curve.xs, curve.ys)
        for curve in series.curves(swept, swept.groups([1]), lambda cell: _at(swept.value(cell, 1)), value)
    ]
    with style.settings():
        figure, axes = series.sheet(title, series.runs_below(swept))
        series.draw_bands(axes, drawn)
        axes.set_xlabel(axis)
        series.time_ticks(axes, [x for curve in drawn for x in curve.xs])
        axes.set_ylim(bottom=0)
        if value is _lost:
            axes.set_ylabel("share of the work")
            series.percent(axes)
        else:
            axes.set_ylabel("minutes")
        series.legend(axes, "best")
        return figure


def _table(swept: Swept, axis: str) -> str:
    values = list(dict.fromkeys(json.dumps(cell.values[1]) for cell in swept.result.plan.cells))
    rows = []
    for value in values:
        cells = [n for n, cell in enumerate(swept.result.plan.cells) if json.dumps(cell.values[1]) == value]
        of = {str(swept.result.plan.cells[n].values[0]): n for n in cells}
        shares = [swept.interval(of[name], _lost) for name in LABELS]
        minutes = [swept.interval(of[name], _minutes) for name in LABELS]
        where = json.loads(value)
        said = next(iter(where.values())) if isinstance(where, dict) else where
        rows.append((said, *(_percent(share) for share in shares), *(_spelled(time) for time in minutes)))
    heads = [axis, *(f"work lost, {label}" for label in LABELS.values()), *(f"minutes, {label}" for label in LABELS.values())]
    return table(heads, rows)


def _percent(share: Interval) -> str:
    return f"{share.estimate:.1%} ± {share.half_width:.1%}"


def _spelled(time: Interval) -> str:
    return f"{time.estimate:.1f} ± {time.half_width:.1f}"
