"""Has the real SDK replay histories, and reads what it says of them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ACCEPTED, REFUSED, NOTHING = "accepted", "refused", "nothing"


@dataclass(frozen=True, slots=True)
class Replay:
    """What the SDK said of a history. `verdict`: accepted, refused, or nothing (no workflow task was ever started)."""

    verdict: str
    file: Path
    why: str = ""


class ReplayerError(Exception):
    """The replayer did not come to an end."""


def replay(replayer: Path, files: Sequence[Path]) -> list[Replay]:
    """Replay files in one process. Raises ReplayerError when the replayer itself fails."""
    if not files:
        return []
    # A command line is too short for thousands of names, so the files are shown to it in a folder.
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for number, file in enumerate(files):
            link = Path(folder) / f"{number:08}.json"
            link.symlink_to(file.resolve())
            names[str(link)] = file
        done = subprocess.run([str(replayer), folder], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise ReplayerError(f"the replayer ended with code {done.returncode}: {done.stderr.strip()[-500:]}")
    return [_read(line, names) for line in done.stdout.splitlines()]


def _read(line: str, names: dict[str, Path]) -> Replay:
    verdict, file, *why = line.split("\t", 2)
    return Replay(verdict, names[file], why[0] if why else "")


__all__ = ["ACCEPTED", "NOTHING", "REFUSED", "Replay", "ReplayerError", "replay"]
