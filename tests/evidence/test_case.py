"""Reading a case's folder: what it tells, and one clear message for whatever is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.evidence.case import CaseError, option_duration, read_case
from sim.evidence.conforming import case_folders
from sim.evidence.rebuild import scenario_of
from sim.evidence.recording import Recording
from tests.evidence.cases import CASES, REAL, Change, change_log, copy, real


def test_what_a_case_tells() -> None:
    case = real("continue_as_new")
    assert case.name == "continue_as_new"
    assert (case.sdk, case.task_queue) == ("1.48.0", "continue_as_new")
    assert [(run.workflow_id, run.number) for run in case.runs] == [("continue_as_new-w", 1), ("continue_as_new-w", 2)]
    assert case.t0 > 1_700_000_000_000_000
    assert case.log is not None
    assert [row["t"] for row in case.log] == sorted(row["t"] for row in case.log)
    assert real("continue_as_new", with_log=False).log is None


def test_a_case_without_a_log(tmp_path: Path) -> None:
    folder = copy("happy_path", tmp_path)
    (folder / "log.jsonl").unlink()
    assert read_case(folder).log is None


def _set(*path: Any, to: Any) -> Change:
    def change(content: Any) -> Any:
        if not path:
            return to
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = to

    return change


def _without(*path: Any) -> Change:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]

WRONG: list[tuple[str, Change, str]] = [
    ("no object", _set(to=[1]), "holds a JSON list; expected an object"),
    ("no name", _without("name"), "name: is missing"),
    ("no workers", _without("workers"), "workers: is missing"),
    ("t0 in words", _set("t0", to="now"), "t0: is 'now'; expected seconds since 1970"),
    ("t0 before 1970", _set("t0", to=-5), "t0: is -5; expected seconds since 1970"),
    ("t0 without end", _set("t0", to=float("inf")), "t0: is inf; expected seconds since 1970"),
    ("t0 that is no number", _set("t0", to=float("nan")), "t0: is nan; expected seconds since 1970"),
    ("a name with a folder", _set("name", to="../x"), "name: is '../x'; expected up to 150 characters without a slash"),
    ("a timeline in words", _set("timeline", to="none"), "timeline: is 'none'; expected a list"),
    ("a time without end", _set("timeline", 0, "t", to=float("-inf")), r"timeline\[0\].t: is -inf; expected seconds after t0"),
    ("somebody in numbers", _set("timeline", 0, "who", to=7), r"timeline\[0\].who: is 7; expected text"),
    ("a host in numbers", _set("workers", "A", "host", to=7), "workers.A.host: is 7; expected text"),
    ("a timeout without end", _set("workers", "A", "stop_timeout", to="0:00:inf"), "stop_timeout: is '0:00:inf'; expected a duration"),
    ("a program deep down", _set("workflows", 0, "steps", 0, to=DEEP), "case.json: is nested more than 100 deep"),
    ("a file with a NUL", _set("runs", 0, "file", to="w\0.json"), "cannot be read"),
    ("a file with a long name", _set("runs", 0, "file", to="w" * 300), "cannot be read"),
    ("no runs", _set("runs", to=[]), "runs: is empty; expected at least one run"),
    ("a run in words", _set("runs", 0, to="w.json"), r"runs\[0\]: is 'w.json'; expected an object with file and workflow_id"),
    ("a run without a file", _without("runs", 0, "file"), r"runs\[0\].file: is missing"),
    ("a history that is not there", _set("runs", 0, "file", to="gone.json"), r"gone.json: "),
    ("a worker in words", _set("workers", "A", to="big"), "workers.A: is 'big'; expected an object"),
    ("an unknown option", _set("workers", "A", "sesions", to=3), "workers.A.sesions: there is no such option; known are host, sessions"),
    ("a stop timeout", _set("workers", "A", "stop_timeout", to="soon"), "workers.A.stop_timeout: is 'soon'; expected a duration"),
    ("a number of sessions", _set("workers", "A", "sessions", to="many"), "workers.A.sessions: is 'many'; expected a whole number"),
    ("a workflow in words", _set("workflows", 0, to="w"), r"workflows\[0\]: is 'w'; expected an object with id and steps"),
    ("a workflow without steps", _without("workflows", 0, "steps"), r"workflows\[0\].steps: is missing"),
    ("a workflow without a run", _set("workflows", 0, "id", to="other"), "'other' has no run"),
    ("an unknown step", _set("workflows", 0, "steps", 0, "op", to="craete"), "there is no such step"),
    ("a step in no words", _set("workflows", 0, "steps", 0, "op", to=[1]), "there is no such step"),
    ("an unknown option of a workflow", _set("workflows", 0, "options", to={"cron": "5s"}), "the option 'cron' is not known here"),
    ("a line of the timeline in words", _set("timeline", 0, to="start"), r"timeline\[0\]: is 'start'; expected an object such as"),
    ("a line without a time", _without("timeline", 0, "t"), r"timeline\[0\].t: is missing"),
    ("an unknown fault", _set("timeline", 0, "what", to="flood"), r"timeline\[0\]: 'flood' is not known here"),
    ("a fault of nobody", _set("timeline", 0, to={"t": 1, "what": "kill -9", "who": "Z"}), "'Z'"),
    ("a damaged fault of calls", _set("timeline", 0, "what", to="call fault {"), "the fault 'call fault {' is not known here"),
    ("an unknown mode", _set("timeline", 0, "what", to='call fault {"method": "Poll", "mode": "eat"}'), "mode one of lose_request"),
    ("a count in words", _set("timeline", 0, "what", to='call fault {"method": "P", "mode": "error", "count": "x"}'), "no whole number"),
    ("an impossible SDK", _set("sdk", to="go latest"), "sdk_version"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_case_is_told_in_one_message(change: Change, message: str, tmp_path: Path) -> None:
    folder = copy("happy_path", tmp_path, change)
    with pytest.raises(CaseError, match=message) as raised:
        scenario_of(read_case(folder))
    assert str(folder) in str(raised.value)


def test_files_that_are_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"nowhere/case.json: no such file; expected a folder with case.json"):
        read_case(tmp_path / "nowhere")
    folder = copy("happy_path", tmp_path)
    text = (folder / "w.json").read_text()
    (folder / "w.json").write_text(text[: len(text) // 2])
    with pytest.raises(CaseError, match=r"w.json: "):
        read_case(folder)
    (folder / "w.json").write_text(json.dumps([json.loads(text)] * 2))
    with pytest.raises(CaseError, match=r"w.json: holds several histories; expected that of one run"):
        read_case(folder)
    (folder / "case.json").write_text('{"name": ')
    with pytest.raises(CaseError, match=r"case.json: is not JSON \(.*\); is the file complete\?"):
        read_case(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"t": 1.5, "ev": "rp', r"line 1: is not JSON"),
        ('{"ev": "rpc"}', r'line 1: lacks "t" or "ev"'),
        ("[1]", r'line 1: lacks "t" or "ev"'),
        ('{"t": 1, "ev": "rpc", "worker": "A", "method": "Poll", "ms": "long"}', "line 1: rpc: ms: is 'long'; expected milliseconds"),
        ('{"t": 1, "ev": "activity_start", "worker": "A", "run": "r", "attempt": 1}', "line 1: activity_start: activity: is missing"),
        ('{"t": 1, "ev": "activity_end", "worker": "A", "run": "r", "activity": "x", "attempt": 1}', "activity: is 'x'"),
        ('{"t": 1, "ev": "workflow_saw", "run": "r", "saw": 3}', "line 1: workflow_saw: saw: is 3; expected an object"),
        ('{"t": NaN, "ev": "worker_started", "worker": "A"}', "worker_started: t: is nan; expected seconds after t0"),
        ('{"t": 1, "ev": "worker_started", "worker": 5}', "worker_started: worker: is 5; expected text"),
        ('{"t": 1, "ev": "workflow_saw", "run": "r"}', "line 1: workflow_saw: saw: is missing"),
        ('{"t": 1, "ev": "workflow_saw", "run": "r", "saw": {"ms": "x"}}', "line 1: workflow_saw: saw.ms: is 'x'; expected milliseconds"),
        ('{"t": 1, "ev": "activity_end", "worker": "A", "run": "r", "activity": 1, "attempt": -1}', "attempt: is -1; expected"),
        ('{"t": 1e30, "ev": "worker_started", "worker": "A"}', r"worker_started: t: is 1e\+30; expected seconds after t0"),
    ],
)
def test_a_damaged_log_names_the_line(line: str, message: str, tmp_path: Path) -> None:
    folder = copy("happy_path", tmp_path)
    (folder / "log.jsonl").write_text(line + "\n" + (folder / "log.jsonl").read_text())
    with pytest.raises(CaseError, match=message) as raised:
        read_case(folder)
    assert str(folder / "log.jsonl") in str(raised.value)
    assert read_case(folder, with_log=False).log is None


def test_a_log_that_is_no_text(tmp_path: Path) -> None:
    folder = copy("happy_path", tmp_path)
    (folder / "log.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(CaseError, match=r"log\.jsonl: is not UTF-8"):
        read_case(folder)


def test_whatever_is_wrong_it_is_a_case_error(tmp_path: Path) -> None:
    """Every value of a case.json, replaced by values of other kinds: either it is taken, or it is told what is wrong."""
    folder = copy("signal_answer_lost", tmp_path)
    content = json.loads((folder / "case.json").read_text())
    told: list[str] = []
    for path in _paths(content):
        for value in (None, True, -3, "zzz", [1], {"a": 1}, 1e30):
            changed = json.loads(json.dumps(content))
            result = _set(*path, to=value)(changed)
            (folder / "case.json").write_text(json.dumps(changed if path else result))
            try:
                case = read_case(folder)
                scenario_of(case)
                Recording(case)
            except CaseError as error:
                told.append(str(error))
    assert len(told) > 100
    assert all(str(folder) in message for message in told)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, member in inside for found in _paths(member, (*path, key)))]


def test_rows_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    folder = change_log(copy("happy_path", tmp_path), lambda rows: rows.append({"t": 1.0, "ev": "gossip"}))
    assert Recording(read_case(folder)).attempts == Recording(real("happy_path")).attempts


def test_folders_of_cases(tmp_path: Path) -> None:
    assert [folder.name for folder in case_folders([REAL])] == CASES
    assert case_folders([REAL / "happy_path"]) == [REAL / "happy_path"]
    with pytest.raises(CaseError, match=r"holds no case; expected a case\.json in it, or folders with one"):
        case_folders([tmp_path])


@pytest.mark.parametrize(("text", "us"), [("2s", 2_000_000), ("0:00:02", 2_000_000), ("1:02:03.5", 3_723_500_000), ("1m30s", 90_000_000)])
def test_durations_of_go_and_of_python(text: str, us: int) -> None:
    assert option_duration(text, Path("case.json"), "key") == us
