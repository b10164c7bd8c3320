"""The normalisation: names are renamed one to one, some things are left out, and every other difference is noticed."""

from __future__ import annotations

import base64
import copy
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from sim.evidence.normal import ENUMS, LEFT_OUT, Comparison, Difference
from sim.history.proto_json import enum_value
from tests.evidence.cases import CASES, REAL, real

Json = dict[str, Any]


def history(case: str = "worker_killed", file: str = "w.json") -> Json:
    content: Json = json.loads((REAL / case / file).read_text())
    return content


def compared(recorded: Json, simulated: Json, shift: int = 0) -> Difference | None:
    return Comparison(100_000).first_difference(recorded, simulated, shift)


def attributes(event: Json) -> Json:
    found: Json = next(value for key, value in event.items() if key.endswith("EventAttributes"))
    return found


@pytest.mark.parametrize("case", CASES)
def test_nothing_differs_from_itself(case: str) -> None:
    comparison = Comparison(0)
    for run in real(case).runs:
        assert comparison.first_difference(run.history.raw, run.history.raw, 0) is None


def test_ids_are_renamed_one_to_one() -> None:
    """Every uuid, in every place, also inside names and base64, may be another one; but the same everywhere."""
    theirs = history()
    renames: dict[str, str] = {}
    ours = _renamed(theirs, renames)
    assert len(renames) > 3
    assert compared(theirs, ours) is None


def _renamed(value: Any, renames: dict[str, str]) -> Any:
    from sim.evidence.normal import _UUID

    if isinstance(value, dict):
        return {key: _renamed(member, renames) for key, member in value.items()}
    if isinstance(value, list):
        return [_renamed(member, renames) for member in value]
    if not isinstance(value, str):
        return value
    replaced = _UUID.sub(lambda m: renames.setdefault(m[0], str(uuid.UUID(int=len(renames) + 1))), value)
    if replaced != value:
        return replaced
    try:
        inside = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return value
    return base64.b64encode(_renamed(inside, renames).encode()).decode() if _UUID.search(inside) else value


def test_a_name_that_stands_for_two_is_noticed() -> None:
    theirs, ours = history("recreate_waits", "w1.json"), history("recreate_waits", "w1.json")
    requests = [event for event in ours["events"] if "requestId" in json.dumps(event)]
    first, second = attributes(requests[1]), attributes(requests[-1])
    assert first["requestId"] != second["requestId"]
    second["requestId"] = first["requestId"]
    found = compared(theirs, ours)
    assert found is not None
    assert found.where.endswith("requestId")
    assert compared(ours, theirs) is not None


def test_identities_are_renamed_across_the_histories_of_a_case() -> None:
    theirs = history()
    comparison = Comparison(0)
    swapped = {"A": "B", "B": "A"}
    ours = copy.deepcopy(theirs)
    for event in ours["events"]:
        found = attributes(event)
        if found.get("identity") in swapped:
            found["identity"] = swapped[found["identity"]]
    assert ours != theirs
    assert comparison.first_difference(theirs, ours, 0) is None
    # Who is called B there is not called A in another history of the case.
    difference = comparison.first_difference(theirs, theirs, 0)
    assert difference is not None
    assert difference.where.endswith("identity")


def test_an_event_by_somebody_else_is_noticed() -> None:
    """Also when he has his own name everywhere else, before or behind it."""
    theirs = history()
    by_a = [index for index, event in enumerate(theirs["events"]) if attributes(event).get("identity") == "A"]
    for index in (by_a[0], by_a[-1]):
        ours = copy.deepcopy(theirs)
        attributes(ours["events"][index])["identity"] = "B"
        difference = compared(theirs, ours)
        assert difference is not None
        assert difference.where.endswith("identity")


@pytest.mark.parametrize("key", sorted(LEFT_OUT - {"eventTime"}))
def test_what_is_left_out(key: str) -> None:
    theirs, ours = history(), history()
    attributes(ours["events"][3])[key] = "something else"
    assert compared(theirs, ours) is None


def _change(event: int, **values: Any) -> Callable[[Json], None]:
    def change(content: Json) -> None:
        found = attributes(content["events"][event - 1])
        assert values.keys() <= found.keys(), found.keys()
        found.update(values)

    return change


def _deep(content: Json, key: str, value: Any) -> bool:
    """Set the first member of this name, wherever it is."""
    for name, member in content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ():
        if name == key:
            content[name] = value
            return True
        if _deep(member, key, value):
            return True
    return False


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("eventType", "EVENT_TYPE_TIMER_FIRED"), ("startToCloseTimeout", "7s"), ("heartbeatTimeout", "7s"), ("maximumInterval", "7s"),
        ("scheduledEventId", "4"), ("startedEventId", "4"),
        ("workflowTaskCompletedEventId", "3"), ("attempt", 3), ("retryState", "RETRY_STATE_X"),
        ("timeoutType", "TIMEOUT_TYPE_SCHEDULE_TO_START"), ("message", "another message"), ("signalName", "wrong"),
        ("kind", "TASK_QUEUE_KIND_X"),
        ("backoffCoefficient", 1.5), ("markerName", "Version"), ("source", "JavaSDK"),
    ],
)  # fmt: skip
def test_every_other_difference_is_noticed(key: str, value: Any) -> None:
    theirs, ours = history(), history()
    assert _deep(ours, key, value), key
    found = compared(theirs, ours)
    assert found is not None
    assert key in found.where
    assert str(value) in found.simulated
    assert str(value) not in found.recorded


def test_another_queue_and_another_payload_are_noticed() -> None:
    theirs, ours = history(), history()
    queue = next(attributes(e)["taskQueue"] for e in ours["events"] if "activityTaskScheduledEventAttributes" in e)
    queue["name"] += "x"
    found = compared(theirs, ours)
    assert found is not None
    assert found.where.endswith("taskQueue.name")
    ours = history()
    event = next(e for e in ours["events"] if "workflowExecutionSignaledEventAttributes" in e)
    payload = attributes(event)["input"]["payloads"][0]
    value = json.loads(base64.b64decode(payload["data"]))
    name = next(key for key, member in value.items() if isinstance(member, str))
    value[name] += "x"
    payload["data"] = base64.b64encode(json.dumps(value).encode()).decode()
    found = compared(theirs, ours)
    assert found is not None
    assert found.event_id == int(event["eventId"])
    assert "input" in found.where


def test_payloads_are_compared_by_their_values() -> None:
    theirs, ours = history(), history()
    for event in ours["events"]:
        if "workflowExecutionSignaledEventAttributes" in event:
            payload = attributes(event)["input"]["payloads"][0]
            value = json.loads(base64.b64decode(payload["data"]))
            written = json.dumps({"empty": "", **dict(reversed(value.items()))}, indent=3)
            payload["data"] = base64.b64encode(written.encode()).decode()
            assert compared(theirs, ours) is None
            payload["data"] = base64.b64encode(json.dumps({**value, "more": 1}).encode()).decode()
            assert compared(theirs, ours) is not None


@pytest.mark.parametrize(("late_us", "same"), [(0, True), (99_000, True), (100_001, False), (-99_000, True), (-100_001, False)])
def test_times_have_a_tolerance(late_us: int, same: bool) -> None:
    theirs = history()
    comparison = Comparison(100_000)
    found = comparison.first_difference(theirs, copy.deepcopy(theirs), late_us)
    assert (found is None) == same
    assert comparison.largest == abs(late_us)
    if found is not None:
        assert (found.event_id, found.where) == (1, "eventTime")


def test_a_missing_and_a_further_event() -> None:
    theirs, ours = history(), history()
    last = ours["events"].pop()
    found = compared(theirs, ours)
    assert found == Difference(len(theirs["events"]), "eventType", last["eventType"], "nothing")
    found = compared(ours, theirs)
    assert found == Difference(len(theirs["events"]), "eventType", "nothing", last["eventType"])


# -- spellings ---------------------------------------------------------------------------------------------------------


def _changed(value: Any, change: Callable[[Json], Any]) -> Any:
    """A copy whose objects are changed, the inner ones first."""
    if isinstance(value, list):
        return [_changed(member, change) for member in value]
    return change({key: _changed(member, change) for key, member in value.items()}) if isinstance(value, dict) else value


def _payload(payload: Json) -> Any:
    return json.loads(base64.b64decode(payload["data"])) if base64.b64decode(payload["metadata"]["encoding"]) == b"json/plain" else payload


def _without_prefix(message: Json) -> Json:
    return {key: enum_value(value, ENUMS[key]).title().replace("_", "") if key in ENUMS else value for key, value in message.items()}


SPELLINGS: dict[str, Callable[[Json], Any]] = {
    "shorthand": lambda message: [_payload(one) for one in message["payloads"]] if set(message) == {"payloads"} else message,
    "decoded": lambda message: _payload(message) if set(message) == {"metadata", "data"} else message,
    "old enums": _without_prefix,
    "numbers": lambda message: {key: int(value) if str(value).isdigit() else value for key, value in message.items()},
    "all fields": lambda message: (
        ({"workerMayIgnore": False, "links": [], "userMetadata": None} if "eventType" in message else {}) | message
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", ["worker_killed", "continue_as_new", "recreate_waits"])
def test_exports_that_say_the_same_are_the_same(case: str, spelling: str) -> None:
    for run in real(case).runs:
        theirs = _changed(run.history.raw, SPELLINGS[spelling])
        assert theirs != run.history.raw
        assert compared(theirs, dict(run.history.raw)) is None


@pytest.mark.parametrize("spelling", ["shorthand", "decoded"])
def test_a_value_that_is_another_is_noticed_however_it_is_spelled(spelling: str) -> None:
    theirs, ours = _changed(history(), SPELLINGS[spelling]), history()
    attributes(ours["events"][0])["input"]["payloads"][0]["data"] = base64.b64encode(b'{"steps":[]}').decode()
    found = compared(theirs, ours)
    assert found is not None
    assert found.where.startswith("workflowExecutionStartedEventAttributes.input")


def test_enums_that_are_others_are_noticed() -> None:
    theirs = _changed(history(), _without_prefix)
    index = next(i for i, event in enumerate(theirs["events"]) if event["eventType"] == "ActivityTaskTimedOut")
    attributes(theirs["events"][index])["retryState"] = "Timeout"
    found = compared(theirs, history())
    assert found is not None
    assert (found.where, found.recorded) == ("activityTaskTimedOutEventAttributes.retryState", "Timeout")
