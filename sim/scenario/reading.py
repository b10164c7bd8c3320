"""Files of tables, scenarios and sweeps: their text, and the tables in it, or a ScenarioError that names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim.model.text import decoded, parse_toml
from sim.scenario.problems import Problem, ScenarioError


def text_of(path: Path, expected: str) -> str:
    """A file's text. `expected`: what should be there, such as "a scenario, such as scenarios/file_processing.toml"."""
    try:
        return decoded(path.read_bytes())
    except OSError as error:
        raise ScenarioError(str(path), [Problem((), f"the file cannot be read ({error.strerror}); expected {expected}")]) from None
    except ValueError as error:
        raise ScenarioError(str(path), [Problem((), str(error))]) from None


def tables_of(text: str, source: str, path: Path | None, name: str) -> dict[str, Any]:
    """The tables of a TOML text with a name: its own, else the file's, else `name`. `source`: what messages call it."""
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise ScenarioError(source, [Problem((), str(error))]) from None
    if not content.get("name"):
        content["name"] = path.stem if path is not None else name
    return content
