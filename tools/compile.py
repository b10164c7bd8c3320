"""Build the hot modules with mypyc: an optional, faster package with the same digests (``python -m tools.compile``).

It copies the package to `build/compiled/sim`, changes in the copy what mypyc cannot take, and compiles the modules below
in place. Use it with `PYTHONPATH=build/compiled`. The sources stay as they are; nothing else depends on this. It is for runs
and campaigns: `check`, which takes nodes apart and makes them anew without their `__init__`, needs the sources. A build that is
of the present sources is not made again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from tools import draws64, native

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "compiled"
STAMP = "sources.sha256"
"""The file of a finished build that says what it was made of."""

MODULES = {
    "model": ["node", "draws", "inputs", "spans", "samples", "laws", "fixed_point"],
    "simulator": ["agenda", "places", "seats", "simulation", "step", "digest", "choices"],
    "history": ["commands", "failures", "visible"],
    "protocol": [
        "messages", "observations", "names", "pace", "resource",
        "queue", "shard", "run", "journal", "activity_record", "workflow_task", "task_requests", "activity_requests", "workflow_requests",
    ],
    "protocol/worker": [
        "node", "options", "work", "covering", "pollers", "calls", "creation", "completion", "attempts", "user_activity", "executor",
        "stop", "bucket", "variants", "host_node", "host_creation", "host_activity", "resources", "typed_creation", "typed_node",
    ],
    "workflow": [
        "environment", "context", "seen", "futures", "sessions", "activities", "framework", "script", "api", "definition",
        "coroutines",
    ],
    "properties": [
        "base", "judge", "scene", "things",
        "activity_failure_keeps_session", "activity_needs_slot", "closed_is_final", "complete_is_safe", "completion_frees_slot",
        "creation_bounded", "creation_queue", "creation_returns", "creation_uses_free_slots", "exclusive_work",
        "execution_timeout_is_total", "failure_is_failure", "failure_is_seen", "failure_propagation", "graceful_stop_waits",
        "no_false_alarm", "no_orphan_activity", "no_two_incarnations", "one_binding", "open_session_refused", "recreate_same_worker",
        "same_worker", "session_activities_start", "slot_limit", "token_conservation", "workflows_finish",
    ],
    "faults": ["moments", "fault", "plan", "nemesis"],
    "scenario": ["ending", "metrics", "moments", "cluster", "arrivals", "operations", "behaviours"],
    "fuzz": ["coverage", "subject"],
}  # fmt: skip
"""What is worth compiling: what runs spend their time in. Structs (messages, inputs, spans) become native classes (`native.py`)."""

IMPORTS = "from __future__ import annotations\nfrom typing import TYPE_CHECKING, Any, ClassVar, Final\n"
LIVE = "if TYPE_CHECKING:\n    from sim.simulator.step import LiveStep as Step"
RECORD = Path("sim", "model", "record.py")
"""What structs are in the copy: a module that the sources do not have."""
OPEN = (
    "Agenda", "Choices", "Clock", "Delays", "Digest", "Entry", "Judge", "LaneEntry", "LiveStep", "Node", "Observer", "Simulation", "Timer",
)  # fmt: skip
"""Classes with subclasses that stay interpreted. Without being told, mypyc lets nobody make one of such a subclass."""
READERS = tuple(
    Path("sim", *path.split("/")) for path in ("model/canon.py", "model/graphs.py", "model/renaming.py", "scenario/projected.py")
)
"""Modules that stay interpreted and ask whether something is a struct, or change copies of one."""

CHANGES = [
    # Native classes have no __dict__ anyway, and mypyc refuses to be told so.
    (r"@dataclass\(slots=True\)", "@dataclass"),
    (r"@dataclass\(frozen=True, slots=True\)", "@dataclass(frozen=True)"),
    (r"(?m)^    __slots__ = \(\)\n", ""),
    (r"class Node\(ABC\):", "class Node:"),
    (r"(?m)^    @abstractmethod\n", ""),
    (r"(?m)^@runtime_checkable\n", ""),
    (r"(?m)^from abc import .*\n", ""),
    (r"(?m)^from msgspec import (?:Struct, )?structs$", "from sim.model import record as structs"),
    # The annotations of dataclass fields are evaluated in the module's globals, which have no builtins.
    (rf"(?m)^((?:@dataclass.*\n)?class (?:{'|'.join(OPEN)})\b)", r"@mypyc_attr(allow_interpreted_subclasses=True)\n\1"),
    # Runs and campaigns have one class of `Step`. Named, it is called without a look-up by name, and without arguments in tuples.
    (r"(?m)^from sim\.model\.node import Node, Step$", f"from sim.model.node import Node\n{LIVE}"),
    (r"(?m)^from sim\.model\.node import Step$", LIVE),
    (r"(?m)^(from sim\.model\.spans import Span, TimeTest)$", rf"\1\n{LIVE.removesuffix(' as Step')}"),
    (r"event: Input, step: Step\) -> None:\n(?=        \"\"\"Take one)", "event: Input, step: LiveStep) -> None:\n"),
    (r": object\b", ": Any"),
    (r"-> object\b", "-> Any"),
]


def prepared(text: str, parents: frozenset[str] = frozenset()) -> str:
    """A module's source as mypyc takes it. `parents`: names of classes that have subclasses."""
    text = native.with_native_classes(text, parents)
    for pattern, replacement in CHANGES:
        text = re.sub(pattern, replacement, text)
    return text.replace("from __future__ import annotations\n", IMPORTS, 1)


def sources() -> list[Path]:
    """The modules to compile besides `RECORD`, relative to the folder that holds the package."""
    return [Path("sim", package, f"{name}.py") for package, names in MODULES.items() for name in names]


def prepare(out: Path) -> None:
    """Change the copy under `out` into what is compiled."""
    (out / RECORD).write_text(native.RECORD, "utf-8")
    parents = native.parents_in([path.read_text("utf-8") for path in sorted(out.glob("sim/**/*.py"))])
    for source in sources():
        path = out / source
        text = path.read_text("utf-8")
        if source == draws64.MODULE:
            text = draws64.with_machine_numbers(text)
        path.write_text(prepared(text, parents), "utf-8")
    for name in READERS:
        path = out / name
        text = path.read_text("utf-8")
        for old, new in (
            ("msgspec.Struct", "STRUCTS"),
            ("import msgspec\n", "from sim.model.record import STRUCTS\n"),
            ("from msgspec import structs\n", "from sim.model import record as structs\n"),
        ):
            text = text.replace(old, new)
        path.write_text(text, "utf-8")


def made_of(root: Path = ROOT) -> str:
    """A digest of what a build depends on: the package's modules, what changes them, this Python and its mypyc."""
    try:
        mypyc = metadata.version("mypy")
    except metadata.PackageNotFoundError:
        mypyc = "not installed"
    digest = hashlib.sha256(f"{sys.version}\n{mypyc}\n".encode())
    changing = [root / "tools" / name for name in ("compile.py", "native.py", "draws64.py")]
    for path in [*sorted(root.glob("sim/**/*.py")), *changing]:
        code = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(code)}\n".encode() + code)
    return digest.hexdigest()


def lacking(out: Path = OUT) -> str | None:
    """Why there is no build of the present sources in `out`, and what to do about it; None when there is one."""
    stamp = out / STAMP
    if not stamp.is_file():
        return "there is no compiled build: make fast"
    return None if stamp.read_text("utf-8").strip() == made_of() else "the compiled build is one of other sources: make fast"


def build(out: Path) -> None:
    """Copy, change and compile. Raises SystemExit with one sentence when that is not possible."""
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        raise SystemExit("no C compiler (cc or gcc) was found; session-sim works without this build, only slower")
    if out.exists():
        shutil.rmtree(out)
    made = made_of()  # before the minutes in which sources may change
    shutil.copytree(ROOT / "sim", out / "sim", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    prepare(out)
    # Without the project's own settings of mypy: they judge the sources, not this copy of them.
    settings = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
    command = [sys.executable, "-m", "mypyc", *settings, *map(str, [RECORD, *sources()])]
    # Most of the C code is calls of Python's library, which more than -O2 makes no faster; numbers of 64 bits wrap around (`draws64.py`).
    environment = {"MYPYC_OPT_LEVEL": "2", "MYPYC_DEBUG_LEVEL": "0", "CFLAGS": "-w -fwrapv", **os.environ}
    done = subprocess.run(command, cwd=out, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mypyc failed:\n{(done.stdout + done.stderr)[-4000:]}")
    (out / STAMP).write_text(f"{made}\n", "utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.compile", description="Build the hot modules with mypyc (some minutes).")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the compiled package (default: build/compiled)")
    parser.add_argument("--again", action="store_true", help="build even if the build there is one of the present sources")
    options = parser.parse_args(argv)
    if not options.again and lacking(options.out) is None:
        print(f"{options.out} is of the present sources already; --again builds it once more")
        return 0
    build(options.out.resolve())
    print(f"compiled {len(sources())} modules; use them with PYTHONPATH={options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
