"""A cluster of a scheduler and two workers on loopback gives the table that local processes give, also when a worker dies."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sim.sweep import Sweep, sweep
from sim.sweep.pools import ClusterError, DaskPool
from tests.sweep.test_survival import command, complete, runs_in, write_sweep


class Cluster:
    """Processes of dask. Workers run without a nanny, so one that is killed stays away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0")
        self.address = self._address()

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        file = str(self.folder / "scheduler.json")
        words = [sys.executable, "-m", "dask", what, *arguments, "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", file]
        process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def _address(self) -> str:
        file = self.folder / "scheduler.json"
        for _ in range(600):
            time.sleep(0.1)
            if file.exists() and file.stat().st_size:
                return str(json.loads(file.read_text())["address"])
        raise TimeoutError("no scheduler")

    def worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", "--no-nanny", "--nthreads", "2")

    def wait_for(self, workers: int) -> None:
        import distributed

        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    folder.mkdir()
    made = Cluster(folder)
    try:
        for _ in range(workers):
            made.worker()
        if workers:
            made.wait_for(workers)
        yield made
    finally:
        for process in made.processes:
            process.kill()
            process.wait()


def wait_for_runs(store: Path, process: subprocess.Popen[Any], most: float = 120) -> None:
    began = time.monotonic()
    while not runs_in(store):
        assert process.poll() is None
        assert time.monotonic() - began < most
        time.sleep(0.05)


@pytest.mark.slow
def test_a_cluster_gives_the_same_table_also_when_a_worker_dies(tmp_path: Path) -> None:
    sweep_file = write_sweep(tmp_path, 300)
    complete(sweep_file, tmp_path / "a", tmp_path / "a.csv", "--jobs", "2")
    with cluster(tmp_path / "dask", 1) as made:
        victim = made.worker()
        made.wait_for(2)
        arguments = command(sweep_file, tmp_path / "b", tmp_path / "b.csv", "--dask", made.address)
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for_runs(tmp_path / "b", process)
        victim.kill()
        before = runs_in(tmp_path / "b")
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err.decode()
    assert 0 < before < 1_200
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.slow
def test_without_its_scheduler_it_ends_and_goes_on_later(tmp_path: Path) -> None:
    sweep_file = write_sweep(tmp_path, 300)
    with cluster(tmp_path / "dask", 1) as made:
        arguments = command(sweep_file, tmp_path / "b", tmp_path / "b.csv", "--dask", made.address)
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for_runs(tmp_path / "b", process)
        made.scheduler.kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert err == f"error: the dask scheduler at {made.address} is gone; what was finished is kept: start it, and go on\n"
    assert runs_in(tmp_path / "b") > 0


@pytest.mark.slow
def test_a_cluster_without_workers_is_said(tmp_path: Path) -> None:
    with cluster(tmp_path / "dask", 0) as made, pytest.raises(ClusterError, match="has no workers; start some with `dask worker tcp://"):
        DaskPool(made.address)


def test_no_scheduler_is_said() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ClusterError, match=r"there is no dask scheduler at 'nonsense' \(.*\); expected an address such as tcp"):
        DaskPool("nonsense")


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("sim.sweep.pools.import_module", missing)
    with pytest.raises(ClusterError, match=r"needs dask\.distributed, which is not installed; pip install 'session-sim\[dask\]'"):
        DaskPool("tcp://127.0.0.1:1")


def test_workflow_modules_travel_with_the_jobs(tmp_path: Path) -> None:
    """Nothing of a cell is a file: the module's text is in it."""
    made = Sweep.load(write_sweep(tmp_path, 2))
    for file in ("jobs.py", "scenario.toml", "sweep.toml"):
        (tmp_path / file).unlink()
    assert "execute_activity(session_ctx" in made.cells[0].text
    assert {run.figures["workflows_completed"] for run in sweep(pickle.loads(pickle.dumps(made))).runs} == {2}
