"""Whether the Go SDK as it is replays the histories of repaired runs: where it does, a repair needs no marker in old workflows."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from temporalio.client import WorkflowHistory

from conformance.build import REPLAYER, build
from conformance.draw import scenario
from conformance.replays import replay
from sim import Scenario, run
from sim.cli.artifacts import write_histories
from tools.repairs.variants import Variant

SEEDS: Final = range(1, 21)

Replays = dict[str, dict[str, int]]
"""Variant -> verdict of the real SDK -> how many histories; `loaded`: how many temporalio reads."""


def export(variant: Variant, seeds: Iterable[int], folder: Path) -> list[Path]:
    """Histories of drawn programs under drawn faults, as the variant makes them."""
    files: list[Path] = []
    for seed in seeds:
        drawn = Scenario.from_dict({**scenario(seed), **variant.tables})
        recorder = run(drawn, seed, histories=True, properties=()).recorder
        assert recorder is not None
        place = folder / drawn.name
        write_histories(recorder, place, drawn.model.cluster.sdk_version)
        files += sorted(place.glob("*.json"))
    return files


def replays(path: Path, variants: Iterable[Variant]) -> Replays:
    """Have the real SDK replay what it did not yet; `path` keeps it. Raises BuildError without Go."""
    found: Replays = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for variant in variants:
        if variant.name not in found:
            with tempfile.TemporaryDirectory() as folder:
                files = export(variant, SEEDS, Path(folder))
                loaded = sum(len(WorkflowHistory.from_json("w", json.loads(f.read_text("utf-8"))).events) > 0 for f in files)
                verdicts = Counter(r.verdict for r in replay(build(REPLAYER), files))
            found[variant.name] = {**dict(sorted(verdicts.items())), "loaded": loaded}
            path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
            print(f"replays: {variant.name}: {found[variant.name]}", flush=True)
    return found
