"""Executes the notebooks of a checkout: `python -m tools.notebooks`.

They are kept as text, without what they show, so that changes can be read. This makes notebooks of them, executes these in a kernel of
this environment, in the directory of the text, and writes them to reports/notebooks with all their output. A cell that fails ends it.
"""

from __future__ import annotations

import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
OUT = ROOT / "reports" / "notebooks"
PATIENCE_S = 300
"""For one cell."""


def sources() -> list[Path]:
    """The notebooks, as text."""
    return sorted((ROOT / "notebooks").glob("*.py"))


def executed(source: Path) -> NotebookNode:
    """A notebook with its output.

    Raises:
        CellExecutionError: a cell failed; the message has its code and its traceback.
    """
    notebook = jupytext.read(source)
    NotebookClient(notebook, timeout=PATIENCE_S, kernel_name="python3", resources={"metadata": {"path": str(source.parent)}}).execute()
    return notebook


def main() -> None:
    """Execute all of them."""
    OUT.mkdir(parents=True, exist_ok=True)
    for source in sources():
        began = time.perf_counter()
        target = OUT / source.with_suffix(".ipynb").name
        nbformat.write(executed(source), target)
        print(f"{source.relative_to(ROOT)}: ok, {time.perf_counter() - began:.1f} s, {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
