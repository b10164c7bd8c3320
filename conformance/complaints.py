"""What a process said before it ended, in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_TELLING: Final = ("server:", "worker:", "panic:", "fatal error:", "hostname:", "unshare:")
_LONGEST: Final = 500


def complaint(file: Path) -> str:
    """The last line of its error output that says why; without one the end of all it said. Go's stack traces say nothing here."""
    text = file.read_text("utf-8", errors="replace") if file.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.startswith(_TELLING)]
    return (lines[-1] if lines else text.strip())[-_LONGEST:] or "no word from it"
