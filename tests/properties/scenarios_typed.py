"""Typed resources: for each promise of theirs a scenario in which a planted bug breaks it, and in which it is kept without.

Each function takes the bugs to plant and gives the verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.properties import promises
from sim.protocol.mutants import Mutant, Mutants
from sim.workflow.resources import amounts
from sim.workflow.variants import Variant
from tests.properties.clusters import DEFER, Program, Stage, act, create, spec
from tests.properties.scenarios_planted import Verdicts


def typed_stage(bugs: Mutants = (), workers: str = "A", **units: int) -> Stage:
    """Workers with so many units of each type."""
    options: dict[str, Any] = {"mutants": bugs, "variant": Variant.HOST}
    specs = [spec(name, session_resources=amounts(units), **options) for name in workers]
    return Stage(specs=specs, names=list(promises(Variant.HOST)))


def using(ms: int = 20_000, creation: str = "60s", **units: int) -> Program:
    """A session with so many units of each type, in which an activity runs for so long. It has five seconds of patience."""
    return [create(creation, resources=units, patience="5s"), DEFER, act(ms)]


def two_for_one_gpu(bugs: Mutants) -> Verdicts:
    """Two sessions that need a GPU and some disk, and one GPU."""
    stage = typed_stage(bugs, gpu=1, disk=2)
    return stage.start(using(gpu=1, disk=1), "w1").start(using(gpu=1, disk=1), "w2").run(90)


def cancelled_with_a_gpu(bugs: Mutants) -> Verdicts:
    """A workflow is cancelled while its session has the GPU; the next one asks for it."""
    stage = typed_stage(bugs, gpu=1).start(using(60_000, gpu=1), "w1").start(using(gpu=1), "w2", at=10)
    return stage.cancel(5, "w1").run(120)


def all_gpus_or_none(bugs: Mutants) -> Verdicts:
    """One of two GPUs is taken; another session needs both."""
    return typed_stage(bugs, gpu=2).start(using(gpu=1), "w1").start(using(gpu=2), "w2", at=2).run(90)


def small_ones_behind_a_large_one(bugs: Mutants) -> Verdicts:
    """One of two GPUs is taken, a session that needs both waits at the door, and others come that need one."""
    stage = typed_stage(bugs, gpu=2).start(using(40_000, gpu=1), "w1").start(using(gpu=2), "w2", at=2)
    for n in range(5):
        stage.start(using(10_000, creation="3m", gpu=1), f"small{n}", at=20 + n)
    return stage.run(240)


TYPED_PLANTED: dict[str, tuple[Mutant, Callable[[Mutants], Verdicts]]] = {
    "resource_limit": (Mutant.RESOURCE_TYPE_FORGOTTEN, two_for_one_gpu),
    "all_or_none": (Mutant.PARTIAL_GRANT, all_gpus_or_none),
    "no_starvation_by_others": (Mutant.LINE_NOT_KEPT, small_ones_behind_a_large_one),
}
"""Property -> a bug, and a scenario in which it shows."""

TYPED_MORE: list[tuple[str, Mutant, Callable[[Mutants], Verdicts]]] = [
    ("resource_limit", Mutant.RESOURCES_KEPT_ON_FAILURE, cancelled_with_a_gpu),
    ("all_or_none", Mutant.RESOURCE_TYPE_FORGOTTEN, two_for_one_gpu),
]
"""Further ones."""
