"""Compilation, apart from the search, so that its time can be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from sim.checker.keys import Fingerprints
from sim.checker.layout import layout
from sim.checker.predicates import Predicates
from sim.checker.search import Search
from sim.checker.words import WordSearch
from sim.model.inputs import Input
from sim.model.node import Node, Step
from sim.model.world import Network, World


@dataclass(slots=True)
class _Spark(Node):
    """Moves once."""

    restless = True
    moved: bool = False

    def moves(self) -> Sequence[str]:
        return () if self.moved else ("move",)

    def handle(self, event: Input, step: Step) -> None:
        self.moved = True


def warm() -> float:
    """Compile the kernels, or load them from numba's cache; seconds that it took."""
    began = perf_counter()
    search = Search(World({"spark": _Spark()}, Network.SET), Fingerprints(), Predicates({}, {}))
    search.run()
    search.partitions[0].grow()
    WordSearch(search.compiler, layout(search.compiler, 1, 0)).run()
    return perf_counter() - began
