"""Reading what commands are given: scenarios and tapes, from files or from standard input."""

from __future__ import annotations

import os
from pathlib import Path

from sim.cli import places
from sim.cli.output import STDIN, read_bytes, read_text
from sim.scenario.load import Scenario
from sim.trace.tape import Tape, TapeError, is_of_model, parse, read


def scenario(argument: str, overrides: list[str]) -> Scenario:
    """The scenario of a path, of the name of one that ships, or `-`.

    Raises:
        WrongInput, ScenarioError: there is none, or something in it is wrong.
    """
    if argument != "-":
        return Scenario.load(places.find(argument), overrides)
    # Files that it names are sought in the current directory.
    return Scenario.parse(read_text("-"), overrides, STDIN, Path("stdin"))


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


def tape(argument: str, models: bool = False) -> Tape:
    """The tape in a file, in a directory that `run --out` wrote, or on standard input. `models`: whether those of models will do.

    Raises:
        TapeError: there is none, or it is damaged, or it is of a model.
    """
    if argument == "-":
        name, found = f"the tape on {STDIN}", parse(read_bytes("-"), f"the tape on {STDIN}")
    else:
        path = Path(argument)
        name, found = f"tape {argument}", read(path / "run.tape" if os.path.isdir(path) else path)
    if not models and is_of_model(found):
        raise TapeError(f"{name} is of the model {found.scenario['model']}; expected a run of a scenario (replay and explain take both)")
    return found
