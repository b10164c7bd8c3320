"""A study's README: question and answer are written by people, what stands between the marks is made by the study."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def fill(readme: Path, name: str, text: str) -> None:
    """Put text between `<!-- NAME -->` and `<!-- /NAME -->`.

    Raises:
        ValueError: the marks are not there.
    """
    page = readme.read_text("utf-8")
    pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)"
    filled, count = re.subn(pattern, lambda found: f"{found[1]}{text.rstrip()}\n{found[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{readme}: has {count} places <!-- {name} -->; expected one, closed by <!-- /{name} -->")
    readme.write_text(filled, "utf-8")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)
