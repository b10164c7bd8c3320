"""Whether the Go SDK as it is replays the histories of repaired runs: where it does, a repair needs no marker in old workflows."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypedDict

from temporalio.client import WorkflowHistory

from conformance import simulated
from conformance.build import REPLAYER, build
from conformance.draw import scenario
from conformance.replays import REFUSED, replay
from tools.repairs.variants import Variant

SEEDS: Final = range(1, 21)


class Replayed(TypedDict):
    """What became of a variant's histories: how many of each verdict of the real SDK; `loaded`: how many temporalio reads; `whys`: of
    those that are refused, what is said of them, and how many of which it is said."""

    verdicts: dict[str, int]
    loaded: int
    whys: dict[str, int]


Replays = dict[str, Replayed]
"""By variant."""


def export(variant: Variant, seeds: Iterable[int], folder: Path) -> list[Path]:
    """Histories of drawn programs under drawn faults, as the variant makes them."""
    return simulated.export(seeds, folder, lambda seed: variant.of(scenario(seed)))


def loads(file: Path) -> bool:
    """Whether temporalio reads all events of a history."""
    told = json.loads(file.read_text("utf-8"))
    return len(WorkflowHistory.from_json("w", told).events) == len(told["events"]) > 0


def kind_of(why: str) -> str:
    """What the replayer says of a history, without what differs from one to the next: numbers, and what only lists possible causes."""
    errors = re.search(r"the history has map\[error:(\S+) .*comes to map\[error:(\S+) ", why)
    if errors:
        return f"the history has {errors[1]} where the code comes to {errors[2]}"
    told = re.sub(r"^\[TMPRL\d+\] |During replay, | in history event position \d+|, entry \d+", "", why.partition(". However")[0])
    return re.sub(r"\b\d+\b", "N", told)[:160].strip()


def replays(path: Path, variants: Iterable[Variant]) -> Replays:
    """Have the real SDK replay what it did not yet; `path` keeps it. Raises BuildError without Go."""
    found: Replays = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for variant in variants:
        if variant.name not in found:
            with tempfile.TemporaryDirectory() as folder:
                files = export(variant, SEEDS, Path(folder))
                loaded = sum(loads(file) for file in files)
                told = replay(build(REPLAYER), files)
            verdicts, whys = Counter(r.verdict for r in told), Counter(kind_of(r.why) for r in told if r.verdict == REFUSED)
            found[variant.name] = {"verdicts": dict(sorted(verdicts.items())), "loaded": loaded, "whys": dict(whys.most_common())}
            path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
            print(f"replays: {variant.name}: {found[variant.name]}", flush=True)
    return found
