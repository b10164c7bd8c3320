from __future__ import annotations

import pytest

from sim.report.clock import length, stamp
from sim.report.story import StoryCollector
from tests.report.clusters import file_processing, kill, start


def test_the_story_of_a_killed_worker() -> None:
    _, story = file_processing({8: kill, 15: start})
    texts = [line.text for line in story.told()]
    killed = next(i for i, text in enumerate(texts) if " killed" in text)
    assert texts[killed].endswith("killed; last heartbeat 00:06.6; it held file-1/1/s1 and ran `process`")
    after = texts[killed + 2 :]
    assert after[0].startswith("server times the creation activity of file-1/1/s1 out (Heartbeat timeout, 20 s after its last heartbeat)")
    assert after[1].startswith("session file-1/1/s1 failed")
    assert "`process` cancelled" in after[1]
    assert after[-1] == "workflow file-1 ends COMPLETED"


def test_heartbeats_are_told_only_when_asked_for() -> None:
    _, story = file_processing()
    assert not [line for line in story.told(long=True) if "heartbeat" in line.text]
    assert [line for line in story.told(routine=True) if "heartbeat" in line.text]
    assert len(story.told()) < len(story.told(long=True)) < len(story.told(routine=True))


def test_the_story_of_one_session_has_no_other() -> None:
    _, story = file_processing({8: kill})
    mine = story.told(session="file-1/1/s1")
    assert mine
    assert not [line for line in mine if "file-1/1/s2" in line.text]
    assert [line for line in story.told(session="file-1") if "file-1/1/s2" in line.text]


def test_lines_are_in_order_and_begin_with_the_time() -> None:
    _, story = file_processing({8: kill})
    times = [line.time for line in story.lines]
    assert times == sorted(times)
    assert str(story.told()[0]).startswith("00:00.0 ")


def test_a_full_collector_counts_what_it_leaves_out() -> None:
    collector = StoryCollector(limit=1)
    collector._keep(0, "a", object())
    collector._keep(1, "a", object())
    assert (len(collector.seen), collector.left_out) == (1, 1)


@pytest.mark.parametrize(
    ("time", "digits", "text"),
    [
        (0, 1, "00:00.0"),
        (133_490_000, 1, "02:13.4"),
        (3_723_000_500, 3, "1:02:03.000"),
        (59_999_999, 0, "00:59"),
        (-1_500_000, 1, "-00:01.5"),
    ],
)
def test_stamp(time: int, digits: int, text: str) -> None:
    assert stamp(time, digits) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (5, "5 µs"),
        (12_345, "12.3 ms"),
        (12_345_000, "12.3 s"),
        (245_000_000, "4 min 5 s"),
        (12_000_000_000, "3 h 20 min"),
        (-2_000_000, "-2 s"),
    ],
)
def test_length(duration: int, text: str) -> None:
    assert length(duration) == text
