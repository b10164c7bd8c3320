"""What is a table in the result of a run: its workflows, its verdicts, its violations, and the run itself as one row.

Rows of several runs make a table, too: `pandas.concat([run(scenario, seed).to_frame() for seed in range(10)])`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from sim import frames
from sim.frames import Column, Columns, FixedRows
from sim.properties import KNOWN
from sim.properties.base import Verdict, VerdictKind, Violation
from sim.scenario.judging import UNREMARKABLE
from sim.scenario.metrics import WorkflowResult

if TYPE_CHECKING:
    from pandas import DataFrame

    from sim.scenario.replay import ReplayResult
    from sim.scenario.run import RunResult


class Workflows(FixedRows[WorkflowResult]):
    """How workflows ended."""

    __slots__ = ()
    columns: ClassVar[Columns[WorkflowResult]] = (
        frames.text("workflow_id", lambda w: w.id),
        frames.text("status", lambda w: w.status),
        frames.number("wait_s", lambda w: w.wait_s),
        Column("outcome", "object", lambda w: w.outcome),
    )


@dataclass(frozen=True, slots=True)
class Breach:
    """One time that the promise of this name was not kept."""

    name: str
    violation: Violation


class Violations(FixedRows[Breach]):
    """The first violations of every promise that was broken."""

    __slots__ = ()
    columns: ClassVar[Columns[Breach]] = (
        frames.text("property", lambda b: b.name),
        frames.seconds("at_s", lambda b: b.violation.time_us),
        frames.text("message", lambda b: b.violation.message),
        frames.text("run", lambda b: b.violation.run),
        frames.text("session", lambda b: b.violation.session),
        frames.text("worker", lambda b: b.violation.worker),
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of the promise of this name. `expected`: what the scenario expects, "" when it says nothing."""

    name: str
    verdict: Verdict
    expected: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether this is what the scenario says, or what is usual."""
        kind = self.verdict.kind.value
        return kind == self.expected if self.expected else kind in UNREMARKABLE

    @property
    def promise(self) -> str:
        """The sentence, "" for a property that this program does not know."""
        return KNOWN[self.name].sentence if self.name in KNOWN else ""

    @property
    def first(self) -> Violation | None:
        """The first time that it was not kept."""
        return self.verdict.violations[0] if self.verdict.violations else None


JUDGEMENT: Final[Columns[Judgement]] = (
    frames.text("property", lambda j: j.name),
    frames.text("verdict", lambda j: j.verdict.kind.value),
    frames.text("expected", lambda j: j.expected or " or ".join(UNREMARKABLE)),
    frames.flag("as_expected", lambda j: j.as_expected),
    frames.count("exercised", lambda j: j.verdict.exercised),
    frames.count("broken", lambda j: j.verdict.broken),
    frames.seconds("first_broken_at_s", lambda j: j.first.time_us if j.first is not None else None),
    frames.text("first_violation", lambda j: j.first.message if j.first is not None else None),
    frames.text("promise", lambda j: j.promise),
)


class Verdicts(dict[str, Verdict]):
    """Property -> its verdict. `expected`: what the scenario expects, by property."""

    def __init__(
        self, verdicts: Mapping[str, Verdict] | Iterable[tuple[str, Verdict]] = (), expected: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(verdicts)
        self.expected = dict(expected or {})

    def judgements(self) -> list[Judgement]:
        """The verdicts with what was expected, in the order of the properties."""
        return [Judgement(name, verdict, self.expected.get(name, "")) for name, verdict in self.items()]

    def violations(self) -> Violations:
        """The violations that were kept, the first ten of a property."""
        return Violations(Breach(name, violation) for name, verdict in self.items() for violation in verdict.violations)

    def to_frame(self) -> DataFrame:
        """A row for every property that was judged. Raises ImportError when pandas is missing."""
        return frames.frame(JUDGEMENT, self.judgements())


def _judged(kind: VerdictKind) -> Column[RunResult]:
    name = f"promises_{kind.value.replace(' ', '_')}"
    return frames.count(name, lambda run: sum(verdict.kind is kind for verdict in run.verdicts.values()))


def _ended(status: str) -> Column[RunResult]:
    return frames.count(f"workflows_{status.lower()}", lambda run: run.statuses.get(status, 0))


RUN: Final[Columns[RunResult]] = (
    frames.text("scenario", lambda run: run.scenario),
    frames.count("seed", lambda run: run.seed),
    frames.text("digest", lambda run: run.digest),
    frames.seconds("ended_at_s", lambda run: run.ended_at_us),
    frames.flag("as_expected", lambda run: run.as_expected),
    *map(_judged, VerdictKind),
    frames.count("sessions_asked", lambda run: run.sessions.asked),
    frames.count("sessions_created", lambda run: run.sessions.created),
    frames.count("sessions_completed", lambda run: run.sessions.completed),
    frames.count("sessions_failed", lambda run: run.sessions.failed),
    frames.count("sessions_creation_timed_out", lambda run: run.sessions.creation_timed_out),
    frames.number("creation_wait_mean_s", lambda run: run.creation_wait_s.mean),
    frames.number("creation_wait_p50_s", lambda run: run.creation_wait_s.p50),
    frames.number("creation_wait_p90_s", lambda run: run.creation_wait_s.p90),
    frames.number("creation_wait_p99_s", lambda run: run.creation_wait_s.p99),
    frames.number("creation_wait_max_s", lambda run: run.creation_wait_s.max),
    frames.number("slots_mean_used", lambda run: run.slots.mean_used),
    frames.count("slots_capacity", lambda run: run.slots.capacity),
    frames.count("workflows", lambda run: sum(run.statuses.values())),
    *map(_ended, ("COMPLETED", "FAILED", "CANCELED", "TERMINATED", "TIMED_OUT", "RUNNING")),
    frames.count("messages", lambda run: run.messages),
    frames.count("local_messages", lambda run: run.local_messages),
)

REPLAY: Final[Columns[ReplayResult]] = (
    frames.flag("identical", lambda replay: replay.identical),
    frames.text("digest", lambda replay: replay.digest),
    frames.number("first_difference_at_s", lambda replay: replay.first_difference.at_s if replay.first_difference else None),
    frames.text("recorded", lambda replay: replay.first_difference.recorded if replay.first_difference else None),
    frames.text("now", lambda replay: replay.first_difference.now if replay.first_difference else None),
)
