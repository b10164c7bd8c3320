"""Rows of two depths share one memory: they stay what they are whatever happens to it, and what they take is accounted for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker import layers
from sim.checker import rows as rows_module
from sim.checker.layers import Layer
from sim.checker.row_kernels import CHUNK, place_of_row
from sim.checker.rows import Rows
from sim.checker.visited import Budget, OutOfBudget

CHUNKS = 5
FILLED = (CHUNKS - 1) * CHUNK + 100


def fill(layer: Layer, states: int, step: int = 370) -> Layer:
    """So many states, which come some at a time: row r is [2, 2 r, 2 r + 1, r, r + 1, 0]."""
    while layer.n < states:
        more = min(step, states - layer.n)
        layer.reserve(more)
        for r in range(layer.n, layer.n + more):
            layer.rows.write(layer.place(r), np.array([2, 2 * r, 2 * r + 1, r, r + 1, 0], layer.rows.number))
            layer.keys[r], layer.parents[r], layer.outcomes[r] = 3 * r, 4 * r, 5 * r
        layer.n += more
    return layer


def filled(budget: Budget, states: int = FILLED) -> Layer:
    """A layer by itself, of rows with two slots and mail of three."""
    return fill(Layer(Rows(budget, slots=2, mail=3)), states)


def expect(layer: Layer, states: range, vacant: int = 0) -> None:
    """Fails unless these states are what `fill` wrote, with so many more slots that nobody is in."""
    for r in states:
        assert layer.row(r) == ([2 * r, 2 * r + 1, *[0] * vacant], [r, r + 1])
        assert (layer.keys[r], layer.parents[r], layer.outcomes[r]) == (3 * r, 4 * r, 5 * r)


@pytest.mark.parametrize("many", [10, 1 << 20], ids=["large", "small"])
def test_rows_stay_what_they_are(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MANY", many)
    layer = filled(Budget(1 << 22))
    layer.rows.widen(4, 5, np.uint32)
    layer.reserve(2 * CHUNK)
    expect(layer, range(FILLED), vacant=2)


def test_a_kernel_finds_rows_where_the_layer_has_them() -> None:
    layer = filled(Budget(1 << 22))
    assert [place_of_row(layer.chunks, r) for r in range(FILLED)] == [layer.place(r) for r in range(FILLED)]
    assert len({layer.place(r) for r in range(FILLED)}) == FILLED


def test_the_next_states_are_written_where_those_were_that_are_done_with() -> None:
    budget = Budget(1 << 22)
    rows = Rows(budget, slots=2, mail=3)
    layer, following = fill(Layer(rows), FILLED), Layer(rows)
    layer.give_back(2 * CHUNK + 5)
    fill(following, 2 * CHUNK)
    # Both have what they had, in the memory of the first.
    expect(layer, range(2 * CHUNK, FILLED))
    expect(following, range(2 * CHUNK))
    assert {following.place(r) for r in range(2 * CHUNK)} == set(range(2 * CHUNK))
    assert budget.used == CHUNKS * CHUNK * rows.bytes_each + 16 * (FILLED + 2 * CHUNK)


def test_a_layer_that_is_cleared_has_nothing_and_takes_nothing_new() -> None:
    budget = Budget(1 << 22)
    layer = filled(budget)
    layer.give_back(CHUNK)
    used = budget.used
    layer.clear()
    assert layer.n == 0
    fill(layer, FILLED)
    expect(layer, range(FILLED))
    assert budget.used == used
    assert len({layer.place(r) for r in range(FILLED)}) == FILLED


def test_what_counts_is_what_was_written_to() -> None:
    budget = Budget(1 << 22)
    layer = filled(budget)
    rows = layer.rows
    assert len(rows.data) > CHUNKS * CHUNK
    assert budget.used == CHUNKS * CHUNK * rows.bytes_each + FILLED * 16 == CHUNKS * CHUNK * 6 * 2 + FILLED * 16
    rows.widen(3, 3, np.uint16)
    assert budget.used == CHUNKS * CHUNK * 7 * 2 + FILLED * 16


def test_rows_become_wider_where_they_are() -> None:
    rows = Rows(Budget(1 << 22), slots=2, mail=3)
    layer, following = fill(Layer(rows), FILLED), Layer(rows)
    layer.give_back(2 * CHUNK)
    fill(following, 700)
    data = rows.data
    for slots, mail in ((3, 3), (4, 3), (4, 4)):
        rows.widen(slots, mail, np.uint16)
        assert np.shares_memory(data, rows.data)
        assert len(rows.data) < len(data)
        expect(layer, range(2 * CHUNK, FILLED), vacant=slots - 2)
        expect(following, range(700), vacant=slots - 2)


def test_a_large_search_gets_room_for_all_that_may_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MANY", 100)
    budget = Budget(1_000_000)
    layer = filled(budget)
    rows = layer.rows
    assert len(rows.data) == 1_000_000 // rows_module.SHARE // rows.bytes_each
    assert len(layer.keys) == 1_000_000 // layers.SHARE // layer.bytes_each
    moved: list[Any] = []
    monkeypatch.setattr(Rows, "_move", lambda *a: moved.append(a))
    monkeypatch.setattr(Layer, "_lengthen", lambda *a: moved.append(a))
    layer.reserve(len(layer.keys) - layer.n)
    assert not moved


def test_it_stops_before_there_is_too_much() -> None:
    with pytest.raises(OutOfBudget, match="states of one depth would need"):
        filled(Budget(50_000))


def test_a_system_that_gives_no_addresses_gives_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = np.empty

    def refuses(count: int, number: type) -> Any:
        if count > 100_000:
            raise MemoryError
        return real(count, number)

    monkeypatch.setattr(rows_module, "MANY", 100)
    monkeypatch.setattr(np, "empty", refuses)
    layer = filled(Budget(1 << 24))
    assert len(layer.rows.data) < 8 * CHUNK
    expect(layer, range(FILLED))
    with pytest.raises(MemoryError):
        fill(layer, 12 * CHUNK)
