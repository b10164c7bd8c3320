"""What became of the cases that were judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from sim import frames
from sim.frames import Columns, FixedRows
from sim.trace.tape import Tape


class Verdict(StrEnum):
    """Of a case."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"
    DAMAGED = "damaged"
    """It could not be judged: something in it is missing, damaged, or not known here."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """The first event that no choice explains: in this run, `recorded` stands there, and the protocol allows `possible`.

    `event_id` 0: it is about what workers saw, not about an event. `strict`: the run went along, and this value is another.
    """

    run: str
    event_id: int
    recorded: str
    possible: tuple[str, ...]
    strict: bool = False

    @property
    def workflow_run(self) -> str:
        """The run without the simulator's prefix: WORKFLOW/NUMBER."""
        return self.run.removeprefix("server/run/")

    def __str__(self) -> str:
        return f"{self.workflow_run}, event {self.event_id}: recorded {self.recorded}; possible {'; '.join(self.possible)}"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case. `runs`: workflow runs that were compared. `tries`: how often its cluster was run.

    `largest_difference_ms`: of the times of events, None when it was not accepted. `tape`: with it the run happens again.
    """

    name: str
    verdict: Verdict
    runs: int
    tries: int
    largest_difference_ms: float | None
    rejection: Rejection | None
    tape: Tape | None
    problem: str = ""
    """Of a damaged case: which file and key, and what was expected."""

    def to_json(self, tape: Path | None = None) -> dict[str, Any]:
        """The object that `session-sim conform --json` prints for it. `tape`: where the tape was written."""
        at = self.rejection
        place = None if at is None else {
            "run": at.workflow_run, "event_id": at.event_id, "recorded": at.recorded, "possible": list(at.possible)
        }  # fmt: skip
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "runs": self.runs,
            "tries": self.tries,
            "largest_difference_ms": self.largest_difference_ms,
            "tape": None if tape is None else str(tape),
            "rejected_at": place,
            "problem": self.problem or None,
        }


class ConformResult(FixedRows[CaseResult]):
    """The cases in the order in which they were judged; a table."""

    __slots__ = ()
    columns: ClassVar[Columns[CaseResult]] = (
        frames.text("case", lambda c: c.name),
        frames.text("verdict", lambda c: c.verdict.value),
        frames.count("runs", lambda c: c.runs),
        frames.count("tries", lambda c: c.tries),
        frames.number("largest_difference_ms", lambda c: c.largest_difference_ms),
        frames.text("rejected_run", lambda c: c.rejection.workflow_run if c.rejection else ""),
        frames.number("rejected_event", lambda c: c.rejection.event_id if c.rejection else None),
        frames.text("recorded", lambda c: c.rejection.recorded if c.rejection else ""),
        frames.text("possible", lambda c: "; ".join(c.rejection.possible) if c.rejection else ""),
        frames.text("problem", lambda c: c.problem),
    )

    def count(self, verdict: Verdict) -> int:
        """How many cases have this verdict."""
        return Counter(case.verdict for case in self)[verdict]

    @property
    def as_expected(self) -> bool:
        """Whether every case was accepted."""
        return all(case.verdict is Verdict.ACCEPTED for case in self)

    def to_json(self, tapes: dict[str, Path] | None = None) -> dict[str, Any]:
        """The object that `session-sim conform --json` prints. `tapes`: where each case's tape was written, by name."""
        tapes = tapes or {}
        return {
            **{verdict.value: self.count(verdict) for verdict in Verdict},
            "cases": [case.to_json(tapes.get(case.name)) for case in self],
        }
