"""Where the rows of a layer are: it has them in chunks, which lie anywhere; see `rows.py`."""

from __future__ import annotations

from typing import Any, Final

from sim.checker.kernel import kernel

BITS: Final = 10
CHUNK: Final = 1 << BITS
"""Rows of a chunk."""


@kernel
def place_of_row(chunks: Any, f: Any) -> Any:
    """Where the row with this number is, in a layer that has these chunks."""
    return (chunks[f >> BITS] << BITS) + (f & (CHUNK - 1))
