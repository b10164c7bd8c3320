"""Compiled kernels that are kept between processes are those of the present sources."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("numba", reason="the checker needs the extra `checker`")

from sim.checker.kernel import forget_stale, kernel


def test_what_one_file_changes_is_compiled_anew_in_all(tmp_path: Path) -> None:
    sources, kept = tmp_path / "sources", tmp_path / "kept"
    sources.mkdir()
    (sources / "inner.py").write_text("@kernel\ndef one(): return 1\n")
    (sources / "outer.py").write_text("from inner import one\n@kernel\ndef expand(): return one()\n")
    (sources / "plain.py").write_text("")
    assert not forget_stale(sources, kept)
    index, foreign = kept / "outer.expand-3.py311.nbi", kept / "other.f-1.py311.nbi"
    index.touch()
    foreign.touch()
    assert not forget_stale(sources, kept)
    assert index.exists()
    (sources / "plain.py").write_text("compiled = False\n")
    assert not forget_stale(sources, kept)
    (sources / "inner.py").write_text("@kernel\ndef one(): return 2\n")
    assert forget_stale(sources, kept)
    assert not index.exists()
    assert foreign.exists()
    assert not forget_stale(sources, kept)
    (sources / "plain.py").write_text("@inlined\ndef two(): return 2\n")
    assert forget_stale(sources, kept) is False  # nothing is kept by now
    index.touch()
    (sources / "plain.py").write_text("@inlined\ndef two(): return 3\n")
    assert forget_stale(sources, kept)


def test_the_kernels_keep_theirs_where_the_stamp_is() -> None:
    from sim.checker import instant_kernels, kernel, orbits

    places = {f.stats.cache_path for f in (instant_kernels.expand, orbits.canonicalise, kernel._probe)}
    assert len(places) == 1


def test_a_kernel_takes_arrays_and_compiles_without_counts() -> None:
    """numba has no public name for the flag: it must go on to take it."""
    import numpy as np

    @kernel
    def double(numbers: object) -> None:
        for k in range(numbers.shape[0]):  # type: ignore[attr-defined]
            numbers[k] *= 2  # type: ignore[index]

    numbers = np.arange(3)
    double(numbers)
    assert numbers.tolist() == [0, 2, 4]
