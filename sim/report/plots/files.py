"""Writes figures: each as SVG and PNG, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.report.plots import style
from sim.report.plots.series import Unsuitable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(slots=True)
class Drawn:
    """What was drawn, and what was not, with the reason."""

    files: list[Path] = field(default_factory=list)
    unsuitable: dict[str, str] = field(default_factory=dict)


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


def write_each(figures: Mapping[str, Callable[..., Figure]], names: Iterable[str], directory: Path, *of: Any) -> Drawn:
    """Write the figures of these names (all, if there are none), each drawn `of` the same.

    Raises:
        KeyError: there is no figure of this name.
    """
    drawn = Drawn()
    for name in names or figures:
        try:
            drawn.files += write(name, directory, partial(figures[name], *of))
        except Unsuitable as reason:
            drawn.unsuitable[name] = str(reason)
    return drawn
