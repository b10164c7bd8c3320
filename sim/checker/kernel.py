"""How kernels are compiled, and what is kept of them between processes."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from numba import njit

_FLAGS: Final[dict[str, Any]] = {"_nrt": False, "no_cfunc_wrapper": True}
"""References are not counted, and nobody calls kernels from C."""
_WITHIN: Final[dict[str, Any]] = {"no_cpython_wrapper": True}
kernel: Final[Any] = njit(nogil=True, cache=True, **_FLAGS)
"""For loops that only read and write arrays which they are given: no lock is held, and no references are counted.

A tuple of arrays that is handed from one function to the next is counted array by array, which takes longer than what a kernel
does between two calls: without the counts searches are up to 1.6 times as fast, and kernels compile in two thirds of the time.
An array cannot be made in such code, nor be given back by it. numba has no public name for the flag; this is the only place
that uses it.
"""
inlined: Final[Any] = njit(nogil=True, cache=True, forceinline=True, **_FLAGS, **_WITHIN)
"""For kernels that take tuples of arrays and are called for every successor: each array goes along as seven numbers, hundreds of them in
all, which took more than half of the time of a search. They have no calls left in them when they are compiled into their caller. Only
kernels can call them: what unpacks so many arrays for a call from Python would be compiled for each of them.
"""
STAMP: Final = "kernels.digest"
_MARKS: Final = (b"@kernel", b"@inlined", b"@intrinsic")
"""What stands in files of which something is compiled."""


@kernel
def _probe() -> None:
    """Is never called: it only tells where numba keeps what it compiled of this folder."""


def forget_stale(sources: Path, kept: Path) -> bool:
    """Delete what is `kept` of kernels if any of them in the folder `sources` has changed since; whether something was deleted.

    numba looks at the file of a function alone. Kernels call each other across files, and hold what they call, compiled: after an
    upgrade they would go on with what it was before.
    """
    digest = hashlib.sha256()
    for file in sorted(sources.glob("*.py")):
        text = file.read_bytes()
        if any(mark in text for mark in _MARKS):
            digest.update(file.name.encode() + b"\0" + text + b"\0")
    stamp, now = kept / STAMP, digest.hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == now:
        return False
    modules = {file.stem for file in sources.glob("*.py")}
    stale = [index for index in kept.glob("*.nbi") if index.name.partition(".")[0] in modules]
    for index in stale:
        index.unlink(missing_ok=True)
    kept.mkdir(parents=True, exist_ok=True)
    stamp.write_text(now, encoding="ascii")
    return bool(stale)


# A folder that cannot be written to holds nothing that was compiled here.
with suppress(OSError):
    forget_stale(Path(__file__).parent, Path(_probe.stats.cache_path))
