"""What is wrong with a scenario is said once, all of it, with the key, what was expected and an example."""

from __future__ import annotations

import pickle
import tomllib
from pathlib import Path

import pytest

from sim import Scenario, ScenarioError

GOOD = """
[[workers]]
name = "w1"
[[workflows]]
id = "w"
program = [{ op = "sleep", ms = 10 }]
"""

FAULT = GOOD + "[[faults]]\n"


def message(text: str, *overrides: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_dict(tomllib.loads(text), overrides, "s.toml")
    return str(caught.value)


ONE_BY_ONE = {
    "a key that nearly is one": (GOOD + "[clustr]\n", "clustr: there is no such key; did you mean 'cluster'?"),
    "an option that nearly is one": (
        GOOD.replace('"w1"', '"w1"\nmax_concurrent_sesion_execution_size = 2'),
        "workers[0].max_concurrent_sesion_execution_size: there is no such key; did you mean 'max_concurrent_session_execution_size'?",
    ),
    "no workers": ("workers = []\n" + GOOD[GOOD.index("[[workf") :], "workers: is empty; expected at least one [[workers]] table"),
    "zero workers": (GOOD.replace('"w1"', '"w1"\ncount = 0'), "workers[0].count: is 0; expected at least 1, such as 1"),
    "billions of workers": (
        GOOD.replace('"w1"', '"w1"\ncount = 2147483648'),
        "workers[0].count: is 2147483648; expected at most 100000, such as 100000",
    ),
    "billions of pollers": (
        GOOD.replace('"w1"', '"w1"\nmax_concurrent_activity_task_pollers = 2147483648'),
        "workers[0].max_concurrent_activity_task_pollers: is 2147483648; expected at most 10000, such as 10000",
    ),
    "a worker without a name": (
        GOOD.replace('name = "w1"', ""),
        'workers[0].name: is missing; expected the worker\'s name, such as name = "w1"',
    ),
    "a negative size": (
        GOOD.replace('"w1"', '"w1"\nmax_concurrent_session_execution_size = -1'),
        "workers[0].max_concurrent_session_execution_size: is -1; expected at least 0, such as 1",
    ),
    "text for a number": (GOOD.replace('"w1"', '"w1"\ncount = "2"'), "workers[0].count: is '2'; expected a whole number, such as 2"),
    "a number for a duration": (
        "grace = 3\n" + GOOD,
        'grace: is 3; expected a duration in quotes with its unit, such as "20s" or "400ms"',
    ),
    "a negative duration": (
        'grace = "-3s"\n' + GOOD,
        "grace: duration '-3s' is negative; expected numbers with the units h, m, s, ms, us, largest unit first, "
        "such as '1h30m', '1.5s', '400ms' or '0s'",
    ),
    "an unknown law": (
        GOOD + '[network]\nrequest = { normal = "3ms" }\n',
        'network.request: is {\'normal\': \'3ms\'}; expected "20s", { uniform = ["1ms", "3ms"] }, { exponential = "20s" }, '
        '{ lognormal = { median = "5ms", p95 = "20ms" } } or { empirical = "file.csv" }',
    ),
    "a law the wrong way round": (
        GOOD + '[network]\nrequest = { uniform = ["3ms", "1ms"] }\n',
        "network.request: uniform law from 3ms to 1ms; expected the smaller one first",
    ),
    "a law without its file": (
        GOOD + '[activities.a]\nduration = { empirical = "no.csv" }\n',
        "activities.a.duration: the file no.csv cannot be read (No such file or directory); expected a CSV file beside the scenario",
    ),
    "a probability above 1": (
        GOOD + "[activities.a]\nfailure_probability = 2\n",
        "activities.a.failure_probability: is 2; expected at most 1.0, such as 1.0",
    ),
    "an sdk version": (
        GOOD + '[cluster]\nsdk_version = "latest"\n',
        "cluster.sdk_version: is 'latest'; expected a version of the Go SDK, such as \"1.48.0\"",
    ),
    "two workers of one name": (
        GOOD + '[[workers]]\nname = "w1"\n',
        "workers[1].name: there are two workers called 'w1' (the other is workers[0])",
    ),
    "processes that differ": (
        GOOD + '[[workers]]\nname = "a"\nprocess = "p"\n[[workers]]\nname = "b"\nprocess = "p"\nstart_at = "1s"\n',
        "workers[2].start_at: differs from that of workers[1], which is in the same process 'p'",
    ),
    "neither workflow nor program": (
        GOOD.replace("program", "input"),
        'workflows[0]: expected either workflow = "file.py:function" or program = [steps]',
    ),
    "a workflow without its file": (
        GOOD.replace('program = [{ op = "sleep", ms = 10 }]', 'workflow = "none.py:f"'),
        "workflows[0].workflow: the file none.py does not exist; expected a Python file beside the scenario",
    ),
    "a workflow that is no reference": (
        GOOD.replace('program = [{ op = "sleep", ms = 10 }]', 'workflow = "f"'),
        'workflows[0].workflow: is \'f\'; expected "file.py:function", such as "file_processing.py:file_processing"',
    ),
    "a queue nobody polls": (
        GOOD.replace('id = "w"', 'id = "w"\ntask_queue = "other"'),
        "workflows[0].task_queue: nobody ever polls the queue 'other' for workflow tasks; polled are tasks",
    ),
    "a worker that never starts": (
        GOOD.replace('"w1"', '"w1"\nstart_at = "never"'),
        "workflows[0].task_queue: nobody ever polls the queue 'tasks' for workflow tasks; no worker that runs workflows ever starts",
    ),
    "two arrivals": (
        GOOD.replace('id = "w"', 'id = "w"\narrival = { at = "1s", poisson = "2s" }'),
        "workflows[0].arrival: has at, poisson; expected one of at, poisson, every, burst, closed, file",
    ),
    "a file of arrivals that is not there": (
        GOOD.replace('id = "w"', 'id = "w"\narrival = { file = "t.csv" }'),
        'workflows[0].arrival.file: the file t.csv is not at hand here; expected the times themselves, such as ["0s", "2s"]',
    ),
    "an unknown step": (
        GOOD.replace('"sleep"', '"slep"'),
        "workflows[0].program[0].op: is 'slep', and there is no such step; did you mean 'sleep'?",
    ),
    "a step without a key": (
        GOOD.replace(", ms = 10", ""),
        "workflows[0].program[0].ms: is missing; the step 'sleep' needs ms",
    ),
    "a step with another key": (
        GOOD.replace("ms = 10", "ms = 10, sec = 3"),
        "workflows[0].program[0].sec: the step 'sleep' has no such key; known are ignore, in, ms",
    ),
    "a step's work": (
        GOOD.replace('op = "sleep", ms = 10', 'op = "act", work = { fail = "yes" }'),
        "workflows[0].program[0].work.fail: is 'yes'; expected retryable, non_retryable or panic",
    ),
    "an unknown kind": (
        FAULT + 'kind = "klll"\nat = "1s"\n',
        "faults[0].kind: is 'klll'; expected 'kill', 'lose_machine', 'start', 'restart', 'stop', 'pause', 'slow_down', 'partition', "
        "'lose_request', 'lose_response', 'delay_request', 'delay_response', 'duplicate_request', 'error', 'server_outage', 'clock', "
        "'cancel', 'terminate', 'signal', 'pause_activity' or 'unpause_activity'; did you mean 'kill'?",
    ),
    "a fault without a time": (
        FAULT + 'kind = "kill"\ntarget = "w1"\n',
        'faults[0]: does not say when; expected one of at = "8s", moment = "session token taken", every = { exponential = "5m" }',
    ),
    "a fault without a target": (
        FAULT + 'kind = "kill"\nat = "1s"\n',
        'faults[0].target: is missing; expected a process, such as "w1" or "@busy"',
    ),
    "a fault on nobody": (
        FAULT + 'kind = "kill"\ntarget = "w2"\nat = "1s"\n',
        "faults[0].target: there is no process 'w2'; known are @busy, @idle, w1",
    ),
    "a cancellation of nothing": (
        FAULT + 'kind = "cancel"\ntarget = "ww"\nat = "1s"\n',
        "faults[0].target: there is no workflow 'ww'; did you mean 'w'?",
    ),
    "a parameter too many": (
        FAULT + 'kind = "kill"\ntarget = "w1"\nat = "1s"\nfactor = 2\n',
        "faults[0].factor: a fault of kind 'kill' has no such parameter; it takes no parameters",
    ),
    "a parameter too few": (
        FAULT + 'kind = "slow_down"\ntarget = "w1"\nat = "1s"\n',
        "faults[0].factor: is missing; a fault of kind 'slow_down' needs factor",
    ),
    "an end of what has none": (
        FAULT + 'kind = "cancel"\ntarget = "w"\nat = "1s"\nfor = "1s"\n',
        "faults[0].for: a fault of kind 'cancel' cannot be undone; leave it out",
    ),
    "an unknown moment": (
        FAULT + 'kind = "kill"\ntarget = "w1"\nmoment = "session token tkn"\n',
        "faults[0].moment: there is no moment 'session token tkn'; did you mean 'session token taken'?",
    ),
    "a field that a moment has not": (
        FAULT + 'kind = "kill"\ntarget = "w1"\nmoment = { observation = "TokenTaken", where = { sesion = "s" } }\n',
        "faults[0].moment.where.sesion: the moment has no such field; did you mean 'session'?",
    ),
    "an unknown method": (
        FAULT + 'kind = "lose_request"\ntarget = "w1"\nat = "1s"\nmethod = "Heartbeat"\n',
        "faults[0].method: there is no method 'Heartbeat'; did you mean 'RecordActivityTaskHeartbeat'?",
    ),
    "an unknown property": (
        GOOD + '[expect]\nslot_limt = "held"\n',
        "expect.slot_limt: there is no property 'slot_limt'; did you mean 'slot_limit'?",
    ),
    "an unknown verdict": (
        GOOD + '[expect]\nslot_limit = "ok"\n',
        "expect.slot_limit: is 'ok'; expected 'held', 'broken', 'not exercised' or 'undecidable'",
    ),
}


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_one_thing_is_wrong(name: str) -> None:
    text, expected = ONE_BY_ONE[name]
    assert message(text) == f"s.toml: {expected}"


def test_everything_is_said_at_once() -> None:
    text = 'grace = 1\nuntill = "1s"\n' + GOOD.replace('"w1"', '"w1"\ncount = 0')
    assert message(text) == (
        "s.toml: 3 things are wrong\n"
        '  grace: is 1; expected a duration in quotes with its unit, such as "20s" or "400ms"\n'
        "  workers[0].count: is 0; expected at least 1, such as 1\n"
        "  untill: there is no such key; did you mean 'until'?"
    )


def test_what_only_the_whole_shows_is_said_along_with_it() -> None:
    text = GOOD.replace('"w1"', '"w1"\ncount = 0').replace('"sleep"', '"slep"') + '[[faults]]\nkind = "cancel"\ntarget = "w"\n'
    assert message(text) == (
        "s.toml: 3 things are wrong\n"
        "  workers[0].count: is 0; expected at least 1, such as 1\n"
        "  workflows[0].program[0].op: is 'slep', and there is no such step; did you mean 'sleep'?\n"
        '  faults[0]: does not say when; expected one of at = "8s", moment = "session token taken", every = { exponential = "5m" }'
    )


def test_overrides_that_hit_nothing() -> None:
    assert message(GOOD, "workers.w3.count=3") == "s.toml: workers.w3: an override names it, but there is none; known are *, w1"
    assert message(GOOD, "grace") == "s.toml: the override 'grace' has no value; expected KEY=VALUE, such as workers.w1.count=3"
    assert message(GOOD, "workers.w1.cnt=3") == "s.toml: workers[0].cnt: there is no such key; did you mean 'count'?"


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none.toml: the file cannot be read \(No such file or directory\); expected a scenario"):
        Scenario.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = = 1")
    with pytest.raises(ScenarioError, match=r"bad.toml: is not TOML: Invalid value"):
        Scenario.load(tmp_path / "bad.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match=r"binary.toml: is not UTF-8 text: line 1, column 1"):
        Scenario.load(tmp_path / "binary.toml")


def test_a_file_of_arrivals(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(GOOD.replace('id = "w"', 'id = "w"\narrival = { file = "t.csv" }'))
    with pytest.raises(ScenarioError, match=r"s.toml: workflows\[0\].arrival.file: the file t.csv cannot be read"):
        Scenario.load(tmp_path / "s.toml")
    (tmp_path / "t.csv").write_text("1s\nsoon\n")
    with pytest.raises(ScenarioError, match=r"value 2 of the file t.csv: duration 'soon' is not understood"):
        Scenario.load(tmp_path / "s.toml")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("async def g(ctx, a): ...", "w.py has no 'f'; its workflows are g"),
        ("def f(ctx, a): ...", "workflow f: expected `async def f(ctx, argument)`, got a plain function"),
        ("async def f(ctx): ...", "workflow f: expected two parameters, (ctx, argument), got (ctx)"),
        ("async def f(ctx, a:\n", "w.py, line 1: '(' was never closed"),
        ("import nothing_like_this", "w.py cannot be run: ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("import sys\nsys.exit(0)", "w.py cannot be run: SystemExit: 0"),
    ],
)
def test_workflow_code(tmp_path: Path, code: str, expected: str) -> None:
    (tmp_path / "w.py").write_text(code)
    (tmp_path / "s.toml").write_text(GOOD.replace('program = [{ op = "sleep", ms = 10 }]', 'workflow = "w.py:f"'))
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(tmp_path / "s.toml")
    assert str(caught.value) == f"{tmp_path / 's.toml'}: workflows[0].workflow: {expected}"


def test_an_error_can_be_sent_to_another_process() -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_dict(tomllib.loads(GOOD), ["grace"], "s.toml")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
