"""Compilation, apart from the search, so that its time can be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np

from sim.checker import compared_kernels, entry_kernels, visited_kernels, way_kernels
from sim.checker.instant import InstantSearch
from sim.checker.keys import Fingerprints
from sim.checker.layout import layout
from sim.checker.predicates import Predicates
from sim.checker.search import Search
from sim.checker.ways import Ways
from sim.checker.words import WordSearch
from sim.model.environment import Environment
from sim.model.inputs import Input
from sim.model.instant import InstantWorld
from sim.model.node import Node, Step
from sim.model.world import Network, World

TWINS: Final = ("spark 1", "spark 2")


@dataclass(slots=True)
class _Spark(Node):
    """Moves once."""

    restless = True
    moved: bool = False

    def moves(self) -> Sequence[str]:
        return () if self.moved else ("move",)

    def handle(self, event: Input, step: Step) -> None:
        self.moved = True


def warm(world: World, exact: bool = False) -> float:
    """Compile the kernels that a search of such a world calls, or load them from numba's cache; seconds that it took. `exact`: also those
    that compare states whole.

    Numbers of more than 16 bits, which only large searches need, are left to these.
    """
    began = perf_counter()
    sparks: dict[str, Node] = {name: _Spark() for name in TWINS}
    make = _of_instant if isinstance(world, InstantWorld) else _of_other
    if exact:
        whole = make(sparks, world.network, True)
        whole.run()
        assert whole.compared is not None
        compared_kernels.spread(whole.compared.keys, whole.compared.places, np.zeros(1 << 12, np.uint64), np.zeros(1 << 12, np.int64))
    search = make(sparks, world.network, False)
    search.run()
    search.keys_along(search.trace.path(1))
    _enlarge(search)
    if world.network is Network.SET and not isinstance(world, InstantWorld):
        WordSearch(search.compiler, layout(search.compiler, 1, 0)).run()
    return perf_counter() - began


def _of_instant(sparks: dict[str, Node], network: Network, whole: bool) -> Search:
    name = "environment"
    world = InstantWorld({**sparks, name: Environment()}, network, environment=name)
    return InstantSearch(world, Fingerprints(), Predicates({}, {}), symmetry=[TWINS], subsumption=True, whole=whole)


def _of_other(sparks: dict[str, Node], network: Network, whole: bool) -> Search:
    return Search(World(sparks, network), Fingerprints(), Predicates({}, {}), symmetry=[TWINS], whole=whole)


def _enlarge(search: Search) -> None:
    """What only larger searches come to: tables that grow."""
    partition = search.partitions[0]
    partition.grow()
    visited_kernels.spread(partition.table, len(partition.table), partition.shift, np.zeros(1, np.uint64), 0)
    entry_kernels.fill_taken(search.tables.taken, np.zeros_like(search.tables.taken))
    if isinstance(search, InstantSearch):
        ways = Ways(search.rows.slots, 1).arrays
        way_kernels.place_of(ways.roots, np.uint64(1))
        way_kernels.rehash(ways, ways.offsets)
