"""What may stand in a marker: its arguments by name, and what each has to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sim.scenario.load import Scenario
from sim.scenario.problems import did_you_mean
from sim.workflow.definition import Definition


class WrongTest(Exception):
    """What a marker says makes no sense; the message says what was expected."""


def _is_number(value: object, least: int | None = None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def _are(value: object, of: type | tuple[type, ...] = object) -> bool:
    """Whether it is a sequence of such: a text is none."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and all(isinstance(one, of) for one in value)


def _are_tables(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(table, Mapping) for table in value.values())


ARGUMENTS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "scenario": (lambda value: isinstance(value, str | Path | Mapping | Scenario), 'a file ("file.toml"), its tables, or a Scenario'),
    "workflow": (lambda value: isinstance(value, str | Definition), '"file.py:function", or the workflow itself'),
    "input": (lambda value: True, "anything"),
    "count": (lambda value: _is_number(value, 1), "how many workflows, at least 1"),
    "workers": (lambda value: _is_number(value) or _are(value, Mapping), "how many workers, or a list of [[workers]] tables"),
    "activities": (_are_tables, 'tables by activity type, {"upload": {"duration": "5s"}}'),
    "properties": (_are, "a list of names, properties, or functions that look at a run"),
    "runs": (lambda value: _is_number(value, 1), "how many seeds, at least 1"),
    "seed": (_is_number, "a whole number"),
    "faults": (lambda value: _are(value, str), 'a list of kinds of faults, ["kill", "cancel"]; [] for none'),
    "set": (lambda value: _are(value, str), 'a list of settings, ["workers.w.count=3"]'),
}
"""Argument -> whether a value will do, and what is expected."""


def check_arguments(positional: Sequence[Any], named: Mapping[str, Any]) -> None:
    """Look at the arguments of a marker before anything is made of them; None is as good as none.

    Raises:
        WrongTest: there is no such argument, one is given twice, or one is of another kind.
    """
    if len(positional) > 1:
        raise WrongTest(f"session_sim has {len(positional)} arguments without a name; expected one, the scenario, and the others by name")
    for name in named:
        if name not in ARGUMENTS:
            raise WrongTest(f"session_sim: there is no argument {name!r}; {did_you_mean(name, list(ARGUMENTS))}")
    if positional and "scenario" in named:
        raise WrongTest("session_sim has two scenarios, one with its name and one without; expected one")
    for name, value in {**named, **({"scenario": positional[0]} if positional else {})}.items():
        fits, expected = ARGUMENTS[name]
        if value is not None and not fits(value):
            raise WrongTest(f"session_sim: {name} is {value!r}; expected {expected}")
