"""Rows of one depth: they stay what they are when there is no room for more, and what they take is accounted for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import layers
from sim.checker.layers import Layer
from sim.checker.visited import Budget, OutOfBudget


def filled(budget: Budget, states: int, step: int = 37) -> Layer:
    """A layer of so many states, which came a few at a time: row r is [2, 2 r, 2 r + 1, r, r + 1, 0]."""
    layer = Layer(budget, slots=2, mail=3)
    while layer.n < states:
        more = min(step, states - layer.n)
        layer.reserve(more)
        for r in range(layer.n, layer.n + more):
            layer.rows[r] = [2, 2 * r, 2 * r + 1, r, r + 1, 0]
            layer.keys[r], layer.parents[r], layer.outcomes[r] = 3 * r, 4 * r, 5 * r
        layer.n += more
    return layer


@pytest.mark.parametrize("many", [10, 1 << 20], ids=["large", "small"])
def test_rows_stay_what_they_are(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MANY", many)
    budget = Budget(1 << 20)
    layer = filled(budget, 1_000)
    layer.widen(4, 5, np.uint32)
    layer.reserve(500)
    for r in range(1_000):
        assert layer.row(r) == ([2 * r, 2 * r + 1, 0, 0], [r, r + 1])
        assert (layer.keys[r], layer.parents[r], layer.outcomes[r]) == (3 * r, 4 * r, 5 * r)


def test_what_counts_is_what_was_written_to() -> None:
    budget = Budget(1 << 20)
    layer = filled(budget, 1_000)
    assert len(layer.rows) > 1_000
    assert budget.used == 1_000 * layer.bytes_each == 1_000 * (6 * 2 + 16)
    layer.n = 0
    layer.reserve(700)
    assert budget.used == 1_000 * layer.bytes_each
    layer.n = 700
    layer.widen(3, 3, np.uint16)
    # 700 rows of 7 numbers are fewer bytes than were written to, 860 are more.
    assert budget.used == 1_000 * (6 * 2 + 16)
    layer.reserve(160)
    assert budget.used == budget.highest == 860 * 7 * 2 + 1_000 * 16


def test_rows_become_wider_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "TOGETHER", 7)
    layer = filled(Budget(1 << 20), 600)
    rows = layer.rows
    for slots, mail in ((3, 3), (4, 3), (4, 5)):
        layer.widen(slots, mail, np.uint16)
        assert np.shares_memory(rows, layer.rows)
        assert len(layer.rows) < len(rows)
        for r in range(600):
            assert layer.rows[r, : slots + 4].tolist() == [2, 2 * r, 2 * r + 1, *[0] * (slots - 2), r, r + 1, 0]
            assert layer.keys[r] == 3 * r


def test_a_large_layer_gets_room_for_all_that_may_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MANY", 100)
    budget = Budget(100_000)
    layer = filled(budget, 200)
    assert len(layer.rows) == 100_000 // layers.SHARE // layer.bytes_each
    moved: list[Any] = []
    monkeypatch.setattr(layer.__class__, "_move", lambda *a: moved.append(a))
    layer.reserve(len(layer.rows) - 200)
    assert not moved


def test_it_stops_before_there_is_too_much() -> None:
    with pytest.raises(OutOfBudget, match="states of one depth would need"):
        filled(Budget(10_000), 1_000)


def test_a_system_that_gives_no_addresses_gives_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = np.empty

    def refuses(count: int, number: type) -> Any:
        if count > 15_000:
            raise MemoryError
        return real(count, number)

    monkeypatch.setattr(layers, "MANY", 100)
    monkeypatch.setattr(layers.np, "empty", refuses)
    layer = filled(Budget(1 << 24), 700)
    assert len(layer.rows) < 1_100
    assert layer.row(699) == ([2 * 699, 2 * 699 + 1], [699, 700])
    with pytest.raises(MemoryError):
        layer.reserve(1_000)
