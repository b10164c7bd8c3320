"""Sweeps that are killed, whose disk is full, or whose cluster loses a worker: the table is that of an undisturbed one."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sim.sweep.store import Store, StoreError

SCENARIO = """
[[workers]]
name = "w"
max_concurrent_session_execution_size = 2

[activities.work]
duration = { exponential = "20s" }

[[workflows]]
id = "job"
count = 2
workflow = "jobs.py:job"
"""
CODE = """
from sim import workflow
from sim.workflow import ActivityOptions, SessionOptions, minutes


@workflow.workflow
async def job(ctx, _):
    ctx = workflow.with_activity_options(ctx, ActivityOptions(start_to_close_timeout=minutes(5)))
    session_ctx = await workflow.create_session(ctx, SessionOptions(creation_timeout=minutes(1), execution_timeout=minutes(10)))
    await workflow.execute_activity(session_ctx, "work", None).get(session_ctx)
    await workflow.complete_session(session_ctx)
"""


def write_sweep(folder: Path, replications: int, more: str = "") -> Path:
    (folder / "jobs.py").write_text(CODE)
    (folder / "scenario.toml").write_text(SCENARIO)
    text = f'scenario = "scenario.toml"\nreplications = {replications}\n{more}\n[[axes]]\nkey = "workers.w.count"\nvalues = [1, 2, 3, 4]\n'
    (folder / "sweep.toml").write_text(text)
    return folder / "sweep.toml"


def command(sweep: Path, store: Path, table: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "sim", "sweep", str(sweep), "--out", str(store), "--export", str(table), *more]


def complete(*arguments: object) -> int:
    """Let it come to its end: 0, or 4 when a cell is not known precisely enough."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=600, check=False)  # type: ignore[arg-type]
    assert done.returncode in (0, 4), done.stderr
    return done.returncode


def kill_after(seconds: float, arguments: list[str]) -> bool:
    """Start it and kill it with all its processes after a while; False if it came to its end before."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def runs_in(store: Path) -> int:
    try:
        with Store(store, "sweep", writing=False) as reader:
            return reader.count()
    except StoreError:  # killed before there was one
        return 0


def survives(folder: Path, sweep: Path, kills: int, most: float, jobs: str) -> list[int]:
    """Kill a sweep so often, at random, and compare its table with an undisturbed one's; the runs that were there after each kill.

    `most`: seconds until a kill at most, on a machine with nothing else to do; on a busy one kills wait longer, or nothing would be done.
    """
    began = time.monotonic()
    code = complete(sweep, folder / "a", folder / "a.csv", "--jobs", "1")
    most = max(most, (time.monotonic() - began) / 4)
    luck = random.Random(1)
    counts: list[int] = []
    while len(counts) < kills:
        if kill_after(luck.uniform(0.3, most), command(sweep, folder / "b", folder / "b.csv", "--jobs", jobs)):
            counts.append(runs_in(folder / "b"))
        else:
            # It was done; the kills that are left have to hit another one.
            assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
            (folder / "b").unlink()
            (folder / "b.csv").unlink()
    assert complete(sweep, folder / "b", folder / "b.csv", "--jobs", jobs) == code
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    assert not (folder / "b-writing").exists()
    return counts


@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, 60)
    complete(sweep, tmp_path / "a", tmp_path / "a.csv", "--jobs", "1")
    process = subprocess.Popen(command(sweep, tmp_path / "b", tmp_path / "b.csv", "--jobs", "1"))
    while not runs_in(tmp_path / "b"):
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert 0 < runs_in(tmp_path / "b") < 240
    complete(sweep, tmp_path / "b", tmp_path / "b.csv", "--jobs", "1")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert not (tmp_path / "b-writing").exists()


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", '[precision]\nrelative = "2%"\nat_most = 600\n'], ids=["fixed", "precise"])
def test_twenty_kills_leave_the_table_as_it_is(tmp_path: Path, more: str) -> None:
    counts = survives(tmp_path, write_sweep(tmp_path, 500, more), 20, 8.0, "2")
    assert sum(count > 0 for count in counts) >= 5


# ---- a full disk -----------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size, where one may be made."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


@pytest.mark.slow
def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """On a disk of twelve megabytes something else takes three; when they are back the sweep goes on."""
    sweep = write_sweep(tmp_path, 200)
    complete(sweep, tmp_path / "a", tmp_path / "a.csv", "--jobs", "1")
    with small_disk(tmp_path / "disk", "12m") as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(3600 << 10))
        done = subprocess.run(command(sweep, disk / "b", disk / "b.csv", "--jobs", "1"), capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {disk / 'b'}: the disk is full; what was finished is kept: make room")
        assert "Traceback" not in done.stderr
        kept = runs_in(disk / "b")
        ballast.unlink()
        assert complete(sweep, disk / "b", disk / "b.csv", "--jobs", "1") == 0
        assert 0 < kept < 800
        assert (tmp_path / "a.csv").read_bytes() == (disk / "b.csv").read_bytes()


# ---- Ctrl-C ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_keeps_what_was_finished(tmp_path: Path, jobs: str) -> None:
    sweep = write_sweep(tmp_path, 2_000)
    arguments = command(sweep, tmp_path / "s", tmp_path / "s.csv", "--jobs", jobs)
    # Whoever runs tests in the background has told them not to hear Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        while not runs_in(tmp_path / "s"):
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out == ""
    kept = re.fullmatch(r"interrupted: ([\d,]+) runs are kept in .*/s; the same command goes on from there\n", err)
    assert kept is not None, err
    assert int(kept[1].replace(",", "")) == runs_in(tmp_path / "s") > 0
    assert not (tmp_path / "s-writing").exists()
