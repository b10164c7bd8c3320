"""Stand-ins for the Go programs and for Temporal's client: shell scripts and objects that do as they are told."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from conformance.plan import Plan, WorkerPlan, plan_of
from conformance.recording import Recording
from conformance.servers import ServerProcess
from conformance.workers import Place, WorkerProcess
from sim import Scenario

_FLAGS = """#!/bin/sh
for flag; do
  case "$flag" in
    -*=*) name=$(echo "${flag%%=*}" | tr -d -- -); eval "$name=\\${flag#*=}" ;;
  esac
done
"""

WORKER = (
    _FLAGS
    + """
trap 'exit 0' TERM
printf '{"ev":"worker_started","worker":"%s","t":"2026-01-01T00:00:00.000000Z"}\\n' "$identity" >> "$log"
while :; do sleep 0.02; done
"""
)

SERVER = (
    _FLAGS
    + """
[ "$port" = 0 ] && port=7233
echo started >> "$db"
printf '127.0.0.1:%s' "$port" > "$addressfile"
exec sleep 60
"""
)

BROKEN = "#!/bin/sh\necho 'no space left on this device' >&2\nexit 1\n"


def script(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    # In one go: what is being written to cannot be executed at the same time.
    new = file.with_suffix(".new")
    new.write_text(text)
    new.chmod(new.stat().st_mode | stat.S_IXUSR)
    return new.replace(file)


def worker(folder: Path, text: str = WORKER, options: Mapping[str, Any] | None = None, name: str = "A") -> WorkerProcess:
    place = Place(script(folder, f"worker-{name}", text), "127.0.0.1:9", "queue", folder)
    return WorkerProcess(WorkerPlan(name, f"host-{name.lower()}", options or {}), place)


def server(folder: Path, text: str = SERVER) -> ServerProcess:
    return ServerProcess(script(folder, "server", text), folder / "state")


def refusal() -> RPCError:
    return RPCError("not found", RPCStatusCode.NOT_FOUND, b"")


@dataclass
class FakeClient:
    """A client whose workflows close after some looks; `asked` is what was asked for; what is in `refuses` is refused."""

    looks: int = 1
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    async def start_workflow(self, name: str, program: Any, *, id: str, task_queue: str, **timeouts: Any) -> Any:
        self.asked.append(("start", id, task_queue, program, timeouts))
        return SimpleNamespace(result_run_id=f"run of {id}", first_execution_run_id=None)

    def get_workflow_handle(self, workflow: str, run_id: str | None = None) -> Any:
        return FakeHandle(self, workflow)


@dataclass
class FakeHandle:
    client: FakeClient
    workflow: str
    seen: int = 0

    async def describe(self) -> Any:
        self.seen += 1
        return SimpleNamespace(close_time=None if self.seen <= self.client.looks else "closed")

    def _ask(self, what: str, *more: Any) -> None:
        self.client.asked.append((what, self.workflow, *more))
        if what in self.client.refuses:
            raise refusal()

    async def cancel(self) -> None:
        self._ask("cancel")

    async def terminate(self, reason: str | None = None) -> None:
        self._ask("terminate", reason)

    async def signal(self, name: str, payload: Any) -> None:
        self._ask("signal", name, payload)


TABLE: dict[str, Any] = {
    "name": "case",
    "until": "5s",
    "grace": "0s",
    "workers": [{"name": "A"}],
    "workflows": [{"id": "w", "program": [{"op": "sleep", "ms": 1000}]}],
}
"""The smallest case."""


def plan(**more: Any) -> Plan:
    return plan_of(Scenario.from_dict({**TABLE, **more}))


def recording(folder: Path, client: FakeClient | None = None, **more: Any) -> Recording:
    """A recording of fakes; its server is not started."""
    planned = plan(**more)
    workers = {one.name: worker(folder, name=one.name) for one in planned.workers}
    return Recording(planned, server(folder), client or FakeClient(), workers)  # type: ignore[arg-type]
