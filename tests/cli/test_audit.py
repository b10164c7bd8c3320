"""`session-sim audit`: tables, JSON, files, exit codes."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_run import sim

DATA = Path(__file__).parent.parent / "history" / "data"
KILLED = Path(__file__).parent.parent / "data" / "real" / "worker_killed"
SESSION_KEYS = {
    "workflow_id", "run_id", "session_id", "asked_at", "created_at", "wait_s", "attempts", "worker", "ended_at", "end", "cause",
    "detection_s", "activities",
}  # fmt: skip


def found(*words: str, code: int = 0) -> dict[str, Any]:
    done = sim("audit", *words, "--json")
    assert done.exit_code == code, done.output
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_json_is_one_object_with_the_keys_of_the_contract() -> None:
    content = found(str(KILLED / "w.json"), code=1)
    assert content.keys() >= {"sessions", "properties", "undecidable", "workers", "workflows", "files"}
    (session,) = content["sessions"]
    assert session.keys() >= SESSION_KEYS
    assert (session["end"], session["worker"], session["host"], session["attempts"]) == ("failed", "A", "host-a", 1)
    assert session["detection_s"] == pytest.approx(20, abs=0.03)
    assert session["asked_at"] == "2026-11-22T20:24:23.832994Z"
    assert set(content["properties"].values()) <= {"held", "broken", "not exercised", "undecidable"}
    assert content["properties"]["failure_is_failure"] == "broken"
    assert content["undecidable"] == [name for name, verdict in content["properties"].items() if verdict == "undecidable"]
    assert content["canceled_by_loss"] == [{"workflow_id": "worker_killed-w", "run_id": session["run_id"]}]
    assert content["evidence"]["failure_is_failure"]["violations"][0]["run"] == "worker_killed-w/1"


def test_a_story_is_told() -> None:
    done = sim("audit", str(KILLED))
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    for words in (
        "sessions 1 asked for: 1 failed",
        "worker_killed-w/1/s1 failed",
        "1 attempt, on A (host-a,",
        "no heartbeat for 20 s (the last came 6.69 s after the signal)",
        "detected 20.004 s after the last sign of life of its worker",
        "lost between 6.736 s after asking and 13.402 s after asking",
        "runs on? DoWork (event 11) has no end in the history",
        "nobody asked for it; its worker was lost",
        "not to be decided by histories: slot_limit",
        "Broken: failure_is_failure.",
    ):
        assert words in text
    assert "case.json" in done.stderr
    assert "left out, for it is no history" in done.stderr


def test_what_went_well_is_only_shown_when_asked_for() -> None:
    file = str(DATA / "two_sessions")
    short, long = sim("audit", file), sim("audit", file, "--all")
    assert (short.exit_code, long.exit_code) == (0, 0)
    assert "2 sessions went well; --all shows every session." in short.stdout
    assert "two_sessions-w/1/s1" not in short.stdout
    assert "two_sessions-w/1/s1  completed" in long.stdout


def test_a_double_binding_is_told() -> None:
    done = sim("audit", str(DATA / "signal_answer_lost"))
    text = " ".join(done.stdout.split())
    assert "bound twice; that one holds the slot and sends the heartbeats, the work is on A" in text
    assert "no slot DoWork (event 11) ran for 6.99 s without the session's slot" in text


def test_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    content = found(str(DATA / "recreate_waits"), "--slots", "1", "--out", str(out))
    assert content["files"].keys() == {"findings", "timeline", "slots", "waits"}
    assert {path.name for path in out.iterdir()} == {"audit.json", "timeline.svg", "slots.svg", "waits.svg"}
    assert {key: value for key, value in content.items() if key != "files"} == json.loads((out / "audit.json").read_text())
    picture = (out / "timeline.svg").read_text()
    assert "recreate_waits-w1" in picture
    assert "host-a" in picture
    assert content["properties"]["slot_limit"] == "held"
    again = tmp_path / "again"
    found(str(DATA / "recreate_waits"), "--slots", "1", "--out", str(again))
    assert (again / "timeline.svg").read_text() == picture


def test_no_session_is_no_error(tmp_path: Path) -> None:
    done = sim("audit", str(DATA / "execution_timeout_zero"), "--out", str(tmp_path))
    assert done.exit_code == 0
    assert "No sessions" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"audit.json"}


def test_standard_input() -> None:
    done = sim("audit", "-", "--json", stdin=(KILLED / "w.json").read_text())
    assert done.exit_code == 1
    assert json.loads(done.stdout)["workflows"][0]["file"] == "standard input"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "none.json: no such file or folder"),
        ("case.json", b'{"name": "x"}', "case.json: events: is missing; expected the list"),
        ("cut.json", (KILLED / "w.json").read_bytes()[:5000], r"cut.json: line \d+, column \d+: the JSON breaks off here"),
        ("cut.json.gz", gzip.compress((KILLED / "w.json").read_bytes())[:-40], "cut.json.gz: is a damaged gzip file"),
        ("gap.json", json.dumps({"events": json.loads((KILLED / "w.json").read_text())["events"][3:]}).encode(), "event 1, eventId: is 4"),
    ],
)
def test_wrong_input_is_told_in_one_message(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    for more in ([], ["--json"]):
        done = sim("audit", str(tmp_path / name), *more)
        assert done.exit_code == 2
        assert done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1
        assert re.search(message, done.stderr)


def test_a_simulated_incident_reads_like_a_real_one(tmp_path: Path) -> None:
    assert sim("run", "file_processing_crash", "--seed", "7", "--histories", str(tmp_path)).exit_code == 0
    (session,) = found(str(tmp_path), code=1)["sessions"]
    assert session["end"] == "failed"
    assert session["detection_s"] == pytest.approx(20, abs=0.1)
    assert session["lost_between"] is not None
