"""Code of users that would end the program, or never comes to an end: one message with workflow, file and line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.cli import watchdog
from tests.cli.test_run import sim

SCENARIO = """
until = "60s"
[[workers]]
name = "w"
[[workflows]]
id = "x"
workflow = "flow.py:Flow"
"""


def _flow(folder: Path, body: str, before: str = "") -> Path:
    """A scenario with one workflow, whose body begins in line 4."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (folder / "flow.py").write_text(
        f"import sys, os, threading\nfrom sim.workflow import sleep\nasync def Flow(ctx, argument):\n{lines}\n{before}"
    )
    (folder / "s.toml").write_text(SCENARIO)
    return folder / "s.toml"


@pytest.mark.parametrize(
    ("body", "line", "what"),
    [
        ("sys.exit(0)", "line 4, in Flow", "SystemExit(0)"),
        ("helper()", "line 6, in helper", "SystemExit(7)"),
        ("raise KeyboardInterrupt", "line 4, in Flow", "KeyboardInterrupt()"),
        ("class Own(BaseException): pass\nraise Own('mine')", "line 5, in Flow", "Own(mine)"),
        ("await sleep(ctx, 5)\nsys.exit('bye')", "line 5, in Flow", "SystemExit(bye)"),
    ],
)
def test_code_that_would_end_the_program(body: str, line: str, what: str, tmp_path: Path) -> None:
    done = sim("run", str(_flow(tmp_path, body, "def helper():\n    sys.exit(7)\n")), "--seed", "1")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: workflow 'Flow' (x), flow.py, {line}: the code raised {what}, which would end")
    assert "ApplicationError" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_real_ctrl_c_still_interrupts(tmp_path: Path) -> None:
    done = sim("run", str(_flow(tmp_path, "os.kill(os.getpid(), 2)\nawait sleep(ctx, 5)")), "--seed", "1")
    assert (done.exit_code, done.stderr) == (130, "interrupted\n")


def test_ctrl_c_while_code_computes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sim", "run", str(_flow(tmp_path, "open('begun', 'w')\nwhile True: pass")), "--seed", "1"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()}
    ) as process:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "interrupted\n")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("while True: pass", 4),
        ("while True:\n    await sleep(ctx, 0)", None),
        ("while True:\n    try: 1 / 0\n    except Exception: pass", None),
    ],
)
def test_an_endless_loop_is_told(body: str, line: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "EVERY", 0.05)
    monkeypatch.setattr(watchdog, "COMPUTING", 0.2)
    done = sim("run", str(_flow(tmp_path, body)), "--seed", "1")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: workflow 'Flow' (x), flow.py, line ")
    assert "in Flow: the code has not given way for" in done.stderr
    assert line is None or f"line {line}," in done.stderr
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_code_that_waits_for_the_real_world_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "EVERY", 0.02)
    done = sim("run", str(_flow(tmp_path, "threading.Event().wait(60)")), "--seed", "1")
    assert done.exit_code == 2
    assert "line 4, in Flow: the code has not given way" in done.stderr


@pytest.mark.slow
def test_a_loop_that_catches_everything_ends_too(tmp_path: Path) -> None:
    body = "while True:\n    try: int('x')\n    except: pass"
    done = _process(_flow(tmp_path, body))
    assert done.returncode == 2
    assert "the code has not given way for" in done.stderr  # by chance it is interrupted where it catches nothing
    assert "Traceback" not in done.stderr


def test_what_abandoned_code_does_at_the_end_is_silent(tmp_path: Path) -> None:
    done = _process(_flow(tmp_path, "try:\n    await sleep(ctx, 10**11)\nfinally:\n    raise ValueError('late')"))
    assert (done.returncode, done.stderr) == (0, "")


def test_whoever_stops_reading_makes_no_failure(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sim", "run", str(_flow(tmp_path, "return 1")), "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(timeout=60), said) == (0, "")


def _process(scenario: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sim", "run", str(scenario), "--seed", "1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_what_code_prints_is_no_part_of_the_json(tmp_path: Path) -> None:
    done = sim("run", str(_flow(tmp_path, "print('hello')")), "--seed", "1", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["workflows"][0]["status"] == "COMPLETED"
    assert "hello" in done.stderr


@pytest.mark.parametrize("body", ["raise RuntimeError('mine')", "sys.exit(0)"])
def test_a_model_that_fails_is_not_our_failure(body: str, tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(f"import sys\ndef build():\n    {body}\n")
    done = sim("check", str(tmp_path / "m.py"))
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'm.py'}")
    assert "line 3, in build" in done.stderr


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("object()", "object"), ("{(1, 2): 3}", "dict"), ("[object()]", "list"), ("10 ** 5000", "int"), ("'\\ud800'", "str"),
        ("float('nan')", ""), ("{1, 2}", ""), ("nested", "list"),
    ],
)  # fmt: skip
def test_results_that_json_does_not_have(value: str, kind: str, tmp_path: Path) -> None:
    """Whatever a workflow returns, nothing is lost but the history that cannot be written, and that is told."""
    body = f"nested = []\nfor _ in range(3000): nested = [nested]\nreturn {value}"
    out = tmp_path / "out"
    done = sim("run", str(_flow(tmp_path, body)), "--seed", "1", "--out", str(out), "--histories", str(out / "h"), "--json")
    assert json.loads(done.stdout)["workflows"][0]["status"] == "COMPLETED"
    assert {"run.tape", "report.html", "metrics.json", "trace.json", "timeline.svg"} <= {file.name for file in out.iterdir()}
    json.loads((out / "metrics.json").read_text())
    assert sim("replay", str(out / "run.tape")).exit_code == 0
    if not kind:
        assert done.exit_code == 0
        return
    assert done.exit_code == 2
    assert done.stderr.startswith("error: workflow 'x', event 5 (WorkflowExecutionCompleted) has a value of type " + kind)
    assert "expected what JSON has" in done.stderr
    assert "everything else was" in done.stderr
    again = sim("replay", str(out / "run.tape"), "--histories", str(tmp_path / "again"), "--json")
    assert (again.exit_code, json.loads(again.stdout)["identical"]) == (2, True)
