"""What the session framework promises, one promise a file: the sentence, where it stands, and an observer that decides it.

`ALL` has them by name, `Judge` watches a run for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from sim.properties import (
    activity_failure_keeps_session,
    activity_needs_slot,
    all_or_none,
    closed_is_final,
    complete_is_safe,
    completion_frees_slot,
    creation_bounded,
    creation_queue,
    creation_returns,
    creation_uses_free_slots,
    exclusive_work,
    execution_timeout_is_total,
    failure_is_failure,
    failure_is_seen,
    failure_propagation,
    fenced_writes,
    graceful_stop_waits,
    no_false_alarm,
    no_orphan_activity,
    no_starvation_by_others,
    no_two_incarnations,
    one_binding,
    open_session_refused,
    reattach_in_time,
    recreate_same_worker,
    resource_limit,
    same_worker,
    session_activities_start,
    slot_limit,
    token_conservation,
    workflows_finish,
)
from sim.properties import judge as _judge
from sim.properties.base import Property, Setting, Verdict, VerdictKind, Violation
from sim.properties.duties import DUTIES
from sim.workflow.variants import Variant

ALL: dict[str, Property] = {
    module.PROPERTY.name: module.PROPERTY
    for module in (
        slot_limit,
        token_conservation,
        same_worker,
        recreate_same_worker,
        one_binding,
        activity_needs_slot,
        exclusive_work,
        failure_propagation,
        failure_is_seen,
        failure_is_failure,
        activity_failure_keeps_session,
        no_false_alarm,
        closed_is_final,
        complete_is_safe,
        open_session_refused,
        creation_queue,
        creation_bounded,
        creation_returns,
        creation_uses_free_slots,
        completion_frees_slot,
        session_activities_start,
        no_orphan_activity,
        graceful_stop_waits,
        execution_timeout_is_total,
    )
}
"""Every property by name, in the order of the documentation's table."""

OF_VARIANTS: dict[Variant, dict[str, Property]] = {
    Variant.HOST: {
        module.PROPERTY.name: module.PROPERTY
        for module in (
            no_two_incarnations,
            fenced_writes,
            reattach_in_time,
            resource_limit,
            all_or_none,
            no_starvation_by_others,
        )
    },
}
"""What a variant of the protocol promises beside: judged where it is spoken."""

DEMANDS: dict[str, Property] = {workflows_finish.PROPERTY.name: workflows_finish.PROPERTY}
"""What a scenario may demand beside: no promises of the framework."""

KNOWN: dict[str, Property] = {**ALL, **{name: p for own in OF_VARIANTS.values() for name, p in own.items()}, **DEMANDS, **DUTIES}
"""Whatever can be judged, by name: promises, demands, and what workflow code owes."""

_OF_THE_PROJECT = tuple(KNOWN.values())


def is_own(name: str) -> bool:
    """Whether somebody else's property is known by this name for now (`sim.properties.own.named`)."""
    found = KNOWN.get(name)
    return found is not None and not any(found is one for one in _OF_THE_PROJECT)


def promises(variant: Variant = Variant.SESSIONS) -> dict[str, Property]:
    """What a variant of the protocol is judged by: every promise, and its own."""
    return {**ALL, **OF_VARIANTS.get(variant, {})}


class Judge(_judge.Judge):
    """Watches one run. `names`: which properties; None: all. Raises KeyError with what there is for an unknown name."""

    def __init__(self, setting: Setting | None = None, names: Iterable[str] | None = None) -> None:
        wanted = list(ALL) if names is None else list(names)
        unknown = [name for name in wanted if name not in KNOWN]
        if unknown:
            raise KeyError(f"no property {', '.join(unknown)}; there are: {', '.join(KNOWN)}")
        super().__init__(setting, [KNOWN[name] for name in wanted])


__all__ = [
    "ALL", "DEMANDS", "DUTIES", "KNOWN", "OF_VARIANTS", "Judge", "Property", "Setting", "Verdict", "VerdictKind", "Violation", "is_own",
    "promises",
]  # fmt: skip
