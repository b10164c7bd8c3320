"""Measures are held to what can be reckoned by hand, to each other, and to the properties that judge the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import Scenario, run
from sim.scenario.measures import GROUPS, Measures, columns_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ALL_GROUPS = [*GROUPS, "over:10s"]


def measured(scenario: Scenario, seed: int = 1, **options: Any) -> tuple[dict[str, Any], Any]:
    measures = Measures(ALL_GROUPS)
    result = run(scenario, seed, observers=[measures], **options)
    return measures.values(), result


def shipped(name: str, *overrides: str) -> Scenario:
    return Scenario.load(SCENARIOS / f"{name}.toml", overrides)


def test_columns_are_those_that_are_promised() -> None:
    values, _ = measured(shipped("crash_mid_session"))
    assert list(values) == [column for group in ALL_GROUPS for column in columns_of(group)]
    with pytest.raises(ValueError, match="no measures 'detectoin'; did you mean 'detection'"):
        Measures(["detectoin"])


@pytest.mark.parametrize("name", ["contention", "crash_mid_session", "server_outage", "partition"])
def test_watching_changes_nothing(name: str) -> None:
    scenario = shipped(name)
    assert measured(scenario)[1].digest == run(scenario, 1).digest


def test_the_detection_delay_of_the_documentations_crash() -> None:
    """The killed worker's last heartbeat was at 6.6 s, it was killed at 12.6 s, and timed out at 26.6 s (README)."""
    values, _ = measured(shipped("file_processing_crash"), seed=7)
    assert values["losses_detected"] == 1
    assert values["detection_mean_s"] == values["detection_max_s"] == pytest.approx(14.0, abs=0.1)
    assert values["detection_delays_s"] == [values["detection_max_s"]]
    assert values["false_failures"] == 0


@pytest.mark.parametrize("name", ["server_outage", "partition", "rolling_deploy", "crash_mid_session"])
@pytest.mark.parametrize("seed", [1])
def test_false_failures_are_false_alarms(name: str, seed: int) -> None:
    """The property that judges the same counts as many."""
    values, result = measured(shipped(name), seed, properties=["no_false_alarm"])
    assert values["false_failures"] == result.verdicts["no_false_alarm"].broken
    assert values["false_failures"] + values["losses_detected"] <= result.sessions.failed


def test_some_failures_are_false() -> None:
    assert measured(shipped("server_outage"))[0]["false_failures"] > 0


@pytest.mark.parametrize("name", ["contention", "jobqueue_waiting"])
def test_the_queues_area_is_the_sum_of_waits(name: str) -> None:
    """Little's law is an identity here: everybody who is asked for waits until created or refused."""
    values, result = measured(shipped(name))
    assert result.sessions.creation_timed_out == (0 if name == "jobqueue_waiting" else pytest.approx(25, abs=15))
    waits = [wait for wait in values["waits_s"] if wait is not None]
    assert len(waits) == result.sessions.created
    assert sum(waits) / len(waits) == pytest.approx(result.creation_wait_s.mean, abs=1e-6)
    area = values["queue_mean"] * result.ended_at_us / 1e6
    given_up = 60 * result.sessions.creation_timed_out
    assert area == pytest.approx(sum(waits) + given_up, rel=0.01 if given_up else 1e-6)
    curve = values["queue_curve"]
    assert curve["every_s"] * sum(curve["means"]) == pytest.approx(area, rel=0.05)
    assert max(curve["means"]) <= values["queue_max"] <= result.sessions.asked


def test_slots_that_are_taken_are_those_of_the_result() -> None:
    values, result = measured(shipped("contention"))
    curve = values["slots_curve"]
    assert values["slots_max_used"] == result.slots.capacity == 20
    area = sum(mean * curve["every_s"] for mean in curve["means"])
    assert area == pytest.approx(result.slots.mean_used * result.ended_at_us / 1e6, rel=0.05)


def test_a_curve_has_a_fixed_size() -> None:
    values, _ = measured(shipped("jobqueue_waiting"))
    assert len(values["queue_curve"]["means"]) <= 512


def test_fairness_by_brute_force() -> None:
    values, _ = measured(shipped("contention"))
    sessions = [(asked, asked + wait) for asked, wait in zip(values["asked_at_s"], values["waits_s"], strict=True) if wait is not None]
    waits = [created - asked for asked, created in sessions]
    assert values["jain_waits"] == pytest.approx(sum(waits) ** 2 / (len(waits) * sum(wait**2 for wait in waits)))
    order = sorted(range(len(sessions)), key=lambda i: sessions[i][1])
    assert values["served_order"] == order
    overtaken = sum(any(later > i for later in order[:at]) for at, i in enumerate(order))
    assert values["overtaken_share"] == overtaken / len(order)


def test_who_waited_longer_than_that() -> None:
    values, result = measured(shipped("contention"))
    waits = values["waits_s"]
    assert values["creation_wait_over_10s"] == sum(wait is None or wait > 10 for wait in waits)
    assert values["creation_wait_judged_10s"] == len(waits) == result.sessions.asked


def scenario_of(activity_ms: int, **more: Any) -> Scenario:
    return Scenario.from_dict(
        {
            "workers": [{"name": "w", "count": 2}],
            "workflows": [
                {
                    "id": "job",
                    "program": [
                        {"op": "until_ok", "times": 3, "ms": 1000, "steps": [
                            {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
                            {"op": "act", "in": "s", "work": {"name": "first", "ms": 5000}},
                            {"op": "act", "in": "s", "work": {"name": "second", "ms": activity_ms}},
                            {"op": "complete", "in": "s"},
                        ]},
                    ],
                }
            ],
            **more,
        }
    )  # fmt: skip


def test_no_work_is_wasted_without_a_crash() -> None:
    values, _ = measured(scenario_of(20_000))
    assert values["worked_s"] == pytest.approx(25, abs=0.1)
    assert values["wasted_s"] == values["wasted_share"] == 0


def test_a_crash_wastes_what_its_session_had_done() -> None:
    """Killed after 12 s, 5 s of the first activity and 7 of the second are lost; on the other worker all is done again."""
    kill = {"kind": "kill", "target": "@session:job", "at": "12s"}
    values, result = measured(scenario_of(20_000, faults=[kill]))
    assert result.statuses == {"COMPLETED": 1}
    assert values["wasted_s"] == pytest.approx(12, abs=0.2)
    assert values["worked_s"] == pytest.approx(37, abs=0.3)
    assert values["wasted_share"] == pytest.approx(12 / 37, abs=0.01)


def test_the_work_of_sessions_that_failed_is_wasted_whatever_became_of_it() -> None:
    """A server that is away fails all three sessions; their activities work on for 30 s each."""
    values, result = measured(shipped("server_outage"))
    assert result.sessions.failed == result.sessions.created == 3
    assert values["wasted_s"] == values["worked_s"] == pytest.approx(90, abs=0.1)
