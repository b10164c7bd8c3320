"""A case: a folder with what was done to a real cluster, the histories its server wrote, and what its workers saw.

`case.json` names the workers and their options, the workflows and their programs, and a timeline of what was done and
when; beside it lie the history of every run and, if somebody kept it, the workers' log. Times in these files are seconds
of one clock after `t0`, the start of the first workflow; here they are microseconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from sim.history.files import histories
from sim.history.temporal_reader import History, HistoryError
from sim.model.durations import parse_duration
from sim.model.spans import SECOND

_LATEST: Final = 1e11
"""No time is later than this, seconds: the year 5138."""

_ROWS: Final[Mapping[str, Mapping[str, type | tuple[type, ...]]]] = {
    "rpc": {"worker": str, "method": str, "ms": (int, float)},
    "activity_start": {"worker": str, "run": str, "activity": (int, str), "attempt": int},
    "activity_end": {"worker": str, "run": str, "activity": (int, str), "attempt": int},
    "workflow_saw": {"run": str, "saw": dict},
    "worker_started": {"worker": str},
}
"""What a row of the log needs, by its `ev`; rows of other kinds are passed over."""


class CaseError(Exception):
    """A folder that is no case, or a damaged one. The message says which file, what is wrong, and what was expected."""


class Happening(Struct, frozen=True):
    """A line of the timeline: at this time (microseconds after t0), `what` was done to `who`."""

    at: int
    what: str
    who: str


class RecordedRun(Struct, frozen=True):
    """One run of a workflow, `number` from 1 in the order of ContinueAsNew."""

    workflow_id: str
    number: int
    file: str
    history: History


class Case(Struct, frozen=True):
    """A recorded case. `t0`: microseconds since 1970. `log`: the workers' rows, None when nobody kept them."""

    folder: Path
    name: str
    what: str
    t0: int
    sdk: str
    task_queue: str
    workers: Mapping[str, Mapping[str, Any]]
    workflows: Sequence[Mapping[str, Any]]
    timeline: tuple[Happening, ...]
    runs: tuple[RecordedRun, ...]
    log: tuple[Mapping[str, Any], ...] | None

    @property
    def file(self) -> Path:
        """Where the case is described."""
        return self.folder / "case.json"

    def host(self, worker: str) -> str:
        """The name of the host on which a worker was started."""
        return str(self.workers[worker].get("host", f"host-{worker}"))


def read_case(folder: Path, with_log: bool = True) -> Case:
    """Read a case's folder.

    Raises:
        CaseError: it is none, or something in it is missing, damaged or of the wrong kind.
    """
    file = folder / "case.json"
    content = _json(file)
    _need(content, file, name=str, t0=(int, float), sdk=str, task_queue=str, workers=dict, workflows=list, timeline=list, runs=list)
    _check_members(content, file)
    if not content["runs"]:
        raise CaseError(f"{file}: runs: is empty; expected at least one run with its history")
    return Case(
        folder=folder,
        name=content["name"],
        what=str(content.get("what", "")),
        t0=round(content["t0"] * SECOND),
        sdk=content["sdk"].removeprefix("go").strip().removeprefix("v"),
        task_queue=content["task_queue"],
        workers=content["workers"],
        workflows=content["workflows"],
        timeline=happenings(content, file),
        runs=tuple(_runs(content["runs"], folder, file)),
        log=_log(folder / "log.jsonl") if with_log else None,
    )


def _check_members(content: Mapping[str, Any], file: Path) -> None:
    """Raise CaseError unless workers, workflows and times have the shape that is relied on."""
    if not 0 <= content["t0"] < _LATEST:
        raise CaseError(f"{file}: t0: is {content['t0']!r:.60}; expected seconds since 1970")
    for name, worker in content["workers"].items():
        if not isinstance(worker, dict):
            raise CaseError(f"{file}: workers.{name}: is {worker!r:.60}; expected an object with the worker's options")
    for index, workflow in enumerate(content["workflows"]):
        if not isinstance(workflow, dict):
            raise CaseError(f"{file}: workflows[{index}]: is {workflow!r:.60}; expected an object with id and steps")
        _need(workflow, file, f"workflows[{index}].", id=str, steps=list)
        if not isinstance(workflow.get("options", {}), dict):
            raise CaseError(f"{file}: workflows[{index}].options: is {workflow['options']!r:.60}; expected an object of timeouts")


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CaseError(f"{file}: no such file; expected a folder with case.json and the histories that it names") from None
    except OSError as error:
        raise CaseError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{file}: is not JSON ({error}); is the file complete?") from None
    if not isinstance(content, dict):
        raise CaseError(f"{file}: holds a JSON {type(content).__name__}; expected an object that describes a case")
    return content


def _need(content: Mapping[str, Any], place: Path, where: str = "", /, **kinds: type | tuple[type, ...]) -> None:
    """Raise CaseError unless these keys are there, of these kinds."""
    for key, kind in kinds.items():
        if key not in content:
            raise CaseError(f"{place}: {where}{key}: is missing; a case needs {', '.join(kinds)}")
        if not isinstance(content[key], kind) or isinstance(content[key], bool):
            names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            raise CaseError(f"{place}: {where}{key}: is {content[key]!r:.60}; expected {names}")


def happenings(content: Mapping[str, Any], file: Path) -> tuple[Happening, ...]:
    """The timeline of a case's content. Raises CaseError when it is none."""
    _need(content, file, timeline=list)
    return tuple(_happening(entry, file, index) for index, entry in enumerate(content["timeline"]))


def _happening(entry: object, file: Path, index: int) -> Happening:
    where = f"timeline[{index}]"
    if not isinstance(entry, dict):
        raise CaseError(f'{file}: {where}: is {entry!r:.60}; expected an object such as {{"t": 1.5, "what": "kill -9", "who": "A"}}')
    _need(entry, file, f"{where}.", t=(int, float), what=str)
    if not abs(entry["t"]) < _LATEST:
        raise CaseError(f"{file}: {where}.t: is {entry['t']!r}; expected seconds after t0")
    return Happening(round(entry["t"] * SECOND), entry["what"], str(entry.get("who", "")))


def _runs(entries: Sequence[Any], folder: Path, file: Path) -> Iterator[RecordedRun]:
    numbers: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise CaseError(f"{file}: runs[{index}]: is {entry!r:.60}; expected an object with file and workflow_id")
        _need(entry, file, f"runs[{index}].", file=str, workflow_id=str)
        workflow = entry["workflow_id"]
        numbers[workflow] = numbers.get(workflow, 0) + 1
        yield RecordedRun(workflow, numbers[workflow], entry["file"], _history(folder / entry["file"]))


def _history(file: Path) -> History:
    try:
        (history,) = histories([file])
    except HistoryError as error:
        raise CaseError(str(error)) from None
    except ValueError:
        raise CaseError(f"{file}: holds several histories; expected that of one run") from None
    return history


def _log(file: Path) -> tuple[Mapping[str, Any], ...] | None:
    """The rows of the workers' log in order of time; None when there is none."""
    if not os.path.exists(file):
        return None
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise CaseError(f"{file}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise CaseError(f"{file}: is not UTF-8 ({error}); expected an object of JSON a line") from None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise CaseError(f"{file}, line {number}: is not JSON ({error}); is the file complete?") from None
        if not isinstance(row, dict) or not isinstance(row.get("t"), (int, float)) or not isinstance(row.get("ev"), str):
            raise CaseError(f'{file}, line {number}: lacks "t" or "ev"; expected a row such as {{"t": 1.5, "ev": "rpc", ...}}')
        _check_row(row, file, number)
        rows.append(row)
    return tuple(sorted(rows, key=lambda row: float(row["t"])))


def _check_row(row: Mapping[str, Any], file: Path, number: int) -> None:
    """Raise CaseError unless a row of the log has what its kind needs."""
    for key, kind in _ROWS.get(row["ev"], {}).items():
        value = row.get(key)
        if not isinstance(value, kind) or isinstance(value, bool) or (key == "activity" and not str(value).isdecimal()):
            names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            said = f"is {value!r:.60}" if key in row else "is missing"
            raise CaseError(f"{file}, line {number}: {row['ev']}: {key}: {said}; expected {names}")
    if not abs(row["t"]) < _LATEST or not abs(row.get("ms", 0)) < _LATEST:
        raise CaseError(f"{file}, line {number}: {row['ev']}: t or ms: is no time; expected seconds, and milliseconds")


def option_duration(text: str, file: Path, key: str) -> int:
    """A duration of a case in microseconds: `2s` as Go writes it, or `0:00:02` as Python does.

    Raises:
        CaseError: it is neither.
    """
    try:
        if ":" in text:
            hours, minutes, seconds = text.split(":")
            return (int(hours) * 3600 + int(minutes) * 60) * SECOND + round(float(seconds) * SECOND)
        return parse_duration(text)
    except ValueError:
        raise CaseError(f"{file}: {key}: is {text!r}; expected a duration such as 2s or 0:00:02") from None
