"""What the command says to the person at the terminal, and the table of what was judged."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance import __main__ as command
from conformance import report, workers
from conformance.build import BuildError, GoMissing
from conformance.judging import write_scenario
from conformance.plan import Plan
from conformance.record import Rig
from conformance.workers import WorkerError
from tests.conformance import fakes

REAL = Path(__file__).parents[1] / "data" / "real"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs are there."""
    monkeypatch.setattr(command, "build", lambda program, version: tmp_path / program.name)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.removeprefix("warning: this machine does not let a worker have a host name of its own").strip()


def test_go_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(program: object, version: str) -> Path:
        raise GoMissing

    monkeypatch.setattr(command, "build", missing)
    assert command.main(["--random", "1"]) == 2
    assert "error: Go is missing: expected the command `go`" in said(capsys)


def test_a_version_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def unknown(program: object, version: str) -> Path:
        raise BuildError(f"cannot build {version}: unknown revision")

    monkeypatch.setattr(command, "build", unknown)
    assert command.main(["--random", "1", "--sdk", "9.9.9"]) == 2
    assert said(capsys).endswith("error: cannot build 9.9.9: unknown revision")


def test_a_machine_without_host_names_is_warned_of(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "host_prefix", tuple)
    monkeypatch.setattr(command, "_record_all", lambda *_: _nothing())
    command.main(["--random", "1", "--out", str(built / "out")])
    assert "warning: this machine does not let a worker have a host name of its own (unshare -u)" in capsys.readouterr().err


async def _nothing() -> list[Path]:
    return []


def test_no_unshare_is_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    workers.host_prefix.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert workers.host_prefix() == ()
    workers.host_prefix.cache_clear()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("this is not toml", "error: "),
        ('[[workers]]\nname = "A"\n', "workflows"),
        ('[[workers]]\nname = "A"\n[[workflows]]\nid = "w"\nworkflow = "nothing.py:f"\n', "nothing.py"),
    ],
)
def test_a_bad_scenario(text: str, wanted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    assert command.main([str(file)]) == 2
    error = said(capsys)
    assert wanted in error
    assert "Traceback" not in error


def test_a_scenario_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nothing.toml"]) == 2
    assert said(capsys).startswith("error: nothing.toml: the file cannot be read")


def test_numbers_that_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--parallel", "--random"):
        with pytest.raises(SystemExit):
            command.main([option, "0"])
        assert "is '0'; expected a whole number, 1 or more" in capsys.readouterr().err


def test_a_full_disk_and_a_worker_that_does_not_start(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def record(plan: Plan, rig: Rig, out: Path) -> Path:
        if plan.name == "random-1":
            raise OSError(28, "No space left on device", "case.json")
        raise WorkerError("worker A did not start: address already in use")

    monkeypatch.setattr(command, "record", record)
    assert command.main(["--random", "2", "--out", str(built / "out")]) == 1
    lines = said(capsys).splitlines()
    assert "random-1: not recorded: [Errno 28] No space left on device: 'case.json'" in lines
    assert "random-2: not recorded: worker A did not start: address already in use" in lines


def test_a_folder_that_cannot_be_written(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (built / "file").write_text("")
    assert command.main(["--random", "1", "--out", str(built / "file")]) == 2
    assert "error: [Errno 17] File exists" in said(capsys)


def test_what_is_recorded_is_judged_and_has_its_scenario(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def record(plan: Plan, rig: Rig, out: Path) -> Path:
        shutil.copytree(REAL / "happy_path", out / plan.name)
        return out / plan.name

    monkeypatch.setattr(command, "record", record)
    out = built / "out"
    assert command.main(["--random", "1", "--seed", "7", "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 1 accepted"
    assert (out / "random-7" / "scenario.toml").is_file()
    assert command.main(["--random", "1", "--seed", "8", "--out", str(out), "--only-record"]) == 0
    assert capsys.readouterr().out == ""


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from conformance import __main__ as command
from tests.conformance import fakes
folder = Path({folder!r})
fake = {{"worker": fakes.WORKER, "server": fakes.SERVER}}
command.build = lambda program, version: fakes.script(folder, program.name, fake[program.name])
raise SystemExit(command.main(["--random", "1", "--out", str(folder / "out")]))
"""


def test_an_interrupted_recording_ends_its_processes(tmp_path: Path) -> None:
    """Fakes do not ask the kernel to end with their parent, so they end only if the driver ends them."""
    program = PROGRAM.format(root=str(Path(command.__file__).parents[1]), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    state = tmp_path / "out" / "random-1" / "work" / "server" / "address"
    deadline = time.monotonic() + 20
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    children = _children(process.pid)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == f"stopped; what was recorded until now is in {tmp_path / 'out'}"
    assert children
    assert not [child for child in children if _runs(child)]


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """One case that is accepted, and one whose history has another end than anything explains."""
    folder = tmp_path / "batch"
    shutil.copytree(REAL / "happy_path", folder / "happy_path")
    shutil.copytree(REAL / "happy_path", folder / "altered")
    for name in ("case.json", "w.json"):
        file = folder / "altered" / name
        text = file.read_text().replace('"name": "happy_path"', '"name": "altered"')
        file.write_text(text.replace("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED", "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED").replace(
            "workflowExecutionCompletedEventAttributes", "workflowExecutionCanceledEventAttributes"))  # fmt: skip
    write_scenario(fakes.TABLE | {"faults": [{"kind": "kill", "target": "A", "at": "1s"}]}, folder / "altered")
    return folder


def test_the_table_counts_and_lists(batch: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.md"
    assert report.main([str(batch), "--out", str(out)]) == 1
    text = out.read_text()
    assert "| batch | server 1.32.1, SDK go 1.48.0 | 2 | 1 | 1 | 0 |" in text
    assert "| kill | 1 | 0 |" in text
    assert "* **altered** rejected, happy_path-w/1, event" in text
    assert "| happy_path | accepted | 1 |" in text
    assert capsys.readouterr().out == ""


def test_a_folder_without_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}: no case in it")
