"""The table of what campaigns find: ``python -m tools.planted [--runs N] [--campaigns N] [--out reports/fuzz] [BUG ...]``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from sim.fuzz.schedulers import KINDS, UNIFORM
from tools.planted.bugs import Bug, bugs
from tools.planted.least import MARGIN
from tools.planted.search import Found, Small, search, small
from tools.planted_checked import least

APART: Final = 1_000
"""First seeds of campaigns lie so far apart."""

HEAD: Final = """# Which bugs campaigns of random faults find, and how soon

`python -m tools.planted --runs {runs} --campaigns {campaigns}`: every planted bug (`sim/workflow/mutants.py`), and every change of
session behaviour between versions of the Go SDK, in one scenario, `tools/planted/orchard.toml`. A bug is found when a run breaks one of
its promises that the same faults and the same luck do not break without it. The numbers are runs until then, of {runs} at most: by
campaigns with first seeds 1, 1001, ... ({campaigns}), the middle one, and the largest in brackets; `>{runs}`: not in so many.

*Shrunk* is what shrinking leaves of the run found by the first campaign (uniform), within {tries} runs: its deviations, which are
faults plus choices that are not the default schedule's. *Least* are those of the shortest way that the checker finds for the bug and a
run with a clock confirms ([where](../checker/planted.md)), counted alike (`tools/planted/least.py`); where there is none, why not.
*Within {margin}*: whether the shrunk run has at most {margin} deviations more than that; where the checker says nothing, more than none.
*By it*: whether the shrunk run keeps the promise without the bug, or breaks it as the real protocol does.

Some changes between versions break no promise of sessions. What shows of them is another property of `tools/planted/signs.py`, in
`tools/planted/versions.toml`, and held to the same run without the change just so.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One bug: what each scheduler's campaigns found, and what is left of the first."""

    bug: Bug
    found: dict[str, list[Found]]
    small: Small | None


def measure(bug: Bug, runs: int, campaigns: int) -> Row:
    """All campaigns for one bug."""
    found = {kind: [search(bug, kind, 1 + APART * number, runs) for number in range(campaigns)] for kind in KINDS}
    first = found["uniform"][0]
    return Row(bug, found, small(bug, first, UNIFORM) if first.seed is not None else None)


def line(row: Row, runs: int) -> str:
    """A row of the table."""
    first = row.found["uniform"][0]
    cells = [f"`{row.bug.name}`: {row.bug.what}", f"`{first.name}`" if first.name else _unseen(row)]
    for kind in KINDS:
        numbers = [each.runs if each.seed is not None else runs + 1 for each in row.found[kind]]
        cells.append(f"{_number(median(numbers), runs)} ({_number(max(numbers), runs)})")
    if row.small is None:
        cells += [""] * 4
    else:
        shrunk, known = row.small.deviations, least(row.bug)
        enough = {True: "yes", False: "no", None: "not known"}[known.allows(shrunk)]
        cells += [f"{shrunk.faults} + {shrunk.choices}", str(known), enough, "yes" if row.small.needs_it else "no"]
    return f"| {' | '.join(cells)} |"


def _number(value: float, runs: int) -> str:
    return f">{runs}" if value > runs else f"{value:g}"


def _unseen(row: Row) -> str:
    """Of a bug that breaks no promise, whether runs differ at all, and why it cannot show."""
    differing = [found.differing for each in row.found.values() for found in each if found.differing is not None]
    differ = f"none; runs differ from the {min(differing)}. on" if differing else "none, and no run differs"
    return f"{differ}: {row.bug.silent}" if row.bug.silent else differ


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.planted", description="Which bugs campaigns of random faults find.")
    parser.add_argument("--runs", type=int, default=200, help="runs of a campaign at most (200)")
    parser.add_argument("--campaigns", type=int, default=3, help="campaigns for each bug and scheduler (3)")
    parser.add_argument("--out", type=Path, default=Path("reports/fuzz"), help="where planted.md goes (reports/fuzz)")
    parser.add_argument("bugs", nargs="*", help="only these")
    options = parser.parse_args(argv)
    from sim.fuzz.schedulers import KINDS as names
    from tools.planted.search import TRIES

    heads = ["bug", "promise", *names, "shrunk", "least", f"within {MARGIN}", "by it"]
    lines = [HEAD.format(runs=options.runs, campaigns=options.campaigns, tries=TRIES, margin=MARGIN)]
    lines.append(f"| {' | '.join(heads)} |\n|---|---|{'---:|' * len(names)}---:|---|---|---|")
    options.out.mkdir(parents=True, exist_ok=True)
    for bug in bugs():
        if not options.bugs or bug.name in options.bugs:
            lines.append(line(measure(bug, options.runs, options.campaigns), options.runs))
            print(lines[-1], flush=True)
            (options.out / "planted.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
