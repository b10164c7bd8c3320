"""Which repair keeps which promise, and where: every scenario in which the original breaks it is played with and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from sim.properties import VerdictKind
from sim.workflow.repairs import ALL, NEEDS, Repair, Repairs, repairs_of
from tests.properties import scenarios_broken as scenarios
from tests.properties.clusters import worker_options
from tests.properties.scenarios_broken import BROKEN, Verdicts

Scenario = Callable[[], Verdicts]

KEPT: Final[Mapping[Repair, list[tuple[Scenario, str]]]] = {
    Repair.FAILURE_NOT_CANCELED: [(scenarios.lost_worker_propagated, "failure_is_failure")],
    Repair.CLOSED_STAYS_CLOSED: [(scenarios.cancelled_in_the_batch_of_the_failure, "closed_is_final")],
    Repair.WATCHED_TO_THE_END: [
        (scenarios.killed_just_before_completion, "failure_is_seen"),
        (scenarios.cancelled_after_the_loss, "failure_is_seen"),
        (scenarios.cancelled_after_the_loss, "failure_propagation"),
    ],
    Repair.CREATION_TIMER: [
        (scenarios.recreate_on_a_full_worker, "creation_bounded"),
        (scenarios.never_a_slot_and_no_timeout, "creation_returns"),
    ],
    Repair.RECREATE_WITHIN_HEARTBEAT: [(scenarios.recreate_on_a_dead_worker, "no_orphan_activity")],
    Repair.CREATION_AGAIN: [(scenarios.killed_before_the_signal_with_time_left, "creation_uses_free_slots")],
    Repair.SIGNAL_UNTIL_KNOWN: [
        (scenarios.signal_answer_lost, "one_binding"),
        (scenarios.killed_after_its_signal_answer_was_lost, "failure_propagation"),
        (scenarios.killed_after_its_signal_answer_was_lost_between, "no_orphan_activity"),
        (scenarios.other_holder_killed, "no_false_alarm"),
        (scenarios.completed_while_signalling, "completion_frees_slot"),
    ],
    Repair.SLOT_UNTIL_IDLE: [
        (scenarios.left_behind, "activity_needs_slot"),
        (scenarios.left_behind, "exclusive_work"),
        (scenarios.partition_and_failover, "activity_needs_slot"),
    ],
    Repair.HEARTBEATS_GO_ON: [
        (scenarios.short_partition, "no_false_alarm"),
        (scenarios.short_server_outage, "no_false_alarm"),
    ],
    Repair.STOP_WAITS_FOR_SESSIONS: [(scenarios.stopped_with_time_to_spare, "graceful_stop_waits")],
    Repair.CREATION_OUTSIDE_SLOTS: [(scenarios.recreated_with_one_activity_slot, "session_activities_start")],
}
"""Repair -> scenarios in which it alone keeps a promise."""

COVERED: Final = {
    (Repair.CLOSED_STAYS_CLOSED, "closed_is_final"): Repair.WATCHED_TO_THE_END,
    (Repair.SIGNAL_UNTIL_KNOWN, "one_binding"): Repair.SLOT_UNTIL_IDLE,
    (Repair.SIGNAL_UNTIL_KNOWN, "failure_propagation"): Repair.SLOT_UNTIL_IDLE,
    (Repair.SIGNAL_UNTIL_KNOWN, "no_false_alarm"): Repair.SLOT_UNTIL_IDLE,
    (Repair.HEARTBEATS_GO_ON, "no_false_alarm"): Repair.SLOT_UNTIL_IDLE,
    (Repair.SIGNAL_UNTIL_KNOWN, "completion_frees_slot"): Repair.HEARTBEATS_GO_ON,
}
"""What another repair keeps in the same scenario by itself: without it, too, that is taken away when one shows that a repair is needed."""

BEYOND: Final[Mapping[str, list[Scenario]]] = {
    "exclusive_work": [scenarios.partition_and_failover],
    "execution_timeout_is_total": [scenarios.work_outlives_its_session],
    "failure_propagation": [scenarios.machine_lost_with_the_sticky_worker],
    "creation_uses_free_slots": [scenarios.killed_before_the_signal],
    "completion_frees_slot": [scenarios.frozen_before_completion],
    "session_activities_start": [scenarios.pollers_wait_after_an_outage],
}
"""What is broken with all repairs, too: no change of the SDK keeps it, or none that breaks no other (docs/design/repairs-in-detail.md)."""

EVERY: Final = {scenario.__name__: scenario for found in BROKEN.values() for scenario, _ in found}


@cache
def broken(scenario: Scenario, repairs: Repairs) -> frozenset[str]:
    """The properties that are broken in a scenario with these repairs."""
    with worker_options(repairs=repairs):
        return frozenset(name for name, verdict in scenario().items() if verdict.kind is VerdictKind.BROKEN)


def alone(repair: Repair) -> Repairs:
    """It, and what it needs."""
    return repairs_of([repair.name.lower()])


def without(*repairs: Repair) -> Repairs:
    """All others, but for those that need it."""
    return tuple(r for r in ALL if r not in repairs and NEEDS.get(r) not in repairs)
