"""A tape comes back as it was written, or is refused with one clear word."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.trace import tape as tapes
from sim.trace.tape import Tape, TapeError, read
from tests.models import build, simulated

TAPE = Tape(
    scenario={"name": "Größe", "workers": [{"slots": 2, "rate": 0.5}, {"slots": 1, "rate": 1e-9}], "crash": None, "strict": True},
    seed=7,
    deviations={"delay|a>b|Signal|2": 15, "choose|a|way|1": 0},
    choices={"delay|a>b|Signal|1": 3, "delay|a>b|Signal|2": 15, "choose|a|way|1": 0},
    digest="00112233445566778899aabbccddeeff",
    ended_at_us=61_000_000,
    made_by="session-sim 0.1.0",
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
LABELS = st.dictionaries(st.text(max_size=8), st.integers(), max_size=4)
TAPES = st.builds(
    Tape,
    scenario=st.dictionaries(st.text(max_size=5), JSON, max_size=4),
    seed=st.integers(),
    deviations=LABELS,
    choices=st.none() | LABELS,
    digest=st.text("0123456789abcdef", min_size=32, max_size=32),
    ended_at_us=st.integers(0),
    made_by=st.text(max_size=9),
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where examples write: one folder for all of them."""
    return tmp_path_factory.mktemp("tapes")


@given(written=TAPES)
@settings(max_examples=150)
def test_a_tape_comes_back(folder: Path, written: Tape) -> None:
    path = folder / "any.tape"
    written.write(path)
    assert repr(read(path)) == repr(written)
    assert read(path).scenario_digest == written.scenario_digest


def assert_whole_or_refused(path: Path, written: Tape) -> None:
    """Reading gives what was written or a TapeError, and nothing else."""
    with suppress(TapeError):
        assert read(path) == written


@given(data=st.data())
@settings(max_examples=600)
def test_a_flipped_byte_is_harmless_or_refused(folder: Path, data: st.DataObject) -> None:
    path = folder / "flipped.tape"
    TAPE.write(path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert_whole_or_refused(path, TAPE)


def test_every_flip_of_one_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    Tape(scenario={"a": 1.5}, seed=7, deviations={"x": 1}, digest="0f", ended_at_us=3, made_by="me").write(path)
    written = path.read_bytes()
    for position in range(len(written)):
        for bit in range(8):
            flipped = bytearray(written)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            # Not even a space can become another kind of space by one bit.
            with pytest.raises(TapeError):
                read(path)


@pytest.mark.parametrize("space", [b" ", b"\t", b"\r", b"\n"])
def test_a_space_may_become_another(tmp_path: Path, space: bytes) -> None:
    path = tmp_path / "a.tape"
    TAPE.write(path)
    path.write_bytes(path.read_bytes().replace(b"\n  ", b"\n " + space))
    assert read(path) == TAPE


@given(junk=st.binary(max_size=60))
def test_junk_is_refused(folder: Path, junk: bytes) -> None:
    path = folder / "junk.tape"
    path.write_bytes(junk)
    with pytest.raises(TapeError):
        read(path)


@given(end=st.integers(0))
@settings(max_examples=50)
def test_a_tape_that_is_cut_short_is_refused(folder: Path, end: int) -> None:
    path = folder / "short.tape"
    TAPE.write(path)
    content = path.read_bytes().rstrip()
    path.write_bytes(content[: end % len(content)])
    with pytest.raises(TapeError, match="is not JSON"):
        read(path)


def test_a_tape_is_readable_and_its_layout_is_free(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    TAPE.write(path)
    text = path.read_text(encoding="utf-8")
    assert '"name": "Größe"' in text
    assert '\n    "delay|a>b|Signal|2": 15' in text
    assert list(json.loads(text))[:2] == ["schema_version", "scenario_digest"]
    path.write_text(json.dumps(json.loads(text), sort_keys=True).replace(",", " ,\r\n"), encoding="utf-8")
    assert read(path) == TAPE


def changed(path: Path, change: Callable[[dict[str, Any]], object], sign: bool = False) -> None:
    """Edit a tape as a JSON object, with a checksum that is right again if `sign`."""
    TAPE.write(path)
    content = json.loads(path.read_bytes())
    change(content)
    if sign:
        content.pop("checksum", None)
        content["checksum"] = tapes.hash_of(content)
    path.write_text(json.dumps(content))


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"

    def refused(why: str) -> None:
        with pytest.raises(TapeError) as caught:
            read(path)
        assert str(caught.value).startswith(f"tape {path} {why}")
        assert "\n" not in str(caught.value)
        assert caught.value.__suppress_context__

    refused("does not exist")
    path.write_text("session-sim")
    refused("is not JSON (Expecting value")
    path.write_bytes(b"\xff\xfe")
    refused("is not UTF-8 text: line 1, column 1")
    path.write_text("[1, 2]")
    refused("holds a JSON list")
    path.write_text("[" * 100_000)
    refused("is nested more than 100 deep in line 1")
    path.write_text("9" * 10_000)
    refused("has a number of 10000 digits in line 1")
    changed(path, lambda tape: tape.update(schema_version=2), sign=True)
    refused("has the schema version 2, and this program reads 1")
    changed(path, lambda tape: tape.update(schema_version=True), sign=True)
    refused("has the schema version True")
    changed(path, lambda tape: (tape.pop("seed"), tape.pop("digest")), sign=True)
    refused("lacks seed, digest;")
    changed(path, lambda tape: tape.pop("checksum"))
    refused("lacks checksum;")
    changed(path, lambda tape: tape.update(seed=8))
    refused("does not match its checksum")
    changed(path, lambda tape: tape.update(note="mine"))
    refused("does not match its checksum")
    changed(path, lambda tape: tape["scenario"].update(name="another"), sign=True)
    refused("has a scenario that does not match its digest")
    changed(path, lambda tape: tape.update(deviations={"a": "b"}), sign=True)
    refused("has a value of the wrong type (Expected `int`")


def test_a_folder_is_no_tape(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"cannot be read \(Is a directory\)"):
        read(tmp_path)


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tape"
    TAPE.write(path)
    before = path.read_bytes()
    for bad in ({"x": {1, 2}}, {"x": float("nan")}, {"x": "\ud800"}):
        with pytest.raises((TypeError, ValueError)):
            Tape(scenario=bad, seed=1, deviations={}, digest="", ended_at_us=0, made_by="").write(path)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        Tape(scenario={}, seed=1, deviations={}, digest="", ended_at_us=0, made_by="").write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tape"]


def test_the_digest_of_a_scenario_does_not_depend_on_the_order_of_its_keys() -> None:
    def tape(scenario: dict[str, Any]) -> Tape:
        return Tape(scenario=scenario, seed=1, deviations={}, digest="", ended_at_us=0, made_by="")

    assert tape({"a": 1, "b": {"c": 2, "d": 3}}).scenario_digest == tape({"b": {"d": 3, "c": 2}, "a": 1}).scenario_digest
    assert tape({"a": 1}).scenario_digest != tape({"a": 1.0}).scenario_digest
    assert len(tape({}).scenario_digest) == 32


def test_a_run_can_be_played_from_its_tape(tmp_path: Path) -> None:
    run = simulated(build("alternating_bit"), 11, recording=True, deviations={"delay|sender>receiver|Item|1": 0})
    run.run()
    deviations = {"delay|sender>receiver|Item|1": 0}
    path = tmp_path / "run.tape"
    Tape(
        scenario={"model": "alternating_bit"},
        seed=11,
        deviations=deviations,
        choices=run.choices.recorded,
        digest=run.digest.hexdigest(),
        ended_at_us=run.now,
        made_by="test",
    ).write(path)
    tape = read(path)
    for seed, played in ((tape.seed, tape.deviations), (999, tape.choices)):
        again = simulated(build(tape.scenario["model"]), seed, deviations=played)
        again.run()
        assert (again.digest.hexdigest(), again.now) == (tape.digest, tape.ended_at_us)
        assert again.choices.unused() == []
