"""A real worker's process: started on a host name of its own, behind a proxy, with a file of faults of its calls."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from conformance.complaints import complaint
from conformance.plan import WorkerPlan
from conformance.proxy import Proxy, named

START_LIMIT_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.01


class WorkerError(Exception):
    """A worker did not start; the message has the end of what it said."""


@cache
def host_prefix() -> tuple[str, ...]:
    """The command that runs another under a host name (its next argument), empty where the machine does not allow it."""
    unshare = shutil.which("unshare")
    for options in (["-u"], ["-r", "-u"]):
        if unshare and subprocess.run([unshare, *options, "true"], capture_output=True, check=False).returncode == 0:
            return (unshare, *options, "sh", "-c", 'hostname "$0"; exec "$@"')
    return ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case's workers run. `address`: of the server; `folder`: for logs and rules."""

    binary: Path
    address: str
    queue: str
    folder: Path


class WorkerProcess:
    """One worker of a case, over all its starts."""

    def __init__(self, plan: WorkerPlan, place: Place) -> None:
        self.plan = plan
        self.place = place
        self.log = place.folder / f"{plan.name}.jsonl"
        self.proxy: Proxy | None = None
        self.proxies: list[Proxy] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._killed = False
        self._held: set[str] = set()
        self._entries: list[dict[str, Any]] = []
        self._read = 0
        self._rules: list[dict[str, Any]] = []
        self._rules_file = place.folder / f"{plan.name}.rules.json"
        self._rule_number = 0
        self._write_rules()

    @property
    def alive(self) -> bool:
        """Whether the process runs, or stands still."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> bool:
        """Start it and wait until it polls: False when it was killed before.

        Raises:
            WorkerError: it does not come to that.
        """
        if self.proxy is None:
            self.proxy = Proxy(self.place.address)
            self.proxies.append(self.proxy)
            for direction in self._held:
                self.proxy.hold(direction)
            await self.proxy.start()
        identity = self.plan.name + (f"'{self._starts}" if self._starts else "")
        flags = {
            "address": self.proxy.address, "queue": self.place.queue, "identity": identity, "log": str(self.log),
            "rules": str(self._rules_file), "parent": os.getpid(), **self.plan.options,
        }  # fmt: skip
        command = [str(self.place.binary), *(_flag(name, value) for name, value in flags.items())]
        if prefix := host_prefix():
            command = [*prefix, self.plan.host, *command]
        errors = self.place.folder / f"{self.plan.name}.stderr"
        self._killed = False
        with errors.open("ab") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink, start_new_session=True
            )
        if not await self._started(errors):
            return False
        self._starts += 1
        return True

    async def _started(self, errors: Path) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_LIMIT_S
        while sum(entry["ev"] == "worker_started" for entry in self.logged()) <= self._starts:
            if self._killed:
                return False
            if not self.alive or loop.time() > deadline:
                raise WorkerError(f"worker {self.plan.name} did not start: {complaint(errors)}")
            await asyncio.sleep(_LOOK_EVERY_S)
        return True

    def logged(self) -> list[dict[str, Any]]:
        """What it has logged until now, over all its starts. A line that is being written is left for later."""
        if self.log.exists():
            with self.log.open("rb") as log:
                log.seek(self._read)
                whole, newline, _ = log.read().rpartition(b"\n")
            self._read += len(whole) + len(newline)
            self._entries += [json.loads(line) for line in whole.splitlines() if line.strip()]
        return self._entries

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._killed = True
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    @property
    def held(self) -> bool:
        """Whether it is cut off in some direction."""
        return bool(self._held)

    def hold(self, direction: str) -> None:
        """Let data of this direction (`both`, `up`, `down`) wait, also on the ways that later starts have."""
        self._held |= set(named(direction))
        if self.proxy is not None:
            self.proxy.hold(direction)

    def release(self, direction: str) -> None:
        """Let it go on. The way of a machine that was lost is not released: what it sent is gone for good."""
        self._held -= set(named(direction))
        if self.proxy is not None:
            self.proxy.release(direction)

    def lose(self) -> None:
        """End it without anybody being told: its connections stay as they are; a new start has a new way to the server."""
        assert self.proxy is not None
        self.proxy.hold("both")
        self.kill()
        self.proxy = None

    # -- faults of calls -----------------------------------------------------------------------------------------------

    def add_rule(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """Let a rule hold from now on; what it has hit is counted from now on. Returns it with its id."""
        self._rule_number += 1
        numbered = {"id": str(self._rule_number), **rule}
        self._rules.append(numbered)
        self._write_rules()
        return numbered

    def remove_rule(self, number: str) -> None:
        """Let the rule of this id hold no longer; the others go on."""
        self._rules = [rule for rule in self._rules if rule["id"] != number]
        self._write_rules()

    def _write_rules(self) -> None:
        # The worker reads at any moment, so it has to see the old file or the new one.
        new = self._rules_file.with_suffix(".new")
        new.write_text(json.dumps(self._rules))
        new.replace(self._rules_file)

    async def close(self) -> None:
        """End the process and its proxies, whatever state they are in."""
        if self.alive:
            self.kill()
        for proxy in self.proxies:
            proxy.release()
            await proxy.close()


def _flag(name: str, value: object) -> str:
    return f"-{name.replace('_', '-')}={str(value).lower() if isinstance(value, bool) else value}"
