"""Recorded cases to test with, and copies of them that are altered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.evidence.case import Case, read_case

REAL = Path(__file__).parent.parent / "data" / "real"
CASES = sorted(folder.name for folder in REAL.iterdir() if (folder / "case.json").exists())

Change = Callable[[Any], Any]
"""Changes what a JSON file holds, in place or by what it returns."""


def real(name: str, with_log: bool = True) -> Case:
    return read_case(REAL / name, with_log)


def copy(name: str, to: Path, change: Change | None = None, file: str = "case.json") -> Path:
    """A copy of a case, with one of its JSON files changed."""
    folder = to / name
    shutil.copytree(REAL / name, folder, dirs_exist_ok=True)
    if change is not None:
        content = json.loads((folder / file).read_text())
        changed = change(content)
        (folder / file).write_text(json.dumps(content if changed is None else changed))
    return folder


def without_log(folder: Path) -> Path:
    (folder / "log.jsonl").unlink()
    return folder


def change_log(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """Change the rows of a case's log."""
    file = folder / "log.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    change(rows)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder
