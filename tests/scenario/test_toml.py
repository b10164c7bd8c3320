"""Scenarios written as TOML are the same scenarios when they are read again."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Scenario
from sim.scenario.toml import to_toml

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))

_SCALARS = st.text() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3), max_leaves=8
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_scenario_is_the_same_when_it_is_read_again(path: Path) -> None:
    scenario = Scenario.load(path)
    again = Scenario.parse(to_toml(scenario.to_dict()))
    assert again.to_dict() == scenario.to_dict()


@given(st.dictionaries(st.text(min_size=1), _VALUES, max_size=4))
def test_any_tables_are_the_same_when_they_are_read_again(tables: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(tables)) == tables


def test_it_looks_as_a_person_would_write_it() -> None:
    steps = [{"op": "create", "as": "s", "creation": "1m", "execution": "10m"}, {"op": "complete", "in": "s"}]
    tables = {"name": "one", "faults": [{"kind": "kill", "target": "w", "at": "6s"}], "workers": [{"name": "w"}],
              "workflows": [{"id": "job", "program": steps}], "modules": {"a.py": "x = 'y'\n"}}  # fmt: skip
    assert (
        to_toml(tables)
        == """\
name = "one"

[[workers]]
name = "w"

[[workflows]]
id = "job"
program = [
    { op = "create", as = "s", creation = "1m", execution = "10m" },
    { op = "complete", in = "s" },
]

[[faults]]
kind = "kill"
target = "w"
at = "6s"

[modules]
"a.py" = '''
x = 'y'
'''
"""
    )
