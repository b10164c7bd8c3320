"""`session-sim sweep`: JSON, the printed table, exports, exit codes, wrong inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_run import sim

SCENARIO = """
[[workers]]
name = "w"
max_concurrent_session_execution_size = 1

[activities.work]
duration = { exponential = "20s" }

[[workflows]]
id = "job"
count = 3
program = [
    { op = "create", as = "s", creation = "1m", execution = "10m" },
    { op = "act", in = "s", activity = "work" },
    { op = "complete", in = "s" },
]
"""
SWEEP = """
title = "One or two"
scenario = "scenario.toml"
replications = 3

[[axes]]
key = "workers.w.count"
name = "workers"
values = [1, 2]
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scenario.toml").write_text(SCENARIO)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_json_table_and_export(files: Path) -> None:
    done = sim("sweep", "sweep.toml", "--out", "s.db", "--jobs", "1", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"cells": 2, "runs": 6, "resumed": 0, "store": "s.db", "undecided": [], "files": {}}
    again = sim("sweep", "sweep.toml", "--out", "s.db", "--export", "s.csv", "--jobs", "1")
    assert again.exit_code == 0
    assert "sweep · One or two" in again.stdout
    assert "means over runs, with their 95 % intervals" in again.stdout
    assert "2 cells, 6 runs, 6 of them from before" in again.stdout
    assert again.stdout.count("±") >= 4
    rows = (files / "s.csv").read_text().splitlines()
    assert rows[0].startswith("cell,workers,seed,digest,ended_at_s,")
    assert [row[:6] for row in rows[1:]] == ["0,1,1,", "0,1,2,", "0,1,3,", "1,2,1,", "1,2,2,", "1,2,3,"]
    assert {path.name for path in files.iterdir()} == {"scenario.toml", "sweep.toml", "s.db", "s.csv"}


def test_overrides_and_replications(files: Path) -> None:
    words = ["sweep", "-", "--out", "s.db", "--jobs", "1", "--json", "--replications", "2"]
    first = json.loads(sim(*words, stdin=SWEEP.encode()).stdout)
    other = json.loads(sim(*words, "--set", "workflows.job.count=2", stdin=SWEEP.encode()).stdout)
    assert (first["runs"], first["resumed"]) == (other["runs"], other["resumed"]) == (4, 0)
    axis_wins = json.loads(sim(*words, "--set", "workers.w.count=7", stdin=SWEEP.encode()).stdout)
    assert axis_wins["resumed"] == 4


def test_a_cell_that_is_not_known_well_enough_is_exit_code_4(files: Path) -> None:
    done = sim("sweep", "sweep.toml", "--out", "s.db", "--jobs", "1", "--precision", "1%", "--replications", "3")
    assert done.exit_code == 4
    assert "not known precisely enough: workers = 1; give more --replications" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["contentoin", "--out", "s.db"],
            "contentoin: no such file, and no sweep of that name ships with the program; did you mean contention",
        ),
        (
            ["sweep.toml", "--out", "no/s.db"],
            "no/s.db: cannot be written (No such file or directory); expected a file in a folder that exists",
        ),
        (
            ["sweep.toml", "--out", "scenario.toml"],
            "scenario.toml: is no store of results; choose another file",
        ),
        (
            ["sweep.toml", "--out", "s.db", "--export", "s.xls"],
            "s.xls: is neither CSV nor Parquet; expected a name that ends in .csv or .parquet",
        ),
        (
            ["sweep.toml", "--out", "s.db", "--precision", "5"],
            "--precision is 5.0; expected more than 0 and less than 1",
        ),
        (
            ["sweep.toml", "--out", "s.db", "--precision", "much"],
            "--precision is 'much'; expected a share, such as \"5%\" or 0.05",
        ),
        (
            ["sweep.toml", "--out", "s.db", "--test", "P(creation wait > 1m)"],
            "--test is 'P(creation wait > 1m)'; expected P(COLUMN > VALUE) < SHARE, such as P(creation wait > 30s) < 1%",
        ),
        (
            ["sweep.toml", "--out", "s.db", "--statistic", "p90(waits)"],
            "--statistic is 'p90(waits)', and the sweep has no column 'waits'",
        ),
        (
            ["sweep.toml", "--out", "s.db", "--set", "workers.x.count=2"],
            "sweep.toml: the scenario, in every cell: workers.x: an override names it",
        ),
        (
            ["scenario.toml", "--out", "s.db"],
            "scenario: is missing; expected a scenario file beside the sweep",
        ),
    ],
)
def test_wrong_inputs(files: Path, words: list[str], message: str) -> None:
    done = sim("sweep", *words, "--jobs", "1")
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert (files / "scenario.toml").read_text() == SCENARIO


def test_statistics_and_claims(files: Path) -> None:
    text = SWEEP.replace("replications = 3", 'replications = 3\nmetrics = ["run", "sessions"]')
    (files / "sweep.toml").write_text(text)
    asked = ["--statistic", "p50(creation_wait_max_s)", "--statistic", "steady(creation wait)"]
    words = ["sweep", "sweep.toml", "--out", "s.db", "--jobs", "1", "--replications", "8", "--test", "P(creation wait > 1h) < 40%"]
    told = json.loads(sim(*words, *asked, "--json").stdout)
    assert [(one["cell"], one["statistic"]) for one in told["statistics"]] == [
        (f"workers = {n}", statistic) for n in (1, 2) for statistic in asked[1::2]
    ]
    assert told["statistics"][0]["low"] < told["statistics"][0]["estimate"] < told["statistics"][0]["high"]
    assert told["statistics"][1]["long_enough"] is False
    assert [(one["verdict"], one["trials"]) for one in told["tests"]] == [("undecided", 8)] * 2
    assert all(one["low"] <= one["estimate"] <= one["high"] for one in told["tests"])
    assert told["undecided"] == ["workers = 1", "workers = 2"]
    shown = sim(*words, *asked)
    assert shown.exit_code == 4
    assert "not decided: workers = 1; give more --replications" in shown.stderr
    assert "undecided (" in " ".join(shown.stdout.split())


def test_sweeps_that_ship_are_listed() -> None:
    rows = json.loads(sim("list", "sweeps", "--json").stdout)["sweeps"]
    assert "contention" in {row["name"] for row in rows}
    assert all(row["what"] for row in rows)
