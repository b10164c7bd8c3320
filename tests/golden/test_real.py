"""Histories of a real server, repeated by the simulator with committed tapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.recordings import Recording
from tests.golden.steer import remaining, steer

REAL = Path(__file__).parent.parent / "data" / "real"
TAPES = Path(__file__).parent / "real"
CASES = sorted(tape.stem for tape in TAPES.glob("*.json"))


@pytest.mark.parametrize("case", CASES)
def test_real_history(case: str, rewrite: bool) -> None:
    """With its tape the simulator writes the recorded history, and times are nearer than the promised 100 ms."""
    recording = Recording.load(REAL / case)
    tape = TAPES / f"{case}.json"
    if rewrite:
        tape.write_text(json.dumps(steer(recording), indent=1) + "\n")
    deviations = json.loads(tape.read_text())
    assert remaining(recording, deviations, tolerance_ms=100) == []
    assert remaining(recording, deviations, tolerance_ms=5) == []


def test_another_history_is_noticed() -> None:
    """Without its tape the simulator writes another one of the possible histories."""
    assert remaining(Recording.load(REAL / "happy_path"), {}, tolerance_ms=5) != []
