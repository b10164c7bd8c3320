"""Properties as an automaton: a node that takes observations as its inputs, for drivers that keep states.

The observers are those that judge simulations, word for word. What they and their scene know is written down in a
canonical form after each observation. Without time only properties that are not about it can be watched; where time
passes in ticks (`sim.properties.ticks`), also those that say which times they compare (`Property.times`).

There is an automaton for each workflow and each process (`Subject`), which hears only of what it is about: of one for
everything there would be as many states as of all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sim.model.canon import Frozen
from sim.model.graphs import Graph
from sim.model.inputs import Deliver, Input
from sim.model.node import Node, Step
from sim.model.promises import Exercised
from sim.properties import KNOWN, Judge, promises, ticks
from sim.properties.base import Observer, Property, Subject
from sim.properties.scene import Scene
from sim.protocol.names import workflow_of
from sim.protocol.observations import FaultHappened
from sim.workflow.variants import Variant

_OF_ALL = frozenset({"setting", "scene", "epsilon", "exercised", "broken", "violations"})
"""What every observer has, and nobody needs to remember."""


def timeless(variant: Variant = Variant.SESSIONS) -> list[str]:
    """The names of the properties of a variant of the protocol that are not about time."""
    return [name for name, known in promises(variant).items() if known.can_be_watched(False, False)]


def in_ticks(variant: Variant = Variant.SESSIONS, outages: bool = False) -> list[str]:
    """The names of the properties of a variant of the protocol that can be watched where time passes in ticks; with `outages`, where
    workers may be out of reach.
    """
    return [name for name, known in promises(variant).items() if known.can_be_watched(True, outages)]


@dataclass(slots=True)
class Watcher(Node):
    """Judges `names`. `broken`: those that were; `memory`: what scene and observers know, None before the first observation.

    `horizon`: what is longer ago, in microseconds, is long ago; 0 where no time passes.
    """

    names: tuple[str, ...]
    broken: frozenset[str] = frozenset()
    horizon: int = 0
    memory: Graph | None = None

    def handle(self, event: Input, step: Step) -> None:
        if not isinstance(event, Deliver):
            raise TypeError(f"a watcher takes observations, got {event}")
        if len(self.broken) == len(self.names):
            return
        hearing = _hearing(self._open(), self.memory)
        hearing.take(ticks.NOW if self.horizon else 0, event.source, event.message)
        for name, observer in hearing.judge.observers.items():
            if observer.exercised:
                step.emit(Exercised(name))
        broken = {name for name, observer in hearing.judge.observers.items() if observer.broken}
        self.broken |= broken
        # Once all is decided nothing need be remembered.
        self.memory = hearing.memory(self.broken) if len(self.broken) < len(self.names) else None

    def _open(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name not in self.broken)

    @classmethod
    def later(cls, state: Frozen, us: int) -> Frozen:
        """What is due by now and has not come is late, as if the run ended here."""
        watcher = cls.restored(state)
        if not watcher.horizon or watcher.memory is None:
            return state
        memory = watcher._moved(us)
        moved = _hearing(watcher._open(), memory)
        for observer in moved.judge.observers.values():
            observer.finish(ticks.NOW)
        broken = {name for name, observer in moved.judge.observers.items() if observer.broken}
        watcher.memory = memory
        if broken:
            watcher.broken |= broken
            watcher.memory = _hearing(watcher._open(), memory).memory(watcher.broken) if watcher._open() else None
        return watcher.snapshot()

    def _moved(self, us: int) -> Graph:
        assert self.memory is not None
        memory = self.memory.thaw()
        own = [(name, field) for name in self._open() for field in KNOWN[name].times if "." not in field]
        ticks.move(memory, us, self.horizon, own)
        return Graph(memory)

    @staticmethod
    def rename(state: Frozen, names: Mapping[str, str]) -> Frozen:
        assert isinstance(state, tuple)
        *rest, memory = state
        return (*rest, memory.rename(names) if isinstance(memory, Graph) else memory)

    def keeps(self, name: str) -> bool:
        """Whether this promise was kept so far."""
        return name not in self.broken


@dataclass(frozen=True, slots=True)
class Audience:
    """What a watcher hears of. `about`: a workflow's id, or a process."""

    names: tuple[str, ...]
    subject: Subject
    about: str
    kinds: frozenset[type]

    def __call__(self, source: str, observation: object) -> bool:
        """Whether it hears of this, let see by the node `source`."""
        if type(observation) not in self.kinds:
            return False
        match self.subject:
            case Subject.WORKFLOW:
                run = getattr(observation, "run", None)
                return run is None or workflow_of(run) == self.about
            case Subject.WORKER:
                process = observation.target if isinstance(observation, FaultHappened) else source.partition("/")[0].rpartition(".")[0]
                return process == self.about


def audience(names: Iterable[str], subject: Subject, about: str) -> Audience | None:
    """Who has to hear of a workflow or a process for those of these properties that are about such; None without any."""
    chosen = tuple(name for name in names if KNOWN[name].subject is subject)
    if not chosen:
        return None
    if subject is Subject.WORKFLOW:
        return Audience(chosen, subject, about, frozenset(_hearing(chosen, None).chains))
    return Audience(chosen, subject, about, frozenset({FaultHappened, *(kind for name in chosen for kind in KNOWN[name].needs)}))


class _Hearing:
    """A judge of these properties that is given its memory back for each observation: what listens to what is found out once."""

    def __init__(self, properties: tuple[Property, ...]) -> None:
        self.judge = Judge(names=[p.name for p in properties])
        self.chains: dict[type, list[Callable[[int, str, Any], None]]] = {}
        self.judge.attach(self)
        self._nothing = Graph((_fields(self.judge.scene), {name: _fields(observer) for name, observer in self.judge.observers.items()}))
        """What is known before the first observation."""

    def recall(self, memory: Graph | None) -> None:
        """Know what was known then, and nothing else."""
        scene, observers = (memory or self._nothing).thaw()
        _fill(self.judge.scene, scene)
        for name, observer in self.judge.observers.items():
            _fill(observer, observers[name])
            observer.exercised = observer.broken = 0
            observer.violations = []

    def listen(self, kind: type, listener: Callable[[int, str, Any], None]) -> None:
        """Called by the judge."""
        self.chains.setdefault(kind, []).append(listener)

    def take(self, now: int, node: str, observation: object) -> None:
        for listener in self.chains.get(type(observation), ()):
            listener(now, node, observation)

    def memory(self, broken: frozenset[str]) -> Graph:
        observers = {name: observer for name, observer in self.judge.observers.items() if name not in broken}
        memory = (_fields(self.judge.scene), {name: _fields(observer) for name, observer in observers.items()})
        times = frozenset(field for name in observers for field in KNOWN[name].times)
        ticks.forget(memory, times)
        return Graph(memory, ticks.forms(times))


def _hearing(names: tuple[str, ...], memory: Graph | None) -> _Hearing:
    """A judge of `names` that knows what was known before; until the next call."""
    hearing = _judge_of(tuple(KNOWN[name] for name in names))
    hearing.recall(memory)
    return hearing


_judge_of = cache(_Hearing)


def _fill(holder: Scene | Observer, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(holder, name, value)


def _fields(holder: Scene | Observer) -> dict[str, Any]:
    return {name: value for name, value in vars(holder).items() if name not in _OF_ALL}
