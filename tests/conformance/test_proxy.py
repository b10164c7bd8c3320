"""The proxy between a worker and its server, with real sockets on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from conformance.proxy import Proxy

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
SHORT_S, LONG_S = 0.05, 5.0


async def _echo(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


def _through(body: Callable[[Proxy, Reader, Writer], Awaitable[None]]) -> None:
    """Run the body with a connection through a proxy to a server that echoes."""

    async def go() -> None:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        proxy = Proxy(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await proxy.start()
        host, _, port = proxy.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            await body(proxy, reader, writer)
        finally:
            writer.close()
            proxy.release()
            await proxy.close()
            server.close()
            await asyncio.sleep(0.01)

    asyncio.run(go())


async def _arrives(reader: Reader, wanted: bytes) -> None:
    assert await asyncio.wait_for(reader.readexactly(len(wanted)), LONG_S) == wanted


async def _waits(reader: Reader) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), SHORT_S)


def test_data_passes_both_ways() -> None:
    async def body(proxy: Proxy, reader: Reader, writer: Writer) -> None:
        writer.write(b"hello")
        await _arrives(reader, b"hello")

    _through(body)


@pytest.mark.parametrize("direction", ["both", "up", "down"])
def test_what_is_held_arrives_in_order_when_it_is_released(direction: str) -> None:
    async def body(proxy: Proxy, reader: Reader, writer: Writer) -> None:
        writer.write(b"0")
        await _arrives(reader, b"0")
        proxy.hold(direction)
        for part in (b"1", b"2", b"3"):
            writer.write(part)
            await writer.drain()
        await _waits(reader)
        proxy.release(direction)
        await _arrives(reader, b"123")

    _through(body)


def test_one_direction_is_released_without_the_other() -> None:
    async def body(proxy: Proxy, reader: Reader, writer: Writer) -> None:
        proxy.hold("both")
        writer.write(b"x")
        proxy.release("down")
        await _waits(reader)
        proxy.release("up")
        await _arrives(reader, b"x")

    _through(body)


def test_the_end_of_a_connection_waits_as_well() -> None:
    async def body(proxy: Proxy, reader: Reader, writer: Writer) -> None:
        writer.write(b"x")
        await _arrives(reader, b"x")
        proxy.hold("up")
        writer.write_eof()
        await _waits(reader)
        proxy.release("up")
        assert await asyncio.wait_for(reader.read(), LONG_S) == b""

    _through(body)


def test_a_server_that_is_away_breaks_the_connection() -> None:
    async def go() -> None:
        gone = await asyncio.start_server(_echo, "127.0.0.1", 0)
        proxy = Proxy(f"127.0.0.1:{gone.sockets[0].getsockname()[1]}")
        gone.close()
        await gone.wait_closed()
        await proxy.start()
        host, _, port = proxy.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await asyncio.wait_for(reader.read(), LONG_S) == b""
        writer.close()
        await proxy.close()

    asyncio.run(go())
