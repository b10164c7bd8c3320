"""What is known of a run in a sweep: which columns there are, and who gathers them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim.model.durations import parse_duration
from sim.properties import ALL, OF_VARIANTS
from sim.scenario.measures import GROUPS, columns_of, spelled
from sim.scenario.problems import Problem, did_you_mean
from sim.scenario.tables import RUN

_NOT_OF_A_RUN: Final = ("scenario", "seed", "as_expected")
_OWN: Final = ("slots_utilisation", "faults")
CORE: Final[tuple[str, ...]] = (
    *(column.name for column in RUN if column.name not in _NOT_OF_A_RUN and not column.name.startswith("promises_")),
    *_OWN,
)
"""The columns of every run."""
LISTS: Final = ("queue_curve", "slots_curve", "detection_delays_s", "served_order", "asked_at_s", "waits_s", "held_s")
"""Columns that hold lists or curves: they are in the store, and left out of tables."""
FIRST: Final = "creation_wait_mean_s"
"""What is asked to be precise, and shown, when nobody says otherwise."""
SHOWN: Final = ("creation_wait_mean_s", "creation_wait_p99_s", "sessions_creation_timed_out", "slots_utilisation")
MOST_SHOWN: Final = 5
"""Columns of a printed table."""
_OVER: Final = re.compile(r"creation_wait_(?:over|judged)_(.+)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`columns` of a table, in order; what has to be gathered besides what every run has: `groups` of measures, `promises`."""

    columns: tuple[str, ...]
    groups: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()


def wanted(metrics: Sequence[str], problems: list[Problem]) -> Wanted:
    """What these metrics (columns, groups, `over:1m`, `promise:NAME`) need. What is unknown is added to `problems`."""
    columns: dict[str, None] = {}
    groups: dict[str, None] = {}
    promises: dict[str, None] = {}
    for i, metric in enumerate(metrics or ["run"]):
        try:
            found, group, promise = _one(metric)
        except ValueError as error:
            problems.append(Problem(("metrics", i), str(error)))
            continue
        columns.update(dict.fromkeys(found))
        groups.update(dict.fromkeys([group] if group else []))
        promises.update(dict.fromkeys([promise] if promise else []))
    return Wanted(tuple(columns), tuple(groups), tuple(promises))


def _one(metric: str) -> tuple[tuple[str, ...], str, str]:
    """The columns, the group and the promise of one metric."""
    if metric == "run":
        return CORE, "", ""
    if metric in CORE:
        return (metric,), "", ""
    if metric.startswith("promise:") or metric.startswith(("broken_", "exercised_")):
        name = metric.partition(":" if ":" in metric else "_")[2]
        known = [*ALL, *(name for own in OF_VARIANTS.values() for name in own)]
        if name not in known:
            raise ValueError(f"there is no promise {name!r}; {did_you_mean(name, known)}")
        return (promise_columns(name) if ":" in metric else (metric,)), "", name
    over = _OVER.fullmatch(metric)
    if over is not None:
        return (metric,), f"over:{over[1].replace('_', '.')}", ""
    if metric.startswith("over:"):
        group = f"over:{spelled(parse_duration(metric.removeprefix('over:'))).replace('_', '.')}"
        return columns_of(group), group, ""
    if metric in GROUPS:
        return columns_of(metric), metric, ""
    for group, measure in GROUPS.items():
        if metric in measure.columns:
            return (metric,), group, ""
    known = ["run", *GROUPS, "over:1m", "promise:slot_limit", *CORE, *(c for m in GROUPS.values() for c in m.columns)]
    raise ValueError(f"there is no column or group {metric!r}; {did_you_mean(metric, known)}")


def promise_columns(name: str) -> tuple[str, str]:
    """How often a promise was broken in a run, and how often it could have been."""
    return (f"broken_{name}", f"exercised_{name}")


def shown_columns(columns: Sequence[str], metrics: Sequence[str]) -> list[str]:
    """Those of these columns that a printed table has: what the sweep's metrics name, else the usual ones, else the first."""
    numbers = [column for column in columns if column not in LISTS and column != "digest"]
    named, usual = ([column for column in among if column in numbers] for among in (metrics, SHOWN))
    return (named or usual or numbers)[:MOST_SHOWN]
