"""The report of a failing run: as a page, in the terminal, as a test; and when it was decided."""

from __future__ import annotations

import pickle
import re
from functools import cache
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from sim import Scenario, Tape, replay, run
from sim.model.draws import NO_CHANCE
from sim.report.failure import Failure, failure_of, render
from sim.report.failure_view import parts
from sim.report.regression import regression_test
from sim.shrink import shrink
from sim.shrink.ablation import Share
from sim.shrink.examination import Examination, examine, sketch_of
from sim.shrink.forks import Forking
from sim.shrink.sketch import run_sketch
from tests.shrink.blown_up import finding

CRASH = "scenarios/file_processing_crash.toml"


@cache
def examined(name: str = "exclusive_work") -> Examination:
    return examine(finding(name), name, seeds=3, forks=4, points=12)


@cache
def failure(name: str = "exclusive_work") -> Failure:
    return failure_of(examined(name), f"reports/{name}.tape")


@cache
def crash() -> tuple[Tape, Failure]:
    """A run whose workflow is a Python function."""
    tape = run(Scenario.load(CRASH), 7).tape
    return tape, failure_of(examine(tape, "failure_is_failure", seeds=2, forks=2, points=4))


# -- when it was decided ---------------------------------------------------------------------------------------------------


def test_a_fork_is_the_same_run_as_far_as_it_is_fixed() -> None:
    """At the end nothing is left to be drawn anew; at the beginning all of it is, as if the other seed had made the run."""
    sketch = sketch_of(examined().shrunk.tape)
    forking = Forking(sketch, "exclusive_work")
    digest = examined().shrunk.tape.digest
    end = forking.decided[-1].time
    assert {run_sketch(forking.fork(end, seed, planned=True), ()).result.digest for seed in range(3)} == {digest}
    free = run_sketch(forking.fork(-1, 5, planned=True), ()).result.digest
    assert free == run(Scenario.from_dict(examined().shrunk.tape.scenario), 5).digest
    assert free != digest


def test_a_fork_does_not_get_faults_that_are_still_to_come() -> None:
    forking = Forking(sketch_of(examined().shrunk.tape), "exclusive_work")
    (fault,) = forking.occurrences
    assert "faults" not in forking.fork(fault.time - 1, 1, planned=False).tables
    assert len(forking.fork(fault.time, 1, planned=False).tables["faults"]) == 1
    assert len(forking.fork(-1, 1, planned=True).tables["faults"]) == 1


def test_the_share_rises_to_certainty_where_the_fault_happens() -> None:
    curve = examined().decisive
    times = [point.time for point in curve.points]
    assert times == sorted(times)
    assert times[0] == -1
    assert curve.points[0].unplanned.broken == 0
    assert curve.points[-1].unplanned == curve.points[-1].planned == Share(4, 4)
    assert curve.jump is not None
    assert [curve.jump[0].unplanned.broken, curve.jump[1].unplanned.broken] == [0, 4]
    (fault,) = Forking(sketch_of(examined().shrunk.tape), "exclusive_work").occurrences
    assert curve.jump[1].time == fault.time


@pytest.mark.parametrize(("share", "low", "high"), [(Share(0, 20), 0.0, 0.168), (Share(20, 20), 0.832, 1.0), (Share(10, 20), 0.272, 0.728)])
def test_intervals_are_those_of_the_tables(share: Share, low: float, high: float) -> None:
    """Clopper and Pearson's, at 95 %."""
    assert share.interval == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


# -- what would have helped ------------------------------------------------------------------------------------------------


def test_the_nearest_run_keeps_the_promise_and_is_the_same_at_first() -> None:
    passing = examined().passing
    assert passing is not None
    again = replay(passing.tape)
    assert again.identical
    assert again.result.properties["exclusive_work"] != "broken"
    difference = failure().difference
    assert difference is not None
    assert not difference["same"]
    assert difference["first_difference"]["at_s"] >= passing.same_until / 1e6
    assert {"what": "properties.exclusive_work", "a": "broken", "b": "not exercised"} in difference["consequences"]


def test_without_faults_a_workflow_still_has_all_of_its_activities() -> None:
    """So that the nearest run, and a regression test once the cause is mended, are possible at all."""
    _, found = crash()
    assert found.examination.passing is not None
    assert set(found.examination.shrunk.tape.scenario["activities"]) == {
        "downloadFileActivity", "processFileActivity", "uploadFileActivity",
    }  # fmt: skip


# -- the regression test ---------------------------------------------------------------------------------------------------


def executed(text: str) -> Any:
    """The test function of a module's text."""
    namespace: dict[str, Any] = {"__name__": "pasted"}
    exec(compile(text, "pasted.py", "exec"), namespace)
    (test,) = (value for name, value in namespace.items() if name.startswith("test_"))
    return test


def test_the_regression_test_fails_as_the_run_does() -> None:
    test = executed(failure().test)
    with pytest.raises(AssertionError, match=re.escape(failure().violation.message)):
        test()


def test_a_regression_test_makes_the_same_unusual_choices() -> None:
    small = shrink(finding("one_binding"), "one_binding", seeds=0)
    assert small.deviations.choices == 1
    with pytest.raises(AssertionError, match="w1 takes the slot of job/1/s1"):
        executed(regression_test(small))()
    label = next(iter(small.tape.deviations))
    executed("\n".join(line for line in regression_test(small).splitlines() if label not in line))()


def test_a_regression_test_with_workflow_code_stands_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, found = crash()
    monkeypatch.chdir(tmp_path)
    assert "async def file_processing_workflow" in found.test
    with pytest.raises(AssertionError, match="file ends CANCELED"):
        executed(found.test)()


def test_a_regression_test_passes_once_the_cause_is_mended() -> None:
    program = [
        {"op": "create", "as": "s", "creation": "1m", "execution": "10m"},
        {"op": "sleep", "ms": 5000},
        {"op": "complete", "in": "s"},
    ]
    bug = "token_returned_after_signal"
    tables = {"workers": [{"name": "w", "mutants": [bug]}], "workflows": [{"id": "w", "program": [*program[:1],
              {"op": "act", "in": "s", "work": {"name": "a", "ms": 5000}}]}]}  # fmt: skip
    small = shrink(run(Scenario.from_dict(tables), 1).tape, "activity_needs_slot", seeds=0)
    text = regression_test(small)
    with pytest.raises(AssertionError):
        executed(text)()
    assert bug in text
    executed(text.replace(f'mutants = ["{bug}"]', "mutants = []"))()


# -- the page --------------------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """What a page would load from elsewhere, its ids, and where it points within itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.points: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value is not None:
                (self.points if value.startswith("#") else self.loads).append(value)
            if name == "id" and value is not None:
                self.ids.append(value)


def test_a_page_stands_alone_and_has_the_tape_in_it(tmp_path: Path) -> None:
    import base64

    from sim.trace.tape import parse

    page = _Page()
    page.feed(render(failure()))
    (tape,) = page.loads
    head, _, data = tape.partition("base64,")
    assert head == "data:application/json;"
    assert parse(base64.b64decode(data), "the tape of the page") == examined().shrunk.tape
    assert len(page.ids) == len(set(page.ids))
    assert {point.removeprefix("#") for point in page.points} <= set(page.ids)


def test_a_page_says_what_was_promised_what_happened_who_did_it_and_when() -> None:
    found = failure()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", render(found, "1.2")))
    for words in (
        "exclusive_work is broken", found.violation.message, "stop w1 at 60ms", "begins a graceful stop", "here it was decided",
        "4 of 4 forks", "without the fault: stop w1 at 60ms", "[[workers]]", "def test_exclusive_work", "nothing is left to chance",
        "session-sim shrink reports/exclusive_work.tape", "made by session-sim 1.2",
    ):  # fmt: skip
        assert words.replace('"', "&#34;") in text, words


def test_a_page_is_the_same_bytes_every_time() -> None:
    assert render(failure()) == render(failure_of(examined(), "reports/exclusive_work.tape"))


def test_figures_take_the_colours_of_the_page() -> None:
    """So that one picture is dark on light pages and light on dark ones."""
    figures = "".join(re.findall(r"<svg.*?</svg>", render(failure()), re.S))
    assert "var(--ink)" in figures
    assert not re.search(r"(fill|stroke): (#222831|#ffffff|#6b7280)", figures)


def test_the_long_workflow_code_is_beside_the_scenario() -> None:
    _, found = crash()
    assert "modules" not in found.scenario
    assert found.scenario.startswith("# To be run it needs file_processing.py beside it: ")
    text = render(found)
    assert "<summary><code>file_processing.py</code></summary>" in text


# -- the terminal ----------------------------------------------------------------------------------------------------------


def test_the_terminal_says_the_same() -> None:
    console = Console(width=100, file=StringIO(), record=True)
    for part in parts(failure()):
        console.print(part, soft_wrap=isinstance(part, Text))
    text = console.export_text()
    heads = ("Story", "When it was decided", "Who did it", "What would have helped", "The smallest scenario", "A regression test", "Again")
    places = [text.index(f"\n{head}\n") for head in heads]
    assert places == sorted(places)
    assert failure().test in text + "\n"
    assert "← decided" in text
    assert text.index("← decided") < text.index(f"✗ {failure().violation.message}")


# -- data ------------------------------------------------------------------------------------------------------------------


def test_what_was_found_out_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(examined())) == examined()
    assert examined().shrunk.tape.seed == NO_CHANCE


def test_a_shrunk_run_shows_itself_in_a_notebook() -> None:
    html = examined().shrunk._repr_html_()
    assert "exclusive_work is broken by 1 fault" in html
    frame = examined().shrunk.suspects.to_frame()
    assert frame.to_dict("records")[0]["guilty"] is True
