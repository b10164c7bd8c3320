"""Processes of a recording: how they start, end and start again, and what their files say."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from conformance.complaints import complaint
from conformance.servers import ServerError
from conformance.workers import WorkerError
from tests.conformance import fakes


def test_a_worker_starts_stops_and_starts_again_under_another_name(tmp_path: Path) -> None:
    async def go() -> None:
        worker = fakes.worker(tmp_path)
        try:
            assert await worker.start()
            worker.signal(signal.SIGTERM)
            while worker.alive:
                await asyncio.sleep(0.005)
            assert await worker.start()
            assert [entry["worker"] for entry in worker.logged()] == ["A", "A'1"]
        finally:
            await worker.close()
        assert not worker.alive

    asyncio.run(go())


def test_a_worker_that_cannot_start_says_what_it_said(tmp_path: Path) -> None:
    async def go() -> None:
        worker = fakes.worker(tmp_path, fakes.BROKEN)
        with pytest.raises(WorkerError, match="worker A did not start: no space left"):
            await worker.start()
        await worker.close()

    asyncio.run(go())


def test_a_worker_that_is_killed_while_it_starts_is_no_error(tmp_path: Path) -> None:
    async def go() -> None:
        worker = fakes.worker(tmp_path, "#!/bin/sh\nexec sleep 60\n")
        starting = asyncio.create_task(worker.start())
        await asyncio.sleep(0.1)
        worker.kill()
        assert not await starting
        await worker.close()

    asyncio.run(go())


def test_a_line_of_the_log_is_read_when_it_is_whole(tmp_path: Path) -> None:
    worker = fakes.worker(tmp_path)
    worker.log.write_bytes(b'{"ev": "rpc"}\n{"ev": "activ')
    assert worker.logged() == [{"ev": "rpc"}]
    with worker.log.open("ab") as log:
        log.write(b'ity_end"}\n')
    assert worker.logged() == [{"ev": "rpc"}, {"ev": "activity_end"}]


def test_rules_end_one_by_one(tmp_path: Path) -> None:
    worker = fakes.worker(tmp_path)
    first, second = worker.add_rule({"mode": "error"}), worker.add_rule({"mode": "lose_request"})
    worker.remove_rule(first["id"])
    written = json.loads((tmp_path / "A.rules.json").read_text())
    assert written == [second] == [{"id": "2", "mode": "lose_request"}]


def test_a_lost_machine_keeps_its_connections_and_comes_back_with_another_way(tmp_path: Path) -> None:
    async def go() -> None:
        worker = fakes.worker(tmp_path)
        try:
            await worker.start()
            old = worker.proxy
            worker.lose()
            assert not worker.alive
            await worker.start()
            assert worker.proxy is not old
            assert worker.proxies[0] is old
        finally:
            await worker.close()

    asyncio.run(go())


def test_a_killed_server_starts_again_where_it_was(tmp_path: Path) -> None:
    async def go() -> None:
        server = fakes.server(tmp_path)
        try:
            await server.start()
            address = server.address
            assert server.up.is_set()
            server.kill()
            assert not server.up.is_set()
            assert not server.alive
            await server.start()
            assert server.up.is_set()
            assert (server.address, server.starts) == (address, 2)
            assert (tmp_path / "state" / "state.sqlite").read_text() == "started\nstarted\n"
        finally:
            server.kill()

    asyncio.run(go())


def test_a_server_that_cannot_start_says_what_it_said(tmp_path: Path) -> None:
    async def go() -> None:
        with pytest.raises(ServerError, match="the server did not start: no space left"):
            await fakes.server(tmp_path, fakes.BROKEN).start()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("WARN something\nserver: cannot listen: address in use\n", "server: cannot listen: address in use"),
        ("panic: no free port\n\ngoroutine 1 [running]:\nmain.main()\n\t/main.go:1 +0x1\n", "panic: no free port"),
        ("No space left\n", "No space left"),
        ("", "no word from it"),
    ],
)  # fmt: skip
def test_a_complaint_is_one_line(text: str, wanted: str, tmp_path: Path) -> None:
    file = tmp_path / "stderr"
    assert complaint(file) == "no word from it"
    file.write_text(text)
    assert complaint(file) == wanted
