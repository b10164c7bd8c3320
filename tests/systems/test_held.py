"""What a model in windows breaks is held to a clock: confirmed by a run with a clock, or ruled out with the reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.checking import Options, check
from sim.checker.result import Verdict
from sim.model.explorer import explore
from sim.model.inputs import Deliver, Fired, Input, Move
from sim.model.instant import with_ticks
from sim.model.node import Node, Step
from sim.model.promises import Everywhere
from sim.model.spans import MILLISECOND, SECOND, Exactly, Within
from sim.model.system import System
from sim.model.windows import Ticks
from sim.model.world import Network, State, World
from sim.scenario.findings import Finding
from sim.systems.held import Source, findings
from sim.systems.run import again
from tests.checker.test_search import any_world
from tests.cli.test_run import sim
from tests.model.test_explorer import Careless
from tests.models import build
from tests.systems import fischer

FISCHER = Path(fischer.__file__)
NOWHERE = Source("nowhere.py")


def ticking(system: System, unit: int = 100 * MILLISECOND) -> System:
    """The same system, checked in windows."""
    return System(with_ticks(system.world, Ticks(unit)), system.invariants, system.goals)


def held(system: System, unit: int = 100 * MILLISECOND) -> dict[str, Finding]:
    """What is broken in windows, held to a clock."""
    whole = ticking(system, unit)
    return dict(findings(NOWHERE, whole, check(whole, Options(jobs=1))))


def breaks_again(system: System, name: str, finding: Finding) -> bool:
    """Whether the tape alone leads to a state that breaks the promise."""
    assert finding.tape is not None
    run = again(system, finding.tape.deviations, finding.tape.ended_at_us)
    assert (run.digest, run.unused) == (finding.tape.digest, ())
    return not system.invariants[name](run.state)


def test_who_waits_too_short_a_time_meets_the_other_inside() -> None:
    finding = held(fischer.build(90))["exclusion"]
    assert breaks_again(fischer.build(90), "exclusion", finding)
    assert finding.at is not None
    # The second writes as late as it may, after the first has waited.
    assert 180 * MILLISECOND <= finding.at[-1] <= 190 * MILLISECOND + 10


def test_a_coarse_unit_breaks_what_no_clock_does() -> None:
    finding = held(fischer.build(150))["exclusion"]
    assert finding.tape is None
    assert finding.clockless > 0
    assert finding.untested == 0
    assert "no clock allows it" in finding.why
    assert held(fischer.build(150), 50 * MILLISECOND) == {}


def test_a_lease_that_ends_before_its_holder_knows() -> None:
    system = build("lease_lock", 2)
    found = held(system)
    assert set(found) == {"one holder"}
    assert breaks_again(system, "one holder", found["one holder"])


@pytest.mark.parametrize("network", [Network.BAG, Network.ORDERED])
def test_messages_that_are_lost_are_on_the_tape(network: Network) -> None:
    """The acknowledgement is lost, or late; the receiver takes what comes again for a new item."""
    whole = build("alternating_bit")
    system = System(World({**whole.world.nodes, "receiver": Careless()}, network, whole.world.lossy), whole.invariants)
    assert breaks_again(system, "in order", held(system)["in order"])


@dataclass(slots=True)
class Runners(Node):
    """Timers that begin together; keeps the order in which they fire."""

    restless = True
    spans: tuple[tuple[int, int], ...]
    fired: tuple[int, ...] = ()
    begun: bool = False

    def moves(self) -> Sequence[str]:
        return () if self.begun else ("begin",)

    def handle(self, event: Input, step: Step) -> None:
        match event:
            case Move():
                self.begun = True
                for number, (lo, hi) in enumerate(self.spans):
                    step.arm(number, Within(f"span {number}", lo, hi))
            case Fired(tag=int(number)):
                self.fired += (number,)


def in_this_order(spans: Sequence[tuple[int, int]], gap: int) -> bool:
    """Whether timers that begin together can fire one after the other, so far apart: each as early as it may."""
    now = 0
    for number, (lo, hi) in enumerate(spans):
        now = max(lo, now + gap if number else 0)
        if now > hi:
            return False
    return True


@given(spans=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=4), unit=st.sampled_from([2, 3, 5, 20]))
@settings(max_examples=60, deadline=None)
def test_orders_of_timers_are_confirmed_just_where_their_lengths_allow_it(spans: list[tuple[int, int]], unit: int) -> None:
    lengths = tuple((lo * MILLISECOND, (lo + more) * MILLISECOND) for lo, more in spans)
    # What is possible only at the very same moment has no order.
    assume(in_this_order(lengths, 0) == in_this_order(lengths, len(spans)))
    order = tuple(range(len(spans)))
    system = System(World({"r": Runners(lengths)}), {"another order": Everywhere(Runners, lambda r: r.fired != order)})
    found = held(system, unit * MILLISECOND)
    possible = in_this_order(lengths, 1)
    assert (found["another order"].tape is not None if "another order" in found else False) == possible
    if possible:
        assert breaks_again(system, "another order", found["another order"])


@given(world=any_world(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_confirmed_happens_in_a_run(world: World, data: st.DataObject) -> None:
    """Calls, budgets, choices, nodes that go: any state that can be reached in windows, forbidden."""
    assume(world.network is not Network.SET)
    oracle = explore(with_ticks(world, Ticks(SECOND)), limit=400)
    assume(oracle.complete)
    states: list[State] = []
    explore(with_ticks(world, Ticks(SECOND)), {"all": lambda state: bool(states.append(state)) or True})
    target = data.draw(st.sampled_from(states)).nodes
    nodes = tuple(node for node in target if node[0] != "nature")
    system = System(world, {"never": lambda state: tuple(node for node in state.nodes if node[0] != "nature") != nodes})
    for finding in held(system, SECOND).values():
        if finding.tape is not None:
            assert breaks_again(system, "never", finding)


@dataclass(slots=True)
class Asker(Node):
    """Asks at a deadline whether it has passed."""

    restless = True
    early: bool = False
    begun: bool = False

    def moves(self) -> Sequence[str]:
        return () if self.begun else ("begin",)

    def handle(self, event: Input, step: Step) -> None:
        from sim.model.spans import Overdue

        match event:
            case Move():
                self.begun = True
                step.deadline("due", Exactly(150 * MILLISECOND))
                step.arm("ask", Exactly(110 * MILLISECOND))
            case Fired("ask"):
                self.early = step.holds(Overdue("due"))
            case Deliver():
                pass


def test_an_answer_that_no_clock_gives_is_ruled_out() -> None:
    """In ticks of 100 ms a deadline after 150 ms may be over when 110 ms are."""
    system = System(World({"a": Asker()}), {"not early": Everywhere(Asker, lambda node: not node.early)})
    finding = held(system)["not early"]
    assert finding.tape is None
    assert "timer due is overdue in step" in finding.why


# -- the command -------------------------------------------------------------------------------------------------------------


def test_a_tape_of_a_model_is_replayed_and_explained(tmp_path: Path) -> None:
    words = ("check", str(FISCHER), "--set", "wait=90", "--time", "windows", "--unit", "100ms")
    done = sim(*words, "--out", str(tmp_path), "--json")
    assert done.exit_code == 1
    row = json.loads(done.stdout)["properties"]["exclusion"]
    assert (row["verdict"], row["confirmed"], len(row["at_s"])) == ("broken", True, row["length"])
    said = sim(*words).stdout
    assert "broken, confirmed" in said
    assert f"{row['at_s'][-1]:.6f} s  register: timer " in said
    tape = tmp_path / "exclusion.tape"
    done = sim("replay", str(tape))
    assert (done.exit_code, "Identical" in done.stdout, "“exclusion” is broken in the end" in done.stdout) == (0, True, True)
    assert json.loads(sim("replay", str(tape), "--json").stdout)["broken"] is True
    done = sim("explain", str(tape))
    assert done.exit_code == 0
    assert "register: timer look again p fires" in done.stdout
    assert json.loads(sim("explain", str(tape), "--json").stdout)["story"][-1]["at_s"] == row["at_s"][-1]


def test_a_finding_that_clocks_rule_out_is_left_open(tmp_path: Path) -> None:
    done = sim("check", str(FISCHER), "--time", "windows", "--unit", "100ms", "--out", str(tmp_path))
    assert done.exit_code == 4
    assert "not confirmed: no clock allows it: register: timer" in " ".join(done.stdout.split())
    assert not list(tmp_path.glob("*.tape"))


def test_a_tape_of_a_model_is_no_scenarios(tmp_path: Path) -> None:
    sim("check", str(FISCHER), "--set", "wait=90", "--time", "windows", "--unit", "100ms", "--out", str(tmp_path))
    tape = str(tmp_path / "exclusion.tape")
    for words in (("plot", tape), ("shrink", tape), ("diff", tape, tape), ("report", tape, "--out", str(tmp_path / "r"))):
        done = sim(*words)
        assert (done.exit_code, "is of the model" in done.stderr) == (2, True)
    assert sim("replay", tape, "--histories", str(tmp_path / "h")).exit_code == 2
    assert sim("explain", tape, "--long").exit_code == 2


def test_a_model_that_has_changed_is_noticed(tmp_path: Path) -> None:
    model = tmp_path / "model.py"
    model.write_text(FISCHER.read_text("utf-8"), "utf-8")
    sim("check", str(model), "--set", "wait=90", "--time", "windows", "--unit", "100ms", "--out", str(tmp_path))
    tape = str(tmp_path / "exclusion.tape")
    model.write_text(FISCHER.read_text("utf-8").replace("self.wait * MILLISECOND", "2 * self.wait * MILLISECOND"), "utf-8")
    done = sim("replay", tape)
    assert (done.exit_code, "has changed" in done.stdout, "is kept in the end" in done.stdout) == (1, True, True)
    model.write_text(FISCHER.read_text("utf-8").replace('"exclusion"', '"another"'), "utf-8")
    assert "has no promise 'exclusion'" in sim("replay", tape).stderr
    model.unlink()
    assert "no such file" in sim("replay", tape).stderr


def test_what_is_broken_without_a_clock_needs_none() -> None:
    result = check(fischer.build(150), Options(jobs=1))
    assert result.properties["exclusion"].verdict is Verdict.BROKEN
