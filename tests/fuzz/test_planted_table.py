"""The table of planted bugs: what was measured is kept, and rows of different code make no page."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

pytest.importorskip("numba", reason="what a bug needs at least is found by the checker, an extra")

from sim.shrink.measure import Deviations
from tools.planted.__main__ import page
from tools.planted.bugs import bugs
from tools.planted.kept import CAMPAIGNS, CHECKS, Campaigns, Check, Kept, read, state_of
from tools.planted.least import Least
from tools.planted.search import Found, Small


def kept() -> Kept:
    found = {kind: [Found(7, 7, "slot_limit", 2), Found(9, 1009, "slot_limit", 1)] for kind in ("uniform", "priority", "guided")}
    rows = {bug.name: Campaigns("here", 20, found, Small(Deviations(1, 3), True)) for bug in bugs()}
    checks = {bug.name: Check.of("there", Least(Deviations(1, 0), 12)) for bug in bugs()}
    return Kept(rows, checks)


def test_what_was_measured_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "planted.json"
    assert read(file) == Kept()
    one = kept()
    one.checks["SDK 1.46.0"] = Check.of("there", Least(why="not asked: it is too long"))
    one.write(file)
    assert read(file) == one
    assert str(read(file).checks["SDK 1.46.0"].least) == "not asked: it is too long"


def test_the_page_has_all_rows_and_says_of_what_code_they_are() -> None:
    text = "\n".join(page(kept()))
    assert "`python -m tools.planted --runs 20 --campaigns 2`" in text
    assert "(`here`, a digest of what campaigns run; `there`, of what checks do)" in text
    assert text.count("| `slot_limit` | 8 (9) | 8 (9) | 8 (9) | 1 + 3 | 1 + 0 (12 steps) | yes | yes |") == len(bugs())


def test_rows_of_different_code_or_numbers_make_no_page() -> None:
    for changed in ({"state": "elsewhere"}, {"runs": 30}):
        one = kept()
        one.campaigns["SDK 1.46.0"] = msgspec.structs.replace(one.campaigns["SDK 1.46.0"], **changed)
        with pytest.raises(ValueError, match="expected them to be measured alike"):
            list(page(one))
    one = kept()
    del one.checks["SDK 1.46.0"]
    with pytest.raises(ValueError, match=r"not measured yet: SDK 1\.46\.0"):
        list(page(one))


def test_checks_depend_on_more_code_than_campaigns() -> None:
    assert set(CAMPAIGNS) < set(CHECKS)
    assert state_of(CAMPAIGNS) == state_of(CAMPAIGNS) != state_of(CHECKS)
