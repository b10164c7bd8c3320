"""Passes over the faults of a scenario: fewer tables, single occurrences instead of repetitions."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Final

from sim.faults import KINDS
from sim.model.durations import format_duration, parse_duration
from sim.shrink.programs import Table
from sim.shrink.search import Search, delete_items
from sim.shrink.sketch import Seen, Sketch

Shrinking = Search[Sketch, Seen]

EARLIER_US: Final = (1_000_000, 2_000_000, 5_000_000, 10_000_000)
"""When a fault may hit the first workflows of a run instead of later ones, microseconds."""

MOST_EARLIER: Final = 3
"""With more faults than these nobody tries the times of each."""

_REPEATED: Final = ("every", "until", "count", "moment", "at")
"""Keys that say when and how often; an occurrence has a time instead."""


def drop_faults(search: Shrinking) -> None:
    """Leave out faults."""
    delete_items(search, search.value.tables.get("faults", ()), without_faults)


def without_faults(sketch: Sketch, numbers: Sequence[int]) -> Sketch:
    """The sketch without the faults of these numbers."""
    gone = set(numbers)
    return sketch.changed(faults=[fault for i, fault in enumerate(sketch.tables.get("faults", ())) if i not in gone])


def spell_out(search: Shrinking) -> None:
    """Put single faults at given times in the place of one that happens again and again, if some of them are enough."""
    number = 0
    while number < len(search.value.tables.get("faults", ())):
        times = [one for one in search.evidence.occurrences if one.fault == number]
        if len(times) > 1:
            faults = search.value.tables["faults"]
            single = [occurrence(faults[number], one.time, one.target) for one in times]
            spelled = search.value.changed(faults=[*faults[:number], *single, *faults[number + 1 :]])
            search.detour(spelled, drop_faults)
        number += 1


def occurrence(fault: Table, time: int, target: str) -> Table:
    """One occurrence of a fault as a fault of its own."""
    rest = {key: copy.deepcopy(value) for key, value in fault.items() if key not in _REPEATED}
    if fault.get("target", "") in ("@there", "@workflow"):
        rest["target"] = target
    return {**rest, "at": format_duration(time)}


def plain_times(search: Shrinking) -> None:
    """Say by its time when a fault happens that happens once, if that is simpler than a moment or a law."""
    for number in range(len(search.value.tables.get("faults", ()))):
        faults = search.value.tables["faults"]
        times = [one for one in search.evidence.occurrences if one.fault == number]
        if len(times) == 1 and "at" not in faults[number]:
            single = occurrence(faults[number], times[0].time, times[0].target)
            search.consider(search.value.changed(faults=[*faults[:number], single, *faults[number + 1 :]]))


def retargeted(tables: Table, processes: Sequence[str]) -> Iterator[list[Table]]:
    """The faults when only these processes are left: those of the others are done to one that is left, or not at all."""
    faults = tables.get("faults", [])
    lost = {i for i, fault in enumerate(faults) if _hits_process(fault) and fault["target"] not in (*processes, "server")}
    if not lost:
        yield faults
        return
    for process in dict.fromkeys((*processes[:2], "@busy")):
        yield [{**fault, "target": process} if i in lost else fault for i, fault in enumerate(faults)]
    yield [fault for i, fault in enumerate(faults) if i not in lost]


def _hits_process(fault: Table) -> bool:
    return KINDS[fault["kind"]].target == "process" and not fault["target"].startswith("@")


def rehomed(tables: Table, before: str, workflows: Sequence[str]) -> Iterator[list[Table]]:
    """The faults when `before`'s workflows have only these ids: those of others are done to the first of these, or not at all."""
    faults = tables.get("faults", [])
    lost = {i for i, fault in enumerate(faults) if _hits_workflow(fault, before) and fault["target"] not in workflows}
    if lost and workflows:
        yield [{**fault, "target": workflows[0]} if i in lost else fault for i, fault in enumerate(faults)]
    yield [fault for i, fault in enumerate(faults) if i not in lost]


def _hits_workflow(fault: Table, workflow: str) -> bool:
    target = fault.get("target", "")
    return KINDS[fault["kind"]].target == "workflow" and (target == workflow or target.startswith(f"{workflow}-"))


def earlier(faults: Sequence[Table]) -> Iterator[list[Table]]:
    """The faults with one of those that have a time earlier; nothing when there are many."""
    timed = [i for i, fault in enumerate(faults) if "at" in fault]
    for number in timed if len(timed) <= MOST_EARLIER else ():
        for us in EARLIER_US:
            if us < parse_duration(faults[number]["at"]):
                yield [*faults[:number], {**faults[number], "at": format_duration(us)}, *faults[number + 1 :]]


__all__ = ["Shrinking", "drop_faults", "earlier", "occurrence", "plain_times", "rehomed", "retargeted", "spell_out", "without_faults"]
