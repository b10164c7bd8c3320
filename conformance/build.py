"""Builds the Go programs, for any version of SDK and server.

The committed modules name the default versions and are built where they are. For another version the sources are copied
to a folder of their own under `build/`, where `go get` writes the module file anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
OUT: Final = HERE / "build"

SDK_MODULE: Final = "go.temporal.io/sdk"
SERVER_MODULE: Final = "go.temporal.io/server"

_SHARED: Final = ("script", "samples")
"""Go packages that the programs of the main module use."""

_TAGS: Final = (((1, 13), "always_workflows"), ((1, 15), "old_client"), ((1, 16), "no_eager"), ((1, 21), "session_state_hidden"))
"""SDKs before this version need this build tag."""

_USUAL_PLACE: Final = Path("/usr/local/go/bin/go")


class BuildError(Exception):
    """A program could not be built; the message says why and what to do."""


class GoMissing(BuildError):
    """There is no Go on this machine."""

    def __init__(self) -> None:
        super().__init__("Go is missing: expected the command `go` (1.26 or later) on PATH or named by GO; see https://go.dev/doc/install")


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the folder's Go modules."""

    name: str
    module: str
    """The module whose version may be chosen."""
    at: Path
    """The folder of its go.mod."""


WORKER: Final = Program("worker", SDK_MODULE, HERE)
REPLAYER: Final = Program("replayer", SDK_MODULE, HERE)
SERVER: Final = Program("server", SERVER_MODULE, HERE / "server")


def find_go(environment: Mapping[str, str] = os.environ) -> str:
    """The go command: `$GO`, the one on PATH, or the one in its usual place. Raises GoMissing."""
    named = environment.get("GO", "go")
    found = shutil.which(named, path=environment.get("PATH"))
    if found:
        return found
    if "GO" not in environment and _USUAL_PLACE.is_file():
        return str(_USUAL_PLACE)
    raise GoMissing


def default_version(program: Program) -> str:
    """The version of SDK or server that the committed module names."""
    found = re.search(rf"{re.escape(program.module)} v(\S+)", (program.at / "go.mod").read_text())
    if found is None:
        raise BuildError(f"{program.at / 'go.mod'} does not require {program.module}")
    return found[1]


def tags(sdk_version: str) -> list[str]:
    """Build tags that an SDK of this version needs. Raises BuildError when it is no version."""
    found = re.fullmatch(r"(\d+)\.(\d+)\.\d+\S*", sdk_version)
    if found is None:
        raise BuildError(f"the version is {sdk_version!r}; expected one such as 1.48.0")
    version = int(found[1]), int(found[2])
    return [tag for before, tag in _TAGS if version < before]


def build(program: Program, version: str = "", out: Path = OUT) -> Path:
    """Build a program with this version of SDK or server (default: the module's); returns the executable.

    Go keeps what it has compiled: a second build takes seconds. The first of the server takes minutes.

    Raises:
        GoMissing: there is no Go.
        BuildError: the version does not exist, modules cannot be fetched, or the code does not compile.
    """
    go = find_go()
    default = default_version(program)
    version = version or default
    wanted = tags(version) if program.module == SDK_MODULE else []
    folder = program.at if version == default else _copied(go, program, version, out)
    executable = out / f"{program.module.rpartition('/')[2]}-{version}" / program.name
    executable.parent.mkdir(parents=True, exist_ok=True)
    package = "." if program is SERVER else f"./{program.name}"
    command = [go, "build", *(["-tags", ",".join(wanted)] if wanted else []), "-o", str(executable), package]
    _run(command, folder, f"{program.name} with {program.module} {version}")
    return executable


def _copied(go: str, program: Program, version: str, out: Path) -> Path:
    """The program's sources in a folder of their own, whose module requires the version."""
    folder = out / f"src-{program.name}-{version}"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    if program is SERVER:
        for file in program.at.glob("*.go"):
            shutil.copy(file, folder)
    else:
        for package in (*_SHARED, program.name):
            shutil.copytree(program.at / package, folder / package)
    name, language = re.findall(r"^(?:module|go) (\S+)$", (program.at / "go.mod").read_text(), re.MULTILINE)[:2]
    (folder / "go.mod").write_text(f"module {name}\n\ngo {language}\n")
    what = f"{program.module} {version}"
    _run([go, "get", f"{program.module}@v{version}"], folder, what)
    _run([go, "mod", "tidy"], folder, what)
    return folder


def _run(command: Sequence[str], folder: Path, what: str) -> None:
    """Run go as a good neighbour: a first build of the server keeps all cores busy for minutes."""
    nice = ["nice"] if shutil.which("nice") else []
    done = subprocess.run([*nice, *command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        raise BuildError(f"cannot build {what}: {' '.join(command[1:3])} says\n" + "\n".join(lines[:20]))


__all__ = ["REPLAYER", "SERVER", "WORKER", "BuildError", "GoMissing", "Program", "build", "default_version", "find_go", "tags"]
