"""Draws depend on their four keys alone, and look random in every direction."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.model.draws import Draws, draw, mix64

MAX = 2**64 - 1

GOLDEN: dict[tuple[int, str, str, int], int] = {
    (0, "", "", 1): 1432236193279986713,
    (1, "service", "server-3", 1): 1225919175796177970,
    (1, "service", "server-3", 2): 5676488771776918217,
    (1, "service", "server-3", 1000): 257280397032851555,
    (-5, "latency", "a/b#c", 18446744073709551615): 9424867642781437879,
    (1208925819614629174706176, "größe", "Ω→日本", 7): 15923572954371239664,
}

CHILD = """
from sim.model.draws import Draws, draw
from sim.model.laws import Exponential, LogNormal
s = Draws(7).stream("service", "server-3")
us = [s.next() for _ in range(200)]
print(us, draw(0, "", "", 1), [Exponential(10**6).sample(u) for u in us], [LogNormal(10**6, 700).sample(u) for u in us])
"""


def _uniform(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Scale draws to [0, 1)."""
    return np.array(values, dtype=np.float64) / 2.0**64


@pytest.mark.parametrize(("keys", "value"), GOLDEN.items())
def test_golden_values(keys: tuple[int, str, str, int], value: int) -> None:
    assert draw(*keys) == value


def test_published_splitmix64_sequence() -> None:
    # The customary check of SplitMix64: seed 1234567 and the golden-ratio increment.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert [mix64((1234567 + i * 0x9E3779B97F4A7C15) & MAX) for i in range(1, 6)] == expected


def test_same_under_any_hash_seed() -> None:
    root = Path(__file__).resolve().parents[2]
    outputs = set()
    for hash_seed in ("0", "4711"):
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        outputs.add(subprocess.run([sys.executable, "-c", CHILD], env=env, check=True, capture_output=True, text=True).stdout)
    assert len(outputs) == 1
    assert str(Draws(7).stream("service", "server-3").next()) in outputs.pop()


@given(st.integers(), st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_stream_gives_the_keyed_draws_in_order(seed: int, purpose: str, entity: str) -> None:
    stream = Draws(seed).stream(purpose, entity)
    for ordinal in range(1, 75):
        assert stream.next() == stream.at(ordinal) == draw(seed, purpose, entity, ordinal)
        assert stream.drawn == ordinal


def test_blocks_join_without_gap() -> None:
    stream = Draws(3).stream("a", "b")
    assert [stream.next() for _ in range(3000)] == [stream.at(i) for i in range(1, 3001)]


def test_keys_do_not_run_together() -> None:
    values = [draw(1, "ab", "c", 1), draw(1, "a", "bc", 1), draw(1, "abc", "", 1), draw(11, "b", "c", 1), draw(-1, "ab", "c", 1)]
    assert len(set(values)) == len(values)


def test_each_stream_is_new_and_independent() -> None:
    draws = Draws(5)
    first = draws.stream("a", "x")
    assert draws.seed == 5
    for _ in range(10):
        first.next()
    again = draws.stream("a", "x")
    assert (again.drawn, again.next()) == (0, draw(5, "a", "x", 1))
    assert first.next() == draw(5, "a", "x", 11)
    assert draws.stream("a", "y").next() == draw(5, "a", "y", 1)


@pytest.mark.parametrize("ordinal", [0, -1, 2**64])
def test_ordinal_out_of_range(ordinal: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to"):
        draw(1, "a", "b", ordinal)


@pytest.mark.parametrize("direction", ["ordinals", "entities", "seeds"])
def test_uniform_in_every_direction(direction: str) -> None:
    stream = Draws(2024).stream("p", "e")
    if direction == "ordinals":
        values = [stream.next() for _ in range(20_000)]
    elif direction == "entities":
        values = [draw(2024, "p", f"e{i}", 1) for i in range(20_000)]
    else:
        values = [draw(i, "p", "e", 1) for i in range(20_000)]
    x = _uniform(values)
    assert stats.kstest(x, "uniform").pvalue > 0.001
    assert abs(float(np.corrcoef(x[:-1], x[1:])[0, 1])) < 4 / np.sqrt(len(x))
    # Each of the 64 bits is set in half of the draws, within 4.5 standard deviations.
    bits = np.unpackbits(np.array(values, dtype=np.uint64).view(np.uint8).reshape(-1, 8), axis=1).mean(axis=0)
    assert np.abs(bits - 0.5).max() < 4.5 * 0.5 / np.sqrt(len(values))
