"""Keys with their bits spread, and back again."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.checker.kernel import kernel

U = np.uint64


@kernel
def mix(key: Any) -> Any:
    """Spread a key's bits: packed keys differ in few of them. Nothing is lost: `unmix` gives the key again, and only 0 becomes 0."""
    key ^= key >> U(32)
    key *= U(0xD6E8FEB86659FD93)
    key ^= key >> U(32)
    return key


@kernel
def unmix(key: Any) -> Any:
    """The key that was mixed."""
    key ^= key >> U(32)
    key *= U(0xCFEE444D8B59A89B)
    key ^= key >> U(32)
    return key
