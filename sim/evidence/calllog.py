"""What workers logged beside a recording: their calls, and when activity functions began and ended.

A recording's folder has a `case.json`, a history for each run, and `log.jsonl`: a JSON object a line, with `t` in seconds
after `t0` of the case. All times here are integer microseconds since 1970.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sim.evidence.case import Happening, happenings
from sim.evidence.casefile import CASE, LOG, ActivityEnd, ActivityStart, Row, Rpc, WorkerStarted, read_clock, read_rows
from sim.model.spans import SECOND

SETTLING: Final = SECOND
"""After a worker runs again, or its network does, its calls are not ordinary ones for so long."""

_ENDS: Final[Mapping[str, str]] = {"SIGSTOP": "SIGCONT", "network held": "network released"}
_MOMENTS: Final = ("kill -9", "machine lost", "graceful stop")


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
    if not os.path.isfile(folder / CASE) or not os.path.isfile(folder / LOG):
        return None
    clock = read_clock(folder / CASE)
    zero = round(clock.t0 * SECOND)
    log = CallLog(disturbed=_disturbances(happenings(clock.timeline), zero))
    begun: dict[tuple[str, str, str, int], ActivityStart] = {}
    for row, _ in read_rows(folder / LOG):
        _take(log, begun, row, zero)
    log.started.sort()
    for left in begun.values():
        log.ran.append(_ran(left, None, zero))
    return log


def _take(log: CallLog, begun: dict[tuple[str, str, str, int], ActivityStart], row: Row, zero: int) -> None:
    at = zero + round(row.t * SECOND)
    match row:
        case Rpc():
            begin = at - round(row.ms * 1000)
            log.calls.append(Call(row.method, row.worker, begin, at, row.queue, row.got, row.error, row.fault))
        case WorkerStarted():
            log.started.append(at)
        case ActivityStart():
            begun[_attempt(row)] = row
        case ActivityEnd():
            first = begun.pop(_attempt(row), None)
            if first is not None:
                log.ran.append(_ran(first, row, zero))
        case _:
            pass


def _attempt(row: ActivityStart | ActivityEnd) -> tuple[str, str, str, int]:
    return row.worker, row.run, str(row.activity), row.attempt


def _ran(first: ActivityStart, last: ActivityEnd | None, zero: int) -> Ran:
    begin, end = zero + round(first.t * SECOND), None if last is None else zero + round(last.t * SECOND)
    failed = last is not None and last.error is not None
    return Ran(first.worker, first.queue, first.run, str(first.activity), first.type, first.attempt, begin, end, failed)


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
