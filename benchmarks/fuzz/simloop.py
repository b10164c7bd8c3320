"""simloop's job queue example under its own campaign script, with its own settings, in an environment of its own.

simloop needs Python 3.12 or later. The package comes from PyPI, the example from a checkout of its repository, which whoever
runs the benchmark has to name.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.table import Measurement

VERSION = "0.2.2"
BUILD = Path(__file__).resolve().parents[2] / "build" / "peers" / "simloop"
PYTHONS = ("python3.13", "python3.14", "python3.12")
JOBS = 8
"""Jobs of a run of the example."""


class Unavailable(Exception):
    """It cannot be run here; the message says what is missing."""


def environment(python: str | None = None) -> Path:
    """Its Python, made when it is not there. Raises Unavailable."""
    made = BUILD / "bin" / "python"
    if made.exists():
        return made
    found = python or next((path for name in PYTHONS if (path := shutil.which(name))), None)
    if found is None:
        raise Unavailable(f"needs one of {', '.join(PYTHONS)}")
    for words in ([found, "-m", "venv", str(BUILD)], [str(made), "-m", "pip", "install", "--quiet", f"simloop=={VERSION}"]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"{words[0]}: {done.stderr.strip()[-300:]}")
    return made


def seeds_per_second(checkout: Path | None, seeds: int, python: str | None = None, jobs_of_each: int = 1) -> Measurement:
    """Its campaign with one process; the time is that of the whole script, less that of one with a single seed."""
    if checkout is None:
        return Measurement.not_available("name a checkout of its repository: --simloop DIR")
    script = checkout / "benchmarks" / "campaign.py"
    try:
        made = environment(python)
        if not script.is_file():
            raise Unavailable(f"{checkout} has no benchmarks/campaign.py")
        (wall, cpu), (start, start_cpu) = _timed(made, script, seeds), _timed(made, script, 1)
    except Unavailable as why:
        return Measurement.not_available(str(why))
    return Measurement((seeds - 1) * jobs_of_each, wall - start, cpu - start_cpu)


def _timed(python: Path, script: Path, seeds: int) -> tuple[float, float]:
    """Seconds on the clock, and of processor time."""
    began, used = time.perf_counter(), _used_by_children()
    done = subprocess.run(
        [str(python), str(script), "green", "--seeds", str(seeds), "--jobs", "1"], capture_output=True, text=True, check=False, cwd=BUILD
    )
    if done.returncode:
        raise Unavailable(f"its campaign ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return time.perf_counter() - began, _used_by_children() - used


def _used_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def jobs_per_second(checkout: Path | None, seeds: int, python: str | None = None) -> Measurement:
    """The same, counted in jobs."""
    return seeds_per_second(checkout, seeds, python, JOBS)
