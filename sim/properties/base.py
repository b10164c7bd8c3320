"""What a property is, what it may know of a run, and what it says in the end.

A property watches observations and keeps state only for what is open. Its verdict is one of four: it held, it was broken,
the run never put it to the test, or what was seen cannot decide it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.properties.scene import Scene
    from sim.properties.things import Session, Worker

KEPT_VIOLATIONS = 10
"""So many violations of one property are kept word by word; the rest are only counted."""

SECOND = 1_000_000

TIMER_SLOP = 4_000
"""How late a timer of the server fires (P4.3.10: 2 to 5 ms recorded, less the recording's own calls)."""

COARSE_TIMERS = 1_001_000
"""How late a deadline comes that is written less than a second before it is due (P4.3.10, P4.3.11)."""

STICKY_PENALTY = 5 * SECOND + TIMER_SLOP
"""How long a workflow task waits for a sticky worker that is gone before another worker may take it (P4.5.8)."""

TRANSFER = 55_000
"""How long a task waits for the shard's transfer queue: 3 ms on a quiet shard, up to 55 ms on a busy one (P4.6.11)."""

Listener = Callable[[int, str, Any], None]
"""Called with (time in microseconds, node, observation)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a property may know of the run beside what it sees. Lengths of time in microseconds.

    `max_call_delay_us`: the largest delay of one message between a worker and the server, apart from faults.
    `histories_only`: nothing but Temporal's histories was seen; other properties than those that a history decides are
    undecidable then.
    """

    max_call_delay_us: int = 10_000
    faults: bool = True
    histories_only: bool = False
    quiet_from_us: int = 0
    """From when on nothing is wrong any more; `finish_within_us`: how long workflows may take then, None where nobody demands that."""
    finish_within_us: int | None = None
    until_us: int = 0
    """When the run ends at the latest; one that ended before, with workflows open, had nothing left to happen."""

    @property
    def workflow_task_us(self) -> int:
        """From an event to what workflow code does about it, when a live worker polls: transfer, and there and back."""
        return TRANSFER + 2 * self.max_call_delay_us

    @property
    def sticky_workflow_task_us(self) -> int:
        """The same when the run's sticky worker is gone: the penalty, then the task is handed out once more."""
        return STICKY_PENALTY + 2 * self.workflow_task_us


class VerdictKind(StrEnum):
    HELD = "held"
    BROKEN = "broken"
    NOT_EXERCISED = "not exercised"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class Violation:
    """One time that a promise was not kept. `time_us`: when it was clear; names are "" where none applies."""

    time_us: int
    message: str
    run: str = ""
    session: str = ""
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`exercised`: how often the run put the property to the test; `broken`: how often it failed, `violations` the first."""

    kind: VerdictKind
    exercised: int = 0
    broken: int = 0
    violations: tuple[Violation, ...] = ()


class Observer:
    """Watches one run for one property. Subclasses say in `listeners` what they want to see."""

    def __init__(self, setting: Setting, scene: Scene, epsilon: int) -> None:
        self.setting = setting
        self.scene = scene
        self.epsilon = epsilon
        self.exercised = 0
        self.broken = 0
        self.violations: list[Violation] = []

    def listeners(self) -> Mapping[type, Listener]:
        """Observation class -> what to call; the scene has taken the observation in already."""
        raise NotImplementedError

    def finish(self, time: int) -> None:
        """The run is over at `time`: judge what is still open."""

    def violated(self, time: int, message: str, session: Session | None = None, worker: Worker | None = None, run: str = "") -> None:
        """Take down a violation."""
        self.broken += 1
        if len(self.violations) < KEPT_VIOLATIONS:
            name = session.name if session is not None else ""
            where = session.run.name if session is not None else run
            self.violations.append(Violation(time, message, where, name, worker.identity if worker is not None else ""))

    def verdict(self) -> Verdict:
        """What there is to say so far."""
        kind = VerdictKind.HELD
        if self.broken:
            kind = VerdictKind.BROKEN
        elif not self.exercised:
            kind = VerdictKind.NOT_EXERCISED
        return Verdict(kind, max(self.exercised, self.broken), self.broken, tuple(self.violations))


def no_epsilon(setting: Setting) -> int:
    """The promise is not about time."""
    return 0


class Subject(Enum):
    """What a promise is about: whoever watches one subject alone, hearing nothing of others, comes to the same verdict."""

    WORKFLOW = "workflow"
    """A workflow's runs, sessions and activities, on whatever worker."""
    WORKER = "worker"
    """A process's worker objects, whatever they work for."""


@dataclass(frozen=True, slots=True)
class Property:
    """A promise. `source`: the sentence or section that makes it; `needs`: the observations that decide it.

    `history_decides`: whether Temporal's histories of the run decide it. `history_convicts`: whether they can show at least
    that it was broken, though never that it held. `epsilon`: how much later than promised is not
    called late, in microseconds; its docstring derives it. `timeless`: whether the observer looks at no time, only at what
    came before what. `times`: which times it compares, where a driver that knows them to within a tick can watch it:
    fields of the scene's things ("Session.asked_at") and dicts of the observer itself ("_due"). `awaits_outages`: whether its
    verdict may wait for the end of an outage, which no watcher can keep in its state. `subject`: what it is about.
    """

    name: str
    sentence: str
    source: str
    needs: tuple[type, ...]
    observer: type[Observer]
    history_decides: bool = False
    history_convicts: bool = False
    epsilon: Callable[[Setting], int] = no_epsilon
    timeless: bool = False
    times: tuple[str, ...] = ()
    awaits_outages: bool = False
    subject: Subject = Subject.WORKFLOW

    def can_be_watched(self, ticks: bool, outages: bool) -> bool:
        """Whether a watcher can judge it: without a clock, or with one that moves in `ticks`; with `outages`, where workers may be out
        of reach.
        """
        return self.timeless or (ticks and bool(self.times) and not (outages and self.awaits_outages))
