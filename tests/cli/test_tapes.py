"""Commands that take tapes: replay, explain, diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_run import CRASH, sim


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same scenario, with a crash 8 s and 3 s after the activity began."""
    folders = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    assert sim("run", CRASH, "--seed", "7", "--out", str(folders[0]), "--full-tape").exit_code == 0
    assert sim("run", CRASH, "--seed", "7", "--out", str(folders[1]), "--set", "faults.kill.moment.after=3s").exit_code == 0
    return folders


def test_a_tape_replays_to_the_same_bytes(tapes: tuple[Path, Path]) -> None:
    for folder in tapes:
        done = sim("replay", str(folder / "run.tape"), "--json")
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        assert found["identical"] is True
        assert found["first_difference"] is None
        assert found["properties"]["failure_is_failure"] == "broken"
    said, broken = sim("replay", str(tapes[0])).stdout.splitlines()
    assert said.startswith("Identical: digest ")
    assert broken.startswith("“failure_is_failure” is broken: 00:26.6 file ends CANCELED; ")


def test_a_tape_from_standard_input(tapes: tuple[Path, Path]) -> None:
    text = (tapes[0] / "run.tape").read_text()
    assert sim("replay", "-", stdin=text).exit_code == 0
    done = sim("replay", "-", stdin=text[:-20])
    assert done.exit_code == 2
    assert "the tape on standard input" in done.stderr


def test_a_run_that_differs_is_exit_code_1(tapes: tuple[Path, Path], tmp_path: Path) -> None:
    import msgspec

    from sim.trace.tape import read

    other = msgspec.structs.replace(read(tapes[0] / "run.tape"), seed=8)
    other.write(tmp_path / "other.tape")
    done = sim("replay", str(tmp_path / "other.tape"), "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["identical"] is False
    assert found["first_difference"].keys() == {"at_s", "recorded", "now"}


def test_a_damaged_tape_is_wrong_input(tapes: tuple[Path, Path], tmp_path: Path) -> None:
    text = (tapes[0] / "run.tape").read_text().replace('"seed": 7', '"seed": 9')
    (tmp_path / "t").write_text(text)
    done = sim("replay", str(tmp_path / "t"))
    assert done.exit_code == 2
    assert "checksum" in done.stderr


def test_explain_tells_the_story(tapes: tuple[Path, Path]) -> None:
    done = sim("explain", str(tapes[0]))
    assert done.exit_code == 0
    assert "killed; last heartbeat" in done.stdout
    assert "server times the creation activity of file/1/s1 out" in done.stdout
    assert "`processFileActivity` cancelled" in done.stdout
    assert "server records a heartbeat" not in done.stdout
    assert "warning" not in done.stderr
    long = sim("explain", str(tapes[0]), "--long").stdout
    assert len(long.splitlines()) > len(done.stdout.splitlines())
    assert "takes a slot for file/1/s1" in long


def test_explain_of_one_session(tapes: tuple[Path, Path]) -> None:
    found = json.loads(sim("explain", str(tapes[0]), "--session", "file/1/s1", "--json").stdout)
    assert found["story"]
    done = sim("explain", str(tapes[0]), "--session", "nosuch")
    assert done.exit_code == 2
    assert "it has file/1/s1" in done.stderr


def test_diff_names_the_input_the_first_difference_and_the_consequences(tapes: tuple[Path, Path]) -> None:
    done = sim("diff", str(tapes[0]), str(tapes[1]), "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["inputs"] == [{"key": "faults[0].moment.after", "a": "8s", "b": "3s"}]
    first = found["first_difference"]
    assert first["a"]["at_s"] - first["b"]["at_s"] == pytest.approx(5.0)
    assert "killed" in first["a"]["text"]
    assert "slots.mean_used" in [row["what"] for row in found["consequences"]]
    assert sim("diff", str(tapes[0]), str(tapes[1]), "--exit-code").exit_code == 1


def test_diff_of_a_run_with_itself(tapes: tuple[Path, Path]) -> None:
    done = sim("diff", str(tapes[0]), str(tapes[0]), "--exit-code")
    assert done.exit_code == 0
    assert done.stdout.startswith("The same run")
