"""The compiled build does the same as the sources."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from tests.models import ROOT
from tools import compile as compiling
from tools import draws64, native

SCENARIOS = ("file_processing_crash", "rolling_deploy", "server_outage", "gpu_pool_typed", "host_zombie", "recreate_continue_as_new")
CHILD = """
import json, sys
import sim.protocol.queue
from sim import Scenario, run
from sim.fuzz.schedulers import of_name
from sim.fuzz.subject import Seeds, run_chunk
from sim.model.draws import Draws, draw
from sim.scenario.fuzzing import ground_of

digests = [run(Scenario.load(path), 1).digest for path in sys.argv[1:]]
# A scheduler chooses by a class of its own, which stays interpreted.
for name in ("uniform", "priority"):
    chunk = run_chunk(Seeds(ground_of(Scenario.load(sys.argv[1])), of_name(name), (), tuple(range(1, 6))))
    digests += [row.digest for row in chunk.rows]
# So does the driver that passes over heartbeats.
quiet = run(Scenario.load(sys.argv[1]), 1, elide=True)
digests.append(sorted(quiet.properties.items()))
digests += [draw(seed, "purpose", f"entity {seed}", ordinal) for seed in range(-3, 300) for ordinal in (1, 2, 2**63, 2**64 - 1)]
for entity in range(50):
    stream = Draws(7).stream("purpose", str(entity))
    digests += [stream.at(3), *(stream.next() for _ in range(200))]
print(json.dumps([sim.protocol.queue.__file__, *digests]))
"""


SOURCE = """
from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct


class S(Struct, frozen=True):
    a: int
    b: str = "x"

    def twice(self) -> int:
        return 2 * self.a


@dataclass(slots=True, eq=False)
class D:
    a: int
    b: list[int] = field(default_factory=list)
    c: int = field(default=3)
"""


def digests(package: Path) -> list[str]:
    """Where the package's code is, and the digests of the scenarios."""
    paths = [str(ROOT / "scenarios" / f"{name}.toml") for name in SCENARIOS]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *paths],
        env={**os.environ, "PYTHONPATH": str(package)},
        cwd=package,
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list[str] = json.loads(done.stdout)
    return answer


def test_sources_are_changed_only_where_mypyc_needs_it() -> None:
    source = "from __future__ import annotations\n\n@dataclass(slots=True)\nclass A(B):\n    value: object = None\n"
    assert compiling.prepared(source) == (
        f"{compiling.IMPORTS}from mypy_extensions import mypyc_attr\n\n@dataclass\nclass A(B):\n    value: Any = None\n"
    )
    assert all((ROOT / path).exists() for path in compiling.sources())


def test_subclasses_that_stay_interpreted_are_allowed_where_there_are_some() -> None:
    texts = [compiling.prepared((ROOT / path).read_text("utf-8")) for path in compiling.sources()]
    opening = r"@mypyc_attr\(allow_interpreted_subclasses=True\)\n(?:@dataclass.*\n)?class (\w+)"
    opened = [name for text in texts for name in re.findall(opening, text)]
    assert sorted(opened) == sorted(compiling.OPEN)
    assert all("from mypy_extensions import mypyc_attr\n" in text for text in texts if "@mypyc_attr" in text)


def _derived(path: Path) -> Iterator[tuple[str, Path, str]]:
    """The classes of a module that derive from others, of which module, and what those are called there."""
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text("utf-8"))))
    imported = {
        alias.asname or alias.name: (Path(f"{node.module.replace('.', '/')}.py"), alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for node in nodes:
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            if isinstance(base, ast.Name) and base.id in imported:
                yield f"{path}: {node.name}", *imported[base.id]


def _is_struct(module: Path, name: str) -> bool:
    return issubclass(getattr(importlib.import_module(".".join(module.with_suffix("").parts)), name), msgspec.Struct)


def test_no_class_that_stays_interpreted_derives_from_one_that_does_not_allow_it() -> None:
    compiled = set(compiling.sources())
    interpreted = {path.relative_to(ROOT) for path in (ROOT / "sim").rglob("*.py")} - compiled
    derived = [one for path in sorted(interpreted) for one in _derived(path)]
    assert any(module in compiled for _, module, _ in derived)
    closed = [one for one in derived if one[1] in compiled and one[2] not in compiling.OPEN]
    # A struct from which others derive stays a struct.
    assert [name for name, module, base in closed if not _is_struct(module, base)] == []


def test_who_asks_whether_something_is_a_struct_is_told_of_native_classes() -> None:
    asks = re.compile(r"msgspec\.Struct\b|^from msgspec import .*\bstructs$", re.MULTILINE)
    modules = {path.relative_to(ROOT) for path in (ROOT / "sim").rglob("*.py") if asks.search(path.read_text("utf-8"))}
    assert modules - set(compiling.sources()) == set(compiling.READERS)


def _copied(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> ModuleType:
    """A module of the copy, interpreted: mypyc's Python is Python."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(text, name, "exec"), vars(module))
    return module


def _samples(classes: list[type[msgspec.Struct]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Two tuples of fields for each class, which differ in the last one."""
    for cls in classes:
        fields = [f"{cls.__name__} {name}" for name in cls.__struct_fields__]
        yield cls.__name__, [tuple(fields), (*fields[:-1], 7)] if fields else [()]


@pytest.mark.parametrize("path", ["sim/model/inputs.py", "sim/model/spans.py", "sim/protocol/messages.py", "sim/protocol/observations.py"])
def test_structs_become_classes_that_behave_the_same(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _copied(monkeypatch, "sim.model.record", native.RECORD)
    replace = sys.modules["sim.model.record"].replace
    parents = native.parents_in(file.read_text("utf-8") for file in (ROOT / "sim").rglob("*.py"))
    copy = _copied(monkeypatch, "copy_of_it", compiling.prepared((ROOT / path).read_text("utf-8"), parents))
    source = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    structs = [cls for cls in vars(source).values() if isinstance(cls, type) and cls.__module__ == source.__name__]
    classes = [cls for cls in structs if cls.__bases__ == (msgspec.Struct,) and cls.__name__ not in parents]
    assert len(classes) > 5
    for name, fields in _samples(classes):
        theirs, ours = [getattr(source, name)(*f) for f in fields], [getattr(copy, name)(*f) for f in fields]
        assert not isinstance(ours[0], msgspec.Struct)
        assert [repr(one) for one in ours] == [repr(one) for one in theirs]
        assert [one == other for one in ours for other in ours] == [one == other for one in theirs for other in theirs]
        assert ours[0] != theirs[0]
        assert hash(ours[0]) == hash(type(ours[0])(*fields[0]))
        assert type(ours[0]).__struct_fields__ == type(theirs[0]).__struct_fields__ == type(ours[0]).__match_args__
        assert pickle.loads(pickle.dumps(ours[0])) == ours[0]
        if fields[0]:
            last = type(ours[0]).__struct_fields__[-1]
            assert replace(ours[0], **{last: 7}) == ours[1]
            assert repr(replace(theirs[0], **{last: 7})) == repr(ours[1])


def test_defaults_are_those_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    _copied(monkeypatch, "sim.model.record", native.RECORD)
    copy = _copied(monkeypatch, "copy_of_it", compiling.prepared(SOURCE))
    assert repr(copy.S(4)) == "S(a=4, b='x')"
    assert copy.S(4).twice() == 8
    first, second = copy.D(1), copy.D(1, [2])
    assert (first.b, second.b, first.c) == ([], [2], 3)
    assert copy.D(1).b is not first.b
    assert first != copy.D(1)


def test_draws_are_given_machine_numbers_where_the_source_has_what_is_expected() -> None:
    text = (ROOT / draws64.MODULE).read_text("utf-8")
    changed = compiling.prepared(draws64.with_machine_numbers(text))
    assert "_mixed(self._start + made * self._step)" in changed
    compile(changed, "draws", "exec")
    with pytest.raises(SystemExit, match="found it 0 times"):
        draws64.with_machine_numbers(text.replace("self._gamma = _mix_gamma(key)", "self._gamma = 1"))


@pytest.mark.slow
@pytest.mark.longest
def test_same_digests(tmp_path: Path) -> None:
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("there is no C compiler")
    compiling.build(tmp_path / "compiled")
    compiled = digests(tmp_path / "compiled")
    plain = digests(ROOT)
    assert not compiled[0].endswith(".py")
    assert plain[0].endswith(".py")
    assert compiled[1:] == plain[1:]
