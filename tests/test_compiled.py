"""The compiled build does the same as the sources."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models import ROOT
from tools import compile as compiling

SCENARIOS = ("file_processing_crash", "rolling_deploy", "server_outage")
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
# So does the driver that passes over heartbeats.
quiet = run(Scenario.load(sys.argv[1]), 1, elide=True)
digests.append(sorted(quiet.properties.items()))
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


def test_subclasses_that_stay_interpreted_are_allowed_where_there_are_some() -> None:
    texts = [compiling.prepared((ROOT / path).read_text("utf-8")) for path in compiling.sources()]
    opened = [name for name in compiling.OPEN for text in texts if f"@mypyc_attr(allow_interpreted_subclasses=True)\nclass {name}" in text]
    assert sorted(opened) == sorted(compiling.OPEN)
    assert all("from mypy_extensions import mypyc_attr\n" in text for text in texts if "@mypyc_attr" in text)


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
