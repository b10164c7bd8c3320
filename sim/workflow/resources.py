"""What sessions ask for of a worker's resources: amounts by type, and the creation queue of each demand (docs/design/typed-resources.md).

A demand is a tuple of (type, amount), in the order of types, amounts above 0. Its two creation queues carry it in their names: workers poll
the first only while they have room for it, the second, to which it goes when it has waited too long, also while they have none, to let it
wait at their door. A session that asks for nothing goes to the queue that sessions have always had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Final

from sim.workflow.sessions import CREATION_QUEUE_SUFFIX

Amounts = tuple[tuple[str, int], ...]
"""(type, amount) in the order of types."""

MOST_SHAPES: Final = 64
"""So many demands a worker may be open to: each costs it a poll that is open at all times."""

REFUSED: Final = "SessionResourcesBusy"
"""Type of the failure with which a worker turns a session away that it has no room for now: it may be created elsewhere at once."""
NO_ROOM: Final = "SessionCreationTimeout"
"""Type of the failure of a creation that waited at a worker's door until CreationTimeout was over."""
NEVER: Final = "SessionResourcesExceeded"
"""Type of the failure with which a worker refuses what it could never serve."""


def amounts(wanted: Mapping[str, int]) -> Amounts:
    """The amounts of a table of them; what is 0 is nothing."""
    return tuple(sorted((kind, amount) for kind, amount in wanted.items() if amount))


def spelled(demand: Amounts) -> str:
    """A demand in words: `disk=1,gpu=2`, the same for the same demand."""
    return ",".join(f"{kind}={amount}" for kind, amount in demand)


def creation_queue(base: str, demand: Amounts) -> str:
    """The task queue of the creation activities of a demand."""
    return f"{base}/{spelled(demand)}{CREATION_QUEUE_SUFFIX}" if demand else base + CREATION_QUEUE_SUFFIX


def waiting_queue(base: str, demand: Amounts) -> str:
    """The task queue of those of them that have waited too long to be served only where there is room."""
    return f"{base}/{spelled(demand)}/waiting{CREATION_QUEUE_SUFFIX}"


def covers(have: Mapping[str, int], demand: Amounts) -> bool:
    """Whether this is enough for a demand."""
    return all(have.get(kind, 0) >= amount for kind, amount in demand)


def count_shapes(capacity: Amounts) -> int:
    """How many different demands a capacity covers, that of nothing left out."""
    return prod(amount + 1 for _, amount in capacity) - 1


def shapes(capacity: Amounts) -> Iterator[Amounts]:
    """All demands that a capacity covers but that of nothing, the smallest first."""
    kinds = [kind for kind, _ in capacity]
    every = product(*(range(amount + 1) for _, amount in capacity))
    for units in sorted(every, key=lambda units: (sum(units), [-unit for unit in units])):
        if any(units):
            yield tuple((kind, unit) for kind, unit in zip(kinds, units, strict=True) if unit)
