from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sim.cli.app import app

runner = CliRunner()
CRASH = "file_processing_crash"
KEYS = {
    "digest", "seed", "scenario", "ended_at_s", "properties", "as_expected", "sessions", "creation_wait_s", "slots", "messages",
    "workflows", "files",
}  # fmt: skip


def sim(*words: str, stdin: str | bytes | None = None) -> Result:
    return runner.invoke(app, list(words), input=stdin)


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The demo's scenario with everything written, and its JSON object."""
    out = tmp_path_factory.mktemp("crash")
    done = sim("run", CRASH, "--seed", "7", "--out", str(out), "--histories", str(out / "histories"), "--full-tape", "--json")
    assert done.exit_code == 0, done.output
    return out, json.loads(done.stdout)


def test_json_is_one_object_with_the_keys_of_the_contract(crash: tuple[Path, dict[str, Any]]) -> None:
    _, found = crash
    assert found.keys() >= KEYS
    assert found["sessions"].keys() >= {"asked", "created", "completed", "failed", "creation_timed_out"}
    assert found["creation_wait_s"].keys() >= {"mean", "p50", "p90", "p99", "max"}
    assert found["slots"].keys() >= {"mean_used", "capacity"}
    assert found["workflows"][0].keys() >= {"id", "status", "wait_s", "outcome"}
    assert set(found["properties"].values()) <= {"held", "broken", "not exercised", "undecidable"}
    assert found["properties"]["failure_is_failure"] == "broken"
    assert found["as_expected"] is True


def test_everything_lies_under_out(crash: tuple[Path, dict[str, Any]]) -> None:
    out, found = crash
    assert {p.name for p in out.iterdir()} == {"run.tape", "histories", "timeline.svg", "report.html", "metrics.json", "trace.json"}
    assert found["files"].keys() == {"tape", "timeline", "report", "metrics", "trace", "histories"}
    assert all(Path(path).exists() for path in found["files"].values())
    assert [p.name for p in (out / "histories").iterdir()] == ["file.json"]
    history = json.loads((out / "histories" / "file.json").read_text())
    assert history["events"][0]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["digest"] == found["digest"]
    assert metrics["promises"]["failure_is_failure"]["first_violation"]["at_s"] > 20


def test_the_report_shows_the_run(crash: tuple[Path, dict[str, Any]]) -> None:
    text = (crash[0] / "report.html").read_text()
    for words in ("killed", "failure_is_failure", "session-sim run file_processing_crash --seed 7", "processFileActivity", "[[faults]]"):
        assert words in text


def test_human_output_ends_with_verdict_picture_report_and_command(tmp_path: Path) -> None:
    done = sim("run", CRASH, "--seed", "7", "--out", str(tmp_path))
    assert done.exit_code == 0
    last = done.stdout.strip().splitlines()[-4:]
    assert last[0].startswith("As expected: ")
    assert last[1] == f"timeline:   {tmp_path / 'timeline.svg'}"
    assert last[2] == f"report:     {tmp_path / 'report.html'}"
    assert last[3] == "again:      session-sim run file_processing_crash --seed 7"


def test_watching_a_run_does_not_change_it(crash: tuple[Path, dict[str, Any]]) -> None:
    alone = json.loads(sim("run", CRASH, "--seed", "7", "--json").stdout)
    assert alone["digest"] == crash[1]["digest"]
    assert alone["files"] == {}


def test_a_verdict_that_was_not_expected_is_exit_code_1() -> None:
    done = sim("run", CRASH, "--seed", "7", "--set", 'expect.failure_is_failure="held"')
    assert done.exit_code == 1
    assert "Not as expected: failure_is_failure is broken." in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nosuch", "--seed", "1"], r"nosuch: no such file"),
        (["run", "file_processin", "--seed", "1"], r"did you mean file_processing"),
        (["run", CRASH, "--seed", "1", "--set", "workers.w.count=0"], r"workers\[0\]\.count: is 0; expected at least 1"),
        (["run", CRASH, "--seed", "1", "--set", "nonsense"], r"expected KEY=VALUE"),
        (["run", CRASH, "--seed", "one"], r"Invalid value for '--seed'"),
        (["run", CRASH], r"Missing option '--seed'"),
        (["replay", "nosuch.tape"], r"does not exist"),
        (["explain", "pyproject.toml"], r"is not JSON"),
        (["list", "nonsense"], r"is not one of"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(words: list[str], message: str) -> None:
    done = sim(*words)
    assert done.exit_code == 2
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.output
    assert done.stdout == ""


def test_a_directory_that_cannot_be_made_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = sim("run", CRASH, "--seed", "1", "--out", str(tmp_path / "file"))
    assert done.exit_code == 2
    assert "expected a directory to write to" in done.stderr


def test_a_folder_in_the_place_of_a_file_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "run.tape").mkdir()
    done = sim("run", CRASH, "--seed", "7", "--out", str(tmp_path))
    assert done.exit_code == 2
    assert f"{tmp_path / 'run.tape'}: Is a directory" in done.stderr


def test_a_scenario_from_standard_input() -> None:
    text = """
    [[workers]]
    name = "w"
    [[workflows]]
    id = "a"
    program = [{ op = "create", as = "s", creation = "1m", execution = "1m" }, { op = "complete", in = "s" }]
    """
    done = sim("run", "-", "--seed", "3", "--json", stdin=text)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["sessions"]["completed"] == 1
    assert sim("run", "-", "--seed", "3", stdin="not toml").exit_code == 2


def test_our_own_failure_is_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("sim.scenario.run.PreparedRun.run", fail)
    done = sim("run", CRASH, "--seed", "1")
    assert done.exit_code == 3
    assert "planted" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("error", "code"), [(MemoryError, 4), (KeyboardInterrupt, 130)])
def test_memory_and_interruption_have_codes_of_their_own(error: type[BaseException], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sim.scenario.run.PreparedRun.run", fail)
    assert sim("run", CRASH, "--seed", "1").exit_code == code


def test_many_workflows_go_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.cli.workflows_file.KEPT_WORKFLOWS", 3)
    found = json.loads(sim("run", "jobqueue_waiting", "--seed", "1", "--out", str(tmp_path), "--json").stdout)
    assert "workflows" not in found
    rows = [json.loads(line) for line in Path(found["workflows_file"]).read_text().splitlines()]
    assert len(rows) == 6
    assert {row["status"] for row in rows} == {"COMPLETED"}
    assert all(row["wait_s"] is not None for row in rows)


def _project(folder: Path, old: str, new: str) -> str:
    """A new project whose workflow has been changed."""
    assert sim("new", str(folder)).exit_code == 0
    code = (folder / "workflows.py").read_text()
    assert old in code
    (folder / "workflows.py").write_text(code.replace(old, new))
    return str(folder / "scenario.toml")


def test_workflow_code_that_fails_is_told(tmp_path: Path) -> None:
    scenario = _project(tmp_path / "p", "    for attempt in", "    1 / 0\n    for attempt in")
    done = sim("run", scenario, "--seed", "1", "--set", "until=30s", "--out", str(tmp_path / "out"))
    assert "warning: workflow code fails: ZeroDivisionError: division by zero" in done.stderr
    assert "a workflow task of file fails on w" in sim("explain", str(tmp_path / "out")).stdout


def test_an_activity_that_nothing_describes_is_wrong_input(tmp_path: Path) -> None:
    scenario = _project(tmp_path / "p", '"download"', '"nosuch"')
    done = sim("run", scenario, "--seed", "1")
    assert done.exit_code == 2
    assert "the activity 'nosuch', and nothing says what it does; expected [activities.nosuch]" in done.stderr


def test_what_is_not_modelled_is_refused_as_the_users_input(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(
        "from sim import workflow\n\n\n@workflow.workflow\nasync def parent(ctx, argument):\n"
        "    workflow.execute_child_workflow(ctx, 'child')\n"
    )
    scenario = 'schema_version = 1\n[[workers]]\nname = "w"\n[[workflows]]\nid = "p"\nworkflow = "child.py:parent"\n'
    (tmp_path / "child.toml").write_text(scenario)
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", str(tmp_path / "child.toml"), "--seed", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "ExecuteChildWorkflow is not modelled" in done.stderr
    assert "Traceback" not in done.stderr
