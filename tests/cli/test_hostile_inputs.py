"""Inputs that were changed at random: whatever they are, a documented exit code, no traceback, a message, and in time.

`HOSTILE=N` (default 60) of each kind, drawn from the seeds `HOSTILE_SEED` (default 1) and following.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.test_run import sim
from tests.evidence.cases import CASES, REAL

pytestmark = pytest.mark.slow

COUNT: Final = int(os.environ.get("HOSTILE", "60"))
FIRST: Final = int(os.environ.get("HOSTILE_SEED", "1"))
SCENARIOS: Final = ("file_processing", "file_processing_crash", "contention", "jobqueue_waiting")
STRANGE: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 1, 3.5, 2**31, 10**30, float("inf"), float("nan"), "", "x", "0s", "-1s", "1e9s", "\0", "\ud800", "ä" * 300, "../..",
    [], {}, [[]], [1], {"a": 1}, "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "A", "99999999999999999999",
)  # fmt: skip


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of a tree."""
    found = [here] if here else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _paths(inner, (*here, key))
    return found


def _changed(content: Any, draw: random.Random) -> Any:
    """One to three places of a tree removed, doubled, exchanged, or given a strange value."""
    for _ in range(draw.randint(1, 3)):
        path = draw.choice(_paths(content) or [()])
        if not path:
            return draw.choice(STRANGE)
        holder = content
        for key in path[:-1]:
            holder = holder[key]
        match draw.randrange(5):
            case 0:
                del holder[path[-1]]
            case 1 if isinstance(holder, list):
                holder.insert(path[-1], json.loads(json.dumps(holder[path[-1]])))
            case 2 if isinstance(holder, dict):
                holder[draw.choice(("x", "", *holder))] = holder.pop(path[-1])
            case 3:
                other: Any = content
                for key in draw.choice(_paths(content)):
                    other = other[key]
                holder[path[-1]] = json.loads(json.dumps(other))
            case _:
                holder[path[-1]] = draw.choice(STRANGE)
    return content


def _scratched(data: bytes, draw: random.Random) -> bytes:
    """Bytes changed, cut out or doubled."""
    place = draw.randrange(len(data) + 1)
    match draw.randrange(4):
        case 0:
            return data[:place]
        case 1:
            return data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :]
        case 2:
            return data[:place] + data[draw.randrange(place, len(data) + 1) :]
        case _:
            return data[:place] + data[max(0, place - 40) : place] * 2 + data[place:]


def _json(content: Any, draw: random.Random, scratch: float = 0.2) -> bytes:
    data = json.dumps(_changed(content, draw)).encode()
    return _scratched(data, draw) if draw.random() < scratch else data


def _scenario(folder: Path, draw: random.Random) -> list[list[str]]:
    source = Path("scenarios") / f"{draw.choice(SCENARIOS)}.toml"
    for file in Path("scenarios").glob("*.py"):
        shutil.copy(file, folder)
    text = source.read_text()
    if draw.random() < 0.5:
        lines = text.splitlines()
        number = draw.choice([n for n, line in enumerate(lines) if "=" in line and not line.startswith("#")])
        strange = draw.choice(STRANGE)
        value = json.dumps(strange).replace("null", "[]").replace("NaN", "nan").replace("Infinity", "inf")
        lines[number] = f"{lines[number].partition('=')[0]}= {value}"
        text = "\n".join(lines)
        data = text.encode()
    else:
        data = _scratched(text.encode(), draw)
    (folder / "s.toml").write_bytes(data)
    return [["run", str(folder / "s.toml"), "--seed", "1", "--set", "until=10m"], ["describe", str(folder / "s.toml")]]


def _tape(folder: Path, draw: random.Random) -> list[list[str]]:
    from sim.trace.tape import hash_of

    file = folder / "run.tape"
    content = json.loads(_TAPE.read_bytes())
    changed = _changed(content, draw)
    if isinstance(changed, dict) and isinstance(changed.get("scenario"), dict) and draw.random() < 0.7:
        # As somebody would who signs what was changed.
        changed.pop("checksum", None)
        changed["scenario_digest"] = hash_of(changed["scenario"])
        changed["checksum"] = hash_of(changed)
    data = json.dumps(changed).encode()
    file.write_bytes(_scratched(data, draw) if draw.random() < 0.2 else data)
    return [["replay", str(file)], ["explain", str(file)], ["shrink", str(file)], ["report", str(file)]]


def _history(folder: Path, draw: random.Random) -> list[list[str]]:
    file = folder / "h.json"
    source = draw.choice(sorted((REAL / draw.choice(CASES)).glob("w*.json")))
    file.write_bytes(_json(json.loads(source.read_bytes()), draw))
    return [["audit", str(file), "--slots", "1"], ["calibrate", str(file), "--out", str(folder / "l.toml")]]


def _case(folder: Path, draw: random.Random) -> list[list[str]]:
    case = folder / "case"
    shutil.copytree(REAL / draw.choice(("happy_path", "worker_killed", "signal_answer_lost", "continue_as_new")), case)
    file = draw.choice([case / "case.json", case / "case.json", case / "log.jsonl", *case.glob("w*.json")])
    if file.suffix == ".jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        data = "".join(json.dumps(row) + "\n" for row in _changed(rows, draw)).encode()
        file.write_bytes(_scratched(data, draw) if draw.random() < 0.2 else data)
    else:
        file.write_bytes(_json(json.loads(file.read_bytes()), draw))
    out = str(folder / "out")
    return [["conform", str(case), "--tries", "2", "--out", out], ["calibrate", str(case), "--out", str(folder / "l.toml")]]


KINDS: Final[dict[str, Callable[[Path, random.Random], list[list[str]]]]] = {
    "scenario": _scenario, "tape": _tape, "history": _history, "case": _case,
}  # fmt: skip
_TAPE = Path()


@pytest.fixture(scope="module", autouse=True)
def _recorded(tmp_path_factory: pytest.TempPathFactory) -> None:
    global _TAPE  # noqa: PLW0603
    out = tmp_path_factory.mktemp("tape")
    assert sim("run", "file_processing_crash", "--seed", "7", "--out", str(out), "--full-tape").exit_code == 0
    _TAPE = out / "run.tape"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_whatever_comes_in(seed: int, kind: str, tmp_path: Path) -> None:
    try:
        commands = KINDS[kind](tmp_path, random.Random(f"{kind} {seed}"))
    except (TypeError, UnicodeEncodeError):
        pytest.skip("what was drawn cannot be written down")
    for words in commands:
        done = sim(*words)
        told = f"{' '.join(words)}: {done.stderr[-600:]}"
        assert done.exit_code in (0, 1, 2, 4), told
        assert "Traceback" not in done.stderr, told
        assert "internal failure" not in done.stderr, told
        if done.exit_code == 2:
            assert done.stderr.startswith(("error: ", "left out", "warning")), told
            assert "expected" in done.stderr or ":" in done.stderr, told
