"""A scenario's canonical form stands alone, says everything, and is the same however it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim import Scenario, ScenarioError
from sim.model.laws import Empirical, LogNormal
from sim.scenario.load import json_schema
from tests.scenario.watching import tables

TOML = """
[[workers]]
name = "w"
count = 2
[activities.a]
duration = { empirical = "latencies.csv" }
[[workflows]]
id = "x"
workflow = "code.py:hello"
"""

CODE = """
from sim import workflow

@workflow.workflow
async def hello(ctx, argument):
    return "hello"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "s.toml").write_text(TOML)
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "latencies.csv").write_text("latency_ms,who\n3,a\n1.5,b\n250us,c\n")
    return tmp_path


def test_the_canonical_form_stands_alone(directory: Path) -> None:
    scenario = Scenario.load(directory / "s.toml")
    content = scenario.to_dict()
    for file in list(directory.iterdir()):
        file.unlink()
    again = Scenario.from_dict(json.loads(json.dumps(content)))
    assert again.to_dict() == content
    assert again.digest == scenario.digest
    assert content["modules"] == {"code.py": CODE}
    assert content["activities"]["a"]["duration"] == {"empirical": ["250us", "1.5ms", "3ms"]}
    assert scenario.model.activities["a"].duration == Empirical((3_000, 1_500, 250))
    assert scenario.name == "s"


def test_defaults_are_spelled_out() -> None:
    content = Scenario.from_dict(tables()).to_dict()
    assert content["workers"][0]["default_heartbeat_throttle_interval"] == "30s"
    assert content["workers"][0]["restart_after"] == "never"
    assert content["until"] == "1h"


def test_the_digest_is_that_of_the_meaning() -> None:
    one = Scenario.from_dict(tables(grace="90s")).digest
    assert Scenario.from_dict(dict(reversed(list(tables(grace="1m30s").items())))).digest == one
    assert Scenario.from_dict(tables(grace="91s")).digest != one


def test_a_digest_never_changes() -> None:
    # It names runs in stores and tapes: a change here is a change of the schema, and wants a note in the changelog.
    assert Scenario.from_dict(tables()).digest == "0107fda8c79db3590b6007e5a6912e44"


def test_from_text() -> None:
    text = '[[workers]]\nname = "w1"\n[[workflows]]\nid = "w"\nprogram = [{ op = "sleep", ms = 10 }]\n'
    assert Scenario.parse(text).name == "scenario"
    with pytest.raises(ScenarioError, match="standard input: is not TOML"):
        Scenario.parse("=")


def test_laws() -> None:
    law = {"lognormal": {"median": "5ms", "p95": "20ms"}}
    scenario = Scenario.from_dict(tables(network={"request": law, "response": {"exponential": "2ms"}}))
    assert scenario.model.network.request == LogNormal.from_p95(5_000, 20_000)
    assert Scenario.from_dict(scenario.to_dict()).model == scenario.model


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("workers.w.count=3", 3),
        ("workers.0.count=3", 3),
        ("workers.*.count = 3", 3),
        ("workers[0].count=3", 3),
    ],
)
def test_overrides(override: str, value: int) -> None:
    assert Scenario.from_dict(tables(), [override]).model.workers[0].count == value


def test_overrides_make_tables_and_take_bare_text() -> None:
    scenario = Scenario.from_dict(tables(), ["activities.work.duration=20s", 'network.request={uniform=["1ms","2ms"]}', "title=What a day"])
    assert scenario.model.activities["work"].duration.mean() == 20_000_000
    assert scenario.model.network.request.bounds() == (1_000, 2_000)
    assert scenario.model.title == "What a day"


def test_the_given_tables_are_left_alone() -> None:
    content = tables()
    Scenario.from_dict(content, ["workers.w.count=3"])
    assert content == tables()


def test_the_schema_names_every_section() -> None:
    schema = json_schema()
    assert set(schema["properties"]) >= {"workers", "workflows", "faults", "network", "activities", "expect", "until"}
    assert "for" in schema["$defs"]["FaultSection"]["properties"]
    json.dumps(schema)
