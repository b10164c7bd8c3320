"""What is said of a test that failed, without pytest around it."""

from __future__ import annotations

from pathlib import Path

from sim import Scenario
from sim.properties.base import Violation
from sim.properties.duties import DUTIES
from sim.report.story import Line, Weight
from sim.testing.campaign import judged
from sim.testing.failing import AFTER, BEFORE, NAMED, around, examined, text

FORGETS_THE_FIRST = """
from sim.workflow import SessionOptions, complete_session, create_session, minutes

async def films(ctx, number):
    options = SessionOptions(creation_timeout=minutes(1), execution_timeout=minutes(30))
    await create_session(ctx, options)
    for _ in range(20):
        await complete_session(await create_session(ctx, options))
"""


def test_the_session_that_was_left_open_is_in_the_story_however_long_ago_it_began(tmp_path: Path) -> None:
    tables = {
        "name": "films", "workers": [{"name": "w", "max_concurrent_session_execution_size": 2}],
        "workflows": [{"id": "job", "workflow": "films.py:films"}], "modules": {"films.py": FORGETS_THE_FIRST},
    }  # fmt: skip
    broken = judged(Scenario.from_dict(tables), 1, (DUTIES["session_is_completed"],))
    assert broken is not None
    said = text(examined(broken, tmp_path, tries=0), "test_films.py::test_films", 1, 1).splitlines()
    (opened,) = (i for i, line in enumerate(said) if "session job/1/s1 is open" in line)
    assert said[opened - 1] == "    … 2 lines left out"
    assert said[opened + 1].endswith(" lines left out")
    told = [line for line in said if line.startswith("    0") or line.startswith("  ✗ here")]
    assert len(told) <= 1 + BEFORE + 1 + AFTER
    assert "session job/1/s21 is open" in "\n".join(said[opened:])


def test_of_what_a_violation_names_the_beginning_and_the_last_before_the_cut_are_kept() -> None:
    def line(time: int, text: str, *sessions: str) -> Line:
        return Line(time, text, Weight.KEY, sessions)

    lines = [line(i, "`fetch` fails", "w/1/s1" if i % 2 else "w/1/s11") for i in range(100)]
    by_session = around(lines, Violation(90, "it is still open", session="w/1/s1"))
    assert by_session == [1, *range(67, 77, 2), *range(77, 93)]
    assert len(by_session) == NAMED + BEFORE + AFTER
    lines[3] = line(3, "`store` fails", "w/1/s1")
    assert around(lines, Violation(90, "`store` never runs"))[:2] == [3, 77]
    assert around(lines, Violation(90, "w/1/s1 has failed"))[:2] == [1, 67]
    assert around(lines, Violation(5, "w/1/s1 has failed")) == [0, 1, 2, 3, 4, 5, 6, 7]
