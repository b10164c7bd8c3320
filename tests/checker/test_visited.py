"""The set of visited states: what was inserted is there, and nothing else, however often it grew and wherever keys lie."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import visited
from sim.checker.kernels import PARTITIONS
from sim.checker.visited import Budget, OutOfBudget, Partition, zeros

MANY = 10_000


def inserted(partition: Partition, keys: np.ndarray, step: int = 512) -> int:
    """How many keys were new."""
    new = 0
    for begin in range(0, len(keys), step):
        some = keys[begin : begin + step]
        buckets = np.zeros((1, PARTITIONS, step), np.uint64)
        buckets[0, 0, : len(some)] = some
        counts = np.zeros((1, PARTITIONS), np.int64)
        counts[0, 0] = len(some)
        new += partition.insert(buckets, counts, 0, np.zeros(step, np.uint64))
    return new


def spread_out(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 1 << 64, MANY, dtype=np.uint64)


KEYS = {
    "anywhere": spread_out(1),
    # Of these all first cells are the same, so that most keys lie far from theirs, at the beginning or at the end and around it.
    "first cells": np.arange(1, MANY + 1, dtype=np.uint64),
    "last cells": np.uint64((1 << 64) - 1) - np.arange(MANY, dtype=np.uint64),
    "both": np.concatenate((np.arange(1, 500, dtype=np.uint64), np.uint64((1 << 64) - 1) - np.arange(500, dtype=np.uint64), spread_out(2))),
}


@pytest.mark.parametrize("large", [10, 13, 64], ids=["where it is", "from the second time", "elsewhere"])
@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_a_table_that_grows_keeps_its_keys(keys: np.ndarray, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visited, "LARGE", large)
    monkeypatch.setattr(visited, "ASIDE", 3)
    budget = Budget(1 << 30)
    partition = Partition(budget)
    assert inserted(partition, keys) == len(keys)
    assert partition.count == len(keys)
    assert len(partition.table) == 1 << partition.bits
    assert np.array_equal(np.sort(partition.table[partition.table != 0]), np.sort(keys))
    assert inserted(partition, keys[::-1]) == 0
    assert budget.used == 8 << partition.bits
    memory = partition.memory
    partition.grow()
    assert (partition.memory is memory) == (large < 64)
    assert inserted(partition, keys) == 0


def test_growing_where_it_is_takes_no_more_than_the_larger_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visited, "LARGE", 10)
    budget = Budget(1 << 30)
    inserted(Partition(budget), KEYS["anywhere"])
    # The first time it moves, and both tables are there.
    assert budget.used == budget.highest


def test_a_table_stops_growing_when_memory_ends() -> None:
    with pytest.raises(OutOfBudget, match="set of visited states would need"):
        inserted(Partition(Budget(1 << 17)), KEYS["anywhere"])


def test_a_system_that_gives_no_addresses_gives_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = np.zeros

    def refuses(count: int, number: type) -> np.ndarray:
        if count > 100:
            raise MemoryError
        return real(count, number)

    monkeypatch.setattr(visited.np, "zeros", refuses)
    assert len(zeros(10, 1_000)) == 10
    assert len(zeros(10, 50)) == 50
