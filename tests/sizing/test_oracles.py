"""A few rows of the oracles' table, small; `python -m tools.oracles` makes all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tools.oracles.cell as cells
from sim.model.laws import Exponential
from sim.sizing.load import scenario_of
from sim.sizing.offered import offered
from tools.oracles.cell import SECOND, Cell, Row, measured
from tools.oracles.table import allowed, page, rejected


@pytest.fixture(autouse=True)
def few_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "CUSTOMERS", 20_000)


def row(workers: int, slots: int, load: float, patience_s: float | None = None, sessions: int = 400) -> Row:
    return measured(Cell(workers, slots, load, Exponential(10 * SECOND), patience_s), [1, 2], sessions, 50)


@pytest.mark.parametrize(("workers", "slots", "load", "patience_s"), [(1, 1, 0.8, None), (2, 1, 1.2, 10.0)])
def test_the_simulated_queue_is_that_of_theory(workers: int, slots: int, load: float, patience_s: float | None) -> None:
    found = row(workers, slots, load, patience_s)
    assert abs(found.error) + found.width < allowed(found)
    assert found.p is not None
    assert found.p > 0.001  # fixed seeds; one in a thousand would do so by chance
    assert found.cell.law.mean() / SECOND > 1_000 * found.overhead.on_slot
    assert found.theory > found.pure  # the protocol's own time counts, and is small
    assert found.theory == pytest.approx(found.pure, rel=0.01)
    if patience_s is not None:
        assert found.simulated_lost.mean == pytest.approx(found.theory_lost, rel=0.03)
        assert found.p_lost is not None
        assert found.p_lost > 0.001


@pytest.mark.slow
def test_a_slower_protocol_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a hundredth of the hold lost between two sessions, and nobody had counted it, equality would be refused."""
    plain = cells._ideal

    def blind(cell: Cell, journeys: object, extra_s: float) -> list[int]:
        return plain(cell, journeys, extra_s - 0.1)  # type: ignore[arg-type]

    monkeypatch.setattr(cells, "_ideal", blind)
    found = row(1, 1, 0.8)
    assert found.p is not None
    assert found.p < 0.001
    assert rejected([found])


def test_holm_goes_through_the_table_from_the_smallest() -> None:
    base = row(1, 1, 0.5, sessions=100)
    rows = [replace(base, p=p, p_lost=None) for p in (0.9, 0.02, 0.0001)]
    assert len(rejected(rows)) == 2  # 0.0001 <= 0.05 / 3, 0.02 <= 0.05 / 2, 0.9 > 0.05
    assert len(rejected([replace(base, p=p, p_lost=None) for p in (0.03, 0.04, 0.02)])) == 0
    facts = {"command": "x", "when": "a minute", "seeds": 2, "sessions": 100, "warm_up": 50, "batches": 20, "customers": 20_000}
    text = page(rows, facts)
    assert "Holm's procedure rejects at 5 %: 1 (1 × 1) at 0.5, wait (p = 1.0e-04)" in text


def test_a_scenario_tells_what_it_offers() -> None:
    cell = Cell(5, 2, 0.8, Exponential(10 * SECOND), patience_s=4.0)
    known = offered(scenario_of(cell.load_of_sessions(), 5, 2, 10).model)
    assert known is not None
    assert (known.servers, known.patience, known.exact) == (10, 4.0, True)
    assert known.per_slot == pytest.approx(0.8, rel=1e-3)
    queue = known.queue()
    assert queue is not None
    assert known.mean_wait() == queue.mean_served
    assert replace(known, rate=2.0, patience=None).queue() is None  # no steady state
