"""What runs with a clock say: the scenarios in which the original breaks a promise, and random clusters under random faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from sim.properties import VerdictKind
from tests.properties.clusters import NobodyError, worker_options
from tests.properties.scenarios_broken import BROKEN, Verdicts
from tests.properties.test_random_runs import play
from tools.repairs.variants import Variant

SEEDS: Final = range(1, 101)

Cases = dict[str, dict[str, list[str]]]
"""Variant -> scenario -> the properties that are broken in it, in order. Without the scenario when it does not come to pass."""

Random = dict[str, dict[str, list[int]]]
"""Variant -> property -> the seeds of which it is broken."""


def scenarios() -> Mapping[str, Callable[[], Verdicts]]:
    """Every scenario in which the original breaks something, by name."""
    return {scenario.__name__: scenario for found in BROKEN.values() for scenario, _ in found}


def broken(verdicts: Verdicts) -> list[str]:
    """The properties that a run breaks, in order."""
    return sorted(name for name, verdict in verdicts.items() if verdict.kind is VerdictKind.BROKEN)


def cases(variants: Iterable[Variant]) -> Cases:
    """Play all scenarios for each variant."""
    found: Cases = {}
    for variant in variants:
        with worker_options(variant.session, **variant.options):
            played = {name: _played(scenario) for name, scenario in scenarios().items()}
        found[variant.name] = {name: broken for name, broken in played.items() if broken is not None}
    return found


def _played(scenario: Callable[[], Verdicts]) -> list[str] | None:
    """What it breaks; None when its fault finds nobody whom it would meet, as when nobody holds a slot by then."""
    try:
        return broken(scenario())
    except NobodyError:
        return None


def random_runs(path: Path, variants: Iterable[Variant], seeds: range = SEEDS) -> Random:
    """Play random clusters under random faults for each variant, the same for all; `path` keeps them."""
    found: Random = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for variant in variants:
        if variant.name in found:
            continue
        of_variant: dict[str, list[int]] = {}
        with worker_options(variant.session, **variant.options):
            for seed in seeds:
                for name in broken(play(seed, faults=True)):
                    of_variant.setdefault(name, []).append(seed)
        found[variant.name] = dict(sorted(of_variant.items()))
        path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        counts = {name: len(of) for name, of in found[variant.name].items()}
        print(f"random runs: {variant.name}: {counts}", flush=True)
    return found
