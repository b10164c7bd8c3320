"""Every numbered scenario of the protocol's section 7, and both sides of every switch of an SDK version, as dialogues."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.dialogue import DASHES, play, read
from tests.golden.expected import FAULTS, HOST, OPTIONS, SCENARIOS, SDK_VERSIONS, TIMERS

FOLDER = Path(__file__).parent
EXPECTED = SCENARIOS | SDK_VERSIONS | OPTIONS | TIMERS | FAULTS | HOST
DIALOGUES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_dialogue(path: Path, rewrite: bool) -> None:
    """What is said is what the file says, and the histories are those that the protocol describes."""
    text = path.read_text()
    setting = read(text)
    played = play(setting)
    numbered = {run: "; ".join(f"{i} {event}" for i, event in enumerate(events, 1)) for run, events in played.short.items()}
    assert numbered == EXPECTED[path.stem]
    said = setting.text + DASHES + "\n".join(played.lines) + "\n"
    if rewrite:
        path.write_text(said)
    assert said.splitlines() == text.splitlines() or rewrite


def test_every_scenario_has_a_dialogue() -> None:
    """Scenarios 1 to 30 of section 7, each with its lettered variants."""
    assert {path.stem for path in DIALOGUES} == EXPECTED.keys()
    numbers = {name[:2] for name in SCENARIOS}
    assert {f"{n:02}" for n in range(1, 31)} <= numbers
    for variant in ("01a", "01b", "01c", "01d", "01e", "09a", "09b", "12a", "12b"):
        assert any(name.startswith(variant) for name in SCENARIOS)
