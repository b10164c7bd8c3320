"""The plugin as users have it: pytest in a process of its own, with default settings."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim import Scenario
from sim.properties import DEMANDS, DUTIES, KNOWN
from sim.scenario.run import run
from sim.testing import plugin
from sim.testing.campaign import RUNS
from sim.testing.failing import INSTEAD
from sim.testing.subject import DEFAULT, subject_of
from sim.trace.tape import read

MISTAKES = Path(__file__).parent / "mistakes"

TESTS = """
import pytest

@pytest.mark.session_sim(workflow="cancel_as_loss.py:mistaken", input="cats")
def test_cancel_as_loss(): ...

@pytest.mark.session_sim(workflow="forgotten_completion.py:mistaken", input="cats")
def test_forgotten_completion(): ...

@pytest.mark.session_sim(workflow="cleanup_on_cancelled.py:mistaken", input="cats")
def test_cleanup_on_cancelled(): ...
"""

CORRECTED = TESTS.replace("mistaken", "corrected")


@dataclass(frozen=True)
class Ran:
    """A pytest that has run: its exit code, what it said of each test that failed, and all it said."""

    code: int
    failures: Mapping[str, str]
    output: str


def run_pytest(folder: Path, tests: str, *options: str) -> Ran:
    """Run these tests beside the workflows with the mistakes."""
    for file in MISTAKES.glob("*.py"):
        shutil.copy(file, folder)
    (folder / "test_mine.py").write_text(tests, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "--rootdir", str(folder), "test_mine.py", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    parts = re.split(
        r"^_+ (\w+) _+$", done.stdout.partition("= FAILURES =")[2].partition("= PASSES =")[0].partition("short test summary")[0], flags=re.M
    )
    return Ran(done.returncode, dict(zip(parts[1::2], parts[2::2], strict=True)), done.stdout + done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mistakes")


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    return run_pytest(folder, TESTS)


def test_each_mistake_is_found_with_default_settings(ran: Ran) -> None:
    assert ran.code == 1, ran.output
    assert sorted(ran.failures) == ["test_cancel_as_loss", "test_cleanup_on_cancelled", "test_forgotten_completion"], ran.output


@pytest.mark.parametrize(
    ("test", "broken", "says", "guilty"),
    [
        ("test_cancel_as_loss", "cancel_is_obeyed", "job was cancelled, knows it, and asks for job/1/s2 as if a worker had been lost "
         "(cancel_as_loss.py, line 8, in encode_once)", "cancel job"),
        ("test_forgotten_completion", "session_is_completed",
         "job ends COMPLETED and has never completed job/1/s1, which is still open", ""),
        ("test_cleanup_on_cancelled", "cancelled_context_unused", "`drop_scratch_tables` never runs: its workflow was cancelled, and it is "
         "asked for on the cancelled context; `apart, _ = new_disconnected_context(ctx)` gives another "
         "(cleanup_on_cancelled.py, line 28, in mistaken)",
         "cancel job"),
    ],
)  # fmt: skip
def test_each_report_makes_the_mistake_obvious(ran: Ran, folder: Path, test: str, broken: str, says: str, guilty: str) -> None:
    said = ran.failures[test]
    lines = [line for line in said.splitlines() if line and not line.startswith("=")]
    assert lines[0].startswith(f"{broken} is broken: ")
    assert says in lines[0]
    assert len(lines) <= 35
    assert "Traceback" not in said
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[1:] if re.match(r"  \w+ ", line)}
    assert rows["promise"].startswith("Workflow code ")
    assert re.match(r"\d+ \(run \d+ of this test\)", rows["seed"])
    assert rows["guilty"].startswith(guilty)
    for kind in ("report", "scenario"):
        assert (folder / rows[kind]).is_file()
    tape = read(folder / rows["replay"].split()[-1])
    assert len(tape.scenario["faults"]) == bool(guilty)
    # What was written to look at fails like the test: nobody expects a mistake.
    assert not run(Scenario.load(folder / rows["scenario"]), tape.seed, deviations=tape.deviations).as_expected
    # The story tells what was done to the workflow, marks the break, and goes on a little.
    assert lines.index(f"  ✗ here {broken} is broken") >= len(lines) - 3


@pytest.mark.slow
def test_the_command_that_replays_it_fails_alike_until_the_mistake_is_corrected(ran: Ran, folder: Path) -> None:
    command = re.search(r"pytest (test_mine.py::\S+) --session-sim-replay (\S+)", ran.failures["test_cleanup_on_cancelled"])
    assert command is not None
    options = ("-k", "test_cleanup_on_cancelled", "--session-sim-replay", command[2])
    again = run_pytest(folder, TESTS, *options)
    head = ran.failures["test_cleanup_on_cancelled"].strip().splitlines()[0]
    assert again.failures["test_cleanup_on_cancelled"].strip().splitlines()[0] == head
    corrected = run_pytest(folder, TESTS.replace("cancelled.py:mistaken", "cancelled.py:corrected"), *options)
    assert corrected.code == 0, corrected.output


@pytest.mark.slow
def test_without_the_mistakes_nothing_is_found(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, CORRECTED, "--session-sim-runs", "300")
    assert done.code == 0, done.output


@pytest.mark.slow
def test_several_processes_find_the_same(ran: Ran, tmp_path: Path) -> None:
    both = run_pytest(tmp_path, TESTS, "-n", "2")
    assert {name: _story(said) for name, said in both.failures.items()} == {name: _story(said) for name, said in ran.failures.items()}


def _story(said: str) -> list[str]:
    return [line for line in said.splitlines() if line and not line.startswith("=") and "[gw" not in line]


def test_whatever_is_judged_by_default_says_what_to_do() -> None:
    """Messages of duties do by themselves, and a workflow that does not end has no one cause."""
    assert set(DEFAULT) - set(DUTIES) - set(DEMANDS) == set(INSTEAD)


OWN = '''
import pytest

SCENARIO = {
    "workers": [{"name": "w", "count": 2, "restart_after": "5s"}],
    "activities": {"encode": {"duration": "10s", "heartbeat_every": "2s"}},
    "workflows": [{"id": "job", "program": [
        {"op": "until_ok", "times": 3, "ms": 1000, "steps": [
            {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
            {"op": "act", "in": "s", "activity": "encode", "hb": "5s"},
            {"op": "complete", "in": "s"},
        ]},
    ]}],
}

@pytest.fixture
def limit():
    return 1

@pytest.mark.session_sim(SCENARIO, properties=[])
def test_looks_at_each_run(session_run, limit):
    """Every video is encoded once."""
    times = session_run.completions("encode")
    assert times <= limit, f"encoded {times} times"

@pytest.mark.session_sim(SCENARIO, properties=["slot_limit"], runs=3)
def test_holds(): ...

from sim import workflow

@workflow.workflow
async def naps(ctx, argument):
    await workflow.sleep(ctx, workflow.seconds(5))
    return argument

@pytest.mark.session_sim(workflow=naps, input="rested", runs=2, faults=["kill"])
@pytest.mark.parametrize("length", [5, 6])
class TestNaps:
    def test_returns_what_it_got(self, session_run, length):
        assert session_run.workflows["job"].outcome == "rested"

@pytest.mark.session_sim({**SCENARIO, "expect": {"slot_limit": "broken"}, "fuzz": {"expect": {"no_false_alarm": "broken"}}},
                         properties=["slot_limit", "no_false_alarm", "same_worker"], runs=2)
def test_what_is_expected_is_not_judged(): ...

def test_without_the_marker(session_run): ...

def test_by_hand(session_sim):
    found = session_sim(SCENARIO, properties=["same_worker"], runs=2, seed=5)
    assert found.runs == 3
    assert found.exercised["same_worker"] >= 1

@pytest.mark.session_sim(SCENARIO, properties=["slot_limits"])
def test_misspelled(): ...

@pytest.mark.session_sim()
def test_says_nothing(): ...

@pytest.mark.session_sim(SCENARIO, wokers=3)
def test_unknown_argument(): ...

@pytest.mark.session_sim({**SCENARIO, "workers": [{"name": "w", "cuont": 2}]})
def test_wrong_scenario(): ...

@pytest.mark.session_sim(workflow="reads_the_clock.py:late", runs=1)
def test_clock(): ...
'''


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    folder = tmp_path_factory.mktemp("own")
    clock = "import time\n\nasync def late(ctx, argument):\n    return time.time()\n"
    (folder / "reads_the_clock.py").write_text(clock, "utf-8")
    return folder, run_pytest(folder, OWN, "--session-sim-tries", "40", "-rA")


def test_a_test_that_looks_at_each_run_is_a_property(own: tuple[Path, Ran]) -> None:
    folder, ran = own
    said = ran.failures["test_looks_at_each_run"]
    assert re.match(r"test_looks_at_each_run is broken: encoded \d+ times", said.strip())
    assert "promise   Every video is encoded once." in said
    # Nobody but this test knows the property, and the tape can be replayed without it.
    tape = re.search(r"--session-sim-replay (\S+)", said)
    assert tape is not None
    scenario = read(folder / tape[1]).scenario
    assert (scenario["expect"], scenario["properties"].get("enable")) == ({}, None)


def test_the_rest_of_the_tests_of_ones_own(own: tuple[Path, Ran]) -> None:
    said = own[1].output
    for test in ("test_holds", "test_by_hand", "test_what_is_expected_is_not_judged"):
        assert f"PASSED test_mine.py::{test}" in said
    for length in (5, 6):
        assert f"PASSED test_mine.py::TestNaps::test_returns_what_it_got[{length}]" in said
    assert "session_run is for tests with @pytest.mark.session_sim(...)" in said
    assert "4 runs; put to the test were slot_limit" in said
    assert re.search(r"3 runs; put to the test were same_worker \d+ times$", said, re.M)


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ("test_misspelled", "there is no property 'slot_limits'; did you mean"),
        ("test_says_nothing", 'expected a scenario, session_sim("file.toml"), or a workflow, session_sim(workflow="file.py:function")'),
        ("test_unknown_argument", "session_sim: there is no argument 'wokers'; did you mean 'workers'?"),
        ("test_wrong_scenario", "workers[0].cuont"),
        ("test_clock", "reads_the_clock.py, line 4, in late: time.time() reads the clock: use workflow.now(ctx)"),
    ],
)
def test_what_is_wrong_is_said_in_a_few_lines(own: tuple[Path, Ran], test: str, says: str) -> None:
    said = own[1].failures[test]
    assert says in said
    assert "Traceback" not in said
    assert len(said.splitlines()) < 15


def test_a_pytest_that_does_not_use_it_loads_nothing_of_the_simulator() -> None:
    program = "import sys, pytest; before = set(sys.modules); import sim.testing.plugin; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "['sim', 'sim.testing', 'sim.testing.plugin']"


@pytest.mark.parametrize(("option", "least"), [("--session-sim-runs", 1), ("--session-sim-tries", 0)])
def test_an_option_that_leaves_nothing_to_do_is_refused(tmp_path: Path, option: str, least: int) -> None:
    for value in (str(least - 1), "many"):
        done = run_pytest(tmp_path, TESTS, f"{option}={value}")
        assert done.code == 4, done.output
        assert f"argument {option}: is {value}; expected a whole number, at least {least}" in done.output


def test_the_reference_has_every_argument_and_option() -> None:
    """Of the marker and of pytest's command, with their defaults; and what is judged, sentence by sentence."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "testing.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", page, re.M))
    parameters = list(inspect.signature(subject_of).parameters)[2:]
    assert set(parameters) <= rows.keys()
    assert rows["runs"].startswith(f"`{RUNS}` |")
    assert set(re.findall(r'"(--session-sim-\w+)"', inspect.getsource(plugin))) == {
        row.split()[0] for row in rows if row.startswith("--session-sim")
    }
    assert [name for name in parameters if name not in plugin.MARKER] == []
    for name in DEFAULT:
        assert rows[name] == KNOWN[name].sentence
