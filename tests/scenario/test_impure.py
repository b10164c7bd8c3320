"""Workflow code that asks the real world is refused, with what to use instead."""

from __future__ import annotations

from typing import Any

import pytest

from sim import Scenario, ScenarioError, run
from sim.workflow import NotModelledError


def scenario(code: str, imports: str = "") -> Scenario:
    text = f"{imports}\nfrom sim import workflow\n\n@workflow.workflow\nasync def job(ctx, argument):\n    return {code}\n"
    content: dict[str, Any] = {
        "workers": [{"name": "w"}],
        "workflows": [{"id": "job", "workflow": "code.py:job"}],
        "modules": {"code.py": text},
    }
    return Scenario.from_dict(content)


@pytest.mark.parametrize(
    ("imports", "code", "what", "instead"),
    [
        ("import time", "time.time()", "time.time()", "workflow.now(ctx)"),
        ("from time import monotonic as m", "m()", "time.monotonic()", "workflow.now(ctx)"),
        ("import datetime", "datetime.datetime.now()", "datetime.now()", "workflow.now(ctx)"),
        ("from datetime import datetime, timezone", "datetime.now(timezone.utc)", "datetime.now()", "workflow.now(ctx)"),
        ("from datetime import date", "date.today()", "date.today()", "workflow.now(ctx)"),
        ("import random", "random.random()", "random.random()", "activity"),
        ("from random import randint", "randint(1, 2)", "random.randint()", "activity"),
        ("import random", "random.Random()", "random.Random()", "with a seed"),
        ("import uuid", "uuid.uuid4()", "uuid.uuid4()", "activity"),
        ("import os", "os.urandom(4)", "os.urandom()", "activity"),
    ],
)
def test_clocks_and_luck_are_refused_where_they_are_called(imports: str, code: str, what: str, instead: str) -> None:
    one = scenario(code, imports)
    with pytest.raises(NotModelledError) as raised:
        run(one, 1)
    assert f"code.py, line 6: workflow code must not call {what}" in str(raised.value)
    assert instead in str(raised.value)


@pytest.mark.parametrize("imports", ["import socket", "import urllib.request", "from http import client", "import secrets"])
def test_the_network_may_not_be_imported(imports: str) -> None:
    with pytest.raises(ScenarioError, match=r"workflow code must not import .*; do it in an activity"):
        scenario("1", imports)


@pytest.mark.parametrize(
    ("imports", "code", "result"),
    [
        ("import random", "random.Random(7).randint(1, 6)", 3),
        ("from datetime import datetime, timedelta", "str(datetime(2026, 1, 31) + timedelta(days=1))", "2026-02-01 00:00:00"),
        ("import os.path", "os.path.join('a', 'b')", "a/b"),
        ("import uuid", "str(uuid.UUID(int=1))", "00000000-0000-0000-0000-000000000001"),
        ("from dataclasses import dataclass", "dataclass.__name__", "dataclass"),
        ("from urllib.parse import quote", "quote('a b')", "a%20b"),
    ],
)
def test_what_is_pure_is_not(imports: str, code: str, result: object) -> None:
    (workflow,) = run(scenario(code, imports), 1).workflows
    assert (workflow.status, workflow.outcome) == ("COMPLETED", result)
