"""How all figures look: colours, time axes, and SVG that is the same bytes every time."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import matplotlib
from matplotlib.ticker import FuncFormatter, MultipleLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SESSION_COLOURS: Final = (
    "#4c78a8", "#f2a541", "#54a06b", "#9d6cb3", "#3aa6a0", "#c77d54", "#7a8fd1", "#b0a03a", "#d177a6", "#6b8f3d", "#5fa8d3", "#a0746b",
)  # fmt: skip
"""No red and no grey: red is for what goes wrong, grey for waiting."""

RED: Final = "#c8312b"
AMBER: Final = "#e08a00"
ICE: Final = "#5b9bd5"
GREEN: Final = "#2e8b57"
INK: Final = "#222831"
MUTED: Final = "#6b7280"
BAND: Final = "#f3f4f6"
GRID: Final = "#d9dce1"

DARK: Final = {"white": "#14171c", INK: "#e6e8eb", MUTED: "#9aa3af", GRID: "#3a414c"}
"""What the ground, ink and lines are on a dark page; colours of data stay."""

_SETTINGS: Final[Any] = {
    "svg.hashsalt": "session-sim",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "hatch.linewidth": 0.6,
    # Names are users': a dollar in one is a dollar.
    "text.parse_math": False,
    "figure.facecolor": "white",
}
_STEPS: Final = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
    60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
)  # fmt: skip


def figure(width: float, height: float) -> Figure:
    """An empty figure in the house style; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def settings() -> Any:
    """The context in which a figure has to be drawn and saved."""
    return matplotlib.rc_context(_SETTINGS)


def svg(drawn: Figure) -> str:
    """The figure as SVG text: without a date, with ids that depend on the content alone."""
    text = _saved(drawn, "svg").decode("utf-8")
    # What is left of the metadata names only the format, by addresses that look like something to be loaded.
    return re.sub(r" *<metadata>.*?</metadata>\n", "", text, flags=re.DOTALL)


def png(drawn: Figure) -> bytes:
    """The figure as a PNG, 144 dots an inch."""
    return _saved(drawn, "png", dpi=144)


def darken(drawn: Figure) -> None:
    """Change a finished figure for a dark page."""
    from matplotlib.artist import Artist
    from matplotlib.colors import to_hex

    changes = {to_hex(old): new for old, new in DARK.items()}

    def change(artist: Artist, names: tuple[str, ...]) -> None:
        for name in names:
            colour = getattr(artist, f"get_{name}", lambda: None)()
            if isinstance(colour, (str, tuple)) and to_hex(colour) in changes:
                artist.set(**{name: changes[to_hex(colour)]})

    for artist in drawn.findobj(include_self=True):
        change(artist, ("color", "facecolor", "edgecolor"))
    for axes in drawn.axes:
        axes.set_facecolor("none")
        axes.tick_params(which="both", colors=DARK[MUTED])


def _saved(drawn: Figure, form: str, **options: Any) -> bytes:
    buffer = BytesIO()
    metadata: dict[str, Any] = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    with settings():
        drawn.savefig(buffer, format=form, metadata=metadata, **options)
    return buffer.getvalue()


def time_axis(axes: Axes, end: float) -> None:
    """Ticks at round times on an x axis in seconds, as seconds up to three minutes, else as minutes or hours."""
    wanted = end / 10 or 1.0
    step = next((s for s in _STEPS if s >= wanted), _STEPS[-1] * max(1, round(wanted / _STEPS[-1])))
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick_text(x, end)))


def tick_text(x: float, end: float) -> str:
    """A time on an axis that ends at `end`, both in seconds."""
    if end <= 180:
        return f"{x:g} s"
    hours, rest = divmod(round(x), 3600)
    minutes, seconds = divmod(rest, 60)
    if end < 7200:
        return f"{60 * hours + minutes}:{seconds:02} min"
    return f"{hours}:{minutes:02} h"


def session_colour(number: int) -> str:
    """The colour of the n-th session."""
    return SESSION_COLOURS[number % len(SESSION_COLOURS)]


def light(colour: str, share: float) -> str:
    """A colour such as "#4c78a8" mixed with this share of white."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(p + (255 - p) * share):02x}" for p in parts)


def dark(colour: str) -> str:
    """A colour for words on its own light shade."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(p * 0.55):02x}" for p in parts)


def plain(axes: Axes) -> None:
    """Axes without a box."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0)
