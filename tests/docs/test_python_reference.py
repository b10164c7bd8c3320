"""The reference of the Python interface has everything that is public, and every column of every frame."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.evidence.result import ConformResult
from sim.frames import Columns
from sim.report import tables as seen
from sim.scenario import tables
from sim.shrink.ablation import Suspects

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
FRAMES: dict[str, Columns[Any]] = {
    "run(...)": tables.RUN,
    "result.workflows": tables.Workflows.columns,
    "result.verdicts": tables.JUDGEMENT,
    "result.verdicts.violations()": tables.Violations.columns,
    "replay(...)": tables.REPLAY,
    "conform(...)": ConformResult.columns,
    "shrink(...).suspects": Suspects.columns,
    "timeline.sessions": seen.SessionRows.columns,
    "timeline.attempts": seen.AttemptRows.columns,
    "timeline.holds": seen.HoldRows.columns,
    "timeline.slots()": seen.SlotRows.columns,
    "timeline.lanes": seen.WorkerRows.columns,
    "timeline.workflows": seen.RunRows.columns,
    "timeline.marks": seen.MarkRows.columns,
    "timeline.intervals": seen.IntervalRows.columns,
    "timeline.heartbeats": seen.HeartbeatRows.columns,
    "story": seen.LineRows.columns,
}


def sections() -> dict[str, str]:
    """The sections about frames, by what the frame is made of."""
    parts = re.split(r"^## `(.+)\.to_frame\(\)`$", (REFERENCE / "frames.md").read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_frame_has_a_section() -> None:
    assert sections().keys() == FRAMES.keys()


@pytest.mark.parametrize("of", FRAMES)
def test_every_column_is_written_down(of: str) -> None:
    """With its dtype, in the order of the frame."""
    written = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", sections()[of], re.M)
    assert written == [(column.name, column.dtype) for column in FRAMES[of]]


def test_everything_public_is_written_down() -> None:
    """What `sim` exports, and nothing that it does not."""
    text = (REFERENCE / "python.md").read_text("utf-8")
    running = text[text.index("## Running") : text.index("## Workflow code")]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", running, re.M)
    assert sorted(name for row in rows for name in re.findall(r"\w+", row)) == sorted(sim.__all__)


def test_what_is_public_is_there() -> None:
    for name in sim.__all__:
        assert getattr(sim, name).__module__.startswith("sim."), name
    assert set(sim.__all__) <= set(dir(sim))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sim.nothing  # noqa: B018
