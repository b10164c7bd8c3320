"""The scenarios in which the original breaks its promises, with host sessions that survive: which of them these keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.properties import VerdictKind
from sim.workflow.variants import Variant
from tests.properties import scenarios_host
from tests.properties.clusters import act, worker_options
from tests.properties.scenarios_broken import BROKEN
from tests.properties.scenarios_host import host_stage
from tests.properties.scenarios_planted import Verdicts, sleep

KEPT: dict[str, tuple[str, ...]] = {
    "one_binding": ("signal_answer_lost",),
    "activity_needs_slot": ("short_partition",),
    "failure_propagation": ("killed_after_its_signal_answer_was_lost",),
    "failure_is_failure": ("lost_worker_propagated",),
    "no_false_alarm": ("short_partition", "short_server_outage", "other_holder_killed", "operator_pauses"),
    "closed_is_final": ("cancelled_in_the_batch_of_the_failure",),
    "creation_bounded": ("recreate_on_a_full_worker",),
    "session_activities_start": ("recreated_with_one_activity_slot",),
    "no_orphan_activity": ("recreate_on_a_dead_worker", "killed_after_its_signal_answer_was_lost_between"),
    "graceful_stop_waits": ("stopped_with_time_to_spare",),
}
"""Promise -> the scenarios of the original in which host sessions keep it. In all others they break it, too."""

CASES = [(name, scenario) for name, each in BROKEN.items() for scenario, _ in each]


@pytest.mark.parametrize(("name", "scenario"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_scenario(name: str, scenario: Callable[[], Verdicts]) -> None:
    with worker_options({"survive_restart": True}, variant=Variant.HOST):
        broken = scenario()[name].kind is VerdictKind.BROKEN
    assert broken is (scenario.__name__ not in KEPT.get(name, ()))


def test_what_only_host_sessions_break() -> None:
    """A process that stood still begins, in the moment in which it goes on, what it was given before it was replaced."""
    stage = host_stage("AB")
    frozen: list[str] = []
    stage.at(3, lambda: (frozen.append(stage.holder()), stage.cluster.freeze(frozen[0])))
    stage.at(60, lambda: stage.cluster.unfreeze(frozen[0]))
    verdicts = stage.start(scenarios_host.surviving(sleep(5), act(40_000))).run(200)
    assert {name for name, verdict in verdicts.items() if verdict.kind is VerdictKind.BROKEN} == {"same_worker", "activity_needs_slot"}
    assert "same_worker" not in BROKEN
