"""One run of a sweep, in whichever process: from a scenario's text and a seed to a row of figures."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sim.scenario.measures import Measures
from sim.scenario.run import RunResult, run
from sim.scenario.tables import RUN
from sim.sweep.columns import CORE, promise_columns
from sim.sweep.prepared import prepared

FUNCTION: Final = "sim.sweep.cell:measure"
_COLUMNS: Final = {column.name: column for column in RUN if column.name in CORE}


class Task(NamedTuple):
    """What a run needs. `text`: of `prepared.text_of`; `label` names the cell for messages."""

    key: str
    seed: int
    text: str
    groups: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()
    label: str = ""


def measure(task: Task) -> dict[str, Any]:
    """Run it: column -> value."""
    try:
        measures = Measures(task.groups)
        observers = [measures] if task.groups else []
        result = run(prepared(task.text), task.seed, properties=task.promises, observers=observers)
    except Exception as error:
        error.add_note(f"in the run with seed {task.seed}" + (f" of {task.label}" if task.label else ""))
        raise
    return row_of(result) | (measures.values() if task.groups else {})


def row_of(result: RunResult) -> dict[str, Any]:
    """The figures that every run has, and those of the promises that were judged."""
    row = {name: column.of(result) for name, column in _COLUMNS.items()}
    capacity = result.slots.capacity
    row["slots_utilisation"] = result.slots.mean_used / capacity if capacity else None
    row["faults"] = sum(result.faults)
    for name, verdict in result.verdicts.items():
        row |= zip(promise_columns(name), (verdict.broken, verdict.exercised), strict=True)
    return row
