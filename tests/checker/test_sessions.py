"""The session protocol itself, every state of it: counts against the small explorer, and what the real protocol breaks."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim import Scenario, replay
from sim.checker.checking import Options, check
from sim.checker.instant import InstantSearch
from sim.checker.keys import Fingerprints
from sim.checker.predicates import Predicates
from sim.checker.result import CheckResult, Verdict
from sim.model.system import System
from sim.model.windows import Ticks
from sim.model.words import Words
from sim.model.world import rename_state
from sim.properties.automaton import timeless
from sim.scenario.checked import Bounds, NotCheckable, system_of
from sim.scenario.findings import findings
from tests.checker.test_search import same

PROGRAM = [
    {"op": "create", "as": "s", "creation": "60s", "execution": "600s"},
    {"op": "defer_complete", "in": "s"},
    {"op": "act", "in": "s", "work": {"name": "work", "ms": 2000}},
]


def system(workers: int = 1, slots: int = 1, workflows: int = 1, program: Any = PROGRAM, only: Any = None, **budgets: int) -> System:
    """A cluster of this size, with these budgets."""
    return system_of(scenario_of(workers, slots, workflows, program), Bounds(**budgets), only)


def scenario_of(workers: int, slots: int, workflows: int, program: Any) -> Scenario:
    return Scenario.from_dict(
        {
            "workers": [{"name": "w", "count": workers, "max_concurrent_session_execution_size": slots}],
            "workflows": [{"id": "job", "count": workflows, "program": program, "arrival": {"at": ["0s"]}}],
        }
    )


def checked(*size: int, **budgets: Any) -> CheckResult:
    result = check(system(*size, **budgets), Options(jobs=1))
    assert result.complete
    return result


def broken(result: CheckResult) -> dict[str, int | None]:
    """The properties that are, with the lengths of their shortest ways."""
    return {name: j.length for name, j in result.properties.items() if j.verdict is Verdict.BROKEN}


SLOWER = [{"lost_requests": 1}, {"cancels": 1}, {"crashes": 1, "restarts": 1}]


@pytest.mark.parametrize("budgets", [{}, {"crashes": 1}, {"stops": 1}, *(pytest.param(b, marks=pytest.mark.slow) for b in SLOWER)], ids=str)
def test_the_states_are_those_that_the_small_explorer_finds(budgets: dict[str, int]) -> None:
    smallest = system(**budgets)
    same(smallest, check(smallest, Options(jobs=1, subsumption=False)))


@pytest.mark.parametrize(
    ("size", "budgets", "states", "depth"),
    [
        ((1, 1, 1), {}, 37, 15),
        ((2, 1, 1), {}, 121, 15),
        ((1, 1, 1), {"crashes": 1}, 510, 20),
    ],
)
def test_counts_without_properties(size: tuple[int, ...], budgets: dict[str, int], states: int, depth: int) -> None:
    """Numbers that change only when the protocol, or what an untimed run may do, changes."""
    result = check(system(*size, only=[], **budgets), Options(jobs=1, symmetry=False))
    assert (result.states, result.depth) == (states, depth)


INTERCHANGEABLE = [((2, 1, 1), {}), ((1, 1, 2), {}), pytest.param((1, 1, 2), {"stops": 1}, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("size", "budgets"), INTERCHANGEABLE)
def test_workers_and_workflows_are_interchangeable(size: tuple[int, ...], budgets: dict[str, int]) -> None:
    """The orbits are those of all states."""
    both = system(*size, only=[], **budgets)
    assert both.symmetry == ([["w1", "w2"]] if size[0] > 1 else [["job-1", "job-2"]])
    orbits = check(both, Options(jobs=1, subsumption=False))
    states = InstantSearch(both.world, Fingerprints(), Predicates({}, {})).states()
    renamings = [Words({}) if not names else Words(names) for names in _renamings()]
    assert len({min(repr(rename_state(state, names)) for names in renamings) for state in states}) == orbits.states


def _renamings() -> list[dict[str, str]]:
    workers, jobs = {"w1": "w2", "w2": "w1"}, {"job-1": "job-2", "job-2": "job-1"}
    return [{}, workers, jobs, workers | jobs]


def test_verdicts_and_lengths_are_the_same_without_symmetry() -> None:
    whole, orbits = (check(system(2, 1, 2), Options(jobs=1, symmetry=symmetry, sharing=symmetry)) for symmetry in (False, True))
    assert {n: (j.verdict, j.length) for n, j in whole.properties.items()} == {
        n: (j.verdict, j.length) for n, j in orbits.properties.items()
    }
    assert whole.states > 3 * orbits.states


def test_workers_that_differ_are_not_interchangeable() -> None:
    scenario = scenario_of(2, 1, 2, PROGRAM).to_dict()
    first = {"name": "w1", "max_concurrent_session_execution_size": 1}
    scenario["workers"] = [first, {"name": "w2", "max_concurrent_session_execution_size": 2}]
    assert system_of(Scenario.from_dict(scenario), Bounds(), []).symmetry == [["job-1", "job-2"]]


LARGE = [
    ((2, 1, 2), {"crashes": 1}, 14_712, {"activity_needs_slot": 11, "failure_is_failure": 10}),
    ((2, 1, 2), {"stops": 1}, 4_803, {"activity_needs_slot": 8, "failure_is_failure": 8}),
    ((2, 1, 2), {"slow": 1}, 9_815, {"activity_needs_slot": 7, "failure_is_failure": 6}),
    ((2, 1, 2), {"lost_responses": 1}, 84_600, {"one_binding": 15, "activity_needs_slot": 9, "failure_is_failure": 11}),
    pytest.param((2, 2, 3), {"crashes": 1}, 2_548_503, {"activity_needs_slot": 12, "failure_is_failure": 10}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("size", "budgets", "states", "lengths"), LARGE)
def test_every_promise_in_larger_clusters(
    size: tuple[int, ...], budgets: dict[str, int], states: int, lengths: dict[str, int]
) -> None:  # fmt: skip
    """Handlers are called ever more seldom: once for what they look at, whatever goes on besides."""
    result = checked(*size, **budgets)
    assert (result.states, broken(result)) == (states, lengths)
    assert result.handler_calls < result.generated / (2 if states < 100_000 else 500)


def test_without_any_fault_an_execution_timeout_frees_the_slot_of_a_running_activity() -> None:
    result = checked(2, 1, 2)
    assert broken(result) == {"activity_needs_slot": 13}
    path = result.properties["activity_needs_slot"].path
    assert path is not None
    assert any("StartToClose timeout" in str(getattr(seen, "how", "")) for leg in path for seen in leg.seen)


def test_a_lost_worker_makes_a_workflow_end_as_canceled() -> None:
    result = checked(2, 1, 1, crashes=1, only=["failure_is_failure"])
    assert set(broken(result)) == {"failure_is_failure"}
    path = result.properties["failure_is_failure"].path
    assert path is not None
    assert any("crash" in leg.choice.label() for leg in path)


def test_a_lost_answer_to_the_signal_lets_an_activity_run_without_a_slot() -> None:
    result = checked(1, 1, 1, lost_responses=1, only=["activity_needs_slot"])
    path = result.properties["activity_needs_slot"].path
    assert path is not None
    assert [lost for leg in path for lost in leg.lost] == ["lost response: the answer to signal from server/run/job/1 to w.1/w"]


@pytest.mark.slow
def test_with_two_workers_it_binds_a_session_twice() -> None:
    assert "one_binding" in broken(checked(2, 1, 1, lost_responses=1))


def test_what_was_never_put_to_the_test_is_not_said_to_hold() -> None:
    verdicts = {name: j.verdict for name, j in checked(1, 1, 1).properties.items()}
    assert verdicts["recreate_same_worker"] is Verdict.NOT_EXERCISED
    assert verdicts["same_worker"] is Verdict.HELD
    assert list(verdicts) == timeless()


def test_slow_timers_are_found_only_with_a_budget() -> None:
    """A heartbeat timeout although the worker lives: no fault that a user would name, but slowness."""
    assert "failure_is_failure" not in broken(checked(1, 1, 1, only=["failure_is_failure"]))
    assert "failure_is_failure" in broken(checked(1, 1, 1, slow=1, only=["failure_is_failure"]))


def found(*size: int, only: str, work: str = "30s", **budgets: Any) -> Any:
    workers, slots, workflows = size
    program = [*PROGRAM[:2], {"op": "act", "in": "s", "work": {"name": "work", "ms": int(work.rstrip("s")) * 1000}}]
    scenario = scenario_of(workers, slots, workflows, program)
    whole = system_of(scenario, Bounds(**budgets), [only])
    return findings(scenario, whole.world, check(whole, Options(jobs=1)))[only]  # type: ignore[arg-type]


# -- time in windows ---------------------------------------------------------------------------------------------------------

SECOND = 1_000_000
LONG = [*PROGRAM[:2], {"op": "act", "in": "s", "work": {"name": "work", "ms": 30_000}}]
ACT = [*PROGRAM[:2], {"op": "act", "in": "s", "work": {"name": "work", "ms": 8_000}}]


def in_windows(unit_s: int, *size: int, program: Any = PROGRAM, only: Any = None, **budgets: int) -> System:
    return system_of(scenario_of(*size, program), Bounds(**budgets), only, ticks=Ticks(unit_s * SECOND))


@pytest.mark.parametrize(
    ("unit", "only", "budgets"),
    [
        (5, None, {}),
        (5, ["one_binding"], {"crashes": 1}),
        (5, ["completion_frees_slot"], {"stops": 1}),
        pytest.param(5, None, {"crashes": 1}, marks=pytest.mark.slow),
        pytest.param(2, None, {"stops": 1}, marks=pytest.mark.slow),
        pytest.param(5, ["one_binding"], {"lost_requests": 1}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_the_states_in_windows_are_those_that_the_small_explorer_finds(unit: int, only: Any, budgets: dict[str, int]) -> None:
    smallest = in_windows(unit, 1, 1, 1, only=only, **budgets)
    same(smallest, check(smallest, Options(jobs=1, subsumption=False)))


IN_WINDOWS: list[tuple[str, int, dict[str, int]]] = [
    ("crashes", 25_065, {"failure_propagation": 16, "failure_is_failure": 12}),
    ("stops", 6_383, {"activity_needs_slot": 8, "failure_is_failure": 8}),
    ("slow", 4_342, {}),
    (
        "lost_responses", 86_860,
        {
            "one_binding": 20, "activity_needs_slot": 10, "failure_is_failure": 12, "no_false_alarm": 12, "creation_bounded": 13,
            "execution_timeout_is_total": 14,
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("budget", "states", "lengths"), IN_WINDOWS)
def test_every_promise_in_a_larger_cluster_in_windows(budget: str, states: int, lengths: dict[str, int]) -> None:
    """The nineteen, those about time among them."""
    result = check(in_windows(10, 2, 1, 2, **{budget: 1}), Options(jobs=1))
    assert result.complete
    assert (result.states, broken(result)) == (states, lengths)


def test_interchangeable_workers_in_windows() -> None:
    whole = in_windows(5, 2, 1, 1, only=["failure_is_failure", "no_false_alarm"], crashes=1)
    orbits, states = (check(whole, Options(jobs=1, symmetry=symmetry, sharing=symmetry)) for symmetry in (True, False))
    assert orbits.states < states.states < 2 * orbits.states + 1
    assert broken(orbits) == broken(states)


def test_a_finer_unit_rules_out_what_a_coarse_one_cannot_tell() -> None:
    """Within 20 s the heartbeats that a worker sends every 6.7 s may all be late for the timeout of 20 s; within 10 s they are not."""
    coarse, half, quarter = (broken(check(in_windows(unit, 1, 1, 1, program=ACT), Options(jobs=1))) for unit in (20, 10, 5))
    assert set(coarse) == {"activity_needs_slot", "failure_is_failure", "no_false_alarm"}
    assert half == quarter == {}


def test_what_a_clock_breaks_every_unit_breaks() -> None:
    """A crash makes the workflow end as canceled, however fine the unit."""
    for unit in (20, 10, 5, 2):
        assert "failure_is_failure" in broken(check(in_windows(unit, 2, 1, 1, only=["failure_is_failure"], crashes=1), Options(jobs=1)))


def test_a_finding_in_windows_is_confirmed() -> None:
    scenario = scenario_of(2, 1, 1, PROGRAM)
    whole = in_windows(5, 2, 1, 1, only=["failure_is_failure"], crashes=1)
    finding = findings(scenario, whole.world, check(whole, Options(jobs=1)))["failure_is_failure"]
    assert finding.tape is not None
    assert replay(finding.tape).result.properties["failure_is_failure"] == "broken"


def test_whether_a_promise_about_time_breaks_by_a_clock_is_worked_out() -> None:
    """Of 10 s beyond the heartbeat timeout ticks of 5 s make 30 s. Where nobody is left who could tell the workflow, none is enough."""
    told = {}
    for workers in (1, 2):
        whole = in_windows(5, workers, 1, 1, only=["failure_propagation"], crashes=1)
        result = check(whole, Options(jobs=1))
        assert "failure_propagation" in broken(result)
        told[workers] = findings(scenario_of(workers, 1, 1, PROGRAM), whole.world, result)["failure_propagation"]  # type: ignore[arg-type]
    assert told[1].tape is not None
    assert told[2].tape is None
    assert told[2].clockless > 0
    assert told[2].untested == 0
    assert "at no times that its timers allow" in told[2].why


def test_a_promise_about_time_that_a_race_breaks_is_confirmed() -> None:
    """A stop that comes while a task is on its way: moments decide, and not how long anything takes."""
    tables = scenario_of(1, 1, 1, LONG).to_dict()
    tables["workers"][0]["worker_stop_timeout"] = "60s"
    scenario = Scenario.from_dict(tables)
    whole = system_of(scenario, Bounds(stops=1), ["graceful_stop_waits"], ticks=Ticks(5 * SECOND))
    finding = findings(scenario, whole.world, check(whole, Options(jobs=1)))["graceful_stop_waits"]  # type: ignore[arg-type]
    assert finding.tape is not None
    assert replay(finding.tape).result.properties["graceful_stop_waits"] == "broken"


# -- held to a clock ---------------------------------------------------------------------------------------------------------


def test_a_finding_is_confirmed_by_a_run_with_a_clock() -> None:
    finding = found(1, 1, 1, only="activity_needs_slot", lost_responses=1)
    assert finding.tape is not None
    assert replay(finding.tape).result.properties["activity_needs_slot"] == "broken"
    (fault,) = finding.tape.scenario["faults"]
    assert (fault["kind"], fault["method"], fault["nth"]) == ("lose_response", "SignalWorkflowExecution", 1)


def test_what_no_clock_allows_is_no_finding() -> None:
    """The signal's budget of 10 s ends long after work of 2 s; the next way, with a longer wait, is none either."""
    short = found(1, 1, 1, only="activity_needs_slot", work="2s", lost_responses=1)
    assert short.tape is None
    assert short.clockless > 0
    assert "timer" in short.why


def test_shorter_ways_that_are_none_are_passed_over() -> None:
    finding = found(2, 1, 1, only="failure_is_failure", crashes=1)
    assert finding.tape is not None
    assert finding.clockless > 0
    assert {fault["kind"] for fault in finding.tape.scenario["faults"]} == {"kill"}


def test_what_cannot_be_checked_is_said() -> None:
    endless = Scenario.from_dict({"workers": [{"name": "w"}], "workflows": [{"id": "job", "program": PROGRAM, "arrival": {"every": "1s"}}]})
    with pytest.raises(NotCheckable, match="workflows job: as many as the run has time for"):
        system_of(endless, Bounds())
    with pytest.raises(ValueError, match="'creation_bounded' cannot be checked without a clock"):
        system(only=["creation_bounded"])
