"""A TCP proxy on loopback between a worker and the server: each direction can be held, so that data waits."""

from __future__ import annotations

import asyncio
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_CHUNK: Final = 65_536

UP, DOWN = "up", "down"
"""To the server, and from it."""


def named(direction: str) -> tuple[str, ...]:
    """The directions that a name stands for: `up`, `down`, `both`."""
    return (UP, DOWN) if direction == "both" else (direction,)


class Proxy:
    """One worker's way to the server."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._gates = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        for gate in self._gates.values():
            gate.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""

    async def start(self) -> None:
        """Listen; `address` is HOST:PORT from now on."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.address = f"{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"

    def hold(self, direction: str) -> None:
        """Let data of this direction (`both`, `up`, `down`) wait; ends of connections wait as well."""
        for name in named(direction):
            self._gates[name].clear()

    def release(self, direction: str = "both") -> None:
        """Let what waited go on."""
        for name in named(direction):
            self._gates[name].set()

    def is_open(self, direction: str) -> bool:
        """Whether data of this direction passes."""
        return all(self._gates[name].is_set() for name in named(direction))

    async def close(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._gates[UP].wait()
            server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
            await asyncio.gather(self._pump(reader, server_writer, UP), self._pump(server_reader, writer, DOWN))
        except (OSError, asyncio.CancelledError):
            # A server that is away refuses; a case that is over drops its connections.
            writer.close()
        finally:
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str) -> None:
        gate = self._gates[direction]
        try:
            while data := await reader.read(_CHUNK):
                await gate.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            try:
                await gate.wait()
            finally:
                writer.close()
