"""What a search has seen of state machines, as `session-sim check --out` writes it: a diagram and a DOT file of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.checker.coverage import Coverage, Transition
    from sim.checker.result import CheckResult

FOLDER = "machines"


@dataclass(frozen=True, slots=True)
class Painted:
    """A machine with its files."""

    coverage: Coverage
    svg: Path
    dot: Path

    def to_json(self) -> dict[str, Any]:
        """The object of `check --json`."""
        one = self.coverage
        return {
            "transitions": [
                {
                    "from": transition[0],
                    "to": transition[1],
                    "entries": one.entries(transition),
                    "inputs": dict(sorted(one.taken.get(transition, {}).items())),
                }
                for transition in one.known
            ],
            "untaken": [list(transition) for transition in one.untaken],
            "unwritten": [list(transition) for transition in one.unwritten],
            "svg": str(self.svg),
            "dot": str(self.dot),
        }

    def lines(self) -> list[str]:
        """What it comes to, for people."""
        from sim.report.plots.machines import summary

        one = self.coverage
        found = [f"{one.machine.name}: {summary(one)}"]
        if one.untaken:
            found.append(f"    never taken: {_said(one.untaken)}")
        if one.unwritten:
            found.append(f"    not written down: {_said(one.unwritten)}")
        return found


def _said(transitions: Sequence[Transition]) -> str:
    return "; ".join(f"{one} → {other}" for one, other in transitions)


def file_name(name: str) -> str:
    """A name as that of a file, which nobody has to quote."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)


def paint(result: CheckResult, of_sessions: bool, out: Path) -> Mapping[str, Painted]:
    """Write a diagram and a DOT file of each machine into `out`/machines. Raises OSError.

    `of_sessions`: the session protocol's machines are painted; of any other system, the enums among its nodes' fields.
    """
    from sim.checker.coverage import coverage, of_fields
    from sim.report.plots import machines as diagram
    from sim.report.plots import style
    from sim.scenario.machines import MACHINES

    handled = list(result.handled())
    folder = out / FOLDER
    painted = {}
    for one in coverage(MACHINES if of_sessions else of_fields(handled), handled):
        folder.mkdir(parents=True, exist_ok=True)
        base = file_name(one.machine.name)
        files = Painted(one, folder / f"{base}.svg", folder / f"{base}.dot")
        files.svg.write_text(style.svg(diagram.draw(one)), encoding="utf-8")
        files.dot.write_text(diagram.dot(one), encoding="utf-8")
        painted[one.machine.name] = files
    return painted
