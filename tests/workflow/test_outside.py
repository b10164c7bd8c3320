"""Clock, chance and network are out of workflow code's reach; all else of their modules is there."""

from __future__ import annotations

import pytest

from sim import Scenario, ScenarioError, run
from sim.workflow.errors import WorkflowCodeError

HEAD = """
import builtins
import datetime as dt
import http.client
import os.path
import random
import secrets
import socket
import subprocess
import time
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import choice
from time import monotonic as clock
from urllib.parse import quote

from sim import workflow


@dataclass(frozen=True)
class Frozen:
    name: str


class Named:
    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return self.name == other.name

    def __hash__(self):
        return hash((self.name, self.length()))

    def length(self):
        return hash(str(len(self.name)))


async def flow(ctx, argument):
"""


def scenario(line: str, head: str = HEAD) -> Scenario:
    """A workflow that does this."""
    return Scenario.from_dict(
        {
            "name": "outside",
            "until": "1m",
            "workers": [{"name": "w"}],
            "workflows": [{"id": "x", "workflow": "flow.py:flow"}],
            "modules": {"flow.py": f"{head}    {line}\n"},
        }
    )


@pytest.mark.parametrize(
    ("call", "name", "instead"),
    [
        ("time.time()", "time.time()", "workflow.now(ctx)"),
        ("clock()", "time.monotonic()", "workflow.now(ctx)"),
        ("time.localtime()", "time.localtime()", "workflow.now(ctx)"),
        ("time.gmtime(None)", "time.gmtime()", "workflow.now(ctx)"),
        ("time.strftime('%H')", "time.strftime()", "workflow.now(ctx)"),
        ("datetime.now()", "datetime.now()", "workflow.now(ctx)"),
        ("dt.datetime.now(dt.timezone.utc)", "datetime.now()", "workflow.now(ctx)"),
        ("datetime.utcnow()", "datetime.utcnow()", "workflow.now(ctx)"),
        ("date.today()", "date.today()", "workflow.now(ctx)"),
        ("time.sleep(1)", "time.sleep()", "await workflow.sleep(ctx, workflow.seconds(n))"),
        ("random.random()", "random.random()", "random.Random(workflow.get_info(ctx).workflow_id)"),
        ("choice([1, 2])", "random.choice()", "from the input or from an activity"),
        ("random.Random()", "random.Random()", "a generator with a seed"),
        ("random.Random(None)", "random.Random()", "a generator with a seed"),
        ("uuid.uuid4()", "uuid.uuid4()", "from the input"),
        ("os.urandom(8)", "os.urandom()", "from the input"),
        ("secrets.token_hex()", "secrets.token_hex()", "from the input"),
        ("workflow.side_effect(ctx, random.random)", "random.random()", "from the input"),
        ("socket.create_connection(('localhost', 1))", "socket.create_connection()", "workflow.execute_activity"),
        ("urllib.request.urlopen('http://localhost')", "urllib.request.urlopen()", "workflow.execute_activity"),
        ("http.client.HTTPConnection('localhost')", "http.client.HTTPConnection()", "workflow.execute_activity"),
        ("subprocess.run(['true'])", "subprocess.run()", "workflow.execute_activity"),
        ("hash('cat')", "hash() of a str", "zlib.crc32(text.encode())"),
        ("hash(b'cat') % 8", "hash() of a bytes", "zlib.crc32"),
        ("hash((1, ('cat', 2)))", "hash() of a tuple", "the value itself as a key"),
        ("hash(frozenset({'cat'}))", "hash() of a frozenset", "the value itself as a key"),
        ("hash(datetime(2024, 2, 29))", "hash() of a _Datetime", "zlib.crc32"),
        ("hash(object())", "hash() of an object", "where the value lies in memory"),
        ("hash(Frozen('cat'))", "hash() of a tuple", "zlib.crc32"),
        ("builtins.hash('cat')", "hash() of a str", "zlib.crc32"),
        ("sorted([id(ctx), id(argument)])", "id()", "compare with `is`"),
        ("id(ctx) % 8", "id()", "compare with `is`"),
        ("f'{id(ctx)}'", "id()", "names of their own"),
    ],
)
def test_is_refused_with_what_to_use_instead(call: str, name: str, instead: str) -> None:
    with pytest.raises(WorkflowCodeError) as error:
        run(scenario(call), 1)
    line = HEAD.count("\n") + 1
    assert str(error.value).startswith(f"workflow 'flow' (x), flow.py, line {line}, in flow: {name} ")
    assert instead in str(error.value)


def test_a_hash_of_ones_own_is_asked_outright_where_nobody_else_asks() -> None:
    with pytest.raises(WorkflowCodeError, match=r"in length: hash\(\) of a str differs from process to process"):
        run(scenario("return hash(Named('cat'))"), 1)


def test_what_id_gives_is_always_shown_alike() -> None:
    assert repr(run(scenario("return id(ctx)"), 1).workflows[0].outcome) == "<id() of an object>"


def test_catching_every_exception_does_not_help() -> None:
    with pytest.raises(WorkflowCodeError, match=r"random\.random\(\) is left to chance"):
        run(scenario("try: random.random()\n    except Exception: return 'caught'"), 1)


@pytest.mark.parametrize(
    "expression",
    [
        "datetime(2024, 2, 29) + timedelta(days=1) == dt.datetime(2024, 3, 1)",
        "datetime.fromisoformat('2024-02-29').isoformat() == '2024-02-29T00:00:00'",
        "isinstance(date(2024, 1, 1), date) and date(2024, 1, 31).month == 1",
        "time.strftime('%Y', time.gmtime(0)) == '1970'",
        "random.Random(7).random() == random.Random(7).random()",
        "uuid.UUID(int=7).int == 7 and uuid.uuid5(uuid.NAMESPACE_DNS, 'a').version == 5",
        "os.path.join('a', 'b') and os.sep",
        "issubclass(socket.timeout, OSError) and urllib.request.__name__ == 'urllib.request'",
        "workflow.now(ctx) >= 0",
        "quote('a b') == 'a%20b' and dataclass.__name__ == 'dataclass'",
        "len({Frozen('cat'), Frozen('cat')}) == 1 and {Named('cat'): 1}[Named('cat')] == 1",
        "{frozenset({Frozen('cat')}): 1}[frozenset({Frozen('cat')})] == 1",
        "hash(7) == 7 and hash((1, 2.5)) == hash((1, 2.5)) and hash(uuid.UUID(int=7)) == hash(uuid.UUID(int=7))",
        "id(ctx) == id(ctx) and id(ctx) != id(argument) and id(ctx) in {id(ctx)} and {id(ctx): 1}[id(ctx)] == 1",
    ],
)
def test_the_rest_is_there(expression: str) -> None:
    assert run(scenario(f"return bool({expression})"), 1).workflows[0].outcome is True


def test_a_module_may_not_read_it_either_when_it_is_loaded() -> None:
    head = "import time\n\nSTARTED = time.time()\n\nasync def flow(ctx, argument):\n"
    with pytest.raises(ScenarioError, match=r"flow\.py, line 3: time\.time\(\) reads the clock: use workflow\.now\(ctx\)"):
        scenario("return STARTED", head)


def test_others_are_not_touched() -> None:
    import random
    import time

    assert time.time() > 0
    assert 0 <= random.random() < 1
    with pytest.raises(WorkflowCodeError):
        run(scenario("time.time()"), 1)
    assert time.time() > 0
