"""Figures of sweeps: what they show is what the runs and theory say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.report.plots import (
    before_after,
    creation_timeouts,
    detection,
    fairness,
    false_failures,
    files,
    frontier,
    heat_map,
    queue_over_time,
    series,
    style,
    sweeps,
    utilisation,
    wait_against_load,
    wasted_work,
)
from sim.sizing.swept import Swept, numeric
from sim.sizing.theory import Waiting
from sim.sweep import Sweep, sweep

SCENARIO: dict[str, Any] = {
    "name": "q",
    "until": "24h",
    "cluster": {"partitions": 1},
    "workers": [{"name": "w", "max_concurrent_session_execution_size": 2}],
    "activities": {"work": {"duration": {"exponential": "6s"}}},
    "workflows": [
        {
            "id": "j",
            "count": 25,
            "arrival": {"poisson": "5s"},
            "program": [
                {"op": "create", "as": "s", "creation": "10s", "execution": "1h", "heartbeat": "20s"},
                {"op": "defer_complete", "in": "s"},
                {"op": "act", "in": "s", "activity": "work", "stc": "1h"},
            ],
        }
    ],
}


def swept(axes: list[dict[str, Any]], metrics: list[str], faults: list[dict[str, Any]] | None = None, store: Path | None = None) -> Swept:
    content = {
        "schema_version": 1, "replications": 2, "metrics": ["run", *metrics], "axes": axes,
        "scenario": {**SCENARIO, "faults": faults or []},
    }  # fmt: skip
    made = Sweep.from_dict(content)
    result = sweep(made, store)
    return Swept.of(result, made) if store is None else Swept.read(store)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    axes = [
        {"key": "workflows.0.arrival.poisson", "name": "gap", "values": ["5s", "3s"]},
        {"key": "workers.0.count", "name": "workers", "values": [1, 2]},
    ]
    return swept(axes, ["queue", "fairness"], store=tmp_path_factory.mktemp("store") / "load.sweep")


def lines(figure: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in figure.axes[0].get_lines()}


def test_the_store_gives_back_the_scenarios(load: Swept) -> None:
    assert load.keys == ("workflows.0.arrival.poisson", "workers.0.count")
    known = [load.offered(cell) for cell in range(4)]
    assert [(o.servers, round(o.per_slot, 2)) for o in known if o is not None] == [(2, 0.6), (4, 0.3), (2, 1.0), (4, 0.5)]


def test_waits_and_theory_are_drawn_as_they_are(load: Swept) -> None:
    figure = wait_against_load.draw(load)
    theory = lines(figure)["theory"]
    queue = Waiting(2, 0.6 * 2 / 6, 6.0, 10.0)
    assert theory.get_ydata()[0] == pytest.approx(queue.mean_served)
    (two, _four) = figure.axes[0].containers
    assert list(two[0].get_xdata()) == pytest.approx([0.6, 1.0])
    assert two[0].get_ydata()[0] == pytest.approx(load.result.interval(0, "creation_wait_mean_s").estimate)
    assert next(iter(lines(utilisation.draw(load))["theory"].get_ydata())) == pytest.approx(queue.used / 2)


def test_other_figures_of_the_same_sweep(load: Swept, tmp_path: Path) -> None:
    drawn = sweeps.draw_all(load, tmp_path)
    names = {file.stem for file in drawn.files if file.suffix == ".svg" and not file.stem.endswith("-dark")}
    assert names == {"wait-against-load", "slots-in-use", "queue-over-time", "fairness", "served-order", "heat-map", "before-after"}
    assert set(drawn.unsuitable) == {"creation-timeouts", "detection", "false-failures", "wasted-work"}
    assert len(drawn.files) == 4 * len(names)
    assert all(file.stat().st_size > 1_000 for file in drawn.files)
    light, dark = (tmp_path / f"fairness{kind}.svg" for kind in ("", "-dark"))
    assert style.DARK["white"] in dark.read_text().lower()
    assert style.DARK["white"] not in light.read_text().lower()


def test_the_same_figure_is_the_same_bytes(load: Swept) -> None:
    assert style.svg(heat_map.draw(load, "creation_wait_mean_s")) == style.svg(heat_map.draw(load, "creation_wait_mean_s"))


def test_a_heat_map_has_each_pair_at_its_place(load: Swept) -> None:
    axes = heat_map.draw(load, "sessions_asked").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["3s", "5s"]
    field = heat_map.draw(load, "creation_wait_mean_s").axes[0].get_images()[0].get_array()
    assert field is not None
    assert field[0][0] == pytest.approx(load.result.interval(2, "creation_wait_mean_s").estimate)  # gap 3 s, one worker
    interval = load.result.interval(2, "creation_wait_mean_s")
    words = {text.get_text() for text in heat_map.draw(load, "creation_wait_mean_s").axes[0].texts}
    assert f"{interval.estimate:.3g}\n± {interval.half_width:.2g}" in words
    with pytest.raises(series.Unsuitable, match="no run has a value of nothing"):
        heat_map.draw(load, "nothing")


def test_before_and_after_are_paired(load: Swept) -> None:
    figure = before_after.draw(load, "creation_wait_mean_s", before=0, after=1)
    assert str(load.result.paired("creation_wait_mean_s", 0, 1)) in figure.texts[1].get_text()
    seed = list(figure.axes[0].get_lines()[0].get_ydata())
    assert seed == [load.result.values(cell, "creation_wait_mean_s")[1] for cell in (0, 1)]
    with pytest.raises(series.Unsuitable, match="two cells that differ"):
        before_after.draw(load, "creation_wait_mean_s", before=0, after=0)


def test_queue_and_slots_over_time(load: Swept) -> None:
    row = next(load.rows(2))
    curve = lines(queue_over_time.draw(row))["sessions that wait"]
    assert max(curve.get_ydata()) == pytest.approx(max(row["queue_curve"]["means"]))
    with pytest.raises(series.Unsuitable, match="queue"):
        queue_over_time.draw({})


def test_creation_timeouts_against_theory() -> None:
    found = swept([{"key": "workflows.0.program.0.creation", "name": "creation", "values": ["2s", "10s"]}], [])
    figure = creation_timeouts.draw(found)
    theory = lines(figure)["theory"]
    assert theory.get_ydata()[-1] == pytest.approx(Waiting(2, 0.2, 6.0, 10.0).lost)
    assert theory.get_xdata()[-1] == 10.0


def test_detection_lies_in_its_band() -> None:
    faults = [{"kind": "kill", "target": "@busy", "at": "20s", "for": "5s"}]
    axes = [{"key": "workflows.0.program.0.heartbeat", "name": "heartbeat", "values": ["5s", "15s"]}]
    found = swept(axes, ["detection"], faults)
    figure = detection.draw(found)
    (curve,) = figure.axes[0].containers
    for timeout, delay in zip(*curve[0].get_data(), strict=True):
        # The workflow's own worker may be the lost one: then its task is handed out again after 5 s (P4.5.8).
        assert timeout * 2 / 3 - 0.1 <= delay <= timeout + 5.5


def test_wasted_work_and_false_failures() -> None:
    crashes = [{"kind": "kill", "target": "@busy", "every": {"exponential": "20s"}, "for": "1s"}]
    gaps = [{"key": "faults.0.every", "name": "crash", "values": [{"exponential": "20s"}, {"exponential": "1h"}]}]
    figure = wasted_work.draw(swept(gaps, ["work"], crashes))
    rare, often = figure.axes[0].containers[0][0].get_ydata()
    assert figure.axes[0].containers[0][0].get_xdata().tolist() == [1.0, 180.0]
    assert often > rare
    outages = [{"kind": "server_outage", "at": "15s", "for": "1s"}]
    lengths = [{"key": "faults.0.for", "values": ["1s", "25s"]}]
    figure = false_failures.draw(swept(lengths, ["detection"], outages))
    short, long = figure.axes[0].containers[0][0].get_ydata()
    assert short == 0.0 < long


def test_numbers_of_axes() -> None:
    assert [numeric(value) for value in (3, 1.5, "2m", {"poisson": "5s"}, {"lognormal": {"median": "1s", "p95": "2s"}}, True, "x")] == [
        3.0, 1.5, 120.0, 5.0, None, None, None,
    ]  # fmt: skip


def test_a_frontier_marks_pools_and_the_cheapest(tmp_path: Path) -> None:
    from sim.model.laws import Exponential
    from sim.sizing.load import Load
    from sim.sizing.measure import Effort
    from sim.sizing.sizing import size
    from sim.sizing.targets import read_target

    load = Load(Exponential(2_000_000), Exponential(6_000_000))
    result = size(load, range(4, 7), range(1, 2), [read_target("p90(creation wait) < 5s")], Effort(100, 2), breaks=False)
    figure = frontier.draw(result)
    marked = {line.get_label(): len(line.get_xdata()) for line in figure.axes[0].get_lines()}
    assert sum(marked.get(kind, 0) for kind in frontier.MARKS) == len(result.points)
    assert ("cheapest" in marked) == (result.pool is not None)
    assert len(files.write("frontier", tmp_path, lambda: frontier.draw(result))) == 4


def test_the_order_of_service() -> None:
    figure = fairness.draw_order([0, 2, 1])
    assert list(figure.axes[0].get_lines()[1].get_ydata()) == [0, 2, 1]
    with pytest.raises(series.Unsuitable):
        fairness.draw_order([])
