"""How Temporal's proto JSON spells values: enums, lengths of time, moments and payloads, written and read.

Times are microseconds, moments since 1970. Enums are understood in both spellings (`EVENT_TYPE_TIMER_FIRED` and
`TimerFired`), payloads in base64, as the CLI's shorthand, or decoded already by the UI.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from sim.history.recorder import Names

Json: TypeAlias = Mapping[str, Any]

INLINE_REQUEST: Final = "request-from-RespondWorkflowTaskCompleted"
"""What the server calls the request for a task that came with the answer to the completion of the one before."""

MICROSECOND: Final = timedelta(microseconds=1)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION: Final = re.compile(r"(-?)(\d+)(?:\.(\d{1,9}))?s")
_ATTRIBUTES: Final = "EventAttributes"
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")


class NoJsonFormError(TypeError):
    """A value of a history has no JSON form; the message says in which event, and of which type it is."""


class Opaque(Struct, frozen=True):
    """A payload that cannot be read here: encrypted, compressed, or in an encoding of the user's own."""

    encoding: str
    data: object


def short(value: object) -> str:
    """A value as messages name it, in 60 letters at the most."""
    text = f"{type(value).__name__} with {len(value)} entries" if isinstance(value, dict | list) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# -- events and enums --------------------------------------------------------------------------------------------------


def event_attributes(event: Json) -> Json:
    """What an event in proto JSON says, without its id, time and type; empty when it says nothing."""
    return next((value for key, value in event.items() if key.endswith(_ATTRIBUTES)), {})


@cache
def event_kind(spelled: str) -> str:
    """`EVENT_TYPE_WORKFLOW_TASK_SCHEDULED` or `WorkflowTaskScheduled` as the latter."""
    if spelled.startswith("EVENT_TYPE_"):
        return "".join(word.capitalize() for word in spelled.removeprefix("EVENT_TYPE_").split("_"))
    return spelled


def attributes_key(kind: str) -> str:
    """The key under which an event of this kind, such as TimerFired, has its attributes."""
    return f"{kind[0].lower()}{kind[1:]}{_ATTRIBUTES}"


@cache
def in_capitals(name: str) -> str:
    """`TimerFired` as TIMER_FIRED."""
    return _WORDS.sub("_", name).upper()


@cache
def enum_value(spelled: str, prefix: str) -> str:
    """An enum's value without its prefix, in capitals: `RETRY_STATE_TIMEOUT` and `Timeout` are both TIMEOUT."""
    if spelled.startswith(prefix):
        return spelled.removeprefix(prefix)
    return spelled if spelled.isupper() else in_capitals(spelled)


# -- times -------------------------------------------------------------------------------------------------------------


def duration(microseconds: int) -> str:
    """A length of time as in proto JSON: seconds with no, three or six decimals."""
    sign = "-" if microseconds < 0 else ""
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    if rest == 0:
        return f"{sign}{seconds}s"
    return f"{sign}{seconds}.{rest // 1000:03}s" if rest % 1000 == 0 else f"{sign}{seconds}.{rest:06}s"


@cache
def parse_duration(text: str) -> int:
    """A length of time of proto JSON, such as "20s" or "0.5s", in microseconds; ValueError for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    value = int(found[2]) * 1_000_000 + int((found[3] or "0").ljust(6, "0")[:6])
    return -value if found[1] else value


def parse_time(text: str) -> int:
    """A time of RFC 3339, with up to nine decimals, in microseconds since 1970; ValueError for anything else."""
    if text.endswith("Z") and text[19:20] in (".", "Z"):
        return _seconds(text[:19]) + int(text[20:-1].ljust(6, "0")[:6] or "0") if len(text) > 20 else _seconds(text[:19])
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return (moment - _EPOCH) // MICROSECOND


@cache
def _seconds(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // MICROSECOND


def timestamp(time: int) -> str:
    """A moment, in microseconds since 1970, as a time of RFC 3339 with nine decimals."""
    seconds, microseconds = divmod(time, 1_000_000)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{microseconds:06}000Z"


def since_1970(epoch: datetime | int) -> int:
    """A moment in microseconds since 1970; ValueError for a datetime without a time zone."""
    if isinstance(epoch, int):
        return epoch
    if epoch.tzinfo is None:
        raise ValueError(f"epoch {epoch.isoformat()} has no time zone; expected one such as datetime(2026, 1, 1, tzinfo=UTC)")
    return (epoch - _EPOCH) // MICROSECOND


# -- payloads ----------------------------------------------------------------------------------------------------------


def payload(names: Names, value: object) -> dict[str, Any]:
    """A value as a payload: bytes as they are, anything else as JSON, in which `names` stand for what a run calls things.

    Raises:
        NoJsonFormError: the value has no JSON form.
    """
    if isinstance(value, bytes):
        encoding, data = b"binary/plain", names.token(value)
    else:
        encoding, data = b"json/plain", _encoded(names, value)
    return {"metadata": {"encoding": base64.b64encode(encoding).decode()}, "data": base64.b64encode(data).decode()}


def _encoded(names: Names, value: object) -> bytes:
    try:
        return msgspec.json.encode(names.translate(value))
    except (TypeError, ValueError, RecursionError) as error:
        expected = "expected what JSON has: None, booleans, numbers, text, lists, and dicts with text as keys"
        raise NoJsonFormError(f"a value of type {type(value).__name__} that has no JSON form ({error}); {expected}") from None


def payload_values(payloads: object) -> list[object]:
    """The values of a `Payloads` message, however it is spelled."""
    if payloads is None:
        return []
    if isinstance(payloads, list):
        return payloads  # the CLI's shorthand: the values themselves
    if isinstance(payloads, dict) and isinstance(payloads.get("payloads", []), list):
        return [_payload(payload) for payload in payloads.get("payloads", [])]
    return [payloads]


def _payload(payload: object) -> object:
    if not isinstance(payload, dict) or not isinstance(payload.get("metadata"), dict):
        return payload
    encoding, data = _encoding(payload["metadata"].get("encoding", "")), payload.get("data")
    if encoding == "binary/null" or data is None:
        return None
    if encoding in ("json/plain", "json/protobuf"):
        return _json_data(data)
    if encoding == "binary/plain" and isinstance(data, str):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            return Opaque(encoding, data)
    return Opaque(encoding, data)


@cache
def _encoding(spelled: object) -> str:
    """An encoding's name stands there in base64, or decoded already."""
    text = str(spelled)
    try:
        return text if "/" in text and not text.endswith("=") else base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def _json_data(data: object) -> object:
    """JSON data in base64; what is something else was decoded before it came here."""
    if not isinstance(data, str):
        return data
    try:
        return msgspec.json.decode(binascii.a2b_base64(data, strict_mode=True))
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return data
