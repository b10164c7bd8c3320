"""Our rows, each measured in a process of its own: plain Python and the compiled build are two packages of one name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.table import Measurement
from tools.compile import OUT, ROOT, lacking


def plain(load: str, count: int) -> Measurement:
    """What `own.py` measures of a load with the sources."""
    return _measured(ROOT, [load, str(count)])


def compiled(load: str, count: int, build: Path = OUT) -> Measurement:
    """The same with the compiled build, or what is missing for it."""
    why = lacking(build)
    return _measured(build, [load, str(count), "--compiled"]) if why is None else Measurement.not_available(why)


def _measured(package: Path, words: list[str]) -> Measurement:
    # -P: the folder at hand comes before PYTHONPATH otherwise, and has the sources.
    command = [sys.executable, "-P", "-m", "benchmarks.fuzz.own", *words]
    environment = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return Measurement(**json.loads(done.stdout))
