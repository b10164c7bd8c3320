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

TRIES = 400


def of_recorded(place: Path, seed: int, each: int) -> list[Judged]:
    """Alterations of one recorded case."""
    return _altered(read_case(place), random.Random(f"{seed} {place.name}"), each)


def of_simulated(seed: int, each: int) -> list[Judged] | None:
    """Alterations of one simulated case; None when it cannot be told as a case, [] when it is not followed unaltered."""
    with tempfile.TemporaryDirectory() as scratch:
        place = folder(seed, Path(scratch))
        return None if place is None else _altered(read_case(place), random.Random(f"{seed} simulated"), each)


def _altered(case: Case, r: random.Random, each: int) -> list[Judged]:
    if judge(case, TRIES).verdict is not Verdict.ACCEPTED:
        return []
    return [judged(one, TRIES) for one in alterations(case, r, each)]


def simulated(pool: ProcessPoolExecutor, count: int, seed: int, each: int) -> Iterator[list[Judged] | None]:
    """Simulated cases by their seeds, until there are enough alterations."""
    found = 0
    for block in itertools.count():
        seeds = [seed * 1_000_000 + block * 20 + i for i in range(20)]
        for of_one in pool.map(of_simulated, seeds, [each] * len(seeds)):
            if found >= count:
                return
            found += len(of_one or ())
            yield of_one


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.alterations", description=__doc__)
    parser.add_argument("cases", nargs="*", help="folders of recorded cases, or folders of such folders")
    parser.add_argument("--simulated", type=int, default=0, metavar="N", help="so many alterations of simulated cases besides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=1, help="so many of each kind in each recorded case")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    recorded, drawn, skipped, unfollowed = Table(), Table(), 0, 0
    with ProcessPoolExecutor(given.jobs) as pool:
        folders = case_folders(given.cases)
        for found in pool.map(of_recorded, folders, [given.seed] * len(folders), [given.each] * len(folders)):
            for one in found:
                recorded.add(one)
        print(recorded.markdown(f"Recorded cases: {len(folders)}", KINDS), flush=True)
        for of_one in simulated(pool, given.simulated, given.seed, 1):
            skipped, unfollowed = skipped + (of_one is None), unfollowed + (of_one == [])
            for one in of_one or ():
                drawn.add(one)
    if given.simulated:
        print(drawn.markdown("Simulated cases", KINDS))
        print(f"{skipped} drawn cases have what no timeline tells; {unfollowed} are not followed before they are altered, without a log.")
    accepted = sum(table.counts[kind, Outcome.ACCEPTED] for table in (recorded, drawn) for kind in KINDS)
    return 1 if accepted else 0


if __name__ == "__main__":
    sys.exit(main())
