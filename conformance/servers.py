"""A real server's process."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Final

START_LIMIT_S: Final = 120.0


class ServerError(Exception):
    """The server did not start; the message has the end of what it said."""


class ServerProcess:
    """A server on loopback."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises ServerError."""
        file, errors = self._folder / "address", self._folder / "server.stderr"
        self._folder.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        command = [str(self._binary), f"-address-file={file}", "-shards=1"]
        with errors.open("ab") as sink:
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sink, start_new_session=True)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_LIMIT_S
        while not (file.exists() and (address := file.read_text())):
            if not self.alive or loop.time() > deadline:
                raise ServerError(f"the server did not start: {errors.read_text()[-500:].strip() or 'no word from it'}")
            await asyncio.sleep(0.02)
        self.address = address

    def kill(self) -> None:
        """End it at once, as when its machine fails."""
        if self._process is not None and self.alive:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
