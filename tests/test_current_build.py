"""A compiled build knows what it was made of: it is made again when that changes, and not measured before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz import apart, run
from tools import compile as compiling

TOOLS = ("compile.py", "native.py", "draws64.py")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A small tree of sources."""
    root = tmp_path / "root"
    for name in ("sim/a.py", "sim/b/c.py", *(f"tools/{tool}" for tool in TOOLS)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", "utf-8")
    return root


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder that passes for a build of the present sources."""
    out = tmp_path / "compiled"
    out.mkdir()
    (out / compiling.STAMP).write_text(f"{compiling.made_of()}\n", "utf-8")
    return out


@pytest.mark.parametrize("name", ["sim/a.py", "sim/b/c.py", *(f"tools/{tool}" for tool in TOOLS)])
def test_what_a_build_is_made_of_changes_with_each_source(sources: Path, name: str) -> None:
    before = compiling.made_of(sources)
    assert before == compiling.made_of(sources)
    (sources / name).write_text("# another\n", "utf-8")
    assert compiling.made_of(sources) != before


def test_it_changes_with_modules_that_come_and_move_and_with_nothing_else(sources: Path) -> None:
    before = compiling.made_of(sources)
    (sources / "tools" / "look.py").write_text("# not of the build\n", "utf-8")
    assert compiling.made_of(sources) == before
    (sources / "sim" / "empty.py").touch()
    assert compiling.made_of(sources) != before
    (sources / "sim" / "empty.py").unlink()
    (sources / "sim" / "a.py").rename(sources / "sim" / "b" / "a.py")
    assert compiling.made_of(sources) != before


def test_it_changes_with_python_and_with_mypyc(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [compiling.made_of(sources)]
    monkeypatch.setattr(sys, "version", "3.99")
    digests.append(compiling.made_of(sources))
    monkeypatch.setattr(compiling.metadata, "version", lambda _: "99")
    digests.append(compiling.made_of(sources))
    assert len(set(digests)) == 3


def test_a_build_of_the_present_sources_is_not_made_again(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    builds: list[Path] = []
    monkeypatch.setattr(compiling, "build", builds.append)
    assert compiling.main(["--out", str(built)]) == 0
    assert "--again" in capsys.readouterr().out
    assert builds == []
    compiling.main(["--out", str(built), "--again"])
    assert builds == [built]
    (built / compiling.STAMP).write_text("other\n", "utf-8")
    compiling.main(["--out", str(built)])
    assert builds == [built, built]


@pytest.mark.parametrize("code", [0, 1])
def test_only_a_finished_build_says_what_it_was_made_of(built: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "cc")
    monkeypatch.setattr(shutil, "copytree", lambda *_, **__: built.mkdir())
    monkeypatch.setattr(compiling, "prepare", lambda _: None)
    monkeypatch.setattr(subprocess, "run", lambda *words, **_: subprocess.CompletedProcess(words, code, "", ""))
    if code:
        with pytest.raises(SystemExit, match="mypyc failed"):
            compiling.build(built)
        assert not (built / compiling.STAMP).exists()
    else:
        compiling.build(built)
        assert compiling.lacking(built) is None


def test_a_row_without_a_build_or_with_an_old_one_says_what_is_missing(
    tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("nothing is to be measured"))
    none = apart.compiled("campaign", 1, tmp_path / "nowhere")
    assert none.missing == "there is no compiled build: make fast"
    (built / compiling.STAMP).write_text("other\n", "utf-8")
    old = apart.compiled("campaign", 1, built)
    assert old.missing == "the compiled build is one of other sources: make fast"
    assert none.rate is old.rate is None


def test_rows_are_measured_in_processes_of_their_own_and_of_the_package_that_they_name(built: Path) -> None:
    measured = apart.plain("campaign", 2)
    assert (measured.count, measured.missing) == (2, None)
    assert measured.seconds > 0
    assert measured.check["messages"] > 100
    # There is no package in this build, so the process finds the sources.
    with pytest.raises(RuntimeError, match="wrong package"):
        apart.compiled("campaign", 1, built)


def test_plain_python_and_the_compiled_build_have_the_same_loads() -> None:
    rows = [contestant for contestant in run.contestants(None, None, 40) if contestant.name.startswith("session-sim")]
    names = [row.name for row in rows]
    assert names == [f"session-sim{which}, {load}" for load in ("campaign", "job queue") for which in ("", " (compiled)")]
    assert rows[0].run.args == rows[1].run.args == ("campaign", 40)  # type: ignore[attr-defined]
    assert rows[2].run.args == rows[3].run.args == ("queue", 4)  # type: ignore[attr-defined]
