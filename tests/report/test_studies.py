"""The studies under reports/: what their tables say of figures, and a small run of the one that has no scenario file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.sweep.statistics import mean_interval
from tools.studies.many_sessions import measured
from tools.studies.page import fill, share, spelled


@pytest.mark.parametrize(
    ("values", "text"),
    [([0.0976, 0.0921, 0.0986], "0.0961 ± 0.0087"), ([1396, 1388, 1450], "1411 ± 84"), ([5, 5, 5], "5 in all runs"), ([7], "7")],
)
def test_figures_have_as_many_digits_as_are_known(values: list[float], text: str) -> None:
    assert spelled(mean_interval(values)) == text


def test_a_share_without_cases_has_an_interval() -> None:
    assert share([0, 0, 0], [1000] * 3) == "0 % [0, 0.123]"


def test_a_share_whose_cases_come_in_clusters_has_the_wider_interval() -> None:
    assert share([5, 9, 40], [1000] * 3) == "1.8 % [0, 6.56]"


def test_only_what_stands_between_the_marks_is_made(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- /a -->\nafter\n")
    fill(page, "a", "new")
    assert page.read_text() == "before\n<!-- a -->\nnew\n<!-- /a -->\nafter\n"
    with pytest.raises(ValueError, match="has 0 places <!-- b -->"):
        fill(page, "b", "new")


def test_open_sessions_heartbeat_and_cannot_be_completed() -> None:
    many, few = measured(100, 1_000, 1), measured(100, 15, 1)
    assert many.creation_wait < 1 < few.creation_wait
    assert few.work_wait < 1 < many.work_wait
    assert few.unfinished == 0 < many.unfinished
    assert few.heartbeats < many.heartbeats
