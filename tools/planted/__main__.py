"""The table of what campaigns find: ``python -m tools.planted [--runs N] [--campaigns N] [--out reports/fuzz] [--page] [BUG ...]``.

What was measured is kept in `planted.json`, and measured anew where the code is another; `planted.md` is made of all of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

from sim.fuzz.schedulers import KINDS, UNIFORM
from tools.planted.bugs import Bug, bugs
from tools.planted.kept import CAMPAIGNS, CHECKS, Campaigns, Check, Kept, read, state_of
from tools.planted.least import MARGIN
from tools.planted.search import TRIES, search, small
from tools.planted_checked import least

T = TypeVar("T")
APART: Final = 1_000
"""First seeds of campaigns lie so far apart."""

HEAD: Final = """# Which bugs campaigns of random faults find, and how soon

`python -m tools.planted --runs {runs} --campaigns {campaigns}`: every planted bug (`sim/workflow/mutants.py`), and every change of
session behaviour between versions of the Go SDK, in one scenario, `tools/planted/orchard.toml`. A bug is found when a run breaks one of
its promises that the same faults and the same luck do not break without it. The numbers are runs until then, of {runs} at most: by
campaigns with first seeds 1, 1001, ... ({campaigns}), the middle one, and the largest in brackets; `>{runs}`: not in so many.

*Shrunk* is what shrinking leaves of the run found by the first campaign (uniform), within {tries} runs: its deviations, which are
faults plus choices that are not the default schedule's. *Least* are those of the shortest way that the checker finds for the bug, by
whatever property shows it there ([which](../checker/planted.md)), and a run with a clock confirms, counted alike
(`tools/planted/least.py`); where there is none, why not.
*Within {margin}*: whether the shrunk run has at most {margin} deviations more than that; where the checker says nothing, more than none.
*By it*: whether the shrunk run keeps the promise without the bug, or breaks it as the real protocol does.

Some changes between versions break no promise of sessions. What shows of them is another property of `tools/planted/signs.py`, in
`tools/planted/versions.toml`, and held to the same run without the change just so.

All rows are of one state of the code (`{state}`, a digest of what campaigns run; `{checks}`, of what checks do).
"""


def measure(bug: Bug, runs: int, campaigns: int, state: str) -> Campaigns:
    """All campaigns for one bug."""
    found = {kind: [search(bug, kind, 1 + APART * number, runs) for number in range(campaigns)] for kind in KINDS}
    first = found["uniform"][0]
    left = small(bug, first, UNIFORM) if first.seed is not None else None
    return Campaigns(state, runs, {kind: [replace(one, parent=None) for one in each] for kind, each in found.items()}, left)


def line(bug: Bug, row: Campaigns, check: Check) -> str:
    """A row of the table."""
    first = row.found["uniform"][0]
    cells = [f"`{bug.name}`: {bug.what}", f"`{first.name}`" if first.name else _unseen(bug, row)]
    for kind in KINDS:
        numbers = [each.runs if each.seed is not None else row.runs + 1 for each in row.found[kind]]
        cells.append(f"{_number(median(numbers), row.runs)} ({_number(max(numbers), row.runs)})")
    known = check.least
    if row.small is None:
        cells += ["", str(known) if known.deviations is not None else "", "", ""]
    else:
        shrunk = row.small.deviations
        enough = {True: "yes", False: "no", None: "not known"}[known.allows(shrunk)]
        cells += [f"{shrunk.faults} + {shrunk.choices}", str(known), enough, "yes" if row.small.needs_it else "no"]
    return f"| {' | '.join(cells)} |"


def _number(value: float, runs: int) -> str:
    return f">{runs}" if value > runs else f"{value:g}"


def _unseen(bug: Bug, row: Campaigns) -> str:
    """Of a bug that breaks no promise, whether runs differ at all, and why it cannot show."""
    differing = [found.differing for each in row.found.values() for found in each if found.differing is not None]
    differ = f"none; runs differ from the {min(differing)}. on" if differing else "none, and no run differs"
    return f"{differ}: {bug.silent}" if bug.silent else differ


def page(kept: Kept) -> Iterator[str]:
    """The page of all bugs.

    Raises:
        ValueError: not all have been measured, or not with the same code and numbers.
    """
    names = [bug.name for bug in bugs()]
    missing = [name for name in names if name not in kept.campaigns or name not in kept.checks]
    if missing:
        raise ValueError(f"not measured yet: {', '.join(missing)}")
    state, runs, campaigns = _same((one.state, one.runs, len(one.found["uniform"])) for one in map(kept.campaigns.__getitem__, names))
    (checks,) = _same((kept.checks[name].state,) for name in names)
    heads = ["bug", "promise", *KINDS, "shrunk", "least", f"within {MARGIN}", "by it"]
    yield HEAD.format(runs=runs, campaigns=campaigns, tries=TRIES, margin=MARGIN, state=state, checks=checks)
    yield f"| {' | '.join(heads)} |\n|---|---|{'---:|' * len(KINDS)}---:|---|---|---|"
    for bug in bugs():
        yield line(bug, kept.campaigns[bug.name], kept.checks[bug.name])


def _same(values: Iterable[T]) -> T:
    first, *others = dict.fromkeys(values)
    if others:
        raise ValueError(f"rows are of different code or numbers of runs: {first}, {others}; expected them to be measured alike")
    return first


def bring_up_to_date(kept: Kept, chosen: Sequence[Bug], runs: int, campaigns: int, file: Path, only: str) -> None:
    """Measure what was not measured yet with this code and these numbers; what was stays. `only`: one of the two, "" for both."""
    state, checks = state_of(CAMPAIGNS), state_of(CHECKS)
    for bug in chosen:
        row, check = kept.campaigns.get(bug.name), kept.checks.get(bug.name)
        if only != "checks" and (row is None or (row.state, row.runs, len(row.found["uniform"])) != (state, runs, campaigns)):
            row = kept.campaigns[bug.name] = measure(bug, runs, campaigns, state)
            kept.write(file)
        if only != "campaigns" and (check is None or check.state != checks):
            check = kept.checks[bug.name] = Check.of(checks, least(bug))
            kept.write(file)
        print(line(bug, row, check) if row is not None and check is not None else bug.name, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.planted", description="Which bugs campaigns of random faults find.")
    parser.add_argument("--runs", type=int, default=200, help="runs of a campaign at most (200)")
    parser.add_argument("--campaigns", type=int, default=3, help="campaigns for each bug and scheduler (3)")
    parser.add_argument("--out", type=Path, default=Path("reports/fuzz"), help="where planted.json and planted.md are (reports/fuzz)")
    parser.add_argument(
        "--only", choices=("campaigns", "checks"), default="", help="measure only the one, and leave the other as it was kept"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing: make the page of what is kept")
    parser.add_argument("bugs", nargs="*", help="measure only these")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "planted.json"
    kept = read(file)
    if not options.page:
        chosen = [bug for bug in bugs() if not options.bugs or bug.name in options.bugs]
        bring_up_to_date(kept, chosen, options.runs, options.campaigns, file, options.only)
    try:
        text = "\n".join(page(kept)) + "\n"
    except ValueError as error:
        print(f"planted.md is left as it was: {error}", file=sys.stderr)
        return 1
    (options.out / "planted.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
