"""Every notebook runs from its first cell to its last, and shows what it is there to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

# Whoever only runs tests has no kernel; whoever develops has (the extra `dev`).
pytest.importorskip("nbclient")
pytest.importorskip("jupytext")
pytest.importorskip("ipykernel")

from tools.notebooks import executed, sources

# Kernels talk through sockets that libraries of theirs close late.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def notebooks() -> dict[str, Any]:
    return {source.stem: executed(source) for source in sources()}


def shown(notebook: Any) -> list[str]:
    """The HTML that its cells show."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_notebooks_say_what_they_are(notebooks: dict[str, Any]) -> None:
    """A title first, no warning and no error below any cell."""
    assert "first_run" in notebooks
    for name, notebook in notebooks.items():
        assert notebook.cells[0].source.startswith("# "), name
        kinds = {output["output_type"] for cell in notebook.cells for output in cell.get("outputs", ())}
        assert kinds <= {"execute_result", "display_data"}, name


def test_the_first_run_ends_in_a_picture(notebooks: dict[str, Any]) -> None:
    """Scenario, run, broken promise, story, frames, replay: each shows itself."""
    pages = shown(notebooks["first_run"])
    assert sum("<svg" in page for page in pages) == 2
    assert any("As expected: 13 promises held; failure_is_failure is broken" in page for page in pages)
    assert any("00:12.6" in page and "w2 killed" in page for page in pages)
    assert any("detection_s" in page and "14.035499" in page for page in pages)
    assert "Identical" in pages[-1]


def test_notebooks_leave_nothing_behind(notebooks: dict[str, Any]) -> None:
    folder = Path(sources()[0]).parent
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".py"}
