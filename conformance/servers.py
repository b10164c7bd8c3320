"""A real server's process, with its state in a file: killed and started again, it goes on where it was."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

from conformance.complaints import complaint

START_LIMIT_S: Final = 120.0

SETTLE_S: Final = 1.0
"""A new server is busy with its own workflows for half a second after it answers (measured); cases begin when it is idle."""

_LOOK_EVERY_S: Final = 0.02


class ServerError(Exception):
    """The server did not start; the message has the end of what it said."""


class ServerProcess:
    """A server on loopback. `up` is set while it answers; `starts` counts how often it began to."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""
        self.up = asyncio.Event()
        self.starts = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it, where it was before if it was, and wait until it answers. Raises ServerError."""
        file, errors = self._folder / "address", self._folder / "server.stderr"
        self._folder.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        port = self.address.rpartition(":")[2] or "0"
        flags = {"address-file": file, "shards": 1, "db": self._folder / "state.sqlite", "port": port, "parent": os.getpid()}
        command = [str(self._binary), *(f"-{name}={value}" for name, value in flags.items())]
        with errors.open("ab") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink, start_new_session=True
            )
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_LIMIT_S
        while not (file.exists() and (address := file.read_text())):
            if not self.alive or loop.time() > deadline:
                raise ServerError(f"the server did not start: {complaint(errors)}")
            await asyncio.sleep(_LOOK_EVERY_S)
        self.address = address
        self.starts += 1
        self.up.set()

    def kill(self) -> None:
        """End it at once, as when its machine fails."""
        self.up.clear()
        if self._process is not None and self.alive:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
