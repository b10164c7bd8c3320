"""Writes figures: each as SVG and PNG, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sim.report.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write(name: str, directory: Path, draw: Callable[[], Figure]) -> list[Path]:
    """Draw a figure twice, for light and for dark pages, and write `NAME.svg`, `NAME.png`, `NAME-dark.svg`, `NAME-dark.png`."""
    written: list[Path] = []
    directory.mkdir(parents=True, exist_ok=True)
    for dark in (False, True):
        figure = draw()
        if dark:
            style.darken(figure)
        stem = f"{name}-dark" if dark else name
        svg, png = directory / f"{stem}.svg", directory / f"{stem}.png"
        svg.write_text(style.svg(figure), "utf-8")
        png.write_bytes(style.png(figure))
        written += [svg, png]
    return written
