"""A case: a folder with what was done to a real cluster, the histories its server wrote, and what its workers saw.

`case.json` names the workers and their options, the workflows and their programs, and a timeline of what was done and
when; beside it lie the history of every run and, if somebody kept it, the workers' log. Times in these files are seconds
of one clock after `t0`, the start of the first workflow; here they are microseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from sim.evidence.casefile import CASE, LOG, LONGEST, CaseError, HappeningEntry, RunEntry, read_case_file, read_rows
from sim.history.files import histories
from sim.history.temporal_reader import History, HistoryError
from sim.model.durations import parse_duration
from sim.model.spans import SECOND


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
    found, content = read_case_file(folder / CASE)
    return Case(
        folder=folder,
        name=found.name,
        what=found.what,
        t0=round(found.t0 * SECOND),
        sdk=found.sdk.removeprefix("go").strip().removeprefix("v"),
        task_queue=found.task_queue,
        workers=content["workers"],
        workflows=content["workflows"],
        timeline=happenings(found.timeline),
        runs=tuple(_runs(found.runs, folder, round(found.t0 * SECOND))),
        log=_log(folder / LOG) if with_log else None,
    )


def happenings(entries: Iterable[HappeningEntry]) -> tuple[Happening, ...]:
    """The lines of a timeline."""
    return tuple(Happening(round(entry.t * SECOND), entry.what, entry.who) for entry in entries)


def _runs(entries: Iterable[RunEntry], folder: Path, t0: int) -> Iterator[RecordedRun]:
    numbers: dict[str, int] = {}
    for entry in entries:
        workflow = entry.workflow_id
        numbers[workflow] = numbers.get(workflow, 0) + 1
        history = _history(folder / entry.file)
        for event in history.events:
            if abs(event.time - t0) > LONGEST * SECOND:
                days = (event.time - t0) / SECOND / 86_400
                raise CaseError(f"{folder / entry.file}: event {event.event_id}: is {days:.0f} days after t0; expected at most 400")
        yield RecordedRun(workflow, numbers[workflow], entry.file, history)


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
    return tuple(sorted((row for _, row in read_rows(file)), key=lambda row: float(row["t"])))


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
    except (ValueError, OverflowError):
        raise CaseError(f"{file}: {key}: is {text!r}; expected a duration such as 2s or 0:00:02") from None


__all__ = ["Case", "CaseError", "Happening", "RecordedRun", "happenings", "option_duration", "read_case"]
