from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from sim.report.plots import slots, style, timeline, waits
from sim.report.timeline_parts import Timeline
from tests.report.clusters import contention, file_processing, kill, start


def test_the_timeline_says_what_happened_in_words() -> None:
    line, _ = file_processing({8: kill, 15: start})
    text = style.svg(timeline.draw(line, "file_processing, seed 1"))
    ET.fromstring(text)
    for words in (
        "file_processing, seed 1",
        "killed 00:08.0",
        "starts",
        "process",
        "file-1 s1",
        "its slot is gone, not noticed yet",
        "completed",
    ):
        assert words in text
    assert "2 workers · 1 workflow · 2 sessions · the run ends at 01:10.0" in text


@pytest.mark.parametrize(("fault", "word"), [("freeze", "frozen"), ("hold", "cut off")])
def test_faults_that_last_are_labelled(fault: str, word: str) -> None:
    back = {"freeze": "unfreeze", "hold": "release"}[fault]
    line, _ = file_processing({8: lambda c, p: getattr(c, fault)(p), 20: lambda c, p: getattr(c, back)(p)})
    assert word in style.svg(timeline.draw(line))


def test_an_outage_of_the_server_and_a_lost_machine_are_drawn() -> None:
    line, _ = file_processing({5: lambda c, p: c.stop_server(), 9: lambda c, p: c.start_server(), 12: lambda c, p: c.lose_machine(p)})
    text = style.svg(timeline.draw(line))
    assert "server down" in text
    assert "machine lost" in text


def test_figures_are_the_same_bytes_every_time() -> None:
    line, _ = file_processing({8: kill})
    for draw in (timeline.draw, slots.draw):
        first, second = style.svg(draw(line)), style.svg(draw(line))
        assert first == second
        assert "<dc:date>" not in first
    assert style.svg(waits.draw([3, 1, 2])) == style.svg(waits.draw([2, 3, 1]))


def test_a_large_run_has_lanes_without_words() -> None:
    line, _ = contention(workers=10, workflows=100, slots=3)
    text = style.svg(timeline.draw(line, "contention"))
    assert "10 workers · 100 workflows · 100 sessions" in text
    assert "download" not in text
    height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', text).group(1)) / 72  # type: ignore[union-attr]
    assert height < 18


def test_a_run_in_which_nothing_happened_can_be_drawn() -> None:
    for draw in (timeline.draw, slots.draw):
        ET.fromstring(style.svg(draw(Timeline(end=0))))
    ET.fromstring(style.svg(waits.draw([], 3)))


def test_the_picture_says_what_it_leaves_out() -> None:
    line, _ = file_processing()
    line.left_out["sessions"] = 7
    assert "beyond the limits of a picture: 7 sessions" in style.svg(timeline.draw(line))


@pytest.mark.parametrize(("x", "end", "text"), [(5, 60, "5 s"), (0.5, 2, "0.5 s"), (90, 600, "1:30 min"), (5400, 9000, "1:30 h")])
def test_ticks(x: float, end: float, text: str) -> None:
    assert style.tick_text(x, end) == text


def test_the_picture_ends_soon_after_the_last_thing_that_happened() -> None:
    line, _ = file_processing(until=500)
    text = style.svg(timeline.draw(line))
    assert "the run ends at 08:20.0" in text
    assert ">16 s<" in text
    assert ">20 s<" not in text
