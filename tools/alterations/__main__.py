"""The table of altered cases: `python -m tools.alterations tests/data/real --simulated 1000 --seed 1`."""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sim.evidence.case import Case, read_case
from sim.evidence.conforming import case_folders, judge
from sim.evidence.result import Verdict
from tools.alterations.kinds import KINDS, alterations
from tools.alterations.simulated import folder
from tools.alterations.table import Judged, Outcome, Table, judged


def of_recorded(place: Path, seed: int, each: int, tries: int) -> list[Judged]:
    """Alterations of one recorded case."""
    return _altered(read_case(place), random.Random(f"{seed} {place.name}"), each, tries)


def of_simulated(seed: int, each: int, tries: int) -> list[Judged] | None:
    """Alterations of one simulated case; None when it cannot be told as a case, [] when it is not followed unaltered."""
    with tempfile.TemporaryDirectory() as scratch:
        place = folder(seed, Path(scratch))
        return None if place is None else _altered(read_case(place), random.Random(f"{seed} simulated"), each, tries)


def _altered(case: Case, r: random.Random, each: int, tries: int) -> list[Judged]:
    if judge(case, tries).verdict is not Verdict.ACCEPTED:
        return []
    return [judged(one, tries) for one in alterations(case, r, each)]


def simulated(pool: ProcessPoolExecutor, count: int, seed: int, tries: int) -> Iterator[list[Judged] | None]:
    """Simulated cases by their seeds, until there are enough alterations."""
    found = 0
    for block in itertools.count():
        seeds = [seed * 1_000_000 + block * 20 + i for i in range(20)]
        for of_one in pool.map(of_simulated, seeds, [1] * len(seeds), [tries] * len(seeds)):
            if found >= count:
                return
            found += len(of_one or [])
            yield of_one


class Report:
    """Both tables, and what was left out. `file` has them after every case, so that a run may be ended at any time."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.recorded, self.drawn = Table(), Table()
        self.skipped = self.unfollowed = 0

    def add(self, table: Table, found: list[Judged]) -> None:
        """Count what came of a case, with a line of progress."""
        for one in found:
            table.add(one)
        if found:
            tries = sum(one.result.tries for one in found if one.result is not None)
            print(f"{found[0].alteration.case.name}: {len(found)} alterations, {tries} runs", file=sys.stderr, flush=True)
        if self.file is not None:
            self.file.write_text(self.text(), "utf-8")

    @property
    def accepted(self) -> int:
        return sum(table.counts[kind, Outcome.ACCEPTED] for table in (self.recorded, self.drawn) for kind in KINDS)

    def text(self) -> str:
        tables = [(table, title) for table, title in ((self.recorded, "Recorded cases"), (self.drawn, "Simulated cases")) if table.counts]
        left = f"Of the drawn cases {self.unfollowed} are not followed before they are altered, for they have no log, and are left out."
        left += f" {self.skipped} have what no timeline tells.\n" if self.skipped else "\n"
        return "\n".join([*(table.markdown(title, KINDS) for table, title in tables), *([left] if self.drawn.counts else [])])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.alterations", description=__doc__)
    parser.add_argument("cases", nargs="*", help="folders of recorded cases, or folders of such folders")
    parser.add_argument("--simulated", type=int, default=0, metavar="N", help="so many alterations of simulated cases besides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=1, help="so many of each kind in each recorded case")
    parser.add_argument("--tries", type=int, default=400, help="run the cluster of a case at most so often")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there, too, after every case")
    given = parser.parse_args()
    report = Report(given.out)
    with ProcessPoolExecutor(given.jobs) as pool:
        folders = case_folders(given.cases)
        same = [given.seed], [given.each], [given.tries]
        for found in pool.map(of_recorded, folders, *(one * len(folders) for one in same)):
            report.add(report.recorded, found)
        for of_one in simulated(pool, given.simulated, given.seed, given.tries):
            report.skipped, report.unfollowed = report.skipped + (of_one is None), report.unfollowed + (of_one == [])
            report.add(report.drawn, of_one or [])
    print(report.text())
    return 1 if report.accepted else 0


if __name__ == "__main__":
    sys.exit(main())
