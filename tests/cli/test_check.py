"""`session-sim check`: models, verdicts, exit codes, graphs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import networkx as nx
import pytest

from sim.cli import check_watch
from tests.cli.test_run import sim
from tests.models import ROOT

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.progress import Progress

MODELS = ROOT / "scenarios" / "models"
TWO_PHASE = str(MODELS / "two_phase_commit.py")
KEYS = {
    "states", "generated", "depth", "complete", "seconds", "bytes_per_state", "handler_calls", "local_states", "bounds", "properties",
    "collision_probability",
}  # fmt: skip


@pytest.mark.parametrize(("words", "states"), [((), 314), (("--no-symmetry",), 8_832), (("--no-symmetry", "--exact"), 8_832)])
def test_json_has_what_is_promised(words: tuple[str, ...], states: int) -> None:
    done = sim("check", TWO_PHASE, "--set", "resource_managers=5", *words, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found.keys() >= KEYS
    assert (found["states"], found["depth"], found["complete"]) == (states, 16, True)
    assert found["properties"]["consistent"] | {"goal": False} == found["properties"]["consistent"]
    assert {name: row["verdict"] for name, row in found["properties"].items()} == {"consistent": "held", "all committed": "held"}
    assert found["seconds"].keys() == {"compile", "search"}
    assert (found["collision_probability"] == 0) == ("--exact" in words)


def test_a_broken_promise_is_told_as_a_story_and_ends_with_1() -> None:
    done = sim("check", str(MODELS / "lease_lock.py"))
    assert done.exit_code == 1
    assert "✗ one holder" in done.stdout
    assert "The shortest way to break “one holder”, 7 steps:" in done.stdout
    assert "server: timer lease fires" in done.stdout
    assert "→ Took(token=2)" in done.stdout


PHILOSOPHERS = """
from dataclasses import dataclass
from sim.model.node import Node
from sim.model.promises import Everywhere
from sim.model.system import System
from sim.model.world import World

@dataclass(slots=True)
class Fork(Node):
    held: str = ""
    def handle(self, event, step):
        name, takes = event.message
        if takes and not self.held:
            self.held = name
            step.send(name, "yours")
        elif takes:
            step.send(name, "taken")
        elif self.held == name:
            self.held = ""

@dataclass(slots=True)
class Philosopher(Node):
    restless = True
    first: str
    second: str
    has: int = 0
    def moves(self):
        return ("take",) if self.has < 2 else ()
    def handle(self, event, step):
        if hasattr(event, "label"):
            step.send((self.first, self.second)[self.has], (step.me, True))
            self.has += 10
        elif event.message == "yours":
            self.has += 1 - 10
        else:
            self.has -= 10 if self.has % 10 == 0 else 0

def build(crosswise=1):
    forks = ("left", "right")
    other = forks[::-1] if crosswise else forks
    nodes = {"left": Fork(), "right": Fork(), "p": Philosopher(*forks), "q": Philosopher(*other)}
    return System(World(nodes), {"two hands": Everywhere(Philosopher, lambda p: p.has % 10 < 3)})
"""


def test_a_deadlock_is_a_broken_promise_when_it_is_asked_for(tmp_path: Path) -> None:
    model = tmp_path / "philosophers.py"
    model.write_text(PHILOSOPHERS, encoding="utf-8")
    assert sim("check", str(model)).exit_code == 0
    done = sim("check", str(model), "--deadlock", "--json", "--out", str(tmp_path / "out"))
    row = json.loads(done.stdout)["properties"]["no deadlock"]
    assert (done.exit_code, row["verdict"], row["length"]) == (1, "broken", len(row["path"]))
    assert Path(row["diagram"]).exists()
    held = sim("check", str(MODELS / "alternating_bit.py"), "--deadlock", "--limit", "20", "--json")
    assert json.loads(held.stdout)["properties"]["no deadlock"]["verdict"] == "undecidable"


@pytest.mark.parametrize("words", [(str(ROOT / "scenarios" / "file_processing.toml"),), (TWO_PHASE, "--small")])
def test_a_deadlock_is_asked_for_of_models(words: tuple[str, ...]) -> None:
    done = sim("check", *words, "--deadlock")
    assert (done.exit_code, "--deadlock: for models" in done.stderr) == (2, True)


HEAD = """
from dataclasses import dataclass
from sim.model.node import Node
from sim.model.promises import Everywhere
from sim.model.system import System
from sim.model.world import World

class Log: pass

@dataclass(slots=True)
class N(Node):
    restless = True
    x: object = 0
    def moves(self): return ("go",) if self.x == 0 else ()
    def handle(self, event, step): self.x = 1

class Moves(N):
    def moves(self): return 5

class Replies(N):
    def handle(self, event, step): step.reply(5, "x")

class Sends(N):
    def handle(self, event, step): step.send("n", Log())

class Bare(Node):
    def handle(self, event, step): pass

def build(): return """


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ('System(World({"n": N()}, "bag"))', "network is 'bag'"),
        ('System(World({"n": 5}))', "nodes has 'n': 5"),
        ('System(World({"n": Bare()}))', "nodes has 'n'"),
        ('System(5)', "world is 5"),
        ('System(World({"n": N()}), {"p": 5})', "'p' is 5"),
        ('System(World({"n": N()}), {"p": Everywhere(N, 5)})', "'p' is Everywhere"),
        ('System(World({"n": N(Log())}))', "the first state: "),
        ('System(World({"n": Moves()}))', "moves() gives 5"),
        ('System(World({"n": Replies()}))', "asks for what cannot be done"),
        ('System(World({"n": Sends()}))', "asks for what cannot be done"),
        ('System(World({"n": N(), "m": N()}), symmetry=["n", "m"])', "expected groups of names"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_model_is_said(tmp_path: Path, system: str, said: str) -> None:
    model = tmp_path / "wrong.py"
    model.write_text(HEAD + system, encoding="utf-8")
    done = sim("check", str(model))
    assert (done.exit_code, said in done.stderr) == (2, True), done.output


@pytest.mark.parametrize("memory", ["inf", "nan"])
def test_memory_has_an_end(memory: str) -> None:
    done = sim("check", TWO_PHASE, "--memory", memory)
    assert (done.exit_code, "--memory" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["two_phase_commit", "alternating_bit", "lease_lock"])
def test_the_small_search_says_the_same(name: str) -> None:
    whole, small = (sim("check", str(MODELS / f"{name}.py"), "--json", *words) for words in ((), ("--small",)))
    assert whole.exit_code == small.exit_code
    one, other = json.loads(whole.stdout), json.loads(small.stdout)
    for key in ("states", "generated", "depth", "complete", "deadlocks"):
        assert one[key] == other[key]
    for prop, row in one["properties"].items():
        assert (row["verdict"], row["length"]) == (other["properties"][prop]["verdict"], other["properties"][prop]["length"])


PAIR = """
[[workers]]
name = "w"
max_concurrent_session_execution_size = 1
[[workflows]]
id = "job"
program = [
  { op = "create", as = "s", creation = "60s", execution = "600s" },
  { op = "defer_complete", in = "s" },
  { op = "act", in = "s", work = { name = "work", ms = 30000 } },
]
"""


@pytest.mark.parametrize("time", ["windows", "untimed"])
def test_a_scenario_is_checked_within_its_budgets_and_findings_have_tapes(tmp_path: Path, time: str) -> None:
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)
    words = (
        "check",
        str(file),
        "--time",
        time,
        "--stops",
        "1",
        "--property",
        "activity_needs_slot",
        "--out",
        str(tmp_path / "found"),
        "--json",
    )
    done = sim(*words)
    assert done.exit_code == 1, done.output
    found = json.loads(done.stdout)
    assert found.keys() >= KEYS
    row = found["properties"]["activity_needs_slot"]
    assert (row["verdict"], row["confirmed"]) == ("broken", True)
    assert (found["bounds"]["time"], found["bounds"]["stops"], found["bounds"]["crashes"]) == (time, 1, 0)
    assert found["bounds"].get("unit") == ("5s" if time == "windows" else None)
    assert Path(row["tape"]).is_file()
    drawn = Path(row["diagram"]).read_text(encoding="utf-8")
    assert all(words in drawn for words in ("<svg", "RespondWorkflowTaskCompleted", "operator", "is told to stop"))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--time", "real"), "expected windows, untimed or free"),
        (("--unit", "0s"), "expected a unit of time, such as 5s"),
        (("--unit", "5"), "is not understood"),
        (("--time", "untimed", "--property", "creation_bounded"), "cannot be checked without a clock"),
        (("--property", "creation_returns"), "cannot be checked with a clock that moves in ticks"),
    ],
)
def test_what_a_scenario_cannot_be_checked_for_is_said(tmp_path: Path, words: tuple[str, ...], problem: str) -> None:
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)
    done = sim("check", str(file), *words)
    assert done.exit_code == 2
    assert problem in done.stderr


def test_budgets_are_for_scenarios() -> None:
    done = sim("check", TWO_PHASE, "--crashes", "1")
    assert done.exit_code == 2
    assert "--crashes: for scenarios only" in done.stderr


def test_a_limit_within_a_layer_keeps_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)
    done = sim("check", str(file), "--time", "free", "--limit", "300", "--json")
    assert done.exit_code in (1, 4), done.output
    assert not json.loads(done.stdout)["complete"]


def test_a_limit_ends_with_4_and_says_so() -> None:
    done = sim("check", TWO_PHASE, "--set", "resource_managers=7", "--no-symmetry", "--limit", "1000")
    assert done.exit_code == 4
    assert "INCOMPLETE: 1,000 states are reached" in done.stdout


def test_too_little_memory_ends_with_4_and_says_so() -> None:
    done = sim("check", TWO_PHASE, "--set", "resource_managers=7", "--no-symmetry", "--memory", "0.002", "--json")
    assert done.exit_code == 4
    assert "memory" in json.loads(done.stdout)["stopped"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.py",), "no such file"),
        (("file_procesing.toml",), "no such file"),
        ((TWO_PHASE, "--set", "managers=3"), "has no such parameter; it has resource_managers"),
        ((TWO_PHASE, "--set", "resource_managers"), "expected KEY=VALUE"),
        ((TWO_PHASE, "--set", "resource_managers=0"), "expected at least 1"),
        ((TWO_PHASE + ":construct",), "has no function 'construct'"),
        ((TWO_PHASE, "--graph", "x.png"), "ends in .graphml or .dot"),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_2(words: tuple[str, ...], message: str) -> None:
    done = sim("check", *words)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_model_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("import nowhere_at_all\n")
    done = sim("check", str(tmp_path / "m.py"))
    assert done.exit_code == 2
    assert "cannot be imported: ModuleNotFoundError" in done.stderr


def test_without_numba_the_small_search_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("sim.checker")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)
    done = sim("check", TWO_PHASE)
    assert done.exit_code == 2
    assert "pip install 'session-sim[checker]'" in done.stderr
    assert "--small" in done.stderr
    assert sim("check", TWO_PHASE, "--small").exit_code == 0


def test_the_graph_has_every_state(tmp_path: Path) -> None:
    for name in ("g.graphml", "g.dot"):
        assert sim("check", TWO_PHASE, "--graph", str(tmp_path / name)).exit_code == 0
    graph = nx.read_graphml(tmp_path / "g.graphml")
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (288, 1601)
    assert (tmp_path / "g.dot").read_text("utf-8").count(" -> ") == 1601
    ids = re.findall(r'<edge [^>]*id="(\d+)"', (tmp_path / "g.graphml").read_text("utf-8"))
    assert len(set(ids)) == 1601


def test_a_graph_of_a_scenario_is_the_same_in_every_run(tmp_path: Path) -> None:
    """Its nodes hold functions, which are elsewhere in memory each time."""
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)
    for name in "ab":
        done = subprocess.run(
            [sys.executable, "-m", "sim", "check", str(file), "--time", "untimed", "--graph", str(tmp_path / f"{name}.dot")],
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1, 4), done.stderr
    assert (tmp_path / "a.dot").read_bytes() == (tmp_path / "b.dot").read_bytes()


def test_of_too_many_states_there_is_a_verdict_and_no_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.cli.state_graph.MOST", 100)
    done = sim("check", TWO_PHASE, "--graph", str(tmp_path / "g.dot"))
    assert (done.exit_code, "no graph: more than 100 states" in done.stderr) == (0, True), done.output
    assert "✓ consistent" in done.stdout
    assert not (tmp_path / "g.dot").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--property", "recreate_same_worker"), 0),
        (("--property", "activity_needs_slot", "--lost-responses", "1"), 1),
        (("--property", "activity_needs_slot", "--lost-responses", "1", "--set", 'expect.activity_needs_slot="broken"'), 0),
        (("--property", "activity_needs_slot", "--set", 'expect.activity_needs_slot="broken"'), 1),
        (("--property", "slot_limit", "--set", 'expect.slot_limit="held"'), 0),
    ],
)
def test_what_a_scenario_expects_decides_how_the_command_ends(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)
    done = sim("check", str(file), *words)
    assert done.exit_code == code, done.output


def test_the_command_that_shows_a_finding_exists(tmp_path: Path) -> None:
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)
    done = sim("check", str(file), "--property", "activity_needs_slot", "--lost-responses", "1", "--out", str(tmp_path / "out"))
    command = re.search(r"to see it: session-sim (.*)", done.stdout)
    assert command is not None
    assert sim(*command[1].split()).exit_code == 0


TYPED = """
from sim.model.system import System
from sim.model.world import World

def build(bug: bool = False, clients: int = 2, share: float = 0.5, name: str = "a"):
    raise ValueError(f"{bug!r} {clients!r} {share!r} {name!r}")
"""


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("bug=False", "False 2 0.5 'a'"), ("bug=true", "True 2 0.5 'a'"), ("bug=maybe", "true or false"), ("bug=1", "true or false"),
        ("clients=abc", "expected a whole number"), ("clients=true", "expected a whole number"), ("share=1", "False 2 1 'a'"),
        ("share=x", "expected a number"), ("name=5", "False 2 0.5 '5'"),
    ],
)  # fmt: skip
def test_settings_are_of_the_kind_that_a_parameter_takes(tmp_path: Path, setting: str, said: str) -> None:
    for head in ("", "from __future__ import annotations\n"):
        model = tmp_path / "typed.py"
        model.write_text(head + TYPED, encoding="utf-8")
        done = sim("check", str(model), "--set", setting)
        assert (done.exit_code, said in done.stderr) == (2, True), done.output


def test_the_small_search_has_the_same_keys_and_refuses_what_it_cannot_do() -> None:
    small = json.loads(sim("check", TWO_PHASE, "--small", "--json").stdout)
    assert small.keys() >= KEYS
    assert sim("check", TWO_PHASE, "--small", "--exact").exit_code == 2
    assert sim("check", TWO_PHASE, "--small", "--out", "x").exit_code == 2


def test_an_interrupted_search_shows_what_it_has_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a search; the handler that was there before is there again."""
    before = signal.getsignal(signal.SIGINT)
    told = check_watch.Watch.__call__

    def press(self: Any, progress: Progress) -> None:
        told(self, progress)
        if progress.depth == 4:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(check_watch.Watch, "__call__", press)
    done = sim("check", TWO_PHASE, "--set", "resource_managers=5", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["complete"], found["stopped"]) == (130, False, "interrupted")
    assert found["depth"] < 16
    assert found["properties"]["consistent"]["verdict"] == "undecidable"
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.slow
def test_walks_find_and_confirm_what_a_stop_breaks(tmp_path: Path) -> None:
    """Random ways instead of all states: the same verdicts, a bound, a tape; the same again from the same seeds."""
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)
    words = ("check", str(file), "--stops", "1", "--property", "activity_needs_slot", "--walks", "40", "--depth", "2", "--json")
    done, once_more = (sim(*words, "--out", str(tmp_path / "out")) for _ in "12")
    assert done.exit_code == 1, done.output
    assert done.stdout == once_more.stdout
    found = json.loads(done.stdout)
    row = found["properties"]["activity_needs_slot"]
    assert (row["verdict"], row["confirmed"]) == ("broken", True)
    assert found["bound"] == pytest.approx(1 / (found["width"] * found["expected_events"]))
    assert sim("replay", row["tape"], "--json").exit_code == 0


def test_walks_through_a_model_end_as_a_check_does() -> None:
    locks = str(MODELS / "lease_lock.py")
    found = sim("check", locks, "--walks", "60", "--depth", "2")
    assert found.exit_code == 1
    assert "✗ one holder               broken in" in found.stdout
    assert "1/(w n^(d-1))" in found.stdout
    even = json.loads(sim("check", locks, "--walks", "60", "--schedule", "uniform", "--json").stdout)
    assert even["bound"] is None
    assert sim("check", locks, "--walks", "60", "--schedule", "pct").exit_code == 2


def test_state_machines_are_painted_with_what_was_taken(tmp_path: Path) -> None:
    done = sim("check", TWO_PHASE, "--set", "resource_managers=3", "--out", str(tmp_path / "out"), "--json")
    assert done.exit_code == 0, done.output
    machines = json.loads(done.stdout)["machines"]
    assert set(machines) == {"ResourceManager state", "TransactionManager state"}
    taken = {(t["from"], t["to"]): t["entries"] for t in machines["TransactionManager state"]["transitions"]}
    assert taken.keys() == {("init", "committed"), ("init", "aborted")}
    assert min(taken.values()) > 0
    for machine in machines.values():
        assert "<svg" in Path(machine["svg"]).read_text("utf-8")
        assert Path(machine["dot"]).read_text("utf-8").startswith("digraph machine {")
    told = sim("check", TWO_PHASE, "--set", "resource_managers=3", "--out", str(tmp_path / "out"))
    assert f"State machines, painted in {tmp_path / 'out' / 'machines'}:" in told.stdout
    assert "TransactionManager state: 2 transitions taken; none are written down" in told.stdout


def test_of_a_scenario_the_protocols_machines_are_painted_and_the_untaken_listed(tmp_path: Path) -> None:
    scenario = tmp_path / "one.toml"
    scenario.write_text(
        '[[workers]]\nname = "w"\n\n[[workflows]]\nid = "job"\n'
        'program = [{ op = "create", as = "s", creation = "60s", execution = "600s" }, { op = "complete", in = "s" }]\n'
    )
    told = sim("check", str(scenario), "--time", "untimed", "--property", "token_conservation", "--out", str(tmp_path / "out"))
    assert told.exit_code == 0, told.output
    assert "stop of a worker: 0 of 6 transitions taken" in told.stdout
    assert "never taken: (new) → held back" in told.stdout
    assert (tmp_path / "out" / "machines" / "creation_activity.svg").exists()


def test_on_a_terminal_a_line_says_what_one_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Mock(is_terminal=True)
    monkeypatch.setattr(check_watch, "to_side", lambda: console)
    times = iter([100.0, 100.0 + check_watch.EVERY_S / 2, 102.0])
    monkeypatch.setattr(check_watch, "monotonic", lambda: next(times))
    watch = check_watch.Watch()
    console.status.assert_called_once_with(check_watch.LOADING)
    status = console.status.return_value
    status.start.assert_called_once()
    watch(Progress(states=1))
    watch(Progress(states=7_000))
    status.update.assert_not_called()
    # The rate is that of the search: what was waited for before does not count.
    watch(Progress(states=4_000, depth=5))
    (text,) = status.update.call_args.args
    assert text.plain == "4,000 states · 2,000/s · 0.0 of 0.0 GiB, still growing · depth 5 · 0 waiting"
    assert (text.no_wrap, text.overflow) == (True, "ellipsis")
    watch.stop()
    status.stop.assert_called_once()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("MODEL", "--retries", "2", "--slow", "1"), "--slow, --retries: for scenarios only"),
        (("MODEL", "--property", "x"), "--property: for scenarios only"),
        (("MODEL", "--liveness"), "--liveness: for scenarios only"),
        (("MODEL", "--unit", "1s"), "--unit: the unit of --time windows"),
        (("SCENARIO", "--time", "untimed", "--unit", "1s"), "--unit: the unit of --time windows"),
        (("SCENARIO", "--seed", "3"), "--seed: for --walks only"),
        (("SCENARIO", "--walks", "3", "--limit", "9", "--exact"), "--exact, --limit: not for --walks"),
        (("SCENARIO", "--small", "--jobs", "2"), "--jobs: not for --small"),
    ],
)
def test_what_would_be_ignored_is_refused(words: tuple[str, ...], said: str) -> None:
    files = {"MODEL": str(MODELS / "lease_lock.py"), "SCENARIO": str(ROOT / "scenarios" / "file_processing.toml")}
    done = sim("check", *(files.get(word, word) for word in words))
    assert (done.exit_code, said in " ".join(done.stderr.split())) == (2, True)


HOPEFUL = """
from dataclasses import dataclass

from sim.model.node import Node
from sim.model.promises import Eventually, EventuallyAlways, Everywhere, LeadsTo
from sim.model.system import System
from sim.model.world import World


@dataclass(slots=True)
class Turner(Node):
    restless = True
    place: int = 0

    def moves(self):
        return ("on",) if self.place < 3 else ()

    def handle(self, event, step):
        self.place = step.choose("where", (1, 2)) if self.place == 0 else 3 - self.place if self.place else 1


def at(*places):
    return Everywhere(Turner, lambda turner: turner.place in places)


def build(promise: str = "comes"):
    promises = {
        "comes": Eventually(at(1)), "stays": EventuallyAlways(at(1)), "leads": LeadsTo(at(1), at(2)), "wrong": 3,
        "moves": LeadsTo(at(0), at(3)),
    }
    return System(World({"t": Turner()}), {"in range": at(0, 1, 2)}, in_the_end={promise: promises[promise]})
"""


@pytest.mark.parametrize("words", [(), ("--small",)])
def test_what_comes_in_the_end_is_judged(tmp_path: Path, words: tuple[str, ...]) -> None:
    model = tmp_path / "hopeful.py"
    model.write_text(HOPEFUL, encoding="utf-8")
    for promise, broken in (("comes", False), ("leads", False), ("stays", True), ("moves", True)):
        done = sim("check", str(model), "--set", f"promise={promise}", *words)
        assert done.exit_code == int(broken), promise
        assert ("and then for ever" in done.stdout) == broken
        row = json.loads(sim("check", str(model), "--set", f"promise={promise}", "--json", *words).stdout)["properties"][promise]
        assert (row["verdict"], bool(row["cycle"])) == ("broken" if broken else "held", broken)
    assert "expected LeadsTo, Eventually or EventuallyAlways" in sim("check", str(model), "--set", "promise=wrong", *words).stderr


def test_files_have_names_that_nobody_has_to_quote(tmp_path: Path) -> None:
    done = sim("check", str(MODELS / "lease_lock.py"), "--time", "windows", "--unit", "100ms", "--out", str(tmp_path))
    assert done.exit_code == 1
    # This model has no enums, and so no machines to paint.
    assert {path.name for path in tmp_path.iterdir()} == {"one_holder.tape", "one_holder.svg"}
    assert f"session-sim explain {tmp_path / 'one_holder.tape'}" in done.stdout
    picture = (tmp_path / "one_holder.svg").read_text("utf-8")
    assert all(words in picture for words in ("Granted(token=1)", "“one holder” is broken"))


def test_what_comes_in_the_end_needs_a_small_model_without_a_clock(tmp_path: Path) -> None:
    model = tmp_path / "hopeful.py"
    model.write_text(HOPEFUL, encoding="utf-8")
    done = sim("check", str(model), "--time", "windows")
    assert (done.exit_code, "decided without a clock only" in done.stdout) == (4, True)
    done = sim("check", str(model), "--limit", "2")
    assert (done.exit_code, "more than 2 states" in done.stdout) == (4, True)


def test_a_numba_that_does_not_go_with_the_rest_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *more: Any) -> Any:
        if name == "sim.checker.checking":
            raise ImportError("Numba needs NumPy 9.9 or less. Got NumPy 10.0.")
        return whole(name, *more)

    whole = __import__
    monkeypatch.setattr("builtins.__import__", refuse)
    done = sim("check", str(MODELS / "alternating_bit.py"))
    assert (done.exit_code, "numba cannot be loaded (Numba needs NumPy 9.9" in " ".join(done.stderr.split())) == (2, True)
