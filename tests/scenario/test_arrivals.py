"""Arrivals: when workflows start, and what they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import Scenario
from sim.protocol import observations as obs
from tests.scenario.watching import tables, watch

SLEEP: list[dict[str, Any]] = [{"op": "sleep", "ms": 2_000}]


def starts(workflow: dict[str, Any], **more: Any) -> list[tuple[str, float]]:
    """(id, seconds) of every start."""
    content = tables(SLEEP, **more)
    content["workflows"][0].update(workflow)
    seen, _ = watch(Scenario.from_dict(content), obs.WorkflowStarted)
    return [(o.workflow_id, round(t, 1)) for t, _, o in seen.all]


def test_at() -> None:
    assert starts({}) == [("w", 0.0)]
    assert starts({"arrival": {"at": "3s"}}) == [("w", 3.0)]
    assert starts({"arrival": {"at": ["3s", "1s"], "start": "1s"}}) == [("w-1", 2.0), ("w-2", 4.0)]
    assert starts({"count": 2, "arrival": {"at": "3s"}}) == [("w-1", 3.0), ("w-2", 3.0)]


def test_burst_and_every() -> None:
    burst = {"burst": {"size": 2, "every": "10s"}}
    assert starts({"count": 3, "arrival": burst}) == [("w-1", 0.0), ("w-2", 0.0), ("w-3", 10.0)]
    assert starts({"count": 2, "arrival": {"every": "5s"}}) == [("w-1", 5.0), ("w-2", 10.0)]


def test_poisson_goes_on_to_the_end_unless_counted() -> None:
    many = starts({"arrival": {"poisson": "1s"}}, until="200s")
    assert 150 < len(many) < 250
    assert starts({"count": 10, "arrival": {"poisson": "1s"}}) == many[:10]


def test_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("start_s\n3\n0.5\n")
    text = (
        '[[workers]]\nname = "w1"\n[[workflows]]\nid = "w"\nprogram = [{ op = "sleep", ms = 1 }]\narrival = { file = "times.csv" }\n'
    )  # fmt: skip
    (tmp_path / "s.toml").write_text(text)
    seen, result = watch(Scenario.load(tmp_path / "s.toml"), obs.WorkflowStarted)
    assert [(o.workflow_id, t) for t, _, o in seen.all] == [("w-1", 0.5), ("w-2", 3.0)]
    assert result.tape.scenario["workflows"][0]["arrival"]["file"] == ["3s", "500ms"]


def test_closed_loop() -> None:
    began = starts({"arrival": {"closed": {"population": 2, "total": 5, "think": "3s"}}})
    assert [name for name, _ in began] == ["w-1.1", "w-2.1", "w-1.2", "w-2.2", "w-1.3"]
    assert [t for _, t in began] == pytest.approx([0.0, 0.0, 5.0, 5.0, 10.0], abs=0.1)
    assert 20 < len(starts({"arrival": {"closed": {"population": 2}}}, until="30s")) < 35


def test_a_client_waits_for_the_server() -> None:
    outage = {"kind": "server_outage", "at": "1s", "for": "40500ms"}
    assert starts({"arrival": {"at": ["0s", "3s"]}}, faults=[outage], grace="1s") == [("w-1", 0.0), ("w-2", 42.0)]
