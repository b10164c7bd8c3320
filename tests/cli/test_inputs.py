"""Files that are damaged, of another kind, or absurd: one message with file, place and what was expected, and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_run import sim
from tests.evidence.cases import REAL, copy

SCENARIO = """
until = "60s"
[[workers]]
name = "w"
[[workflows]]
id = "x"
program = [{ op = "sleep", ms = 5 }]
"""
LONG = "a" * 300

SCENARIOS: list[tuple[str, bytes, str]] = [
    ("lists in lists", b"x = " + b"[" * 5000 + b"]" * 5000, "is nested more than 100 deep in line 1"),
    ("tables in tables", b"x = " + b"{a=" * 2000 + b"1" + b"}" * 2000, "is nested more than 100 deep in line 1"),
    ("nested, but readable", SCENARIO.encode() + b"payload = " + b"[" * 150 + b"]" * 150, "is nested more than 100 deep"),
    ("a huge number", SCENARIO.encode() + b"count = " + b"9" * 6000, "has a number of 6000 digits in line 8; expected at most 4300"),
    ("not UTF-8", SCENARIO.encode() + b"# \xff\n", "is not UTF-8 text: line 8, column 3 has the byte 0xff; expected a text file"),
    ("a NUL", SCENARIO.encode() + b'id = "\0"\n', "is not TOML: Illegal character '\\x00' (at line 8, column 7)"),
    ("UTF-16", SCENARIO.encode("utf-16"), "is not UTF-8 text: line 1, column 1"),
    ("workflows that are a number", b"workflows = 3", "workflows: is 3; expected a list"),
    ("modules that are a number", b"modules = 3\n" + SCENARIO.encode(), "modules: is 3; expected a table"),
    ("activities that are a number", b"activities = 3\n" + SCENARIO.encode(), "activities: is 3; expected a table"),
    ("a long file name", SCENARIO.replace('program = [{ op = "sleep", ms = 5 }]', f'workflow = "{LONG}.py:F"').encode(), "does not exist"),
    ("a long file of latencies", f'latencies = "{LONG}"\n{SCENARIO}'.encode(), "there is no file"),
]


@pytest.mark.parametrize(("content", "message"), [row[1:] for row in SCENARIOS], ids=[row[0] for row in SCENARIOS])
@pytest.mark.parametrize("command", ["run", "describe"])
def test_scenarios(command: str, content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_bytes(content)
    words = ["--seed", "1"] if command == "run" else []
    for source, done in (
        (str(file), sim(command, str(file), *words)),
        ("standard input", sim(command, "-", *words, stdin=content)),
    ):
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith(f"error: {source}: ")
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbf" + SCENARIO.encode())
    out = tmp_path / "out"
    assert sim("run", str(tmp_path / "s.toml"), "--seed", "1", "--out", str(out), "--histories", str(out / "histories")).exit_code == 0
    for kind, file in (("replay", out / "run.tape"), ("audit", out / "histories" / "x.json")):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
        assert sim(kind, str(file)).exit_code == 0
        assert sim(kind, "-", stdin=file.read_bytes()).exit_code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(range(256)), "is not UTF-8 text: line 2, column 118 has the byte 0x80"),
        (b"[" * 100_000, "is nested more than 100 deep in line 1"),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", "is nested more than 100 deep"),
        (b'{"seed":\n' + b"9" * 6000 + b"}", "has a number of 6000 digits in line 2"),
        (b'{"a": "\0"}', "is not JSON (Invalid control character"),
        (b"", "is not JSON"),
    ],
)
@pytest.mark.parametrize("command", ["replay", "explain"])
def test_tapes(command: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.tape").write_bytes(content)
    for done in (sim(command, str(tmp_path / "t.tape")), sim(command, "-", stdin=content)):
        assert done.exit_code == 2, done.output
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("run", LONG, "--seed", "1"), ("run", "file_processing", "--seed", "1", "--out", LONG), ("replay", LONG), ("explain", LONG),
        ("diff", LONG, LONG), ("audit", LONG), ("conform", LONG, "--out", "."), ("calibrate", LONG), ("check", LONG),
        ("check", f"{LONG}.py"), ("describe", LONG), ("new", LONG),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_names_that_are_too_long(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = sim(*words)
    assert done.exit_code == 2, done.output
    assert LONG in done.stderr.replace("\n", "")
    assert "internal" not in done.stderr


@pytest.fixture
def mixed(tmp_path: Path) -> list[str]:
    """A damaged history, a good one, and a file that is none; the good one alone can be used."""
    cut = tmp_path / "cut.json"
    cut.write_bytes((REAL / "happy_path" / "w.json").read_bytes()[:900])
    return [str(cut), str(REAL / "worker_killed" / "w.json"), str(tmp_path / "none.json")]


def test_a_damaged_history_among_good_ones_is_told_and_the_rest_is_audited(mixed: list[str]) -> None:
    done = sim("audit", *mixed, "--json")
    assert done.exit_code == 2
    found = json.loads(done.stdout)
    assert (found["histories"], len(found["sessions"])) == (1, 1)
    assert [problem.partition(": ")[0] for problem in found["damaged"]] == [mixed[0], mixed[2]]
    assert done.stderr.splitlines() == [f"error: {problem}" for problem in found["damaged"]]


def test_a_damaged_recording_among_good_ones_is_told_and_the_rest_is_learned_from(tmp_path: Path) -> None:
    damaged = copy("creation_timeout", tmp_path, lambda content: content.update(t0="now"))
    out = tmp_path / "latencies.toml"
    done = sim("calibrate", str(damaged), str(REAL / "happy_path"), "--out", str(out), "--json")
    assert done.exit_code == 2
    found = json.loads(done.stdout)
    assert (found["recordings"], found["file"]) == (1, str(out))
    assert out.exists()
    assert done.stderr == f"error: {damaged / 'case.json'}: t0: is 'now'; expected seconds since 1970\n"


@pytest.mark.parametrize("command", ["audit", "calibrate"])
def test_when_nothing_can_be_read_that_is_all(command: str, mixed: list[str], tmp_path: Path) -> None:
    words = ["--out", str(tmp_path / "l.toml")] if command == "calibrate" else []
    done = sim(command, mixed[0], *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {mixed[0]}: line ")
