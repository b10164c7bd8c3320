"""What may be asked of a cell besides means, and claims that decide when it has runs enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import ScenarioError, sweep
from sim.sweep import Sweep, read
from sim.sweep.executor import Executor
from sim.sweep.plan import plan_of
from sim.sweep.questions import Kind, read_claim, read_question
from sim.sweep.statistics import Sprt, mean_interval, proportion_interval, quantile_interval, warm_up
from sim.sweep.stopping import Claim, trials_of
from sim.sweep.store import Store
from sim.sweep.sweeping import KIND, carry_out
from tests.sweep.test_sweep import AXIS, SCENARIO, made

COLUMNS = ("creation_wait_max_s", "creation_wait_mean_s", "messages", "waits_s", "queue_curve")


def rows(*values: Any, column: str = "creation_wait_max_s") -> list[tuple[int, dict[str, Any]]]:
    return [(seed, {column: value}) for seed, value in enumerate(values, 1)]


def test_a_quantile_lies_between_order_statistics() -> None:
    values = [float(n * n % 101) for n in range(60)]
    answer = read_question("p90(creation_wait_max_s)", COLUMNS).answer(rows(*values))
    assert answer.interval == quantile_interval(values, 0.9)
    few = read_question(" p90( creation_wait_max_s )", COLUMNS).answer(rows(1.0, 2.0, 3.0, None))
    assert str(few) == "3 [1, ?]", few
    assert few.interval.n == 3


def test_a_probability_has_clopper_and_pearsons_interval() -> None:
    question = read_question("P(creation_wait_max_s > 30s)", COLUMNS)
    assert question.answer(rows(29.0, 30.0, 31.0, None, 500.0)).interval == proportion_interval(2, 4)
    count = read_question("P(messages > 100)", COLUMNS)
    assert count.answer(rows(100, 101, 7, column="messages")).interval == proportion_interval(1, 3)
    assert read_question("mean(messages)", COLUMNS).answer(rows(1, 2, 6, column="messages")).interval == mean_interval([1, 2, 6])


def test_of_sessions_one_a_run_is_judged_by_its_seed() -> None:
    question = read_question("P(creation wait > 1s)", COLUMNS)
    assert (question.kind, question.needs) == (Kind.SHARE, "waits_s")
    picked = [question.exceeds(seed, {"waits_s": [0.0, 0.0, 2.0, None]}) for seed in range(4_000)]
    assert 0.47 < sum(map(bool, picked)) / 4_000 < 0.53  # two of four exceed a second; one that was never created is one of them
    assert picked == [question.exceeds(seed, {"waits_s": [0.0, 0.0, 2.0, None]}) for seed in range(4_000)]
    assert question.exceeds(1, {"waits_s": []}) is None


def test_a_steady_state_is_without_the_warm_up() -> None:
    """Runs that begin with twenty long waits and go on with short ones."""
    rng = np.random.default_rng(4)
    series = [[50.0] * 20 + rng.exponential(1.5, 400).tolist() for _ in range(3)]
    answer = read_question("steady(creation wait)", COLUMNS).answer(rows(*series, column="waits_s"))
    assert answer.cut == sum(map(warm_up, series))
    assert answer.cut >= 60
    assert 1.3 <= answer.interval.low <= 1.5 <= answer.interval.high <= 1.7
    assert (answer.interval.n, answer.sure) == (60, True)
    assert str(answer).endswith(f", after {answer.cut}")
    short = read_question("steady(creation wait)", COLUMNS).answer(rows([1.0, 2.0, None, 3.0], column="waits_s"))
    assert str(short).endswith("(runs too short)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p90 creation_wait_max_s", "expected one of: p90(creation_wait_max_s)"),
        ("p0(creation_wait_max_s)", "expected a percentage between 0 and 100"),
        ("p90(creation_wait_mxa_s)", "the sweep has no column 'creation_wait_mxa_s'; did you mean 'creation_wait_max_s'?"),
        ("P(messages > 1s)", "'1s' is no number"),
        ("P(creation_wait_max_s > soon)", "soon"),
        ("mean(creation wait)", "expected a column with one value a run"),
        ("steady(messages)", "expected steady(creation wait)"),
        ("p50(queue_curve)", "queue_curve is a list"),
    ],
)
def test_questions_that_cannot_be_asked(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="is ") as caught:
        read_question(text, COLUMNS)
    assert message in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize("text", ["P(messages > 1)", "mean(messages) < 5%", "P(messages > 1) < much", "P(messages > 1) < 1", "x < 5%"])
def test_claims_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="is "):
        read_claim(text, COLUMNS)


# ---- tests of claims -------------------------------------------------------------------------------


def test_the_rule_is_walds() -> None:
    rule, sprt = trials_of(Claim("P(messages > 1) < 10%", 0.5, "messages")), Sprt(0.1, 0.5)
    for trial in range(1, 1_000):
        over = rule.add(trial, {"messages": 2 if trial % 50 == 0 else 1})
        assert rule.met is sprt.decide(trial // 50, trial)
        if over:
            break
    assert (rule.verdict, rule.trials) == ("met", trial)
    assert trial == 27  # log 19 / log(0.95 / 0.85)
    none = trials_of(Claim("P(messages > 1) < 10%", 0.5, "messages"))
    assert not none.add(1, {"messages": None})
    assert (none.trials, none.verdict) == (0, "undecided")


CLAIM = "P(creation_wait_max_s > 40s) < 30%"


def test_cells_stop_when_a_claim_is_decided(tmp_path: Path) -> None:
    """One worker lets four jobs wait long, four workers none at all; where it stops does not depend on processes or a resumption."""
    it = made(axes=[{"key": "workers.w.count", "values": [1, 4]}], test={"claim": CLAIM, "margin": "50%", "at_most": 80})
    result = sweep(it, tmp_path / "s")
    few, many = result.verdict(0), result.verdict(1)
    assert few is not None
    assert many is not None
    assert (few.verdict, many.verdict, many.failures) == ("missed", "met", 0)
    assert len(list(result.values(1, "messages"))) == many.trials < 80
    assert f"{many}".startswith(f"met (0 of {many.trials}): 0 [0, ")
    assert sweep(it, tmp_path / "s").runs == result.runs
    with Executor(2) as executor, Store(tmp_path / "two", KIND) as store:
        done = carry_out(it, plan_of(it), store, executor)
    assert done.undecided == ()
    assert read(tmp_path / "two").runs == result.runs
    assert result.answer(1, "P(creation_wait_max_s > 40s)").interval == many.interval


def test_a_claim_on_the_command_wins_and_may_stay_undecided() -> None:
    it = made(test={"claim": CLAIM, "at_most": 3})
    assert plan_of(it).replications == 3
    plan = plan_of(it, claim="P(messages > 5) < 5%", replications=7)
    assert plan.test == Claim("P(messages > 5) < 5%", 0.2, "messages")
    assert (plan.replications, plan.precision) == (7, None)
    assert plan_of(it, relative=0.05).test is None
    with pytest.raises(ValueError, match="expected one of them"):
        plan_of(it, relative=0.05, claim=CLAIM)


def test_what_is_wrong_in_a_file_is_said() -> None:
    content = {
        "scenario": SCENARIO,
        "axes": [AXIS],
        "metrics": ["messages"],
        "statistics": ["p90(messags)"],
        "precision": {"relative": "5%"},
    }
    with pytest.raises(ScenarioError) as caught:
        Sweep.from_dict({**content, "test": {"claim": "P(creation wait > 1s) < 5%"}}, source="x.toml")
    assert str(caught.value).splitlines() == [
        "x.toml: 3 things are wrong",
        "  test: stands beside a precision; expected one of them to say when a cell has runs enough",
        "  statistics[0]: is 'p90(messags)', and the sweep has no column 'messags'; did you mean 'messages'?",
        "  test.claim: is 'P(creation wait > 1s)', and the sweep has no column 'waits_s'; "
        'expected "sessions" among the metrics, which gathers waits_s',
    ]
