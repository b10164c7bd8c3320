"""When a simulated history equals a recorded one: the normalisation, all of it.

* **Ids are renamed one to one**: runs, requests, sessions, resources, sticky queues (whatever is a uuid, also inside names,
  payloads and recreate tokens), and the identities of clients. A name that stands for two others is a difference.
* **Identities and versions are left out** where no protocol decides them: build ids, SDK metadata, reset points, task ids and
  stored sizes of the server, stack traces of Go.
* **Times** may differ by a tolerance: event times, and lengths of time that were measured in the run (the backoff of a first
  workflow task, the `ms` that a program's result tells).
* **Payloads** are compared by their values; a key that is absent equals one with an empty value, for Go's encoders write
  them or not by the field.
* **Spellings** of proto JSON that say the same are the same: numbers as text, enums as `TIMEOUT_TYPE_HEARTBEAT` or
  `Heartbeat`, payloads decoded already or in the CLI's shorthand, fields that are absent or have the value that absence means.

Everything else has to be the same: types, order, links between events, timeouts, policies, failures with their messages,
attempts, retry states, queues, payloads.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from sim.history.proto_json import enum_value, parse_duration, parse_time, payload_values

LEFT_OUT: Final = frozenset(
    {
        "eventTime", "taskId", "version", "workerVersion", "sdkMetadata", "prevAutoResetPoints", "useWorkflowBuildId",
        "historySizeBytes", "stackTrace", "binaryChecksum",
    }
)  # fmt: skip
"""Keys that are not compared (event times are, by tolerance)."""

ENUMS: Final = {
    "eventType": "EVENT_TYPE_", "timeoutType": "TIMEOUT_TYPE_", "retryState": "RETRY_STATE_", "kind": "TASK_QUEUE_KIND_",
    "initiator": "CONTINUE_AS_NEW_INITIATOR_", "cause": "WORKFLOW_TASK_FAILED_CAUSE_",
}  # fmt: skip
"""Fields with values of enums -> what these begin with, unless they are spelled without."""

MEASURED: Final = frozenset({"firstWorkflowTaskBackoff"})
"""Lengths of time that come of the run itself."""

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RESULT: Final = "workflowExecutionCompletedEventAttributes.result"
Json = Mapping[str, Any]


class Difference(Struct, frozen=True):
    """Where a history differs: the event's id, the key in it, and both values."""

    event_id: int
    where: str
    recorded: str
    simulated: str


class Comparison:
    """Compares histories of one case: renames hold across all of them. Times in microseconds.

    `largest`: the largest difference of times so far.
    """

    def __init__(self, tolerance_us: int) -> None:
        self.tolerance = tolerance_us
        self.largest = 0
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}

    def first_difference(self, recorded: Json, simulated: Json, shift: int) -> Difference | None:
        """The first difference between two histories in proto JSON; `shift` is added to the simulated event times."""
        theirs, ours = recorded["events"], simulated["events"]
        for index in range(max(len(theirs), len(ours))):
            if index >= len(theirs) or index >= len(ours):
                there = [events[index]["eventType"] if index < len(events) else "nothing" for events in (theirs, ours)]
                return Difference(index + 1, "eventType", *there)
            found = self._of_event(theirs[index], ours[index], shift)
            if found is not None:
                return Difference(index + 1, *found)
        return None

    def _of_event(self, theirs: Json, ours: Json, shift: int) -> tuple[str, str, str] | None:
        late = parse_time(ours["eventTime"]) + shift - parse_time(theirs["eventTime"])
        if not self._near(late):
            return "eventTime", theirs["eventTime"], f"{late / 1000:+.3f} ms"
        return next(self._values(theirs, ours, ""), None)

    def _near(self, difference: int) -> bool:
        self.largest = max(self.largest, abs(difference))
        return abs(difference) <= self.tolerance

    # -- values -------------------------------------------------------------------------------------------------------

    def _values(self, theirs: Any, ours: Any, path: str) -> Iterator[tuple[str, str, str]]:
        """All differences between two values of the JSON."""
        if isinstance(ours, dict) and ("metadata" in ours or "payloads" in ours) and not _is_message(theirs, ours):
            yield from self._decoded(theirs, ours, path)
        elif isinstance(theirs, dict) and isinstance(ours, dict):
            if "metadata" in theirs and "metadata" in ours:
                yield from self._payloads(theirs, ours, path)
                return
            for key in dict.fromkeys((*theirs, *ours)):
                if key not in LEFT_OUT:
                    yield from self._member(key, theirs.get(key), ours.get(key), f"{path}.{key}" if path else key)
        elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
            for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
                yield from self._values(one, other, f"{path}[{index}]")
        elif not self._same(theirs, ours):
            yield path, _short(theirs), _short(ours)

    def _member(self, key: str, theirs: Any, ours: Any, path: str) -> Iterator[tuple[str, str, str]]:
        if key in MEASURED and theirs and ours:
            if not self._near(parse_duration(ours) - parse_duration(theirs)):
                yield path, theirs, ours
        elif (key == "header" and not theirs and not ours) or (_unset(theirs) and _unset(ours)):
            return  # clients send an empty header or none
        elif key in ENUMS and isinstance(theirs, str) and isinstance(ours, str) and ours.startswith(ENUMS[key]):
            if enum_value(theirs, ENUMS[key]) != enum_value(ours, ENUMS[key]):
                yield path, theirs, ours
        elif key == "identity" and isinstance(theirs, str) and isinstance(ours, str):
            if not self._renamed(theirs, ours):
                yield path, theirs, ours
        else:
            yield from self._values(theirs, ours, path)

    def _payloads(self, theirs: Json, ours: Json, path: str) -> Iterator[tuple[str, str, str]]:
        if theirs["metadata"] != ours["metadata"]:
            yield f"{path}.metadata", _short(theirs["metadata"]), _short(ours["metadata"])
            return
        one, other = (payload_values({"payloads": [payload]})[0] for payload in (theirs, ours))
        if not self._same_value(one, other, _RESULT in path):
            yield path, _short(one), _short(other)

    def _decoded(self, theirs: Any, ours: Json, path: str) -> Iterator[tuple[str, str, str]]:
        """A payload, or several, that somebody decoded before they came here: the values themselves."""
        one, other = payload_values(theirs), payload_values(ours)
        if "metadata" in ours:
            one, other = [theirs], payload_values({"payloads": [ours]})
        if not self._same_value(one, other, _RESULT in path):
            yield path, _short(theirs), _short(other)

    def _same_value(self, theirs: Any, ours: Any, measured: bool) -> bool:
        """Whether two decoded payloads are the same; `measured`: whether their `ms` were measured in the run."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in {*theirs, *ours}:
                one, other = theirs.get(key), ours.get(key)
                if measured and key == "ms" and isinstance(one, int) and isinstance(other, int):
                    if not self._near((one - other) * 1000):
                        return False
                elif not (_empty(one) and _empty(other)) and not self._same_value(one, other, measured):
                    return False
            return True
        if isinstance(theirs, list) and isinstance(ours, list):
            return len(theirs) == len(ours) and all(map(self._same_value, theirs, ours, [measured] * len(theirs)))
        return self._same(theirs, ours)

    def _same(self, theirs: Any, ours: Any) -> bool:
        """Whether two values are the same but for names that are renamed one to one."""
        if not isinstance(theirs, str) or not isinstance(ours, str):
            return bool(theirs == ours) or (type(theirs) is int and isinstance(ours, str) and str(theirs) == ours)
        if _UUID.sub("", theirs) == _UUID.sub("", ours):
            pairs = list(zip(_UUID.findall(theirs), _UUID.findall(ours), strict=False))
            return len(_UUID.findall(theirs)) == len(_UUID.findall(ours)) and all(self._renamed(*pair) for pair in pairs)
        one, other = _token(theirs), _token(ours)
        return one is not None and other is not None and self._same_value(one, other, measured=False)

    def _renamed(self, theirs: str, ours: str) -> bool:
        """Whether a name stands for the other, and for no third one."""
        return self._ours.setdefault(theirs, ours) == ours and self._theirs.setdefault(ours, theirs) == theirs


def _empty(value: Any) -> bool:
    return (
        value is None
        or value == ""
        or value is False
        or value == 0
        or value == []
        or (isinstance(value, dict) and all(map(_empty, value.values())))
    )


def _unset(value: Any) -> bool:
    """Whether a field of a message says no more than one that is absent."""
    if isinstance(value, dict | list):
        # Nothing at all, or what some clients send for it.
        return value in ([], [None]) or (isinstance(value, dict) and set(value) == {"payloads"} and payload_values(value) in ([], [None]))
    return value is None or value is False or value in ("", "0") or (type(value) is int and value == 0)


def _is_message(theirs: Any, ours: Json) -> bool:
    """Whether payloads stand there as they do in ours."""
    return isinstance(theirs, dict) and all(isinstance(theirs.get(key), type(ours[key])) for key in ("metadata", "payloads") if key in ours)


def _token(text: str) -> Any:
    """The content of a recreate token, which is JSON in base64; None for any other text."""
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
