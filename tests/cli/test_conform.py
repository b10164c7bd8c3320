"""`session-sim conform`: JSON, files, exit codes; its tapes are replayed without the recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.evidence.case import read_case
from sim.evidence.normal import Comparison
from tests.cli.test_run import sim
from tests.evidence.cases import REAL, copy

CASE_KEYS = {"name", "verdict", "runs", "largest_difference_ms", "tape", "rejected_at"}


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("out") / "new"
    done = sim("conform", str(REAL / "continue_as_new"), str(REAL / "signal_answer_lost"), "--out", str(out), "--json")
    assert done.exit_code == 0, done.output
    return out, json.loads(done.stdout)


@pytest.fixture
def altered(tmp_path: Path) -> Path:
    def change(content: Any) -> None:
        content["events"][-1]["eventTime"] = content["events"][-1]["eventTime"].replace("2026-", "2027-")

    return copy("happy_path", tmp_path, change, "w.json")


def test_json_is_one_object_with_the_keys_of_the_contract(accepted: tuple[Path, dict[str, Any]]) -> None:
    _, found = accepted
    assert found.keys() >= {"accepted", "rejected", "undecided", "cases", "files"}
    assert [found[key] for key in ("accepted", "rejected", "undecided")] == [2, 0, 0]
    assert [case["name"] for case in found["cases"]] == ["continue_as_new", "signal_answer_lost"]
    for case in found["cases"]:
        assert case.keys() >= CASE_KEYS
        assert case["rejected_at"] is None
        assert 0 < case["largest_difference_ms"] < 100
    assert [case["runs"] for case in found["cases"]] == [2, 1]


def test_files_are_written(accepted: tuple[Path, dict[str, Any]]) -> None:
    out, found = accepted
    assert {file.name for file in out.iterdir()} == {"continue_as_new.tape", "signal_answer_lost.tape", "conformance.md"}
    assert [case["tape"] for case in found["cases"]] == [str(out / "continue_as_new.tape"), str(out / "signal_answer_lost.tape")]
    table = (out / "conformance.md").read_text()
    assert "| continue_as_new | accepted | 2 |" in table
    assert table.rstrip().endswith("2 accepted.")


def test_a_tape_is_replayed_and_its_histories_are_the_recorded_ones(accepted: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = accepted
    done = sim("replay", str(out / "continue_as_new.tape"), "--histories", str(tmp_path / "again"), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["identical"] is True
    assert found["files"] == {"histories": str(tmp_path / "again")}
    comparison = Comparison(100_000)
    shift = None
    for run in read_case(REAL / "continue_as_new").runs:
        name = f"{run.workflow_id}.json" if run.number == 1 else f"{run.workflow_id}.run{run.number}.json"
        written = json.loads((tmp_path / "again" / name).read_text())
        shift = shift if shift is not None else run.history.events[0].time - _microseconds(written["events"][0]["eventTime"])
        assert comparison.first_difference(run.history.raw, written, shift) is None
    assert len(list((tmp_path / "again").iterdir())) == 2


def _microseconds(text: str) -> int:
    from sim.history.proto_json import parse_time

    return parse_time(text)


def test_replay_without_histories_writes_none(accepted: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = accepted
    done = sim("replay", str(out / "signal_answer_lost.tape"), "--json")
    assert json.loads(done.stdout)["files"] == {}
    (tmp_path / "file").write_text("")
    done = sim("replay", str(out / "signal_answer_lost.tape"), "--histories", str(tmp_path / "file"))
    assert done.exit_code == 2
    assert "expected a directory to write to" in done.stderr


def test_a_rejected_case_is_exit_code_1(altered: Path, tmp_path: Path) -> None:
    done = sim("conform", str(altered), "--out", str(tmp_path / "out"), "--json")
    assert done.exit_code == 1, done.output
    found = json.loads(done.stdout)
    (case,) = found["cases"]
    assert (found["rejected"], case["verdict"], case["tape"]) == (1, "rejected", None)
    assert case["rejected_at"].keys() >= {"run", "event_id", "recorded", "possible"}
    assert case["rejected_at"]["run"] == "happy_path-w/1"
    assert not list((tmp_path / "out").glob("*.tape"))
    assert "* **happy_path**, happy_path-w/1, event" in (tmp_path / "out" / "conformance.md").read_text()


def test_a_rejection_is_told(altered: Path, tmp_path: Path) -> None:
    done = sim("conform", str(altered), "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "happy_path: happy_path-w/1, event" in done.stdout
    assert "recorded  WorkflowExecutionCompleted" in done.stdout
    assert "possible  WorkflowExecutionCompleted" in done.stdout
    assert "0 accepted, 1 rejected" in done.stdout


def test_an_undecided_case_is_exit_code_4(tmp_path: Path) -> None:
    done = sim("conform", str(REAL / "random_027"), "--tries", "1", "--out", str(tmp_path), "--json")
    assert done.exit_code == 4, done.output
    assert json.loads(done.stdout)["undecided"] == 1


def test_no_log_is_what_it_says(tmp_path: Path) -> None:
    folder = copy("happy_path", tmp_path)
    (folder / "log.jsonl").write_text("{")
    assert sim("conform", str(folder), "--out", str(tmp_path / "out")).exit_code == 2
    assert sim("conform", str(folder), "--out", str(tmp_path / "out"), "--no-log").exit_code == 0


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere", "case.json: no such file"), (".", "holds no case; expected a case.json in it, or folders with one")],
)
def test_no_case_is_wrong_input(path: str, message: str, tmp_path: Path) -> None:
    done = sim("conform", str(tmp_path / path), "--out", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_case_is_wrong_input(tmp_path: Path) -> None:
    folder = copy("happy_path", tmp_path, lambda content: content.pop("workers") and None)
    done = sim("conform", str(folder), "--out", str(tmp_path / "out"), "--json")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {folder / 'case.json'}: workers: is missing")
    (case,) = json.loads(done.stdout)["cases"]
    assert (case["name"], case["verdict"], case["tape"]) == ("happy_path", "damaged", None)
    assert case["problem"] == done.stderr.removeprefix("error: ").rstrip()


def test_a_damaged_case_among_good_ones_is_a_row_of_its_own(tmp_path: Path) -> None:
    damaged = copy("signal_answer_lost", tmp_path, lambda content: content.update(timeline=3))
    out = tmp_path / "out"
    words = ("conform", str(REAL / "happy_path"), str(tmp_path / "none"), str(damaged), str(REAL / "worker_killed"))
    done = sim(*words, "--out", str(out), "--json")
    assert done.exit_code == 2
    found = json.loads(done.stdout)
    assert [case["verdict"] for case in found["cases"]] == ["accepted", "damaged", "damaged", "accepted"]
    assert [found[key] for key in ("accepted", "rejected", "undecided", "damaged")] == [2, 0, 0, 2]
    assert f"error: {damaged / 'case.json'}: timeline: is 3; expected a list" in done.stderr
    assert {file.name for file in out.iterdir()} == {"happy_path.tape", "worker_killed.tape", "conformance.md"}
    assert "2 accepted, 2 damaged." in (out / "conformance.md").read_text()


def test_what_was_accepted_is_kept_when_the_command_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.evidence import conforming

    judge, judged = conforming.judge, []

    def interrupted(case: Any, tries: int) -> Any:
        if judged:
            raise KeyboardInterrupt
        judged.append(case)
        return judge(case, tries)

    monkeypatch.setattr(conforming, "judge", interrupted)
    done = sim("conform", str(REAL / "happy_path"), str(REAL / "worker_killed"), "--out", str(tmp_path))
    assert (done.exit_code, done.stderr) == (130, "interrupted\n")
    assert {file.name for file in tmp_path.iterdir()} == {"happy_path.tape", "conformance.md"}
