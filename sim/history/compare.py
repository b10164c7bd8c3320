"""Compare a history with another in the same proto JSON: in what do they differ that the protocol decides?

Ids, names of hosts and queues, payloads and identities are luck or configuration, so they are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final

from sim.history.proto_json import Json, event_attributes, event_kind, parse_time

# Attributes that refer to other events, and what a sentence calls them.
_LINKS: Final = {
    "scheduledEventId": "scheduled event",
    "startedEventId": "started event",
    "latestCancelRequestedEventId": "cancel request",
    "workflowTaskCompletedEventId": "workflow task completion",
}


def differences(real: Json, simulated: Json, tolerance_ms: int = 100) -> list[str]:
    """Say in sentences where a simulated history differs from a real one; the list is empty when nowhere.

    Compared are the order of event types, and of the events that both have: kinds of task queues, activity types,
    failures with their chain of causes, retry states, attempts, kinds of timeouts, links between events, and times since
    the first event.

    Args:
        real: a history in proto JSON, with its list of `events`.
        simulated: another one.
        tolerance_ms: by how many milliseconds times may differ.

    Raises:
        KeyError: one of them is not such a history.
        ValueError: an event's time is not RFC 3339.
    """
    ours, theirs = list(simulated["events"]), list(real["events"])
    matcher = SequenceMatcher(None, [_kind(event) for event in theirs], [_kind(event) for event in ours], autojunk=False)
    found: list[str] = []
    pairs: list[tuple[Json, Json]] = []
    for operation, first, last, our_first, our_last in matcher.get_opcodes():
        if operation == "equal":
            pairs.extend(zip(theirs[first:last], ours[our_first:our_last], strict=True))
            continue
        where = f"after event {theirs[first - 1]['eventId']} ({_kind(theirs[first - 1])})" if first else "at the beginning"
        found.append(f"{where}: {_order(theirs[first:last], ours[our_first:our_last])}")
    partner = {str(their["eventId"]): str(our["eventId"]) for their, our in pairs}
    for their, our in pairs:
        found += _of_pair(their, our, partner)
    return found + _of_times(pairs, theirs, ours, tolerance_ms)


def _order(theirs: Sequence[Json], ours: Sequence[Json]) -> str:
    return f"the real history has {_list(theirs)}, the simulated one {_list(ours)}"


def _list(events: Sequence[Json]) -> str:
    return ", ".join(f"{event['eventId']} {_kind(event)}" for event in events) or "nothing"


def _kind(event: Json) -> str:
    """The event type as one word, such as ActivityTaskStarted."""
    return event_kind(str(event["eventType"]))


def _name(their: Json, our: Json) -> str:
    other = "" if their["eventId"] == our["eventId"] else f", {our['eventId']} in the simulated history"
    return f"event {their['eventId']} ({_kind(their)}{other})"


def _of_pair(their: Json, our: Json, partner: Mapping[str, str]) -> list[str]:
    """Compare two events of the same type; `partner` maps ids of real events to those of simulated ones."""
    name, real, simulated = _name(their, our), event_attributes(their), event_attributes(our)
    real_facts, simulated_facts = _facts(real), _facts(simulated)
    found = [
        f"{name}: the {what} is {fact or 'absent'} in the real history, {simulated_facts[what] or 'absent'} in the simulated one"
        for what, fact in real_facts.items()
        if fact != simulated_facts[what]
    ]
    for key, what in _LINKS.items():
        their_link, our_link = str(real.get(key, "0")), str(simulated.get(key, "0"))
        if partner.get(their_link, "0" if their_link == "0" else None) != our_link:
            found.append(f"{name}: the {what} is {_event(their_link)} in the real history, {_event(our_link)} in the simulated one")
    return found


def _event(event_id: str) -> str:
    return "absent" if event_id == "0" else f"event {event_id}"


def _facts(attributes: Json) -> dict[str, str]:
    """What has to be equal, as texts; empty for what the event does not have."""
    return {
        "task queue kind": _word(attributes.get("taskQueue", {}).get("kind"), "TASK_QUEUE_KIND_"),
        "activity type": str(attributes.get("activityType", {}).get("name", "")),
        "marker": str(attributes.get("markerName", "")),
        "failure": _chain(attributes.get("failure")),
        "last failure": _chain(attributes.get("lastFailure")),
        "retry state": _word(attributes.get("retryState"), "RETRY_STATE_"),
        "attempt": str(attributes.get("attempt", "")),
        "timeout type": _word(attributes.get("timeoutType"), "TIMEOUT_TYPE_"),
        "cause": _task_cause(str(attributes.get("cause", ""))),
    }


def _word(value: object, prefix: str) -> str:
    return str(value or "").removeprefix(prefix)


def _task_cause(cause: str) -> str:
    """Why a workflow task failed. A cancel request has a cause too, but there it is free text."""
    prefix = "WORKFLOW_TASK_FAILED_CAUSE_"
    return cause.removeprefix(prefix) if cause.startswith(prefix) else ""


def _chain(failure: Json | None) -> str:
    """The types of a failure and of its causes, outermost first."""
    links: list[str] = []
    while failure:
        links.append(_failure_type(failure))
        failure = failure.get("cause")
    return ", caused by ".join(links)


def _failure_type(failure: Json) -> str:
    kind = next((key for key in failure if key.endswith("FailureInfo")), "")
    info = failure.get(kind, {})
    match kind:
        case "applicationFailureInfo":
            final = "non-retryable " if info.get("nonRetryable") else ""
            return f"{final}application failure {info.get('type', '')}".rstrip()
        case "timeoutFailureInfo":
            return f"{_word(info.get('timeoutType'), 'TIMEOUT_TYPE_')} timeout"
        case "activityFailureInfo":
            state = _word(info.get("retryState"), "RETRY_STATE_")
            return f"failure of activity {info.get('activityType', {}).get('name', '')} ({state or 'no retry state'})"
        case _:
            return f"{kind.removesuffix('FailureInfo') or 'plain'} failure"


def _of_times(pairs: Sequence[tuple[Json, Json]], theirs: Sequence[Json], ours: Sequence[Json], tolerance_ms: int) -> list[str]:
    """Compare the times since the first event."""
    found = []
    for their, our in pairs:
        real = _time(their) - _time(theirs[0])
        simulated = _time(our) - _time(ours[0])
        if abs(simulated - real) > tolerance_ms * 1000:
            late = "late" if simulated > real else "early"
            found.append(
                f"{_name(their, our)}: at {real / 1e6:.3f} s in the real history, at {simulated / 1e6:.3f} s in the simulated one"
                f" ({abs(simulated - real) / 1000:.0f} ms too {late})"
            )
    return found


def _time(event: Json) -> int:
    return parse_time(event["eventTime"])
