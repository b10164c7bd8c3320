"""Scenarios and results in a notebook: whole, escaped, and nothing loaded from anywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed

from sim import Diverged, RunResult, Scenario, replay, run, watch
from sim.report import notebook
from tests.scenario.watching import CREATE, act, scenario

ROOT = Path(__file__).parents[2]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def crash() -> RunResult:
    return run(Scenario.load(ROOT / "scenarios" / "file_processing_crash.toml"), 7)


class _Page(HTMLParser):
    """Collects what a page would load, its ids, and the tags that are open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("br", "meta"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value is not None and not value.startswith("#"):
                self.loads.append(value)
            if name == "id" and value is not None:
                self.ids.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()


def pages(result: RunResult) -> dict[str, str]:
    """Everything that shows itself, made of one run."""
    watched = watch(result)
    shown: list[Any] = [
        result, replay(result.tape), Scenario.from_dict(result.tape.scenario), watched, watched.timeline, watched.story
    ]  # fmt: skip
    return {type(one).__name__: one._repr_html_() for one in shown}


def test_pages_stand_alone(crash: RunResult) -> None:
    for name, html in pages(crash).items():
        page = _Page(html)
        assert page.open == [], name
        assert page.loads == [], name
        assert "script" not in page.tags, name
        assert len(page.ids) == len(set(page.ids)), name
        assert "url(" not in re.sub(r"url\(#", "", html), name


def test_a_run_shows_figures_verdicts_and_picture(crash: RunResult) -> None:
    html = crash._repr_html_()
    assert "file_processing_crash, seed 7" in html
    assert "As expected: 13 promises held; failure_is_failure is broken" in html
    assert "1 canceled" in html
    assert "file ends CANCELED; nobody cancelled it" in html
    assert html.count("<svg") == 1
    assert html == crash._repr_html_()


def test_pictures_of_one_page_do_not_share_ids(crash: RunResult) -> None:
    other = run(Scenario.from_dict(crash.tape.scenario), 8)
    assert not set(_Page(crash._repr_html_()).ids) & set(_Page(other._repr_html_()).ids)


def test_a_replay_says_whether_it_is_the_same(crash: RunResult) -> None:
    same, other = replay(crash.tape), run(scenario([CREATE, act()]), 1, full_tape=True)
    assert "Identical" in same._repr_html_()
    label = next(label for label in other.tape.choices or () if label.startswith("delay|"))
    tape = changed(other.tape, choices={**(other.tape.choices or {}), label: 123_456}, digest="0" * 32)
    html = replay(tape)._repr_html_()
    assert "Not the same run" in html
    assert f"{escape(label)} = 123456" in html


def test_a_scenario_shows_what_it_says(crash: RunResult) -> None:
    html = Scenario.from_dict(crash.tape.scenario)._repr_html_()
    for said in ("File processing, and the worker dies", "max_concurrent_session_execution_size", "processFileActivity", "@there", "kill"):
        assert said in html
    assert "async def file_processing_workflow" in html
    assert "sticky_workflow_cache_size" not in html


def test_a_program_is_not_shown_step_by_step() -> None:
    assert "3 steps" in scenario()._repr_html_()


def test_everything_is_escaped() -> None:
    """Names and texts that a scenario brings along come out as text."""
    content = scenario([CREATE, act()]).to_dict()
    content |= {"name": SCRIPT, "title": SCRIPT, "description": SCRIPT, "modules": {SCRIPT: SCRIPT}}
    content["workflows"][0]["program"][1]["work"]["name"] = SCRIPT
    content["faults"] = [{"kind": "cancel", "target": "w", "at": "5s", "reason": SCRIPT}]
    hostile = Scenario.from_dict(content)
    for name, html in pages(run(hostile, 1)).items():
        assert "<script" not in html, name
        assert "script" not in _Page(html).tags, name


def test_a_dollar_in_a_name_is_no_formula() -> None:
    content = scenario([CREATE, act()]).to_dict() | {"name": "$x_{$"}
    content["workflows"][0]["program"][1]["work"]["name"] = "$y_{$"
    html = run(Scenario.from_dict(content), 1)._repr_html_()
    assert "$x_{$, seed 1" in html
    assert "$y_{$" in html[html.index("<svg") :]


def test_a_long_run_is_not_run_again_by_itself(crash: RunResult) -> None:
    html = replace(crash, messages=notebook.MOST_MESSAGES + 1)._repr_html_()
    assert "<svg" not in html
    assert "watch(result)" in html


def test_another_run_is_not_taken_for_this_one(crash: RunResult) -> None:
    """A picture of another run than that of the figures would be a lie."""
    stale = replace(crash, tape=changed(crash.tape, digest="0" * 32, made_by="session-sim 0.0"))
    with pytest.raises(Diverged, match=r"made by session-sim 0\.0"):
        watch(stale)
    html = stale._repr_html_()
    assert "<svg" not in html
    assert "There is no timeline: the run is not the one on the tape" in html


def test_a_run_of_which_nothing_was_judged() -> None:
    assert "No properties were watched." in run(scenario(), 1, properties=())._repr_html_()


def test_watching_takes_results_and_tapes(crash: RunResult) -> None:
    assert watch(crash) == watch(crash.tape) == watch(replay(crash.tape))
    with pytest.raises(TypeError, match="this is a str"):
        watch("run.tape")  # type: ignore[arg-type]


def test_nobody_waits_for_pictures_who_does_not_look() -> None:
    """Importing and running load neither matplotlib nor pandas."""
    code = (
        "import sys; from sim import Scenario, run; run(Scenario.load(sys.argv[1]), 1);"
        "assert not {'matplotlib', 'pandas', 'sim.report'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(ROOT / "scenarios" / "file_processing.toml")], cwd=ROOT, check=True)
