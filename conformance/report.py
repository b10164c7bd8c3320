"""Judges batches of recorded cases and makes the table of them: ``python -m conformance.report BATCH... [--out FILE.md]``.

A batch is a folder of case folders, as ``python -m conformance --out BATCH`` records them. Every case that is not accepted
is listed with the first event that no choice explains, and what of the cases had which fault is counted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.judging import SCENARIO, SMALLER
from sim import Scenario, conform
from sim.evidence.case import CaseError
from sim.evidence.result import CaseResult, Verdict

NONE: Final = "no fault"


@dataclass(frozen=True, slots=True)
class Batch:
    """Judged cases, the kinds of faults that each was recorded with, and those that have a smaller one beside them."""

    name: str
    cases: Sequence[CaseResult]
    faults: Mapping[str, frozenset[str]]
    smaller: frozenset[str]
    versions: str

    @property
    def accepted(self) -> int:
        return sum(case.verdict is Verdict.ACCEPTED for case in self.cases)


def judged(folder: Path) -> Batch:
    """Judge all cases of a batch. Raises CaseError when something in it is no case."""
    cases = sorted((file.parent for file in folder.glob("*/case.json")), key=lambda case: (len(case.name), case.name))
    if not cases:
        raise CaseError(f"{folder}: no case in it; expected a folder of folders, each with a case.json")
    contents = [json.loads((case / "case.json").read_text("utf-8")) for case in cases]
    return Batch(
        name=folder.name,
        cases=list(conform(cases)),
        faults={content["name"]: _faults(case) for content, case in zip(contents, cases, strict=True)},
        smaller=frozenset(case.name for case in cases if (case / SMALLER).is_dir()),
        versions=", ".join(sorted({f"server {content.get('server', 'unknown')}, SDK {content['sdk']}" for content in contents})),
    )


def _faults(case: Path) -> frozenset[str]:
    """Which kinds of faults a case was meant to have; none are known of a case without its scenario."""
    if not (case / SCENARIO).is_file():
        return frozenset()
    return frozenset(fault.kind for fault in Scenario.load(case / SCENARIO).model.faults) or frozenset({NONE})


def markdown(batches: Sequence[Batch]) -> str:
    """The report of batches: how many were accepted, by batch and by fault, what was not, and all cases."""
    lines = ["| batch | recorded with | cases | accepted | rejected | undecided |", "|---|---|---:|---:|---:|---:|"]
    for batch in batches:
        counted = Counter(case.verdict for case in batch.cases)
        numbers = " | ".join(str(n) for n in (len(batch.cases), *(counted[verdict] for verdict in Verdict)))
        lines.append(f"| {batch.name} | {batch.versions} | {numbers} |")
    lines += ["", *_by_fault(batches), "", "## What was not accepted", ""]
    lines += list(_rejections(batches)) or ["Nothing."]
    lines += ["", "## All", "", "| case | verdict | runs | tries | largest difference of times |", "|---|---|---:|---:|---:|"]
    for case in _all(batches):
        largest = "" if case.largest_difference_ms is None else f"{case.largest_difference_ms:.1f} ms"
        lines.append(f"| {case.name} | {case.verdict} | {case.runs} | {case.tries} | {largest} |")
    return "\n".join(lines) + "\n"


def _all(batches: Sequence[Batch]) -> Iterable[CaseResult]:
    return (case for batch in batches for case in batch.cases)


def _by_fault(batches: Sequence[Batch]) -> list[str]:
    """How many of the cases that had a kind of fault, among others, were accepted."""
    cases, accepted = Counter[str](), Counter[str]()
    for batch in batches:
        for case in batch.cases:
            kinds = batch.faults.get(case.name, frozenset())
            cases.update(kinds)
            accepted.update(kinds if case.verdict is Verdict.ACCEPTED else ())
    if not cases:
        return []
    lines = ["| cases with | cases | accepted |", "|---|---:|---:|"]
    return [
        *lines,
        *(f"| {kind} | {count} | {accepted[kind]} |" for kind, count in sorted(cases.items(), key=lambda item: (-item[1], item[0]))),
    ]


def _rejections(batches: Sequence[Batch]) -> Iterable[str]:
    for batch in batches:
        for case in batch.cases:
            if case.verdict is not Verdict.ACCEPTED:
                why = f", {case.rejection}" if case.rejection else ""
                more = f" (a smaller one is in {case.name}/{SMALLER})" if case.name in batch.smaller else ""
                yield f"* **{case.name}** {case.verdict}{why}{more}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.report", description="Judge batches of recorded cases; make the table.")
    parser.add_argument("batches", nargs="+", type=Path, metavar="BATCH", help="folders of recorded cases")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there instead of printing it")
    options = parser.parse_args(argv)
    try:
        batches = [judged(folder) for folder in options.batches]
        text = markdown(batches)
        if options.out is None:
            print(text, end="")
        else:
            options.out.write_text(text, "utf-8")
    except (CaseError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if all(batch.accepted == len(batch.cases) for batch in batches) else 1


if __name__ == "__main__":
    raise SystemExit(main())
