"""Build the hot modules with mypyc: an optional, faster package with the same digests (``python -m tools.compile``).

It copies the package to `build/compiled/sim`, changes in the copy what mypyc cannot take, and compiles the modules below
in place. Use it with `PYTHONPATH=build/compiled`. The sources stay as they are; nothing else depends on this.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "compiled"

MODULES = {
    "model": ["node", "draws"],
    "simulator": ["agenda", "seats", "simulation", "step", "digest", "choices"],
    "protocol": [
        "queue", "shard", "run", "journal", "activity_record", "workflow_task", "task_requests", "activity_requests", "workflow_requests",
    ],
    "protocol/worker": [
        "node", "pollers", "calls", "creation", "completion", "attempts", "user_activity", "executor", "stop", "bucket",
        "host_node", "host_creation", "host_activity",
    ],
    "workflow": ["environment", "context"],
}  # fmt: skip
"""What is worth compiling. Structs (messages, inputs, spans) have a metaclass of their own and stay interpreted."""

OPEN = ("Agenda", "Choices", "Digest", "Entry", "LaneEntry", "LiveStep", "Node", "Simulation", "Timer")
"""Classes with subclasses that stay interpreted. Without being told, mypyc lets nobody make one of such a subclass."""

CHANGES = [
    # Native classes have no __dict__ anyway, and mypyc refuses to be told so.
    (r"@dataclass\(slots=True\)", "@dataclass"),
    (r"@dataclass\(frozen=True, slots=True\)", "@dataclass(frozen=True)"),
    (r"(?m)^    __slots__ = \(\)\n", ""),
    (r"class Node\(ABC\):", "class Node:"),
    (r"(?m)^    @abstractmethod\n", ""),
    (r"(?m)^from abc import .*\n", ""),
    # The annotations of dataclass fields are evaluated in the module's globals, which have no builtins.
    (rf"(?m)^(class (?:{'|'.join(OPEN)})\b)", r"@mypyc_attr(allow_interpreted_subclasses=True)\n\1"),
    (r": object\b", ": Any"),
    (r"-> object\b", "-> Any"),
]
FUTURE = "from __future__ import annotations\n"


def prepared(text: str) -> str:
    """A module's source as mypyc takes it."""
    for pattern, replacement in CHANGES:
        text = re.sub(pattern, replacement, text)
    imports = "" if re.search(r"(?m)^from typing import .*\bAny\b", text) else "from typing import Any\n"
    if "@mypyc_attr" in text:
        imports += "from mypy_extensions import mypyc_attr\n"
    return text.replace(FUTURE, FUTURE + imports, 1)


def sources() -> list[Path]:
    """The modules to compile, relative to the folder that holds the package."""
    return [Path("sim", package, f"{name}.py") for package, names in MODULES.items() for name in names]


def build(out: Path) -> None:
    """Copy, change and compile. Raises SystemExit with one sentence when that is not possible."""
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        raise SystemExit("no C compiler (cc or gcc) was found; session-sim works without this build, only slower")
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(ROOT / "sim", out / "sim", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for source in sources():
        path = out / source
        path.write_text(prepared(path.read_text("utf-8")), "utf-8")
    # Without the project's own settings of mypy: they judge the sources, not this copy of them.
    command = [sys.executable, "-m", "mypyc", "--config-file=", "--ignore-missing-imports", *map(str, sources())]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mypyc failed:\n{(done.stdout + done.stderr)[-4000:]}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.compile", description="Build the hot modules with mypyc (about a minute).")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the compiled package (default: build/compiled)")
    options = parser.parse_args(argv)
    build(options.out.resolve())
    print(f"compiled {len(sources())} modules; use them with PYTHONPATH={options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
