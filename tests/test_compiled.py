"""The compiled build does the same as the sources."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models import ROOT
from tools import compile as compiling

SCENARIOS = ("file_processing_crash", "rolling_deploy", "server_outage", "gpu_pool_typed")
CHILD = """
import json, sys
import sim.protocol.queue
from sim import Scenario, run
from sim.fuzz.schedulers import of_name
from sim.fuzz.subject import Seeds, run_chunk
from sim.scenario.fuzzing import ground_of

digests = [run(Scenario.load(path), 1).digest for path in sys.argv[1:]]
# A scheduler chooses by a class of its own, which stays interpreted.
for name in ("uniform", "priority"):
    chunk = run_chunk(Seeds(ground_of(Scenario.load(sys.argv[1])), of_name(name), (), tuple(range(1, 6))))
    digests += [row.digest for row in chunk.rows]
print(json.dumps([sim.protocol.queue.__file__, *digests]))
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
    source = "from __future__ import annotations\n\n@dataclass(slots=True)\nclass A(Node):\n    value: object = None\n"
    assert compiling.prepared(source) == (
        "from __future__ import annotations\nfrom typing import Any\n\n@dataclass\nclass A(Node):\n    value: Any = None\n"
    )
    assert all((ROOT / path).exists() for path in compiling.sources())


def test_whoever_stays_interpreted_may_have_a_compiled_base() -> None:
    compiled = {ROOT / path for path in compiling.sources()}
    bases = {node.name: set(parents) for path in compiled for node, parents in _classes(path)}
    assert bases.keys() >= set(compiling.OPEN)
    within = {base for name in compiling.OPEN for base in bases[name] & bases.keys()}
    outside = {base for path in (ROOT / "sim").rglob("*.py") if path not in compiled for base in _compiled_bases(path, compiled)}
    assert (within | outside) - set(compiling.OPEN) == set()
    assert "Choices" in outside


def _compiled_bases(path: Path, compiled: set[Path]) -> Iterator[str]:
    """The compiled classes that classes of a module derive from, as it imports them."""
    modules = {".".join(source.relative_to(ROOT).with_suffix("").parts) for source in compiled}
    imports = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    names = {name.asname or name.name: name.name for node in imports if node.module in modules for name in node.names}
    return (names[parent] for _, parents in _classes(path) for parent in parents if parent in names)


def _classes(path: Path) -> list[tuple[ast.ClassDef, list[str]]]:
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)]
    return [(node, [ast.unparse(base) for base in node.bases]) for node in nodes]


@pytest.mark.slow
def test_same_digests(tmp_path: Path) -> None:
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("there is no C compiler")
    compiling.build(tmp_path / "compiled")
    compiled = digests(tmp_path / "compiled")
    plain = digests(ROOT)
    assert not compiled[0].endswith(".py")
    assert plain[0].endswith(".py")
    assert compiled[1:] == plain[1:]
