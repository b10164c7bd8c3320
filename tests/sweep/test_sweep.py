"""Sweeps: cells, seeds, results that depend on neither processes nor interruptions, and what is wrong with a file."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path
from typing import Any

import pytest

from sim import Scenario, ScenarioError, SweepResult, run, sweep
from sim.sweep import Sweep, read
from sim.sweep.cell import row_of
from sim.sweep.executor import Executor
from sim.sweep.export import ExportError, export
from sim.sweep.plan import plan_of
from sim.sweep.result import runs_in
from sim.sweep.statistics import enough
from sim.sweep.store import Store
from sim.sweep.sweeping import KIND, carry_out

ROOT = Path(__file__).parents[2]
SCENARIO: dict[str, Any] = {
    "workers": [{"name": "w", "max_concurrent_session_execution_size": 1}],
    "activities": {"work": {"duration": {"exponential": "20s"}}},
    "workflows": [
        {
            "id": "job",
            "count": 4,
            "program": [
                {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
                {"op": "defer_complete", "in": "s"},
                {"op": "act", "in": "s", "activity": "work"},
            ],
        }
    ],
}
AXIS = {"key": "workers.w.count", "values": [1, 2]}


def made(**content: Any) -> Sweep:
    return Sweep.from_dict({"scenario": SCENARIO, "axes": [AXIS], "replications": 6, **content})


def table(result: SweepResult, path: Path) -> str:
    export(result.plan, result.runs, path)
    return path.read_text()


def test_a_sweep_is_what_single_runs_are(tmp_path: Path) -> None:
    result = sweep(made())
    assert [(r.values, r.seed) for r in result.runs] == [((n,), seed) for n in (1, 2) for seed in range(1, 7)]
    for one in result.runs:
        alone = run(Scenario.from_dict(SCENARIO, [("workers.w.count", one.values[0])]), one.seed, properties=())
        assert row_of(alone) == one.figures
    assert pickle.loads(pickle.dumps(result)) == result
    rows = list(csv.DictReader(table(result, tmp_path / "t.csv").splitlines()))
    assert [(row["cell"], row["workers.w.count"], row["seed"]) for row in rows[:2]] == [("0", "1", "1"), ("0", "1", "2")]
    assert float(rows[3]["creation_wait_mean_s"]) == result.runs[3].figures["creation_wait_mean_s"]


def test_frames_and_estimates() -> None:
    result = sweep(made(metrics=["run", "queue"]))
    frame = result.to_frame()
    assert list(frame.columns[:4]) == ["cell", "workers.w.count", "seed", "digest"]
    assert "queue_mean" in frame.columns
    assert "queue_curve" not in frame.columns
    assert str(frame["workers.w.count"].dtype) == str(frame["sessions_failed"].dtype) == "int64"
    mean = result.estimates(["creation_wait_mean_s"])
    assert mean[0].interval.estimate == pytest.approx(frame[frame["cell"] == 0]["creation_wait_mean_s"].mean())
    assert str(result.estimates(["sessions_failed"])[0]) == "0 (in < 0.39 of runs)"
    assert len(result.estimates()) == 2 * (sum(frame.dtypes.map(str).isin(["int64", "float64"])) - len(["cell", "workers.w.count", "seed"]))
    more = result.paired("slots_mean_used", result.cell(count=1), result.cell(count=2))
    assert more.low > 0
    pairs = zip(result.values(0, "slots_mean_used").values(), result.values(1, "slots_mean_used").values(), strict=True)
    assert more.estimate == pytest.approx(sum(after - before for before, after in pairs) / 6)
    with pytest.raises(ValueError, match="no axis 'cuont'; did you mean 'count'"):
        result.cell(cuont=1)
    page = result._repr_html_()
    assert "<th>workers.w.count</th><th>runs</th><th>creation_wait_mean_s</th>" in page
    assert f"<tr><td>1</td><td>6</td><td>{mean[0]}</td>" in page
    assert result.label(1) == "workers.w.count = 2"


def test_results_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    with Executor(2) as executor:
        tables = []
        for content in ({"metrics": ["run", "work", "over:10s"]}, {"precision": {"relative": "50%", "at_least": 5, "at_most": 25}}):
            here = sweep(made(**content))
            there = made(**content)
            with Store(tmp_path / f"s{len(tables)}", KIND) as store:
                carry_out(there, plan_of(there), store, executor)
                plan = plan_of(there)
                export(plan, runs_in(store, plan), tmp_path / "t.csv")
            assert (tmp_path / "t.csv").read_text() == table(here, tmp_path / "h.csv")
            tables.append(here)
    assert len(tables[1].runs) != 12


def test_a_cell_stops_when_its_mean_is_known(tmp_path: Path) -> None:
    precise = {"relative": 0.5, "at_least": 5, "at_most": 60}
    result = sweep(made(precision=precise), tmp_path / "s")
    for cell in (0, 1):
        known = list(sweep(made(replications=25)).values(cell, "creation_wait_mean_s").values())
        assert len(list(result.values(cell, "creation_wait_mean_s"))) == enough(known, 0.5, 5)
        assert result.interval(cell, "creation_wait_mean_s").relative <= 0.5
    # What was computed beyond a prefix, or for another precision, changes nothing.
    assert len(sweep(made(precision=precise | {"relative": 0.4}), tmp_path / "s").runs) > len(result.runs)
    assert sweep(made(precision=precise), tmp_path / "s").runs == result.runs


def test_what_is_not_known_well_enough_is_said(tmp_path: Path) -> None:
    it = made(precision={"relative": "1%", "at_least": 2, "at_most": 4})
    with Store(tmp_path / "s", KIND) as store:
        done = carry_out(it, plan_of(it), store, Executor(1))
    assert done.undecided == ("workers.w.count = 1", "workers.w.count = 2")
    assert (done.cells, done.runs, done.resumed) == (2, 8, 0)


def test_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    first = sweep(made(replications=3), tmp_path / "s")
    again = sweep(made(), tmp_path / "s", progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (6, 12)
    assert seen[-1] == (12, 12)
    assert len(seen) == 7
    assert [r for r in again.runs if r.seed <= 3] == list(first.runs)
    assert read(tmp_path / "s") == again
    # Another cell is another key; a title is not.
    more = sweep(
        made(title="more", axes=[{"key": "workers.w.count", "values": [2, 3]}]), tmp_path / "s", progress=lambda *c: seen.append(c)
    )
    assert seen[7] == (6, 12)
    assert {r.values for r in more.runs} == {(2,), (3,)}


def test_a_key_depends_on_what_figures_depend_on() -> None:
    plain = made().cells[0].key
    assert made(title="x", name="y").cells[0].key == plain
    assert made(metrics=["queue"]).cells[0].key != plain
    assert made(set={"grace": "31s"}).cells[0].key != plain
    assert Sweep.from_dict({"scenario": {**SCENARIO, "title": "t"}, "axes": [AXIS]}).cells[0].key == plain


# ---- axes ------------------------------------------------------------------------------------------


def points(*axes: dict[str, Any], **more: Any) -> list[tuple[Any, ...]]:
    scenario = {**SCENARIO, "workers": [*SCENARIO["workers"], {"name": "v"}]}
    return [cell.values for cell in Sweep.from_dict({"scenario": scenario, "axes": list(axes), **more}).cells]


def test_grids_ranges_and_axes_that_step_together() -> None:
    assert points() == [()]
    one, two = {"key": "workers.w.count", "values": [1, 2]}, {"key": "workers.v.count", "values": [3, 4]}
    assert points(one, two) == [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert points(one | {"zip": "z"}, two | {"zip": "z"}) == [(1, 3), (2, 4)]
    grace = {"key": "grace", "values": ["1s", "2s"]}
    assert points(one | {"zip": "z"}, grace, two | {"zip": "z"}) == [(1, "1s", 3), (1, "2s", 3), (2, "1s", 4), (2, "2s", 4)]
    ranged = {"key": "workers.w.count", "from": 1, "to": 100, "steps": 3}
    assert points(ranged) == [(1,), (50,), (100,)]
    assert points(ranged | {"scale": "geometric"}) == [(1,), (10,), (100,)]
    assert points({"key": "workers.w.count", "from": 3, "to": 1, "steps": 9}) == [(3,), (2,), (1,)]
    assert points({"key": "grace", "from": "1s", "to": "100s", "steps": 3, "scale": "geometric"}) == [("1s",), ("10s",), ("1m40s",)]
    share = {"key": "activities.work.failure_probability", "from": 0, "to": 0.3, "steps": 4}
    assert points(share) == [(0.0,), (0.1,), (0.2,), (0.3,)]


def test_laws_and_tables_are_values_too() -> None:
    laws = [{"exponential": "5s"}, {"lognormal": {"median": "5s", "p95": "20s"}}, "5s"]
    assert points({"key": "activities.work.duration", "values": laws}) == [(law,) for law in laws]
    assert points({"key": "activities.work.duration.exponential", "from": "1s", "to": "3s", "steps": 2}) == [("1s",), ("3s",)]


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol", "uniform"])
def test_random_designs(kind: str) -> None:
    axes = (
        {"key": "workers.w.count", "from": 1, "to": 1_000, "scale": "geometric"},
        {"key": "grace", "from": "1s", "to": "31s"},
        {"key": "workers.v.count", "values": [1, 2, 3, 4]},
    )
    drawn = points(*axes, design={"kind": kind, "points": 32, "seed": 3})
    assert drawn == points(*axes, design={"kind": kind, "points": 32, "seed": 3})
    assert drawn != points(*axes, design={"kind": kind, "points": 32, "seed": 4})
    assert len(drawn) == 32
    counts = [point[0] for point in drawn]
    assert all(1 <= count <= 1_000 for count in counts)
    if kind != "uniform":
        # Each stratum of a coordinate has as many points as any other.
        assert sorted(point[2] for point in drawn) == [n for n in (1, 2, 3, 4) for _ in range(8)]
        assert sum(count < 32 for count in counts) in (15, 16, 17)


# ---- what is wrong ---------------------------------------------------------------------------------


def wrong(**content: Any) -> str:
    with pytest.raises(ScenarioError) as caught:
        Sweep.from_dict({"scenario": SCENARIO, "axes": [AXIS], **content}, source="x.toml")
    return str(caught.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = wrong(
        axes=[
            {"key": "workers.w.count", "values": [1], "from": 1},
            {"key": "grace", "from": "1s", "to": 2, "steps": 2},
            {"key": "grace", "to": 3},
            {"key": "until", "from": 0, "to": 1, "steps": 2, "scale": "geometric"},
        ],
        metrics=["qeueu", "promise:slot_limt"],
        precision={"relative": "5%", "metrics": ["messages"], "at_least": 10, "at_most": 5},
    )
    assert text.splitlines() == [
        "x.toml: 8 things are wrong",
        "  axes[0]: has values and from; expected either values = [...] or a range: from, to and steps",
        "  axes[1].from: is '1s' and `to` is 2; expected two numbers, or two durations",
        "  axes[2]: has no from and no steps; expected values = [1, 2, 4], or a range: from = 1, to = 9, steps = 5",
        "  axes[3].from: is 0 and `to` is 1; expected both more than 0 in a geometric range",
        "  axes[2].name: is 'grace', as that of axes[1]; expected another name",
        "  metrics[0]: there is no column or group 'qeueu'; did you mean 'queue'?",
        "  metrics[1]: there is no promise 'slot_limt'; did you mean 'slot_limit'?",
        "  precision.at_most: is 5; expected no less than at_least, which is 10",
    ]
    assert "precision.metrics[0]: is 'messages'; expected one of the sweep's metrics: queue_mean" in wrong(
        metrics=["queue_mean"], precision={"relative": "5%", "metrics": ["messages"]}
    )


def test_unknown_keys_and_types() -> None:
    text = wrong(replication=3, axes=[{"key": "grace", "valeus": [1]}], precision={"relative": "500%"})
    assert "replication: there is no such key; did you mean 'replications'?" in text
    assert "axes[0].valeus: there is no such key; did you mean 'values'?" in text
    assert "precision.relative: is 5.0; expected more than 0 and less than 1" in text


def test_what_is_wrong_in_cells_is_said_once_with_the_first_of_them() -> None:
    axes = [{"key": "workers.w.count", "values": [1, 0, -1]}, {"key": "workflows.job.count", "values": [1, 2]}]
    assert wrong(axes=axes).splitlines() == [
        "x.toml: 2 things are wrong",
        "  the scenario, in 2 of 6 cells, the first with workers.w.count = 0, workflows.job.count = 1: "
        "workers[0].count: is 0; expected at least 1, such as 1",
        "  the scenario, in 2 of 6 cells, the first with workers.w.count = -1, workflows.job.count = 1: "
        "workers[0].count: is -1; expected at least 1, such as 1",
    ]
    text = wrong(set={"workres.w.count": 2})
    assert "the scenario, in every cell: workres: there is no such key; did you mean 'workers'?" in text


def test_designs_that_make_no_sense() -> None:
    assert "design.points: is missing" in wrong(design={"kind": "sobol"}, axes=[{"key": "grace", "from": "1s", "to": "2s"}])
    assert "axes: are missing" in wrong(design={"kind": "sobol", "points": 2}, axes=[])
    assert "has no meaning in a grid" in wrong(design={"points": 2})
    steps = [{"key": "grace", "from": "1s", "to": "2s", "steps": 3}]
    assert "axes[0].steps: has no meaning in a random design" in wrong(design={"kind": "uniform", "points": 2}, axes=steps)
    zipped = [{"key": "grace", "values": ["1s"], "zip": "z"}, {"key": "until", "values": ["1s", "2s"], "zip": "z"}]
    assert "axes[1].zip: axes that step together have to have equally many values; axes[0] has 1, axes[1] has 2" in wrong(axes=zipped)
    huge = [{"key": key, "from": 1, "to": 1_000, "steps": 1_000} for key in ("workers.w.count", "workflows.job.count")]
    assert "make 1,000,000 cells; expected at most 20,000" in wrong(axes=huge)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('scenario = "nothing.toml"\n')
    with pytest.raises(ScenarioError, match=r"s\.toml: scenario: is 'nothing\.toml', and .* cannot be read \(No such file"):
        Sweep.load(tmp_path / "s.toml")
    with pytest.raises(ScenarioError, match="the file cannot be read"):
        Sweep.load(tmp_path / "t.toml")
    with pytest.raises(ScenarioError, match=r"s\.toml: is not TOML"):
        Sweep.parse("scenario = ", path=tmp_path / "s.toml", source="s.toml")
    with pytest.raises(ScenarioError, match="scenario: is missing; expected a scenario file beside the sweep"):
        Sweep.parse("")


def test_shipped_sweeps_are_right() -> None:
    shipped = sorted((ROOT / "scenarios" / "sweeps").glob("*.toml"))
    assert shipped
    for path in shipped:
        assert Sweep.load(path).model.title


def test_workflow_modules_beside_the_scenario_go_along(tmp_path: Path) -> None:
    """Jobs carry the text of the module: the process that runs them needs no file."""
    it = Sweep.from_dict(
        {
            "scenario": str(ROOT / "scenarios" / "file_processing.toml"),
            "axes": [{"key": "workers.w.count", "values": [1, 2]}],
            "replications": 2,
        }
    )
    assert "async def" in it.cells[0].text
    here = sweep(it)
    assert {r.figures["workflows_completed"] for r in here.runs} == {1}


def test_a_run_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.py").write_text("async def job(ctx, n):\n    raise SystemExit(n)\n")
    (tmp_path / "s.toml").write_text('[[workers]]\nname = "w"\n\n[[workflows]]\nid = "job"\nworkflow = "w.py:job"\n')
    it = Sweep.from_dict({"scenario": "s.toml", "axes": [{"key": "workers.w.count", "values": [3]}]}, directory=tmp_path)
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        sweep(it)
    assert caught.value.__notes__ == ["in the run with seed 1 of workers.w.count = 3"]


# ---- tables ----------------------------------------------------------------------------------------


def test_parquet_is_the_same_table(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    result = sweep(made(metrics=["creation_wait_mean_s", "sessions_created", "digest"]))
    for name in ("a.parquet", "b.parquet"):
        export(result.plan, result.runs, tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    rows = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert rows == result.to_frame().to_dict("records")


def test_tables_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = sweep(made(replications=1))
    with pytest.raises(ExportError, match=r"expected a name that ends in \.csv or \.parquet"):
        export(result.plan, result.runs, tmp_path / "t.xlsx")
    with pytest.raises(ExportError, match="expected a file in a folder that exists"):
        export(result.plan, result.runs, tmp_path / "no" / "t.csv")

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("sim.sweep.export.import_module", missing)
    with pytest.raises(ExportError, match=r"needs pyarrow, which is not installed; pip install 'session-sim\[parquet\]'"):
        export(result.plan, result.runs, tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []
