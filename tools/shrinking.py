"""Shrinks failing runs of which one knows how little they need, and writes the table `reports/fuzz/shrinking.md`.

    python -m tools.shrinking

The runs: every planted bug in its scenario, and every finding that the checker confirmed, each put into a crowd of workers,
workflows, faults and laws that it does not need, under the first seed that breaks the promise.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim import Scenario, Tape, run
from sim.shrink import Shrunk, shrink
from tests.shrink.blown_up import DEVIATIONS, blown_up, in_a_crowd
from tests.shrink.planted import CASES

REPORT: Final = Path(__file__).parents[1] / "reports" / "fuzz" / "shrinking.md"
MARGIN: Final = 3
"""So many deviations more than the known way a shrunk run may have."""

HEAD: Final = """\
# How small failing runs become

`python -m tools.shrinking`: failing runs of which one knows how little they need, put into a crowd (three more workers, five more
workflows, five more faults of which one repeats, log-normal latencies) under the first seed that breaks the promise, and shrunk.

A deviation is what would not happen by itself: a fault, as often as it happens, or a choice that is not the default schedule's, in
which all takes the median of its law and what came first is taken first. Known are the faults of the scenario in which the bug is
noticed ([PROPERTIES.md](../../docs/PROPERTIES.md)) or of the way that the checker found and a run with a clock confirmed
([findings](../checker/findings.md)); a shrunk run has to have at most three more.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One run shrunk. `needs_bug`: whether the shrunk run keeps the promise when the bug is mended, None where none is planted."""

    name: str
    bug: str
    known: int
    small: Shrunk
    seconds: float
    needs_bug: bool | None

    @property
    def fine(self) -> bool:
        return self.small.complete and self.small.deviations.total <= self.known + MARGIN


def row(name: str, bug: str, known: int, tape: Tape) -> Row:
    """Shrink a run."""
    began = time.process_time()
    small = shrink(tape, name)
    seconds = time.process_time() - began
    return Row(name, bug, known, small, seconds, _holds_without(small) if bug else None)


def _holds_without(small: Shrunk) -> bool:
    """Whether the same run keeps the promise without its planted bugs."""
    tables: dict[str, Any] = small.tape.scenario
    mended = {**tables, "workers": [{**worker, "mutants": []} for worker in tables["workers"]]}
    result = run(Scenario.from_dict(mended), small.tape.seed, deviations=small.tape.deviations, properties=(small.broken,))
    return result.properties[small.broken] != "broken"


def rows() -> list[Row]:
    """All of them, findings first."""
    found = [row(name, "", known, blown_up(name)) for name, known in DEVIATIONS.items()]
    for name, bug, planted in CASES:
        tape = in_a_crowd(planted.tables(bug), name)
        found.append(row(name, bug.name.lower(), len(planted.faults), tape))
        print(_line(found[-1]), flush=True)
    return found


def _line(one: Row) -> str:
    small, before = one.small, one.small.before
    needs = {True: "yes", False: "no: the real protocol breaks it as well", None: "–"}[one.needs_bug]
    guilty = "; ".join(suspect.words for suspect in small.guilty) or "no fault is needed"
    was = f"{before.faults} + {before.choices}" if before is not None else "–"
    size = f"{small.deviations.faults} + {small.deviations.choices}"
    bug, fine = f"`{one.bug}`" if one.bug else "none: the real protocol", "✓" if one.fine else "✗"
    cells = (f"`{one.name}`", bug, was, size, one.known, fine, guilty, needs, small.tries, f"{one.seconds:.1f}")
    return f"| {' | '.join(map(str, cells))} |"


def text(found: list[Row]) -> str:
    """The report."""
    lines = [
        HEAD,
        "| property | planted bug | before: faults + choices | shrunk | known | at most 3 more | guilty | needs the bug | runs | CPU s |",
        "|---|---|---:|---:|---:|---|---|---|---:|---:|",
        *map(_line, found),
        "",
        f"{sum(one.fine for one in found)} of {len(found)} runs have at most {MARGIN} deviations more than the known way.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the table; exit code 1 when a run did not become small enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=REPORT)
    out = parser.parse_args().out
    found = rows()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text(found), "utf-8")
    return int(not all(one.fine for one in found))


if __name__ == "__main__":
    sys.exit(main())
