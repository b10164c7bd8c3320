"""Reading what commands are given: scenarios and tapes, from files or from standard input."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from typing import Any

from sim.cli import places
from sim.cli.exits import WrongInput
from sim.cli.output import read_text
from sim.scenario.load import Scenario
from sim.trace.tape import Tape, TapeError, read

STDIN = "standard input"


def scenario(argument: str, overrides: list[str]) -> Scenario:
    """The scenario of a path, of the name of one that ships, or `-`.

    Raises:
        WrongInput, ScenarioError: there is none, or something in it is wrong.
    """
    if argument != "-":
        return Scenario.load(places.find(argument), overrides)
    try:
        content = tomllib.loads(read_text("-"))
    except tomllib.TOMLDecodeError as error:
        raise WrongInput(f"{STDIN}: is not TOML: {error}") from None
    content.setdefault("name", "stdin")
    _take_in_modules(content)
    return Scenario.from_dict(content, overrides, STDIN)


def _take_in_modules(content: dict[str, Any]) -> None:
    """Workflow files that a scenario on standard input names are sought in the current directory."""
    for section in content.get("workflows", []):
        reference = section.get("workflow") if isinstance(section, dict) else None
        file = reference.partition(":")[0] if isinstance(reference, str) else ""
        if file.endswith(".py") and Path(file).is_file():
            content.setdefault("modules", {})[file] = read_text(file)


def scenario_text(argument: str, loaded: Scenario) -> str:
    """The scenario as its author wrote it; as JSON when that cannot be read again."""
    if argument == "-":
        return as_json(loaded)
    return read_text(str(places.find(argument)))


def as_json(loaded: Scenario) -> str:
    """The canonical form, without the text of workflow modules."""
    import json

    content = {key: value for key, value in loaded.to_dict().items() if key != "modules"}
    return json.dumps(content, indent=2, ensure_ascii=False)


def tape(argument: str) -> Tape:
    """The tape in a file, in a directory that `run --out` wrote, or on standard input.

    Raises:
        TapeError: there is none, or it is damaged.
    """
    if argument == "-":
        return _tape_from_stdin()
    path = Path(argument)
    return read(path / "run.tape" if path.is_dir() else path)


def _tape_from_stdin() -> Tape:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tape"
        path.write_text(read_text("-"), "utf-8")
        try:
            return read(path)
        except TapeError as error:
            raise WrongInput(str(error).replace(f"tape {path}", f"the tape on {STDIN}")) from None
