"""Latencies learned from recordings, and what a scenario makes of them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sim import Scenario, run
from sim.cli.app import app
from sim.evidence.calibrate import calibrate
from sim.evidence.calibrate_busy import together
from sim.evidence.calibrate_hidden import separate, without
from sim.evidence.calibrate_laws import FEW, MOST_VALUES, fit, thinned
from sim.evidence.calibrate_reads import LEAST_VALUES, told_apart
from sim.evidence.calibrate_samples import Pair, gather, read_recordings
from sim.evidence.calibrate_toml import to_toml
from sim.evidence.calllog import read_log
from sim.evidence.casefile import CaseError
from sim.evidence.completions import Variant, completions
from sim.history import events as ev
from sim.history.files import histories
from sim.model.laws import Constant, Empirical, Exponential, Law, LogNormal, Uniform
from sim.report.plots import calibration as drawing
from sim.report.plots import style
from sim.scenario.problems import ScenarioError
from sim.simulator.busy import Busy
from tools.distribution import band, g_test

REAL = Path(__file__).parent.parent / "data" / "real"
BASIC = [REAL / name for name in ("creation_timeout", "happy_path", "worker_killed")]
WORKERS = [{"name": "w", "count": 2}]
PROGRAM = [
    {"op": "create", "as": "s", "creation": "60s", "execution": "600s"},
    {"op": "act", "in": "s", "work": {"ms": 500}},
    {"op": "complete", "in": "s"},
]


def drawn(law: Law, n: int, seed: int = 1) -> list[int]:
    """A sample of a law."""
    draws = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, n, dtype=np.uint64)
    return [law.sample(int(u)) for u in draws]


@pytest.mark.parametrize(
    ("law", "family"),
    [(Exponential(20_000), "exponential"), (LogNormal(5_000, 800), "lognormal"), (Uniform(1_000, 9_000), "uniform")],
)
def test_a_family_is_found_again(law: Law, family: str) -> None:
    fitted = fit(drawn(law, 300))
    assert fitted.family == family
    assert fitted.ks_p is not None
    assert fitted.ks_p >= 0.05
    assert fitted.law.mean() == pytest.approx(law.mean(), rel=0.15)


def test_what_is_no_family_stays_as_it_was_recorded() -> None:
    sample = drawn(Uniform(1_000, 1_500), 150) + drawn(Uniform(40_000, 60_000), 50)
    fitted = fit(sample)
    assert fitted.family == "empirical"
    assert fitted.law == Empirical(tuple(sorted(sample)))


def test_few_values_are_their_own_law() -> None:
    assert fit(list(range(1, FEW))).family == "empirical"
    assert fit([7, 7, 7]).law == Constant(7)
    with pytest.raises(ValueError, match="empty sample"):
        fit([])


def test_thinned_samples_keep_their_quantiles() -> None:
    sample = drawn(LogNormal(5_000, 800), 2_000)
    kept = thinned(sample)
    assert len(kept) == MOST_VALUES
    assert np.quantile(kept, [0.05, 0.5, 0.95]) == pytest.approx(np.quantile(sample, [0.05, 0.5, 0.95]), rel=0.05)


def test_own_parts_and_updates_are_told_apart() -> None:
    """Seven of ten calls take nothing besides, the rest 4 ms; an update takes 0.9 ms."""
    random = np.random.Generator(np.random.PCG64(3))
    own = np.where(random.random((400, 2)) < 0.7, 0.0, random.lognormal(np.log(4_000), 0.3, (400, 2)))
    pairs = [Pair(bool(b < a), int(max(abs(b - a), 900))) for a, b in own]
    found = separate(pairs)
    assert found is not None
    assert found.own.weights[found.own.values < 500].sum() == pytest.approx(0.7, abs=0.08)
    assert np.median(found.held.quantiles(100)) == pytest.approx(900, rel=0.15)
    whole = [int(2_000 + a) for a in own[:, 0]]
    assert np.median(without(whole, found.own).quantiles(100)) == pytest.approx(2_000, rel=0.15)
    assert separate(pairs[:5]) is None


def test_a_log_parts_calls_in_two() -> None:
    recordings = read_recordings(BASIC)
    assert [recording.name for recording in recordings] == ["creation_timeout", "happy_path", "worker_killed"]
    samples = gather(recordings).samples
    for name in ("request.RespondWorkflowTaskCompleted", "cold.request", "cold.response", "transfer_read", "workflow_task"):
        assert all(0 < value < 100_000 for value in samples[name]), name
    log = read_log(REAL / "happy_path")
    assert log is not None
    call = next(c for c in log.calls if c.method == "SignalWorkflowExecution")
    # The log says that it took 9.187 ms and came back at 0.140006 s.
    assert call.end - call.begin == 9_187
    assert not any(name.startswith("sum.") for name in samples)


def test_histories_alone_tell_sums() -> None:
    learned = calibrate([file for folder in BASIC for file in folder.glob("w*.json")])
    assert not learned.with_log
    latencies = learned.to_tables()["latencies"]
    assert latencies["response"]["PollWorkflowTaskQueue"] == "0s"
    assert latencies["request"]["RespondWorkflowTaskCompleted"] == "0s"
    # 4 tasks of the happy path among them took 18, 29, 7 and 7 ms from start to completion.
    assert learned.fitted["workflow_task"].n > 10
    assert 5_000 < np.median(learned.fitted["workflow_task"].sample) < 30_000


def test_faults_are_not_latencies() -> None:
    log = read_log(REAL / "worker_killed")
    assert log is not None
    (worker,) = log.disturbed
    ((begin, end),) = log.disturbed[worker]
    assert not log.ordinary(worker, begin + 1, begin + 2)
    assert log.ordinary(worker, begin - 2, begin - 1)
    assert log.ordinary(worker, end + 1, end + 2)


def test_a_damaged_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text('{"t0": 5}')
    (tmp_path / "log.jsonl").write_text('{"ev": "rpc", "t": 1}\n')
    with pytest.raises(CaseError, match=r"log\.jsonl, line 1: rpc: worker: is missing"):
        read_log(tmp_path)
    (tmp_path / "case.json").write_text("{}")
    with pytest.raises(CaseError, match=r"case.json: t0: is missing; expected seconds since 1970"):
        read_log(tmp_path)


def test_the_file_is_what_was_learned(tmp_path: Path) -> None:
    learned = calibrate(BASIC)
    text = to_toml(learned)
    tables = tomllib.loads(text)
    assert tables == learned.to_tables()
    (tmp_path / "latencies.toml").write_text(text)
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('latencies = "latencies.toml"\n[[workers]]\nname = "w"\n[[workflows]]\nid = "w"\nprogram = []\n')
    section = Scenario.load(scenario).model.latencies
    assert section.workflow_task == learned.fitted["workflow_task"].law
    assert section.request.RespondWorkflowTaskCompleted == learned.fitted["request.RespondWorkflowTaskCompleted"].law
    assert section.warming is not None
    assert section.warming.request == learned.fitted["warming.request"].law


def test_what_the_scenario_says_wins(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(
        '[latencies]\nworkflow_task = "5ms"\ntransaction = "1ms"\n[latencies.request]\nother = "2ms"\nShutdownWorker = "9ms"\n'
        '[activities.work]\nduration = "3s"\n[arrivals.Jobs]\nevery = "4s"\n'
    )
    (tmp_path / "s.toml").write_text(
        '[latencies]\nfile = "l.toml"\nworkflow_task = "7ms"\nrequest = { other = "3ms" }\n[[workers]]\nname = "w"\n'
        '[[workflows]]\nid = "w"\ncount = 2\nprogram = []\narrival = { like = "Jobs" }\n'
    )
    model = Scenario.load(tmp_path / "s.toml").model
    assert (model.latencies.workflow_task, model.latencies.transaction) == (Constant(7_000), Constant(1_000))
    assert (model.latencies.request.other, model.latencies.request.ShutdownWorker) == (Constant(3_000), Constant(9_000))
    assert model.activities["work"].duration == Constant(3_000_000)
    assert model.workflows[0].arrival.every == Constant(4_000_000)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("[latencies]\nreading = '1s'", "reading"),
        ("[faults]\n", "has 'faults'"),
        ("=", "the file l.toml is not TOML: Invalid statement"),
        (None, "there is no file l.toml"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, file: str | None, message: str) -> None:
    if file is not None:
        (tmp_path / "l.toml").write_text(file)
    (tmp_path / "s.toml").write_text('latencies = "l.toml"\n[[workers]]\nname = "w"\n[[workflows]]\nid = "w"\nprogram = []\n')
    with pytest.raises(ScenarioError, match=message):
        Scenario.load(tmp_path / "s.toml")


def test_variants_of_completions() -> None:
    found = {h.workflow_id: list(completions(h)) for h in histories(BASIC)}
    assert found == {
        "happy_path-w": [Variant.B], "creation_timeout-w1": [Variant.A], "creation_timeout-w2": [], "worker_killed-w": [],
    }  # fmt: skip


def variants(latencies: dict[str, object], seeds: int = 40) -> set[Variant]:
    """The variants that occur under these latencies."""
    from sim.history.temporal_json import to_json
    from sim.history.temporal_reader import read_history

    tables = {"workers": WORKERS, "workflows": [{"id": "w", "program": PROGRAM}], "latencies": latencies}
    found: set[Variant] = set()
    for seed in range(seeds):
        recorder = run(Scenario.from_dict(tables), seed, histories=True, properties=()).recorder
        assert recorder is not None
        for one in recorder:
            found |= set(completions(read_history(json.loads(json.dumps(to_json(one, 1_700_000_000_000_000, "1.48.0"))))))
    return found


def test_overtaking_makes_the_variants() -> None:
    """Without anything of their own calls keep their order; with it they overtake, and may come after the task began."""
    shared = {"request": {"other": {"uniform": ["1ms", "4ms"]}}, "goroutine_answer": "50us", "goroutine_wake_up": "200us"}
    assert variants(shared) == {Variant.A}
    some = {**shared, "handling": {"other": {"empirical": ["0s", "0s", "8ms"]}}, "transfer_read": "2ms"}
    assert {Variant.A, Variant.B} < variants(some)


def test_steps_take_the_time_they_are_given() -> None:
    """Every task's start and completion are as far apart as way back, work and way there."""
    latencies = {"request": {"other": "2ms"}, "response": {"other": "3ms"}, "workflow_task": "5ms", "activity_start": "7ms"}
    tables = {
        "workers": WORKERS, "workflows": [{"id": "w", "program": PROGRAM}], "latencies": latencies,
        "network": {"request": "2ms", "response": "3ms"},
    }  # fmt: skip
    recorder = run(Scenario.from_dict(tables), 1, histories=True).recorder
    assert recorder is not None
    (one,) = recorder
    times = {recorded.event_id: recorded.time for recorded in one.events}
    assert times[4] - times[3] == 3_000 + 5_000 + 2_000
    started = {r.event.ordinal: r.time for r in one.events if isinstance(r.event, ev.ActivityTaskStarted)}
    ended = {r.event.ordinal: r.time for r in one.events if isinstance(r.event, ev.ActivityTaskCompleted)}
    # The user's activity is the second: way back, start, half a second of work, way there. What is sent while something else is
    # on its way arrives with it, so that a way may be shorter.
    assert 7_000 + 500_000 < ended[2] - started[2] <= 3_000 + 7_000 + 500_000 + 2_000


def test_updates_of_a_run_wait_for_each_other() -> None:
    """Two results that arrive together are recorded one update apart."""
    latencies = {"request": {"other": "2ms"}, "transaction": "3ms", "transfer_read": "20ms"}
    tables = {"workers": WORKERS, "workflows": [{"id": "w", "program": PROGRAM}], "latencies": latencies}
    recorder = run(Scenario.from_dict(tables), 1, histories=True).recorder
    assert recorder is not None
    (one,) = recorder
    ends = [recorded.time for recorded in one.events if type(recorded.event).__name__ == "ActivityTaskCompleted"]
    assert ends[-1] - ends[-2] == 3_000


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    out, pictures = tmp_path / "l.toml", tmp_path / "pictures"
    result = CliRunner().invoke(app, ["calibrate", str(REAL), "--out", str(out), "--pictures", str(pictures), "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["file"] == str(out)
    assert set(said["fitted"]["workflow_task"]) == {"family", "parameters", "ks_p", "n"}
    assert len(said["pictures"]) == 4 * len(said["fitted"])
    assert all(Path(file).stat().st_size > 500 for file in said["pictures"])
    missing = CliRunner().invoke(app, ["calibrate", str(tmp_path / "nowhere"), "--out", str(out)])
    assert missing.exit_code == 2


def test_pictures_are_the_same_every_time_and_dark_ones_differ() -> None:
    fitted = fit(drawn(Exponential(20_000), 50))
    light, again = (style.svg(drawing.draw("x", fitted)) for _ in range(2))
    darkened = drawing.draw("x", fitted)
    style.darken(darkened)
    dark = style.svg(darkened)
    assert light == again
    assert style.DARK["white"] in dark
    assert style.DARK["white"] not in light


def test_busy_periods_keep_laws_and_join_draws() -> None:
    """Of the values of one period two thirds are the same; over all periods the law is what it was."""
    law, busy = Uniform(0, 999_999), Busy(5, 667, 100_000)
    draws = np.random.Generator(np.random.PCG64(2)).integers(0, 2**64, 6_000, dtype=np.uint64)
    values = np.asarray([busy.now(law, 50_000 * i).sample(int(u)) for i, u in enumerate(draws)])
    assert np.quantile(values, [0.25, 0.5, 0.75]) == pytest.approx([250_000, 500_000, 750_000], abs=25_000)
    assert np.mean(values[::2] == values[1::2]) == pytest.approx(0.667**2, abs=0.03)


def test_busy_periods_are_found_again() -> None:
    law, busy = Exponential(5_000), Busy(9, 500, 240_000)
    random = np.random.Generator(np.random.PCG64(4))
    moments = []
    for _ in range(40):
        times = np.sort(random.integers(0, 4_000_000, 150)) + int(random.integers(0, 10**12))
        moments.append([(int(t), "x", busy.now(law, int(t)).sample(int(random.integers(0, 2**64, dtype=np.uint64)))) for t in times])
    found = together(moments, {"x": [value for recording in moments for _, _, value in recording]})
    assert found is not None
    assert found.share == pytest.approx(0.5, abs=0.08)
    assert found.period in (160_000, 240_000, 320_000)
    assert together([moments[0][:5]], {"x": [1, 2, 3]}) is None


def test_the_comparison_can_say_no() -> None:
    recorded = {"1a": 80, "1b": 36, "1c": 5, "1d": 1, "1e": 2}
    assert g_test(recorded, {"1a": 6400, "1b": 2900, "1c": 500, "later": 150})[1] > 0.5
    assert g_test(recorded, {"1a": 9500, "1b": 300, "1c": 200})[1] < 1e-6
    low, high = band([[i, 100 + i] for i in range(100)], 2)
    assert (low, high) == ([2, 102], [96, 196])


def test_a_cold_cluster_is_slow_until_it_is_warm() -> None:
    """Ways take 9 ms for half a second after the start of a worker, then 2 ms."""
    latencies = {"request": {"other": "2ms"}, "response": {"other": "1ms"}, "warming": {"period": "500ms", "request": "9ms"}}
    program = [{"op": "sleep", "ms": 1000}, {"op": "sleep", "ms": 1000}]
    tables = {"workers": [{"name": "w"}], "workflows": [{"id": "w", "program": program}], "latencies": latencies}
    recorder = run(Scenario.from_dict(tables), 1, histories=True).recorder
    assert recorder is not None
    (one,) = recorder
    starts = [r.time for r in one.events if isinstance(r.event, ev.WorkflowTaskStarted)]
    ends = [r.time for r in one.events if isinstance(r.event, ev.WorkflowTaskCompleted)]
    assert [end - start for start, end in zip(starts, ends, strict=True)] == [10_000, 3_000, 3_000]


def test_tasks_of_shared_queues_are_forwarded() -> None:
    """The first workflow task, on the normal queue, takes 30 ms more; the second, on the sticky one, does not."""
    latencies = {"transfer_read": "2ms", "forwarding": "30ms"}
    program = [{"op": "sleep", "ms": 1000}]
    tables = {"workers": [{"name": "w"}], "workflows": [{"id": "w", "program": program}], "latencies": latencies}
    recorder = run(Scenario.from_dict(tables), 1, histories=True).recorder
    assert recorder is not None
    (one,) = recorder
    asked = [r.time for r in one.events if isinstance(r.event, ev.WorkflowTaskScheduled)]
    starts = [r.time for r in one.events if isinstance(r.event, ev.WorkflowTaskStarted)]
    assert [start - at for at, start in zip(asked, starts, strict=True)] == [32_000, 2_000]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_quiet_reads_are_told_from_limited_ones(share: float) -> None:
    n = round(1000 * share)
    quiet = drawn(LogNormal(2_500, 800), 1000)
    waits = drawn(Uniform(0, 50_000), n, seed=2)
    reads = told_apart([value + wait for value, wait in zip(quiet, waits, strict=False)] + quiet[n:])
    assert reads is not None
    assert reads.limited == pytest.approx(share, abs=0.04)
    assert np.median(reads.quiet) == pytest.approx(2_400, rel=0.1)
    others = reads.by_others()
    assert others is not None
    assert np.mean(np.asarray(others.values) > 950_000) == pytest.approx(reads.limited, abs=0.005)
    assert max(others.values) < 1_000_000


def test_without_limited_reads_there_are_no_others() -> None:
    quiet = drawn(LogNormal(2_500, 800), 1000)
    reads = told_apart(quiet)
    assert reads is not None
    assert reads.limited < 0.03
    assert told_apart(quiet[: LEAST_VALUES - 1]) is None


@pytest.mark.parametrize(("others", "wait"), [("0s", 2_000), ("900ms", 2_000), ("950ms", 2_000), ("980ms", 32_000)])
def test_others_use_up_the_reads_of_a_shard(others: str, wait: int) -> None:
    """Of the second task, for which a poll waits: a read need not wait until they have used up all but one of twenty, 50 ms each."""
    latencies = {"transfer_read": "2ms", "reads_by_others": others}
    tables = {"workers": [{"name": "w"}], "workflows": [{"id": "w", "program": [{"op": "sleep", "ms": 1000}]}], "latencies": latencies}
    recorder = run(Scenario.from_dict(tables), 1, histories=True).recorder
    assert recorder is not None
    (one,) = recorder
    asked = max(r.time for r in one.events if isinstance(r.event, ev.WorkflowTaskScheduled))
    assert max(r.time for r in one.events if isinstance(r.event, ev.WorkflowTaskStarted)) - asked == wait
