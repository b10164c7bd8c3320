"""What became of every property, with its promise, for tables and reports."""

from __future__ import annotations

from collections.abc import Mapping

from sim.report.summary import Judged
from sim.scenario.run import RunResult


def judged(result: RunResult, expected: Mapping[str, str]) -> list[Judged]:
    """Every verdict of a run, in the order of the properties.

    Args:
        result: the run.
        expected: what the scenario expects, by property.
    """
    from sim.properties import KNOWN

    found = []
    for name, verdict in result.verdicts.items():
        first = verdict.violations[0] if verdict.violations else None
        found.append(
            Judged(
                name=name,
                verdict=result.properties[name],
                promise=KNOWN[name].sentence if name in KNOWN else "",
                expected=expected.get(name, ""),
                violation=first.message if first is not None else "",
                at=first.time_us if first is not None else 0,
                violations=verdict.broken,
                exercised=verdict.exercised,
            )
        )
    return found
