"""The design note: short enough to be read, and every number in it is that of the report's data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.workflow.repairs import Repair
from tools.repairs.claims import claims

PAGES = Path(__file__).parents[2] / "docs" / "design"
NOTE = (PAGES / "repairs.md").read_text("utf-8")
DETAIL = (PAGES / "repairs-in-detail.md").read_text("utf-8")
TWO_PAGES = 1_300
"""Words, as two printed pages have with their tables."""


def flowing(text: str) -> str:
    """Without line breaks."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("claim", list(claims()))
def test_a_number_of_the_note_is_that_of_the_data(claim: str) -> None:
    assert flowing(claim) in flowing(NOTE)


def test_the_note_says_no_number_of_states_or_steps_that_no_search_has() -> None:
    """Whatever is said of a search is one of the claims."""
    said = set(re.findall(r"\d+ steps|[\d,]+ states", NOTE))
    assert said == set(re.findall(r"\d+ steps|[\d,]+ states", "\n".join(claims())))


def test_the_note_has_two_pages() -> None:
    words = [word for word in NOTE.split() if re.search(r"\w", word)]
    assert len(words) <= TWO_PAGES


def test_every_repair_has_its_row_and_its_paragraph() -> None:
    for number, repair in enumerate(Repair, 1):
        assert f"| {number} | `{repair.name.lower()}` |" in NOTE
        assert f"**{number}. `{repair.name.lower()}`**" in DETAIL
