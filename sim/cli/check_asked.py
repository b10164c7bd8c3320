"""Which options of `session-sim check` go together: what would be ignored is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import typer

from sim.cli.exits import WrongInput

OF_WALKS: Final = ("schedule", "depth", "seed")
OF_SEARCHES: Final = ("exact", "jobs", "memory", "limit", "fingerprint_seed", "no_symmetry", "small", "liveness", "deadlock")
OF_THE_COMPILED_SEARCH: Final = ("exact", "jobs", "memory", "fingerprint_seed", "out", "liveness")
BUDGETS: Final = (
    "crashes", "restarts", "stops", "cancels", "lost_requests", "lost_responses", "lost_machines", "pauses", "partitions", "duplicates",
    "slow", "retries",
)  # fmt: skip
OF_SCENARIOS: Final = (*BUDGETS, "messages", "properties")


def names_a_model(argument: str) -> bool:
    """Whether it is a model that is checked, and no scenario."""
    return argument.partition(":")[0].endswith(".py")


def given(context: typer.Context) -> frozenset[str]:
    """The options that somebody wrote down."""
    # By its name: typer has the class in a module of its own, and no public one.
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE")


def expect_no_clash(written: Collection[str], is_model: bool, windows: bool) -> None:
    """Raises WrongInput for an option that would be ignored."""
    for names, why in _clashes(written, is_model, windows):
        clashing = [f"--{_spelled(name)}" for name in names if name in written]
        if clashing:
            raise WrongInput(f"{', '.join(clashing)}: {why}")


def _clashes(written: Collection[str], is_model: bool, windows: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    if is_model:
        yield ("liveness",), "for scenarios only; of a model its own `in_the_end` is judged, always"
        yield OF_SCENARIOS, "for scenarios only; a model has parameters of its own (--set)"
    if "walks" in written:
        yield OF_SEARCHES, "not for --walks, which look at one way after the other; expected one of both"
    else:
        yield OF_WALKS, "for --walks only; expected them with it"
    if "small" in written:
        yield (
            OF_THE_COMPILED_SEARCH,
            "not for --small: the plain search is exact, on one core, and writes nothing; expected one of both",
        )
    if not windows:
        yield ("unit",), "the unit of --time windows; expected it with that"


def _spelled(name: str) -> str:
    return {"properties": "property"}.get(name, name.replace("_", "-"))
