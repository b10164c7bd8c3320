"""Files of latencies, as `session-sim calibrate` writes them: what a scenario does not say itself is taken from there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sim.model.text import decoded, parse_toml
from sim.scenario.problems import Problem, did_you_mean

KEY: Final = "latencies"
SECTIONS: Final = (KEY, "network", "activities", "arrivals")
_BY_METHOD: Final = ("request", "response", "handling", "returning")


def take_in_latencies(content: dict[str, Any], directory: Path) -> list[Problem]:
    """Replace `latencies = "FILE"`, or the key `file` of the table, by what stands in the file; return what is wrong with it.

    The file is sought beside the scenario, then in the working directory. Its sections are `[latencies]`, `[network]`,
    `[activities.TYPE]` (durations) and `[arrivals.NAME]`, to which `arrival = { like = "NAME" }` refers. What the scenario says wins.
    """
    given = content.get(KEY)
    name = given if isinstance(given, str) else given.pop("file", None) if isinstance(given, dict) else None
    if name is None:
        return _arrivals(content, {})
    if not isinstance(given, dict):
        content[KEY] = {}
    try:
        tables = _read(str(name), directory)
    except ValueError as error:
        return [Problem((KEY,), str(error))]
    own = content[KEY]
    assert isinstance(own, dict)
    for key, value in tables.get(KEY, {}).items():
        if key in _BY_METHOD and isinstance(value, dict):
            table = own.setdefault(key, {})
            if isinstance(table, dict):
                content[KEY][key] = {**value, **table}
        else:
            own.setdefault(key, value)
    _fill(content, "network", tables.get("network", {}))
    for kind, table in tables.get("activities", {}).items():
        if isinstance(content.setdefault("activities", {}), dict) and isinstance(table, dict):
            _fill(content["activities"], kind, table)
    return _arrivals(content, tables.get("arrivals", {}))


def _fill(content: dict[str, Any], section: str, table: Mapping[str, Any]) -> None:
    """Add keys to a table that it does not have."""
    if table and isinstance(content.setdefault(section, {}), dict):
        content[section] = {**table, **content[section]}


def _arrivals(content: dict[str, Any], known: Mapping[str, Any]) -> list[Problem]:
    """Replace `like` in arrivals by the law that the file has under that name."""
    problems: list[Problem] = []
    workflows = content.get("workflows")
    for index, workflow in enumerate(workflows if isinstance(workflows, list) else []):
        arrival = workflow.get("arrival") if isinstance(workflow, dict) else None
        if not isinstance(arrival, dict) or "like" not in arrival:
            continue
        name = arrival.pop("like")
        if name in known:
            arrival.update(known[name])
        else:
            known_names = did_you_mean(str(name), list(known)) if known else "the scenario names no file of latencies with arrivals"
            problems.append(Problem(("workflows", index, "arrival", "like"), f"is {name!r}, and there are no such arrivals; {known_names}"))
    return problems


def _read(name: str, directory: Path) -> dict[str, Any]:
    """The tables of a file. Raises ValueError when it cannot be read or has other sections."""
    places = [directory / name, Path(name)]
    path = next((place for place in places if os.path.isfile(place)), None)
    if path is None:
        raise ValueError(f"there is no file {name}; expected one beside the scenario, as session-sim calibrate --out writes it")
    try:
        tables = parse_toml(decoded(path.read_bytes()))
    except OSError as error:
        raise ValueError(f"the file {name} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"the file {name} {error}") from None
    for section, table in tables.items():
        if section not in SECTIONS or not isinstance(table, dict):
            raise ValueError(f"the file {name} has {section!r}; expected the sections {', '.join(SECTIONS)}")
    return tables
