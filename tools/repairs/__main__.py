"""Searches, plays and measures what was not yet, and writes the report: ``python -m tools.repairs [--out reports/repairs]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from conformance.build import BuildError
from tools.repairs.costs import measure
from tools.repairs.exercised import MECHANISMS, exercised
from tools.repairs.page import Findings, page
from tools.repairs.proofs import Rows, prove
from tools.repairs.replays import Replays, replays
from tools.repairs.simulated import cases, random_runs
from tools.repairs.variants import VARIANTS, WITHOUT


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports/repairs"))
    parser.add_argument("--limit", type=int, default=300_000, help="states of one search at most")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long ways to break one property are held to a clock")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--page", action="store_true", help="only write the page, from what there is")
    only.add_argument("--searches", action="store_true", help="only search; what was searched already is not searched again")
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    if options.searches:
        prove(out / "proofs.jsonl", VARIANTS, options.limit, options.seconds)
        return
    variants = [] if options.page else VARIANTS
    random = random_runs(out / "random.json", variants)
    measured = measure(out / "costs.json", variants)
    try:
        replayed: Replays = replays(out / "replays.json", variants)
    except BuildError as error:
        print(f"no replays by the real SDK: {error}")
        replayed = {}
    try:
        acted = exercised(out / "exercised.json", [] if options.page else MECHANISMS)
    except BuildError as error:
        print(f"no mechanisms exercised: {error}")
        acted = {}
    proofs = Rows(out / "proofs.jsonl") if options.page else prove(out / "proofs.jsonl", VARIANTS, options.limit, options.seconds)
    found = Findings(VARIANTS, WITHOUT, proofs, cases([*VARIANTS, *WITHOUT]), random, measured, replayed, acted)
    (out / "README.md").write_text("\n".join(page(found)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
