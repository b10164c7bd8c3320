"""A case while it is recorded: its server, its workers, what was done to them, and the calls of its clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError

from conformance.plan import Plan
from conformance.servers import ServerProcess
from conformance.workers import WorkerError, WorkerProcess

SECOND: Final = 1_000_000
"""Microseconds."""

LOOK_EVERY_S: Final = 0.01

T = TypeVar("T")


@cache
def runtime() -> Runtime:
    """What clients run on; it keeps to itself that it calls again while the server is away."""
    quiet = LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    return Runtime(telemetry=TelemetryConfig(logging=quiet))


@dataclass(slots=True)
class Recording:
    """A case that is being recorded. `began`: the wall clock at the scenario's time 0, seconds."""

    plan: Plan
    server: ServerProcess
    client: Client
    workers: dict[str, WorkerProcess]
    began: float = 0.0
    first_start: float | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    handles: dict[str, WorkflowHandle[Any, Any]] = field(default_factory=dict)
    first_runs: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.plan.name

    def note(self, what: str, who: str) -> None:
        """Something was done now."""
        self.timeline.append({"t": time.time(), "what": what, "who": who})

    async def until(self, us: int) -> None:
        """Wait for a time of the scenario."""
        await asyncio.sleep(max(0.0, self.began + us / SECOND - time.time()))

    async def start(self, worker: str) -> None:
        """Start a worker; again and again while it does not reach the server. Raises WorkerError when that is not the cause."""
        process = self.workers[worker]
        while True:
            await self.server.up.wait()
            starts, cut_off = self.server.starts, process.held
            try:
                if await process.start():
                    self.note("start worker", worker)
                return
            except WorkerError:
                if not cut_off and not self._was_away(starts):
                    raise

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """A client's call; one that an outage of the server broke is made again after it. Raises RPCError when it is refused."""
        while True:
            await self.server.up.wait()
            starts = self.server.starts
            try:
                return await call()
            except RPCError:
                if not self._was_away(starts):
                    raise

    async def is_open(self, handle: WorkflowHandle[Any, Any]) -> bool:
        """Whether a workflow is open, in whichever of its runs."""
        return (await self.ask(handle.describe)).close_time is None

    def _was_away(self, starts: int) -> bool:
        """Whether the server went away since it had this number of starts."""
        return not self.server.up.is_set() or self.server.starts != starts

    def logged(self) -> list[dict[str, Any]]:
        """What all workers have logged, in order of time."""
        entries = [entry for worker in self.workers.values() for entry in worker.logged()]
        return sorted(entries, key=lambda entry: str(entry["t"]))
