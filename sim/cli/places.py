"""Where scenarios are found: by their path, or by the name of one that ships with the program."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from sim.cli.exits import WrongInput

_PACKAGE = Path(__file__).resolve().parent.parent
SHIPPED = (_PACKAGE / "scenarios", _PACKAGE.parent / "scenarios")
"""In an installed package they lie inside it, in a checkout beside it."""


def shipped() -> list[Path]:
    """The scenarios that ship with the program, by name."""
    folder = next((place for place in SHIPPED if any(place.glob("*.toml"))), None)
    return sorted(folder.glob("*.toml")) if folder is not None else []


def shipped_sweeps() -> list[Path]:
    """The sweeps that ship with the program, by name."""
    return sorted(path for place in SHIPPED for path in (place / "sweeps").glob("*.toml"))


def here() -> list[Path]:
    """What looks like a scenario in the current directory, apart from those that ship."""
    known = {path.resolve() for path in shipped()}
    return [p for p in sorted(Path().glob("*.toml")) if p.resolve() not in known and p.name != "pyproject.toml" and _looks_like_one(p)]


def _looks_like_one(path: Path) -> bool:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return "[[workers]]" in text or "[[workflows]]" in text


def is_scenario(argument: str) -> bool:
    """Whether this is the path of a file, or the name of a scenario that ships."""
    return os.path.exists(argument) or argument in [path.stem for path in shipped()]


def find(argument: str) -> Path:
    """The file of a scenario given by its path or by its name.

    Raises:
        WrongInput: there is none.
    """
    path = Path(argument)
    if os.path.isfile(path):  # unlike the methods of paths these say no to names that are too long
        return path
    if os.path.isdir(path):
        found = path / "scenario.toml"
        if found.is_file():
            return found
        raise WrongInput(f"{argument}: is a directory; expected a scenario file (TOML), or a directory with a scenario.toml")
    names = {p.stem: p for p in shipped()}
    if argument in names:
        return names[argument]
    close = get_close_matches(argument.removesuffix(".toml").rpartition("/")[2], names, n=1)
    hint = f"; did you mean {close[0]}?" if close else "; `session-sim list` shows which there are"
    raise WrongInput(f"{argument}: no such file, and no scenario of that name ships with the program{hint}")


def find_sweep(argument: str) -> Path:
    """The file of a sweep given by its path or by its name.

    Raises:
        WrongInput: there is none.
    """
    if os.path.isfile(argument):
        return Path(argument)
    names = {path.stem: path for path in reversed(shipped_sweeps())}
    if argument in names:
        return names[argument]
    close = get_close_matches(argument.removesuffix(".toml").rpartition("/")[2], names, n=1)
    hint = f"; did you mean {close[0]}?" if close else f"; those that ship are {', '.join(sorted(names))}"
    raise WrongInput(f"{argument}: no such file, and no sweep of that name ships with the program{hint}")
