"""The trace for Perfetto, the summary, and the HTML report."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from sim.report import html, perfetto, summary
from sim.report.summary import Judged
from tests.report.clusters import contention, file_processing, kill, start

RESULT: dict[str, Any] = {
    "scenario": "crash", "seed": 7, "digest": "d1", "ended_at_s": 70.0, "messages": 1234,
    "sessions": {"asked": 2, "created": 2, "completed": 1, "failed": 1, "creation_timed_out": 0},
    "creation_wait_s": {"mean": 0.01, "p50": 0.01, "p90": 0.02, "p99": 0.02, "max": 0.03},
    "slots": {"mean_used": 0.61, "capacity": 4},
    "workflows": [{"id": "file-1", "status": "COMPLETED", "wait_s": 0.01, "outcome": [1]}],
}  # fmt: skip
BROKEN = Judged("failure_is_failure", "broken", "A lost worker is no cancellation.", "broken", "file-1 ended CANCELED", 26_690_000, 2)
HELD = Judged("same_worker", "held", "All activities of a session run on one worker object.")
IDLE = Judged("creation_bounded", "not exercised", "CreateSession returns in time.")


def test_a_trace_has_every_worker_slot_and_fault() -> None:
    line, _ = file_processing({8: kill, 15: start})
    data = json.loads(perfetto.dumps(line))
    events = data["traceEvents"]
    assert {e["ph"] for e in events} == {"M", "X", "i", "C"}
    names = {e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert names == {"workflows", "A (host-a, 2 slots)", "B (host-b, 2 slots)", "A'1 (host-a, 2 slots)"}
    lost = next(e for e in events if e["ph"] == "X" and e["cat"] == "activity" and e["args"]["outcome"] == "lost")
    assert lost["name"] == "process"
    assert lost["ts"] + lost["dur"] == 8_000_000
    assert all(e["dur"] >= 0 and isinstance(e["ts"], int) for e in events if e["ph"] == "X")
    assert [e["ts"] for e in events if e["ph"] == "i" and e["name"] == "killed"] == [8_000_000]


def test_slices_of_one_slot_do_not_overlap() -> None:
    line, _ = contention()
    held: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for e in perfetto.trace(line)["traceEvents"]:
        if e["ph"] == "X" and e["cat"] == "session" and e["pid"] != perfetto.WORKFLOWS:
            held.setdefault((e["pid"], e["tid"]), []).append((e["ts"], e["ts"] + e["dur"]))
    assert len(held) == 6
    for spans in held.values():
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


def _printed(judged: list[Judged]) -> str:
    console = Console(width=160, record=True, file=StringIO())
    console.print(summary.summary(RESULT, judged))
    return console.export_text()


def test_the_summary_shows_the_broken_promise_first() -> None:
    text = _printed([HELD, IDLE, BROKEN])
    assert text.index("failure_is_failure") < text.index("same_worker")
    assert "00:26.6 file-1 ended CANCELED (and 1 more)" in text
    assert "not exercised in this run: creation_bounded" in text
    assert re.search(r"failed +1\b", text)
    assert "0.61 of 4 on average" in text


def test_the_conclusion_names_what_is_not_as_expected() -> None:
    assert summary.conclusion([HELD, BROKEN]) == "As expected: 1 promise held; failure_is_failure is broken, as the scenario says."
    surprise = Judged("same_worker", "broken", "…")
    assert summary.conclusion([surprise, HELD]) == "Not as expected: same_worker is broken."
    assert summary.conclusion([HELD]) == "As expected: 1 promise held, none is broken."
    assert not Judged("x", "held", expected="broken").as_expected


@pytest.mark.parametrize(
    ("judged", "says"),
    [
        (BROKEN, "The scenario expects that: the real protocol does not keep this promise."),
        (Judged("session_is_completed", "broken", expected="broken"), "The scenario expects that."),
        (Judged("slot_limit", "broken", expected="broken"), "The scenario expects that."),
        (Judged("session_is_completed", "broken"), "The scenario expects it to be held."),
        (HELD, ""),
        (IDLE, ""),
    ],
)
def test_the_protocol_is_to_blame_for_what_it_is_known_to_break_only(judged: Judged, says: str) -> None:
    """Not for a mistake of workflow code, nor for a planted bug."""
    assert judged.expectation == says
    assert ("expects" in _printed([judged])) == bool(says)


class _Loads(HTMLParser):
    """Collects what a page would load from elsewhere, and its ids."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value is not None and not value.startswith("#"):
                self.loads.append(value)
            if name == "id" and value is not None:
                self.ids.append(value)


def _report() -> str:
    line, story = file_processing({8: kill, 15: start})
    contents = html.Contents(
        RESULT, [HELD, BROKEN], line, story, "session-sim run crash --seed 7", 'name = "crash" # <b>&', modules={"w.py": "def f(): ..."}
    )
    return html.render(contents)


def test_a_report_stands_alone() -> None:
    text = _report()
    page = _Loads()
    page.feed(text)
    assert page.loads == []
    assert "@import" not in text
    assert "url(http" not in text
    assert len(page.ids) == len(set(page.ids))


def test_a_report_has_everything_and_escapes_what_users_wrote() -> None:
    text = _report()
    for words in (
        "crash, seed 7",
        "failure_is_failure",
        "00:26.6 file-1 ended CANCELED",
        "session-sim run crash --seed 7",
        "last heartbeat",
        "w.py",
    ):
        assert words in text
    assert "# &lt;b&gt;&amp;" in text
    assert text.count("<svg") == 2


def test_a_report_is_the_same_bytes_every_time() -> None:
    assert _report() == _report()
