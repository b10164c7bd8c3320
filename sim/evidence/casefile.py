"""What stands in a case's files: the shape of `case.json` and of the rows of `log.jsonl`, and how both are read.

Both readers of cases, `conform` and `calibrate`, take them from here, so that whatever is wrong is told once, with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from sim.model.text import DEEPEST, decoded, parse_json, too_deep

CASE: Final = "case.json"
LOG: Final = "log.jsonl"

T = TypeVar("T")

Since1970 = Annotated[float, Meta(ge=0, lt=1e11)]
"""Seconds, not later than the year 5138."""
LONGEST: Final = 400 * 86_400
"""Nothing in a case is further than this from t0, seconds: it is lived through, poll by poll, when the case is judged."""
Seconds = Annotated[float, Meta(gt=-LONGEST, lt=LONGEST)]
"""Of the clock that is 0 at t0."""
Milliseconds = Annotated[float, Meta(ge=0, lt=1e11)]
Number = Annotated[int, Meta(ge=0, lt=2**31)]
Digits = Annotated[str, Meta(pattern=r"^[0-9]{1,9}$")]
Name = Annotated[str, Meta(pattern=r"^[^/\x00]{1,150}$")]


class CaseError(Exception):
    """A folder that is no case, or a damaged one. The message says which file, what is wrong, and what was expected."""


# -- case.json --------------------------------------------------------------------------------------------------------


class HappeningEntry(Struct, frozen=True):
    """At `t`, `what` was done to `who`."""

    t: Seconds
    what: str
    who: str = ""


class WorkerEntry(Struct, frozen=True):
    """A worker's options; times as Go or Python writes them."""

    host: str = ""
    sessions: Number = 0
    activities: Number = 0
    no_workflow: bool = False
    no_session: bool = False
    stop_timeout: str = ""


class WorkflowEntry(Struct, frozen=True):
    """A workflow and its program."""

    id: str
    steps: list[Any]
    options: dict[str, str] = {}


class RunEntry(Struct, frozen=True):
    """A run and the file of its history."""

    file: str
    workflow_id: str


class Clock(Struct, frozen=True):
    """As much of a case as latencies need."""

    t0: Since1970
    timeline: list[HappeningEntry] = []


class CaseFile(Struct, frozen=True):
    """A whole `case.json`. Workers and workflows are given on as they stand there, once they have the right shape."""

    name: Name
    t0: Since1970
    sdk: str
    task_queue: str
    workers: dict[str, Any]
    workflows: list[dict[str, Any]]
    timeline: list[HappeningEntry]
    runs: Annotated[list[RunEntry], Meta(min_length=1)]
    what: str = ""


# -- log.jsonl --------------------------------------------------------------------------------------------------------


class Rpc(Struct, frozen=True):
    """A call that came back at `t`. `got`: whether a poll brought a task; `fault`: what was done to it on purpose."""

    t: Seconds
    worker: str
    method: str
    ms: Milliseconds
    queue: str = ""
    got: bool = False
    error: str = ""
    fault: str = ""


class ActivityStart(Struct, frozen=True):
    """An attempt began."""

    t: Seconds
    worker: str
    run: str
    activity: Digits | Number
    attempt: Number
    queue: str = ""
    type: str = ""


class ActivityEnd(Struct, frozen=True):
    """An attempt ended; `error` None: without one."""

    t: Seconds
    worker: str
    run: str
    activity: Digits | Number
    attempt: Number
    error: str | None = None


class Step(Struct, frozen=True):
    """What workflow code saw of a step; the rest of it is compared as it is."""

    ms: Milliseconds = 0


class WorkflowSaw(Struct, frozen=True):
    """Workflow code saw a step's outcome."""

    t: Seconds
    run: str
    saw: Step


class WorkerStarted(Struct, frozen=True):
    """A worker's process is running."""

    t: Seconds
    worker: str


class OtherRow(Struct, frozen=True):
    """A row of another kind, which is passed over."""

    t: Seconds


Row = Rpc | ActivityStart | ActivityEnd | WorkflowSaw | WorkerStarted | OtherRow

_KINDS: Final[Mapping[str, type[Row]]] = {
    "rpc": Rpc,
    "activity_start": ActivityStart,
    "activity_end": ActivityEnd,
    "workflow_saw": WorkflowSaw,
    "worker_started": WorkerStarted,
}

# -- reading ----------------------------------------------------------------------------------------------------------


def read_case_file(file: Path) -> tuple[CaseFile, dict[str, Any]]:
    """The description of a case, and the same as it stands there. Raises CaseError."""
    content = _object(file)
    found = _shaped(content, CaseFile, f"{file}: ")
    for name, worker in found.workers.items():
        _shaped(worker, WorkerEntry, f"{file}: workers.{name}", "an object with the worker's options")
    for index, workflow in enumerate(found.workflows):
        _shaped(workflow, WorkflowEntry, f"{file}: workflows[{index}]")
    return found, content


def read_clock(file: Path) -> Clock:
    """When a case began and what was done to it. Raises CaseError."""
    return _shaped(_object(file), Clock, f"{file}: ")


def read_rows(file: Path) -> Iterator[tuple[Row, dict[str, Any]]]:
    """The rows of a log, and each as it stands there. Raises CaseError."""
    for number, line in enumerate(_text(file, "an object of JSON a line").split("\n"), 1):
        if not line.strip():
            continue
        place = f"{file}, line {number}: "
        try:
            row = parse_json(line)
        except ValueError as error:
            raise CaseError(f"{place}{error}; is the file complete?") from None
        if not isinstance(row, dict) or "t" not in row or not isinstance(row.get("ev"), str):
            raise CaseError(f'{place}lacks "t" or "ev"; expected a row such as {{"t": 1.5, "ev": "rpc", ...}}')
        yield _shaped(row, _KINDS.get(row["ev"], OtherRow), f"{place}{row['ev']}: "), row


def _text(file: Path, expected: str) -> str:
    try:
        return decoded(file.read_bytes())
    except FileNotFoundError:
        raise CaseError(f"{file}: no such file; expected a folder with case.json and the histories that it names") from None
    except OSError as error:
        raise CaseError(f"{file}: cannot be read ({error.strerror}); expected {expected}") from None
    except ValueError as error:
        raise CaseError(f"{file}: {error} with {expected}") from None


def _object(file: Path) -> dict[str, Any]:
    try:
        content = parse_json(_text(file, "an object that describes a case"))
    except ValueError as error:
        raise CaseError(f"{file}: {error}; is the file complete?") from None
    if not isinstance(content, dict):
        raise CaseError(f"{file}: holds a JSON {type(content).__name__}; expected an object that describes a case")
    if too_deep(content) is not None:
        raise CaseError(f"{file}: is nested more than {DEEPEST} deep; expected an object that describes a case")
    return content


_WORDS: Final[Mapping[str, str]] = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
_OBJECTS: Final[Mapping[str, str]] = {
    "runs": "an object with file and workflow_id",
    "workflows": "an object with id and steps",
    "timeline": 'an object such as {"t": 1.5, "what": "kill -9", "who": "A"}',
}
_TIMES: Final[Mapping[str, str]] = {"t0": "seconds since 1970", "t": "seconds after t0, at most 400 days", "ms": "milliseconds"}


def _shaped(content: object, kind: type[T], place: str, an_object: str = "") -> T:
    """The content as this kind of thing. `place`: what its keys stand behind. Raises CaseError that names the key."""
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        key = path.rstrip("`").lstrip(".") if place.endswith(" ") else path.rstrip("`")
        missing = re.search(r"missing required field `(\w+)`", said)
        if missing is not None:
            key = f"{key}.{missing[1]}" if key or not place.endswith(" ") else missing[1]
            raise CaseError(f"{place}{key}: is missing; expected {_expected(key, said, an_object)}") from None
        value = _at(content, path.rstrip("`"))
        whole = f"{place}{key}".removesuffix(": ")
        if value == []:
            raise CaseError(f"{whole}: is empty; expected at least one run with its history") from None
        raise CaseError(f"{whole}: is {value!r:.60}; expected {_expected(whole, said, an_object)}") from None


def _expected(key: str, said: str, an_object: str) -> str:
    """What msgspec expected, in words."""
    last = re.split(r"[.: ]", key)[-1]
    if "missing" in said:
        return _TIMES.get(last, f"an object that has {last!r}")
    if last in _TIMES:
        return _TIMES[last]
    if "matching regex" in said:
        return "a number in digits" if last == "activity" else "up to 150 characters without a slash"
    kinds = re.search(r"Expected `([^`]+)`", said)
    if kinds is None:
        return "at least 0 and no more than nine digits"
    if kinds[1].startswith("object"):
        list_of = re.search(r"(\w+)\[\d+\]$", key)
        return an_object or _OBJECTS.get(list_of[1] if list_of else "", "an object")
    return " or ".join(_WORDS.get(kind, kind) for kind in re.split(r" \| ", kinds[1].removesuffix(" | null")))


def _at(content: Any, path: str) -> object:
    """The value at a path as msgspec spells it; of a key that it leaves out, the whole."""
    for name, index in re.findall(r"\.([^.\[`]+)|\[(\d+)\]", path):
        try:
            content = content[int(index)] if index else content[name]
        except (KeyError, IndexError, TypeError):
            return content
    return content
