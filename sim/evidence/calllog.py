"""What workers logged beside a recording: their calls, and when activity functions began and ended.

A recording's folder has a `case.json`, a history for each run, and `log.jsonl`: a JSON object a line, with `t` in seconds
after `t0` of the case. All times here are integer microseconds since 1970.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sim.evidence.case import CaseError, Happening, happenings
from sim.model.spans import SECOND

LOG: Final = "log.jsonl"
CASE: Final = "case.json"

SETTLING: Final = SECOND
"""After a worker runs again, or its network does, its calls are not ordinary ones for so long."""

_ENDS: Final[Mapping[str, str]] = {"SIGSTOP": "SIGCONT", "network held": "network released"}
_MOMENTS: Final = ("kill -9", "machine lost", "graceful stop")


class LogError(CaseError):
    """A case or its log cannot be used; the message says file, line and what was expected."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that came back. `got`: whether a poll brought a task; `fault`: what was done to it on purpose."""

    method: str
    worker: str
    begin: int
    end: int
    queue: str = ""
    got: bool = False
    error: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """An attempt of an activity on a worker; `end` is None when the log does not tell it, `failed` when it returned an error."""

    worker: str
    queue: str
    run_id: str
    activity_id: str
    activity_type: str
    attempt: int
    begin: int
    end: int | None
    failed: bool


@dataclass(slots=True)
class CallLog:
    """The log of one recording."""

    calls: list[Call] = field(default_factory=list)
    """In order of their ends."""
    ran: list[Ran] = field(default_factory=list)
    started: list[int] = field(default_factory=list)
    """When workers started, in order of time."""
    disturbed: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Worker -> when something was done to it, so that nothing then is ordinary; "" for all workers."""

    def ordinary(self, worker: str, begin: int, end: int) -> bool:
        """Whether nothing was done to a worker from `begin` to `end`."""
        spans = [*self.disturbed.get(worker.partition("'")[0], ()), *self.disturbed.get("", ())]
        return all(end < first or begin > last for first, last in spans)

    def ordinary_calls(self) -> Iterator[Call]:
        """Calls that nobody meddled with and that succeeded."""
        return (c for c in self.calls if not c.error and not c.fault and self.ordinary(c.worker, c.begin, c.end))


def read_log(folder: Path) -> CallLog | None:
    """The log in a case's folder; None when it has none.

    Raises:
        CaseError: `case.json` or `log.jsonl` is not what it should be.
    """
    if not (folder / CASE).is_file() or not (folder / LOG).is_file():
        return None
    case = _object((folder / CASE).read_text("utf-8"), str(folder / CASE))
    if not isinstance(case.get("t0"), (int, float)):
        raise LogError(f"{folder / CASE}: t0 is {case.get('t0')!r}; expected the time 0 of the log, seconds since 1970")
    zero = round(case["t0"] * SECOND)
    log = CallLog(disturbed=_disturbances(happenings({"timeline": [], **case}, folder / CASE), zero))
    begun: dict[tuple[str, str, str, int], Mapping[str, Any]] = {}
    for number, line in enumerate((folder / LOG).read_text("utf-8").splitlines(), 1):
        if line.strip():
            where = f"{folder / LOG}, line {number}"
            entry = _object(line, where)
            try:
                _take(log, begun, entry, zero)
            except (KeyError, TypeError, ValueError) as error:
                raise LogError(f"{where}: lacks {error}; expected what a worker logs, such as a call with method, ms and t") from None
    log.started.sort()
    for left in begun.values():
        log.ran.append(_ran(left, None, zero))
    return log


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise LogError(f"{where}: is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise LogError(f"{where}: is {text[:40]!r}; expected an object")
    return found


def _take(log: CallLog, begun: dict[tuple[str, str, str, int], Mapping[str, Any]], entry: Mapping[str, Any], zero: int) -> None:
    match entry["ev"]:
        case "rpc":
            end = _at(entry, zero)
            log.calls.append(
                Call(
                    entry["method"], entry["worker"], end - round(entry["ms"] * 1000), end, entry.get("queue", ""),
                    bool(entry.get("got")), entry.get("error", ""), entry.get("fault", ""),
                )
            )  # fmt: skip
        case "worker_started":
            log.started.append(_at(entry, zero))
        case "activity_start":
            begun[_attempt(entry)] = entry
        case "activity_end":
            first = begun.pop(_attempt(entry), None)
            if first is not None:
                log.ran.append(_ran(first, entry, zero))
        case _:
            pass


def _attempt(entry: Mapping[str, Any]) -> tuple[str, str, str, int]:
    return entry["worker"], entry["run"], entry["activity"], entry["attempt"]


def _ran(first: Mapping[str, Any], last: Mapping[str, Any] | None, zero: int) -> Ran:
    return Ran(
        first["worker"], first["queue"], first["run"], first["activity"], first["type"], first["attempt"], _at(first, zero),
        None if last is None else _at(last, zero), last is not None and "error" in last,
    )  # fmt: skip


def _at(entry: Mapping[str, Any], zero: int) -> int:
    return zero + round(float(entry["t"]) * SECOND)


def _disturbances(timeline: Iterable[Happening], zero: int) -> dict[str, list[tuple[int, int]]]:
    """From when until when each worker was not left alone."""
    spans: dict[str, list[tuple[int, int]]] = {}
    since: dict[tuple[str, str], int] = {}
    for happening in timeline:
        what, who, at = happening.what, happening.who, zero + happening.at
        for first, last in _ENDS.items():
            if what.startswith(first):
                since.setdefault((who, last), at)
            elif what.startswith(last) and (who, last) in since:
                spans.setdefault(who, []).append((since.pop((who, last)), at + SETTLING))
        if what.startswith(_MOMENTS):
            spans.setdefault(who, []).append((at, at + SETTLING))
    for (who, _), at in since.items():
        spans.setdefault(who, []).append((at, at + 3600 * SECOND))
    return spans
