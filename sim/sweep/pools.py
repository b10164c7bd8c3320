"""Where batches of jobs are run: processes of this machine, by loky, or a cluster, by dask.

A pool takes batches and gives futures; what is done about lost processes and in which order results come is the executor's.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from importlib import import_module
from time import sleep
from typing import Any, Protocol

from sim.scenario.run import program_version
from sim.sweep.jobs import Job, Outcome, resolve, run_batch


class ClusterError(Exception):
    """A cluster cannot be used; the message says why, and what to do."""


class ProcessLost(Exception):
    """The process that ran a batch ended before it was done; other batches may be gone with it."""


class Pool(Protocol):
    """Processes that run batches."""

    processes: int

    def submit(self, jobs: Sequence[Job]) -> Future[Outcome]:
        """Begin a batch. Raises ProcessLost when the pool is broken."""

    def lost(self, error: BaseException) -> bool:
        """Whether this exception of a future says that a process was lost."""

    def restart(self) -> None:
        """Make the pool usable again after a process was lost."""

    def close(self, at_once: bool) -> None:
        """End the processes; `at_once`: also in the middle of a batch."""


def cores() -> int:
    """How many processes this machine can run at a time, within what this process may use."""
    count: int = _loky().cpu_count()
    return count


def _loky() -> Any:
    return import_module("loky")


def begin_process(prepare: str, parent: int) -> None:
    """Prepare a process for jobs. Ctrl-C reaches all processes of a terminal; only the parent answers it.

    `prepare`: the name of a function that is called once in each process with None, as in `Job`, or "". `parent`: the process that
    began this one, which may have been killed meanwhile.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    if prepare:
        resolve(prepare)(None)


def _end_with(parent: int) -> None:
    """End this process soon after its parent: a parent that is killed cannot tell its children, and they would wait for ever."""
    while os.getppid() == parent:
        sleep(1)
    os._exit(1)


class LocalPool:
    """Processes of this machine. loky notices when one of them is killed, and does not hang."""

    def __init__(self, processes: int, prepare: str = "") -> None:
        self.processes = processes
        self._prepare = prepare
        self._pool = self._begin()

    def _begin(self) -> Any:
        return _loky().ProcessPoolExecutor(self.processes, initializer=begin_process, initargs=(self._prepare, os.getpid()))

    def submit(self, jobs: Sequence[Job]) -> Future[Outcome]:
        """Begin a batch."""
        try:
            future: Future[Outcome] = self._pool.submit(run_batch, list(jobs))
        except _loky().BrokenProcessPool as error:
            raise ProcessLost(str(error)) from error
        return future

    def lost(self, error: BaseException) -> bool:
        """Whether a process was killed."""
        return isinstance(error, _loky().BrokenProcessPool)

    def restart(self) -> None:
        """loky has ended all processes of a pool that lost one."""
        self._pool.shutdown(wait=True, kill_workers=True)
        self._pool = self._begin()

    def close(self, at_once: bool) -> None:
        """End the processes."""
        self._pool.shutdown(wait=True, kill_workers=at_once)


class DaskPool:
    """The workers of a dask cluster. Its scheduler runs the batches of a lost worker again, on others."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = _connected(address)
        self._pool = self._client.get_executor(pure=False)
        self.processes = max(1, len(self._client.nthreads()))

    def submit(self, jobs: Sequence[Job]) -> Future[Outcome]:
        """Begin a batch. Raises ClusterError when the scheduler is gone."""
        self._expect_scheduler()
        future: Future[Outcome] = self._pool.submit(run_batch, list(jobs))
        return future

    def _expect_scheduler(self) -> None:
        if self._client.status != "running":
            raise ClusterError(f"the dask scheduler at {self._address} is gone; what was finished is kept: start it, and go on")

    def lost(self, error: BaseException) -> bool:
        """Whether the batch's workers were lost, one after the other."""
        return type(error).__name__ in ("KilledWorker", "FutureCancelledError")

    def restart(self) -> None:
        """Lost workers are the scheduler's business, as long as there is one."""
        self._expect_scheduler()

    def close(self, at_once: bool) -> None:
        """Leave the cluster as it is."""
        self._pool.shutdown(wait=not at_once)
        self._client.close()


def _connected(address: str) -> Any:
    try:
        distributed = import_module("distributed")
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        raise ClusterError("a dask cluster needs dask.distributed, which is not installed; pip install 'session-sim[dask]'") from None
    # Of a scheduler that is gone it would say so in thirty lines; what is raised says it in one.
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"there is no dask scheduler at {address!r} ({error}); expected an address such as tcp://127.0.0.1:8786, where "
            "`dask scheduler` runs"
        ) from None
    problem = _unusable(client, address)
    if problem:
        client.close()
        raise ClusterError(problem)
    return client


def _unusable(client: Any, address: str) -> str:
    """Why this cluster would not give the same results, or ""."""
    if not client.nthreads():
        return f"the dask cluster at {address} has no workers; start some with `dask worker {address}`"
    mine = program_version()
    try:
        theirs = client.run(program_version)
    except Exception as error:  # whatever importing it there raises
        return f"a worker of the dask cluster at {address} cannot load session-sim ({error}); expected {mine} there"
    others = sorted({version for version in theirs.values() if version != mine})
    if others:
        return f"the dask cluster at {address} has {', '.join(others)} and this is {mine}; expected the same version everywhere"
    return ""
