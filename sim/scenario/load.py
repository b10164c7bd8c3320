"""Scenarios: read from a file or a tape, checked as a whole, and written in a form that stands alone."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.model.durations import format_duration
from sim.model.text import DEEPEST, decoded, too_deep
from sim.scenario import reading, shown
from sim.scenario.beyond import beyond
from sim.scenario.checks import check
from sim.scenario.latency_files import take_in_latencies
from sim.scenario.overrides import Override, apply_overrides
from sim.scenario.problems import Problem, ScenarioError, problems_of
from sim.scenario.schema import ScenarioModel
from sim.scenario.values import read_column


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that has been checked. `source`: where it came from, for messages."""

    model: ScenarioModel
    source: str

    @classmethod
    def load(cls, path: Path | str, overrides: Sequence[Override] = ()) -> Scenario:
        """Read a TOML file; files it names are sought beside it.

        Args:
            path: the file.
            overrides: `"workers.w1.count=3"` or `("workers.w1.count", 3)`: keys to set before anything is checked.

        Raises:
            ScenarioError: it cannot be read, or something in it is wrong; the message says all of it.
        """
        path = Path(path)
        return cls.parse(reading.text_of(path, "a scenario, such as scenarios/file_processing.toml"), overrides, str(path), path)

    @classmethod
    def parse(cls, text: str, overrides: Sequence[Override] = (), source: str = "standard input", path: Path | None = None) -> Scenario:
        """Read TOML; files it names are sought beside `path` (default: in the working directory).

        Raises:
            ScenarioError: it is not TOML, or something in it is wrong; the message says all of it.
        """
        content = reading.tables_of(text, source, path, "scenario")
        return cls._made(content, overrides, source, path.parent if path is not None else Path())

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], overrides: Sequence[Override] = (), source: str = "scenario") -> Scenario:
        """Make a scenario of its tables, as TOML would give them or as `to_dict` did.

        Raises:
            ScenarioError: something in it is wrong; the message says all of it.
        """
        try:
            copied = copy.deepcopy(dict(content))
        except RecursionError:
            raise ScenarioError(source, [Problem((), f"is nested more than {DEEPEST} deep; expected a few levels")]) from None
        return cls._made(copied, overrides, source, None)

    @classmethod
    def _made(cls, content: dict[str, Any], overrides: Sequence[Override], source: str, directory: Path | None) -> Scenario:
        problems = apply_overrides(content, overrides)
        deep = too_deep(content)
        if deep is not None:
            raise ScenarioError(source, [Problem(deep[:4], f"is nested more than {DEEPEST} deep; expected a few levels")])
        if directory is not None:
            problems += _take_in(content, directory)
        context = {"directory": directory}
        try:
            model = ScenarioModel.model_validate(content, context=context)
        except ValidationError as error:
            problems += problems_of(error, ScenarioModel)
            problems += beyond(content, context, [p.key for p in problems])
            raise ScenarioError(source, problems) from None
        problems += check(model)
        if problems:
            raise ScenarioError(source, problems)
        return cls(model, source)

    @property
    def name(self) -> str:
        """Its name: the file's, unless it has another."""
        return self.model.name

    def to_dict(self) -> dict[str, Any]:
        """The canonical form: every key spelled out, workflow modules by their text, laws from files by their values."""
        content = self.model.model_dump(mode="json", by_alias=True, exclude_none=True)
        # Laws that nobody gave are the protocol's own, and a table of none is none.
        content["latencies"] = {key: value for key, value in content["latencies"].items() if value != {}}
        if not content["latencies"]:
            del content["latencies"]
        if content["protocol"] == "sessions":
            del content["protocol"]
        for worker in content["workers"]:
            # It came later than the digests that stores and tapes have: what is off is left out.
            if not worker["asks_for_system_info"]:
                del worker["asks_for_system_info"]
            for name in ("resource_id", "session_resources", "session_shapes"):
                if not worker[name]:
                    del worker[name]
        if not content["repairs"]:
            del content["repairs"]
        return content

    @property
    def digest(self) -> str:
        """A hash of the canonical form, 32 hexadecimal characters."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode("ascii"), digest_size=16).hexdigest()

    def _repr_html_(self) -> str:
        """The scenario in a notebook: what it says, section by section."""
        return shown.page(self)


def _take_in(content: dict[str, Any], directory: Path) -> list[Problem]:
    """Put what stands in other files into the scenario itself: latencies, workflow modules and arrival times."""
    problems = take_in_latencies(content, directory)
    workflows = content.get("workflows")
    for i, section in enumerate(workflows if isinstance(workflows, list) else []):
        if not isinstance(section, dict):
            continue
        problems += _take_in_module(content, section.get("workflow"), directory, i)
        arrival = section.get("arrival")
        if isinstance(arrival, dict) and isinstance(arrival.get("file"), str):
            try:
                arrival["file"] = [format_duration(us) for us in read_column(arrival["file"], directory)]
            except ValueError as error:
                problems.append(Problem(("workflows", i, "arrival", "file"), str(error)))
                del arrival["file"]
    return problems


def _take_in_module(content: dict[str, Any], reference: object, directory: Path, index: int) -> list[Problem]:
    file = reference.partition(":")[0] if isinstance(reference, str) else ""
    modules = content.setdefault("modules", {})
    if not file.endswith(".py") or not isinstance(modules, dict) or not os.path.isfile(directory / file):
        return []
    try:
        modules[file] = decoded((directory / file).read_bytes())
    except OSError as error:
        return [Problem(("workflows", index, "workflow"), f"the file {file} cannot be read: {error.strerror}")]
    except ValueError as error:
        return [Problem(("workflows", index, "workflow"), f"the file {file} {error}")]
    return []


def json_schema() -> dict[str, Any]:
    """The JSON schema of a scenario, for editors."""
    return ScenarioModel.model_json_schema(by_alias=True)
