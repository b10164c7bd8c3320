"""The tapes beside the tables of findings show today what the tables say they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim import replay
from sim.trace.tape import read

REPORTS = Path(__file__).parents[2] / "reports" / "checker"
TAPES = sorted(REPORTS.rglob("*.tape"))


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: str(tape.relative_to(REPORTS)))
def test_a_reported_finding_replays_to_the_same_broken_property(tape: Path) -> None:
    again = replay(read(tape))
    assert again.identical
    assert again.result.properties[tape.stem] == "broken"


@pytest.mark.parametrize("table", [REPORTS, REPORTS / "windows", REPORTS / "without_faults"], ids=lambda table: table.name)
def test_each_tape_is_named_in_its_table(table: Path) -> None:
    said = (table / "findings.md").read_text(encoding="utf-8")
    tapes = [tape for tape in TAPES if tape.parent == table]
    assert tapes
    assert all(f"({tape.name})" in said for tape in tapes)
