"""Results as pandas frames: their columns, dtypes and units, with rows and without."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim import RunResult, Watched, replay, run, watch
from sim.frames import FixedRows, Rows, frame, seconds
from sim.report import tables as seen
from sim.scenario import tables
from tests.scenario.watching import HAPPY, scenario

CRASH: dict[str, Any] = {"faults": [{"kind": "kill", "target": "@busy", "at": "5s"}], "expect": {"failure_is_failure": "broken"}}
SEEN = {
    "lanes": seen.WorkerRows, "holds": seen.HoldRows, "sessions": seen.SessionRows, "attempts": seen.AttemptRows, "marks": seen.MarkRows,
    "intervals": seen.IntervalRows, "workflows": seen.RunRows, "heartbeats": seen.HeartbeatRows,
}  # fmt: skip
ALL: list[type[Rows[Any]] | type[FixedRows[Any]]] = [
    *SEEN.values(), seen.SlotRows, seen.LineRows, tables.Workflows, tables.Violations,
]  # fmt: skip


@pytest.fixture(scope="module")
def crash() -> RunResult:
    """A run whose worker is killed at 5 s."""
    return run(scenario(HAPPY, **CRASH), 1)


@pytest.fixture(scope="module")
def watched(crash: RunResult) -> Watched:
    return watch(crash)


def dtypes(made: pd.DataFrame) -> dict[str, str]:
    """As the reference names them."""
    return {name: "string" if isinstance(dtype, pd.StringDtype) else str(dtype) for name, dtype in made.dtypes.items()}


def test_a_run_is_a_row(crash: RunResult) -> None:
    made = crash.to_frame()
    row = made.iloc[0]
    assert len(made) == 1
    assert row["scenario"] == "test"
    assert (row["seed"], row["digest"], row["as_expected"]) == (1, crash.digest, crash.as_expected)
    assert row["ended_at_s"] == crash.ended_at_us / 1e6
    assert (row["sessions_asked"], row["sessions_failed"], row["workflows"], row["workflows_canceled"]) == (1, 1, 1, 1)
    assert row["promises_broken"] == list(crash.properties.values()).count("broken") == 1
    assert row[[name for name in made if str(name).startswith("promises_")]].sum() == len(crash.properties)
    assert row["creation_wait_max_s"] == crash.creation_wait_s.max


def test_runs_make_a_table() -> None:
    """Also when in one of them no session was created: a missing wait is NaN, and dtypes stay."""
    nobody = scenario(workers=[{"name": "w", "enable_session_worker": False}])
    both = pd.concat([run(one, 2).to_frame() for one in (scenario(), nobody)], ignore_index=True)
    assert list(both["sessions_created"]) == [1, 0]
    assert both["creation_wait_mean_s"].dtype == np.float64
    assert list(both["creation_wait_mean_s"].isna()) == [False, True]


def test_a_seed_may_be_any_integer() -> None:
    assert run(scenario(), 10**30, properties=()).to_frame()["seed"][0] == 10**30


def test_workflows(crash: RunResult) -> None:
    made = crash.workflows.to_frame()
    assert made.to_dict("records") == [{"workflow_id": "w", "status": "CANCELED", "wait_s": crash.workflows[0].wait_s, "outcome": None}]


def test_verdicts_say_what_was_expected(crash: RunResult) -> None:
    made = crash.verdicts.to_frame().set_index("property")
    assert list(made.index) == list(crash.properties)
    assert dict(made["verdict"]) == crash.properties
    assert made["as_expected"].all() == crash.as_expected
    broken = made.loc["failure_is_failure"]
    assert (broken["expected"], broken["broken"]) == ("broken", 1)
    assert broken["first_broken_at_s"] == pytest.approx(crash.verdicts["failure_is_failure"].violations[0].time_us / 1e6)
    assert made.loc["same_worker", "expected"] == "held or not exercised"
    assert made.loc["same_worker"].isna()[["first_broken_at_s", "first_violation"]].all()


def test_violations(crash: RunResult) -> None:
    made = crash.verdicts.violations().to_frame()
    assert list(made["property"]) == ["failure_is_failure"]
    assert list(made["session"]) == ["w/1/s1"]
    assert made["message"][0] == crash.verdicts["failure_is_failure"].violations[0].message


def test_replays(crash: RunResult) -> None:
    made = replay(crash.tape).to_frame()
    assert made["identical"][0]
    assert made.isna()[["first_difference_at_s", "recorded", "now"]].all(axis=None)


def test_sessions_know_what_their_workers_knew(watched: Watched) -> None:
    """Killed at 5 s; the workflow knows it when no heartbeat has come for 20 s."""
    row = watched.timeline.sessions.to_frame().iloc[0]
    assert (row["session"], row["workflow_id"], row["end"], row["attempts"]) == ("w/1/s1", "w", "failed", 1)
    assert row["lost_at_s"] == pytest.approx(5, abs=0.1)
    assert row["ended_at_s"] - row["lost_at_s"] == pytest.approx(row["detection_s"])
    assert row["created_at_s"] - row["asked_at_s"] == pytest.approx(row["wait_s"])
    workers = watched.timeline.lanes.to_frame().set_index("worker")
    assert workers.loc[row["worker"], "end"] == "killed"
    assert sorted(workers["end"]) == ["alive", "killed"]


def test_what_runs_on_a_worker(watched: Watched) -> None:
    line = watched.timeline
    attempt, hold = line.attempts.to_frame().iloc[0], line.holds.to_frame().iloc[0]
    assert (attempt["activity"], attempt["outcome"], attempt["worker"]) == ("work", "lost", hold["worker"])
    assert hold["lost"]
    assert hold["duration_s"] == pytest.approx(5, abs=0.1)
    assert list(line.marks.to_frame()["kind"]) == ["kill"]
    assert line.workflows.to_frame()["status"][0] == "CANCELED"


def test_slots_over_time(watched: Watched) -> None:
    """One slot is taken, and then a worker of two is gone."""
    made = watched.timeline.slots().to_frame()
    assert made[["used", "capacity"]].to_numpy().tolist() == [[0, 4], [1, 4], [0, 2]]
    assert made["at_s"].is_monotonic_increasing


def test_what_is_open_is_missing_or_says_so() -> None:
    line = watch(run(scenario(until="10s"), 1)).timeline
    session, attempt, flow = (rows.to_frame().iloc[0] for rows in (line.sessions, line.attempts, line.workflows))
    assert (session["end"], attempt["outcome"], flow["status"]) == ("open", "running", "RUNNING")
    assert np.isnan([row["ended_at_s"] for row in (session, attempt, flow)]).all()
    assert pd.isna(session["why"])


def test_the_story(watched: Watched) -> None:
    short, all_of_it = watched.story.told().to_frame(), watched.story.to_frame()
    assert set(short["weight"]) == {"key"}
    assert set(all_of_it["weight"]) == {"key", "detail", "routine"}
    assert len(short) < len(all_of_it) == len(watched.story.lines)
    assert all_of_it["at_s"].is_monotonic_increasing


@pytest.mark.parametrize("rows", ALL, ids=lambda rows: rows.__name__)
def test_dtypes_do_not_depend_on_rows(rows: type[Rows[Any]] | type[FixedRows[Any]], crash: RunResult, watched: Watched) -> None:
    """An empty table has the columns and dtypes of a full one, so that code for one does for the other."""
    full = {type(getattr(watched.timeline, name)): getattr(watched.timeline, name) for name in SEEN}
    full |= {seen.SlotRows: watched.timeline.slots(), seen.LineRows: watched.story.lines}
    full |= {tables.Workflows: crash.workflows, tables.Violations: crash.verdicts.violations()}
    expected = {column.name: column.dtype for column in rows.columns}
    assert dtypes(rows().to_frame()) == dtypes(full[rows].to_frame()) == expected


def test_times_are_in_seconds() -> None:
    """What is a time says its unit, and nothing else does."""
    columns = [column for rows in ALL for column in rows.columns] + [*tables.RUN, *tables.JUDGEMENT, *tables.REPLAY]
    assert {c.dtype for c in columns if c.name.endswith("_s")} == {"float64"}
    assert {c.name for c in columns if c.dtype == "float64" and not c.name.endswith("_s")} == {"slots_mean_used"}


def test_without_pandas_the_error_says_what_to_do(crash: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'session-sim\[frames\]'"):
        crash.to_frame()


def test_a_broken_pandas_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr("sim.frames.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="numpy"):
        frame((seconds("at_s", lambda row: row),), [1])
