"""Messages that are on their way for a while, each for itself: the same verdicts as where they arrive at once, of many more states."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.checking import Options, check
from sim.checker.result import CheckResult
from sim.scenario.checked import NO_REDUCTIONS, Bounds, system_of
from tests.checker.test_sessions import PROGRAM, scenario_of
from tests.cli.test_run import sim

Size = tuple[int, int, int]
SLOW = pytest.mark.slow
SCOPES = [
    ((1, 1, 1), "", 38, 7_191), ((1, 1, 1), "crashes", 514, 15_993), ((2, 1, 1), "", 70, 108_923),
    pytest.param((1, 1, 1), "stops", 246, 309_019, marks=SLOW), pytest.param((1, 1, 1), "slow", 394, 327_426, marks=SLOW),
    pytest.param((1, 1, 1), "lost_responses", 2_348, 117_722, marks=SLOW),
    pytest.param((2, 1, 1), "crashes", 862, 1_122_351, marks=SLOW),
]  # fmt: skip


def searched(size: Size, budget: str, travel: bool) -> CheckResult:
    bounds = Bounds(**({budget: 1} if budget else {}))
    result = check(system_of(scenario_of(*size, PROGRAM), bounds, travel=travel), Options(jobs=1))
    assert result.complete
    return result


@pytest.mark.parametrize(("size", "budget", "at_once", "travelling"), SCOPES)
def test_the_same_verdicts(size: Size, budget: str, at_once: int, travelling: int) -> None:
    one, other = searched(size, budget, travel=False), searched(size, budget, travel=True)
    assert (one.states, other.states) == (at_once, travelling)
    assert {n: j.verdict for n, j in one.properties.items()} == {n: j.verdict for n, j in other.properties.items()}
    assert other.bounds["messages"] == "travel"
    assert other.handler_calls < 0.04 * other.generated


def test_they_cannot_travel_and_arrive_one_by_one() -> None:
    with pytest.raises(ValueError, match="messages that travel are choices of their own"):
        system_of(scenario_of(1, 1, 1, PROGRAM), Bounds(), None, NO_REDUCTIONS, travel=True)


@pytest.mark.slow
def test_on_the_command_line(tmp_path: Path) -> None:
    """What is found there is held to a clock as elsewhere."""
    budgets = ("--crashes", "1", "--time", "untimed", "--messages", "travel")
    done = sim("check", "scenarios/file_processing.toml", *budgets, "--property", "failure_is_failure", "--out", str(tmp_path))
    assert done.exit_code == 1, done.stderr
    assert "messages: travel" in done.stdout
    assert (tmp_path / "failure_is_failure.tape").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--messages", "slowly"), "--messages slowly: expected at-once or travel"),
        (("--messages", "travel", "--no-reduction"), "there each message arrives by itself already"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], said: str) -> None:
    done = sim("check", "scenarios/file_processing.toml", *words)
    assert done.exit_code == 2
    assert said in done.stderr
