"""docs/PROPERTIES.md says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.properties import ALL, DUTIES, OF_VARIANTS, Setting
from tests.properties.scenarios_broken import BROKEN
from tests.properties.scenarios_host import HOST_MORE, HOST_PLANTED
from tests.properties.scenarios_planted import MORE, PLANTED

PAGE = (Path(__file__).parents[2] / "docs" / "PROPERTIES.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]


PROMISES = {**ALL, **{name: p for own in OF_VARIANTS.values() for name, p in own.items()}}


@pytest.mark.parametrize("name", PROMISES)
def test_every_promise_has_its_row(name: str) -> None:
    p = PROMISES[name]
    epsilon = p.epsilon(Setting())
    row = next(row for row in ROWS if row.startswith(f"| `{name}` |"))
    assert p.sentence.replace("|", "\\|") in row
    assert p.source.replace("|", "\\|") in row
    assert f"| {f'{epsilon / 1e6:.3f} s' if epsilon else '-'} |" in row
    history = "yes" if p.history_decides else "if broken" if p.history_convicts else "no"
    assert row.endswith(f"| {'**no**' if name in BROKEN else 'yes'} | {history} |")


@pytest.mark.parametrize(("name", "scenario"), [(name, s) for name, each in BROKEN.items() for s in each])
def test_every_finding_has_its_row(name: str, scenario: tuple[object, str]) -> None:
    function, section = scenario
    assert any(f"`{function.__name__}`: {' '.join(str(function.__doc__).split())} | {section} |" in row for row in ROWS)


def test_every_planted_bug_has_its_row() -> None:
    for name, bug, scenario in [*((n, b, s) for n, (b, s) in (PLANTED | HOST_PLANTED).items()), *MORE, *HOST_MORE]:
        assert f"| `{name}` | {bug.value} | `{scenario.__name__}` |" in ROWS


def test_every_duty_has_its_row() -> None:
    rows = [row for row in ROWS if any(row.startswith(f"| `{name}` | {p.sentence} | {p.source} | ") for name, p in DUTIES.items())]
    assert len(rows) == len(DUTIES)
