"""Times in the memory of a watcher, for drivers whose clock moves in ticks.

A memory is a scene's and observers' fields. What they know of times is kept relative to now: what was measured `us` ago is
`NOW - us`, whatever the run's own time was. When time passes all of that moves; what is longer ago than a horizon is only
known to be `LONG_AGO`. Times that no observer compares are forgotten (0), so that states do not differ by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Final

from sim.model.graphs import Forms
from sim.properties.things import Activity, Place, Run, Session, State, Worker

NOW: Final = 1_000_000_000_000_000
"""The present, in microseconds: so late that whatever was before is no 0, which stands for "not yet"."""
LONG_AGO: Final = 1
"""Longer ago than any promise: whoever waits since then has waited too long."""

TIMES: Final[dict[type, tuple[str, ...]]] = {
    Place: ("gone_at", "reachable_since"),
    Worker: ("started_at", "free_since", "idle_since", "stopping_at", "stopped_at"),
    Activity: ("ready_at",),
    Run: ("began_at",),
    Session: ("asked_at", "created_at", "started_at", "failed_at", "completing_at", "execution_ends"),
}
"""The fields of the scene's things that are times."""
OF_SCENE: Final = ("server_down_since", "last_fault_at")


def _may_be_compared(thing: Any, name: str, scene: dict[str, Any]) -> bool:
    """Whether anything that can still happen compares this time with the present."""
    match thing, name:
        case Session(), "asked_at" | "started_at":
            return thing.state is State.ASKED
        case Session(), "execution_ends":
            return thing.state in (State.ASKED, State.OPEN) or bool(thing.running)
        case ((Place() | Worker()), ("gone_at" | "stopped_at")):
            # Of a worker that is gone already only a session hears for the first time that it had taken before.
            gone = getattr(thing, name)
            return any(s.state is State.ASKED and (not s.asked_at or s.asked_at <= gone) for s in scene["sessions"].values())
        case _:
            return True


Memory = tuple[dict[str, Any], dict[str, dict[str, Any]]]
"""Fields of the scene, and of the observers by property."""


def forget(memory: Memory, kept: frozenset[str]) -> None:
    """Set the times that nobody compares to 0. `kept` has the others, as `Property.times` has them.

    Where there are none, those of things are left to `forms`, which go through all things anyway.
    """
    # All at once: whether one may be compared depends on others.
    for holder, name, value in list(_times(memory[0])) if kept else ():
        if value and not (f"{type(holder).__name__}.{name}" in kept and _may_be_compared(holder, name, memory[0])):
            setattr(holder, name, 0)
    for name in OF_SCENE:
        if memory[0].get(name) is not None:
            memory[0][name] = 0


@cache
def forms(kept: frozenset[str]) -> Forms:
    """How to write down memories in which times were forgotten."""
    return Forms() if kept else Forms(TIMES)


def move(memory: Memory, us: int, horizon: int, own: Iterable[tuple[str, str]]) -> None:
    """Let `us` microseconds pass. `own`: observers' dicts of times, by property and field."""

    def moved(value: int) -> int:
        earlier = value - us
        return earlier if earlier >= NOW - horizon else LONG_AGO

    for holder, name, value in _times(memory[0]):
        # 0 is "not yet", or a time that was forgotten.
        if value:
            setattr(holder, name, moved(value))
    for name, field in own:
        times = memory[1].get(name, {}).get(field, {})
        for key, value in times.items():
            times[key] = moved(value)


def _times(root: Any) -> Iterator[tuple[Any, str, int | None]]:
    """Every time in the scene: (thing, field, value)."""
    for thing in _things(root):
        for name in TIMES.get(type(thing), ()):
            yield thing, name, getattr(thing, name)


def _things(root: Any) -> list[Any]:
    """Every dataclass instance that can be reached, once."""
    found: dict[int, Any] = {}
    todo = [root]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, (list, tuple)):
            todo += value
        elif is_dataclass(value) and not isinstance(value, type) and id(value) not in found:
            found[id(value)] = value
            todo += [getattr(value, name) for name in value.__slots__]  # type: ignore[attr-defined]
    return list(found.values())
