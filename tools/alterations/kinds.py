"""All kinds of alterations."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

from sim.evidence.case import Case
from tools.alterations import order, slots, times, values
from tools.alterations.alteration import Alteration, Draft

Kind = Callable[[Case], Iterator[Draft]]

KINDS: Final[dict[str, Kind]] = {
    "two commands swapped": order.commands_swapped,
    "a task before its cause": order.cause_behind_its_task,
    "an event dropped": order.dropped,
    "the end of an activity dropped": order.end_dropped,
    "an event doubled": order.doubled,
    "a timeout before its deadline": times.timeout_too_early,
    "a timeout behind its deadline": times.timeout_too_late,
    "a heartbeat timeout too early": times.heartbeat_timeout_too_early,
    "a heartbeat timeout too late": times.heartbeat_timeout_too_late,
    "a timer too early": times.timer_too_early,
    "a timer too late": times.timer_too_late,
    "a little late": times.a_little_late,
    "another queue": values.another_queue,
    "another timeout": values.another_timeout,
    "another attempt": values.wrong_attempt,
    "another worker": values.another_worker,
    "a slot taken twice": slots.slot_taken_twice,
    "another retry state": values.wrong_retry_state,
    "another kind of timeout": values.wrong_kind_of_timeout,
    "another message of a failure": values.another_message,
    "another type of a failure": values.another_type_of_failure,
    "failed instead of completed": values.failed_instead,
    "another payload of a signal": values.another_signal_payload,
    "another input": values.another_input,
    "another result": values.another_result,
    "another marker": values.another_marker,
    "a run closed otherwise": values.closed_otherwise,
}


def alterations(case: Case, r: random.Random, each: int) -> Iterator[Alteration]:
    """Of every kind up to so many, chosen by chance among all that the case allows."""
    for name, kind in KINDS.items():
        drafts = list(kind(case))
        for draft in r.sample(drafts, min(each, len(drafts))):
            yield draft.made(case, name)


__all__ = ["KINDS", "alterations"]
