"""What `conform` says of altered cases, counted by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sim.evidence.case import CaseError
from sim.evidence.conforming import judge
from sim.evidence.result import CaseResult, Verdict
from sim.protocol.names import run_name
from tools.alterations.alteration import Alteration


class Outcome(StrEnum):
    """Of one altered case."""

    THERE = "rejected there"
    ELSEWHERE = "rejected elsewhere"
    UNDECIDED = "undecided"
    ACCEPTED = "accepted"
    LEGAL = "legal, accepted"


@dataclass(frozen=True)
class Judged:
    """An altered case and what became of it."""

    alteration: Alteration
    outcome: Outcome
    result: CaseResult | None
    said: str


def judged(alteration: Alteration, tries: int) -> Judged:
    """Let `conform` judge an altered case."""
    try:
        result = judge(alteration.case, tries)
    except CaseError as error:
        # What cannot be rebuilt is rejected, too; the message names the place.
        return Judged(alteration, Outcome.ELSEWHERE, None, str(error))
    at = result.rejection
    said = "" if at is None else f"{at.workflow_run}, event {at.event_id}: {at.recorded}; possible {'; '.join(at.possible)}"
    return Judged(alteration, _outcome(alteration, result), result, said)


def _outcome(alteration: Alteration, result: CaseResult) -> Outcome:
    match result.verdict:
        case Verdict.ACCEPTED:
            return Outcome.LEGAL if alteration.legal else Outcome.ACCEPTED
        case Verdict.UNDECIDED:
            return Outcome.UNDECIDED
        case Verdict.REJECTED:
            at = result.rejection
            assert at is not None
            name = run_name(alteration.run.workflow_id, alteration.run.number)
            return Outcome.THERE if at.run == name and at.event_id in alteration.places else Outcome.ELSEWHERE


@dataclass
class Table:
    """Counts by kind and outcome, and everything that is not as it should be."""

    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    wrong: list[Judged] = field(default_factory=list)
    legal: dict[str, str] = field(default_factory=dict)

    def add(self, one: Judged) -> None:
        self.counts[one.alteration.kind, one.outcome] += 1
        if one.alteration.legal:
            self.legal[one.alteration.kind] = one.alteration.legal
        fine = Outcome.LEGAL if one.alteration.legal else Outcome.THERE
        if one.outcome is not fine:
            self.wrong.append(one)

    def markdown(self, title: str, kinds: Iterable[str]) -> str:
        lines = [f"## {title}", "", f"| alteration | all | {' | '.join(Outcome)} |", f"|---|{'---:|' * (len(Outcome) + 1)}"]
        shown = [kind for kind in kinds if any(self.counts[kind, outcome] for outcome in Outcome)]
        lines += [self._row(kind, [kind]) for kind in shown]
        lines += [self._row("**all**", shown), ""]
        lines += [f"Legal: *{kind}*, for {why}." for kind, why in self.legal.items()]
        return "\n".join([*lines, *self.told()]) + "\n"

    def _row(self, name: str, kinds: list[str]) -> str:
        numbers = [sum(self.counts[kind, outcome] for kind in kinds) for outcome in Outcome]
        return f"| {name} | {sum(numbers)} | {' | '.join(map(str, numbers))} |"

    def told(self) -> Iterator[str]:
        """What is not as it should be."""
        for one in self.wrong:
            a = one.alteration
            where = f"{a.case.name}, {a.run.file}, event {'/'.join(map(str, sorted(a.altered)[:3]))}"
            yield f"* {one.outcome}: *{a.kind}* ({a.what}) in {where}: {one.said or 'accepted'}"
