"""Recorded against fitted: the shares of values up to a time, as they were recorded and as the law says; one figure a quantity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sim.model.laws import Law
from sim.report.plots import files, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 400


class Learned(Protocol):
    """A law that was fitted to a sample, microseconds."""

    @property
    def law(self) -> Law: ...
    @property
    def sample(self) -> tuple[int, ...]: ...
    @property
    def family(self) -> str: ...
    @property
    def ks_p(self) -> float | None: ...


def draw(name: str, learned: Learned) -> Figure:
    """Draw both distribution functions on a logarithmic axis in milliseconds.

    For quantities that no recording shows by itself (`request`, `handling`, `transaction`) the recorded curve is that of the sum or
    the gap from which they were learned; it lies to the right of the law.
    """
    with style.settings():
        figure = style.figure(5.6, 3.2)
        axes = figure.add_axes((0.12, 0.19, 0.84, 0.64))
        xs, ys = _recorded(learned.sample)
        axes.step(xs, ys, where="post", color=style.INK, linewidth=1.8, label=f"recorded, n = {len(learned.sample)}")
        axes.plot(*_fitted(learned.law), color=style.SESSION_COLOURS[1], linewidth=1.6, label=f"fitted: {learned.family}")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.03)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g} ms" if x < 1000 else f"{x / 1000:g} s")
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
        axes.set_ylabel("share of values up to this")
        style.plain(axes)
        axes.grid(axis="y", color=style.GRID, linewidth=0.5)
        axes.legend(loc="lower right", frameon=False, fontsize=8)
        figure.text(0.02, 0.93, name, fontsize=10.5, fontweight="bold", va="center")
        if learned.ks_p is not None:
            figure.text(0.97, 0.93, f"p = {learned.ks_p:.3f}", fontsize=8, color=style.MUTED, va="center", ha="right")
        return figure


def draw_all(fitted: Mapping[str, Learned], directory: Path) -> list[Path]:
    """Write a figure for each quantity, as SVG and PNG, light and dark; returns the files."""
    return [file for name, learned in fitted.items() for file in files.write(name, directory, partial(draw, name, learned))]


def _recorded(sample: Sequence[int]) -> tuple[list[float], list[float]]:
    ordered = sorted(sample)
    return [max(v, 1) / 1000 for v in ordered], [(i + 1) / len(ordered) for i in range(len(ordered))]


def _fitted(law: Law) -> tuple[list[float], list[float]]:
    shares = [(i + 0.5) / POINTS for i in range(POINTS)]
    return [max(law.sample(int(share * 2**64)), 1) / 1000 for share in shares], shares
