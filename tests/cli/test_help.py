"""Commands for newcomers: list, describe, schema, new, doctor, help and versions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import places
from sim.cli.app import COMMANDS
from tests.cli.test_run import CRASH, sim


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_every_help_shows_an_example(name: str) -> None:
    done = sim(name, "--help")
    assert done.exit_code == 0
    assert "Example" in done.stdout
    assert f"session-sim {name}" in done.stdout


def test_commands_of_later_work_are_not_there_yet() -> None:
    names = [name for name, _ in COMMANDS]
    assert names == [
        "run", "replay", "explain", "diff", "shrink", "report", "audit", "conform", "calibrate", "check", "sweep", "list", "describe",
        "schema", "new", "doctor",
    ]  # fmt: skip
    assert sim("fuzz").exit_code == 2


def test_the_version_names_what_is_modelled() -> None:
    text = sim("--version").stdout
    assert text.startswith("session-sim ")
    assert "server 1.32.1" in text
    assert "Go SDK 1.48.0" in text


def test_list_has_scenarios_properties_and_faults() -> None:
    found = json.loads(sim("list", "--json").stdout)
    assert found.keys() == {"scenarios", "sweeps", "properties", "faults"}
    assert {"file_processing", CRASH, "jobqueue", "jobqueue_small"} <= {row["name"] for row in found["scenarios"]}
    assert len(found["properties"]) == 24
    assert all(row["what"] for rows in found.values() for row in rows)
    text = sim("list").stdout
    assert "Properties: promises about sessions." in text
    assert "session token taken" in sim("list", "moments").stdout


def test_list_shows_scenarios_of_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text('title = "Mine"\n[[workers]]\nname = "w"\n')
    (tmp_path / "other.toml").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    mine = [row for row in json.loads(sim("list", "scenarios", "--json").stdout)["scenarios"] if not row["ships"]]
    assert [(row["name"], row["what"]) for row in mine] == [("mine.toml", "Mine")]


@pytest.mark.parametrize("name", [path.stem for path in places.shipped()])
def test_every_scenario_that_ships_can_be_described(name: str) -> None:
    done = sim("describe", name)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(name)
    assert "Worker" in done.stdout


def test_describe_says_what_goes_wrong_and_what_is_expected() -> None:
    text = sim("describe", CRASH).stdout
    assert "Fault kill to @there at the moment “activity runs”, 8s after it" in text
    assert "Expected to be broken: failure_is_failure." in text


@pytest.mark.parametrize(("name", "kind"), [("same_worker", "property"), ("slow_down", "fault"), ("session failed", "moment")])
def test_describe_of_anything_that_has_a_name(name: str, kind: str) -> None:
    done = sim("describe", name)
    assert done.exit_code == 0
    assert f"{name} ({kind})" in done.stdout


def test_a_name_that_two_things_have_means_the_scenario() -> None:
    assert sim("describe", "partition").stdout.startswith("partition: ")
    assert sim("describe", "fault:partition").stdout.startswith("partition (fault)")
    assert sim("describe", "nosuch").exit_code == 2


def test_describe_moments_lists_them() -> None:
    assert "session heartbeat recorded" in sim("describe", "moments").stdout


def test_the_schema_is_a_json_schema() -> None:
    schema = json.loads(sim("schema").stdout)
    assert schema["type"] == "object"
    assert {"workers", "workflows", "faults", "expect"} <= schema["properties"].keys()


def test_a_new_project_works(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert sim("new", str(folder)).exit_code == 0
    done = sim("run", str(folder / "scenario.toml"), "--seed", "1", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["workflows"][0]["status"] == "COMPLETED"
    assert found["sessions"] == {"asked": 2, "created": 2, "completed": 1, "failed": 1, "creation_timed_out": 0}
    again = sim("new", str(folder))
    assert again.exit_code == 2
    assert "is not empty" in again.stderr


def test_the_doctor_finds_this_environment_in_order() -> None:
    done = sim("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["fine"] is True
    assert done.exit_code == 0
    assert {"Python", "simpy", "a small run", "a picture"} <= {check["what"] for check in found["checks"]}


def _process(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sim", *words], capture_output=True, text=True, check=False)


def test_exit_codes_of_the_process() -> None:
    fine = _process("run", "file_processing", "--seed", "1", "--json")
    assert (fine.returncode, fine.stderr) == (0, "")
    json.loads(fine.stdout)
    assert _process("run", CRASH, "--seed", "7", "--set", 'expect.failure_is_failure="held"').returncode == 1
    wrong = _process("run", "nosuch", "--seed", "1")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert len(wrong.stderr.strip().splitlines()) == 1


def test_output_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    import os

    texts = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        subprocess.run(
            [sys.executable, "-m", "sim", "run", CRASH, "--seed", "7", "--out", str(out)],
            check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        texts.append({path.name: path.read_bytes() for path in sorted(out.iterdir())})
    assert texts[0] == texts[1]
